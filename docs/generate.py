"""Writing the pages that follow from the code: the settings, and the tables with their relations."""

import inspect
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import sqlalchemy as sa
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from library.models import Table
from settings import SECRETS, Settings

FOLDER = Path(__file__).parent
PAGES = ("settings.md", "data-model.md")


def main() -> None:
    """Write every generated page anew."""
    for page in PAGES:
        (FOLDER / page).write_text(text_of(page), "utf-8")


def text_of(page: str) -> str:
    """What a generated page has to say."""
    return {"settings.md": settings_page, "data-model.md": data_model_page}[page]()


def settings_page() -> str:
    """One row for each field of Settings."""
    head = (
        "# Settings",
        "",
        "Environment variables, read once when a process starts. `make docs` writes this page from `settings.py`.",
        "A value that cannot be is refused at the start, by the variable's name and without showing what was given.",
        "",
        f"{_listed(map(_variable, sorted(SECRETS)))} may be kept in a file:",
        "name that file in a variable of the same name with `_FILE` behind it.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    )
    return _page([*head, *(_setting(name, field) for name, field in Settings.model_fields.items())])


def data_model_page() -> str:
    """Relations of all tables, then the columns of each, by the module that defines them."""
    head = (
        "# Tables",
        "",
        "`make docs` writes this page from `library/models/`. SQLite and Postgres have the same tables; `migrations/`",
        "makes them.",
        "",
        "## Relations",
        "",
        "```mermaid",
        "erDiagram",
        *(relation for table in _tables() for relation in _relations(table)),
        "```",
    )
    return _page([*head, *_columns_by_module()])


def _setting(name: str, field: FieldInfo) -> str:
    return f"| {_variable(name)} | {_default(field)} | {field.description} |"


def _variable(name: str) -> str:
    return f"`{Settings.model_config['env_prefix']}{name.upper()}`"


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}"


def _default(field: FieldInfo) -> str:
    if field.annotation == SecretStr | None:
        return "none"
    shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
    return f"`{shown}`" if shown not in ("", ()) else "empty"


def _columns_by_module() -> Iterator[str]:
    for module, mapped in groupby(_mapped_classes(), key=lambda kind: kind.__module__):
        classes = list(mapped)
        yield f"\n## `{module.replace('.', '/')}.py`\n"
        yield from (f"* **{_table_of(kind).name}**: {inspect.getdoc(kind)}" for kind in classes)
        yield "\n```mermaid\nerDiagram"
        for kind in classes:
            yield from _entity(_table_of(kind))
        yield "```"


def _mapped_classes() -> Iterable[type[Table]]:
    """Mapped classes, module by module, each in the order of its file."""
    return sorted((mapper.class_ for mapper in Table.registry.mappers), key=_place)


def _place(kind: type[Table]) -> tuple[str, int]:
    return kind.__module__, inspect.getsourcelines(kind)[1]


def _table_of(kind: type[Table]) -> sa.Table:
    table = kind.__table__
    assert isinstance(table, sa.Table)  # noqa: S101 no class of ours is mapped to a join
    return table


def _tables() -> list[sa.Table]:
    return [_table_of(kind) for kind in _mapped_classes()]


def _relations(table: sa.Table) -> Iterator[str]:
    for column in table.columns:
        for key in column.foreign_keys:
            one = "|o" if column.nullable else "||"
            yield f'    {key.column.table.name} {one}--o{{ {table.name} : "{column.name}"'


def _entity(table: sa.Table) -> Iterator[str]:
    yield f"    {table.name} {{"
    for column in table.columns:
        keys = ", ".join(_keys(column))
        optional = '"or null"' if column.nullable else ""
        yield " ".join(filter(None, (f"        {_kind(column)} {column.name}", keys, optional)))
    yield "    }"


def _keys(column: "sa.Column[object]") -> Iterator[str]:
    if column.primary_key:
        yield "PK"
    if column.foreign_keys:
        yield "FK"
    if column.unique:
        yield "UK"


def _kind(column: "sa.Column[object]") -> str:
    """The column's type in one word that means the same on both databases."""
    name = column.type.python_type.__name__
    return "json" if name == "object" else name


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
