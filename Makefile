# The project's commands, the same here and in CI. They need Python 3.11 or newer with pip, and make; nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Empty files that say what is installed, so that a second run starts at once.
RUNTIME := $(VENV)/.installed-runtime
DEVELOPMENT := $(VENV)/.installed-development
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check
# The whole suite runs in two processes, each with a Postgres and a Valkey of its own; what PYTEST= names, in one.
PROCESSES ?= 2
PYTEST_RUN = $(BIN)/python -m pytest $(or $(PYTEST),--numprocesses=$(PROCESSES) --dist=loadfile --no-loadscope-reorder)
LOCK := $(VENV)/lock/bin/pip-compile --quiet --strip-extras --allow-unsafe --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.DEFAULT_GOAL := help
.PHONY: help run fakes test check format bench eval campaign schema docs playground lock clean

help: ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

run: $(RUNTIME) ## install what is missing and start the demo
	@$(BIN)/python -m api.playground_build --if-possible
	@exec $(BIN)/shelfgraph demo

fakes: $(DEVELOPMENT) ## start stand-ins for the outside services, to try downloads without accounts
	@exec $(BIN)/python -m tests.fakes --qbittorrent $(FAKES)

test: $(DEVELOPMENT) ## run every test, on SQLite and on Postgres
	$(PYTEST_RUN)

check: $(DEVELOPMENT) ## what CI runs: format, lint, types, imports, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(PYTEST_RUN)

format: $(DEVELOPMENT) ## format the code and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEVELOPMENT) ## measure, and print tables beside their baselines
	$(BIN)/python -m benchmarks

eval: $(DEVELOPMENT) ## measure what searches find, on public collections; EVAL="--only NAME --database postgres"
	$(BIN)/python -m benchmarks.eval $(EVAL)

campaign: $(DEVELOPMENT) ## kill processes at 200 points of a batch of downloads, and look what became of them
	$(BIN)/python -m tests.campaign $(CAMPAIGN)

schema: $(RUNTIME) ## export schema.graphql anew
	$(BIN)/shelfgraph export-schema schema.graphql

docs: $(RUNTIME) ## write the generated pages of docs/ anew
	$(BIN)/python -m docs.generate

playground: $(RUNTIME) ## build the playground
	$(BIN)/python -m api.playground_build

lock: | $(BIN)/pip ## pin the newest versions that pyproject.toml allows; LOCK_OPTIONS=--upgrade for all
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --disable-pip-version-check --quiet pip-tools
	$(LOCK) $(LOCK_OPTIONS) --output-file requirements.lock pyproject.toml
	sed -i -E -e 's/\+[a-z0-9.]+$$//' -e '/^(#|$$)/d' requirements.lock
	$(LOCK) $(LOCK_OPTIONS) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	sed -i -E -e 's/\+[a-z0-9.]+$$//' -e '/^(#|$$)/d' requirements-dev.lock

clean: ## remove what was installed and built; the demo's data stays
	rm -rf $(VENV) web/playground/node_modules web/playground/dist tests/clients/node_modules tests/clients/build
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Shelfgraph needs Python 3.11 or newer; name one: make run PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/pip
	@echo "Installing into $(VENV), once: about two gigabytes, some minutes."
# Older ones are silent while they unpack.
	@$(PIP_INSTALL) --quiet 'pip>=25.1'
	$(PIP_INSTALL) --requirement requirements.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEVELOPMENT): requirements-dev.lock $(RUNTIME)
	$(PIP_INSTALL) --requirement requirements-dev.lock
	@touch $@
