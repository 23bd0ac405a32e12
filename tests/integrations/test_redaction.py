"""No form of a known secret survives redaction, and nothing else is touched."""

import base64
import json
import logging
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.redaction import PASSING_SECRETS, REDACTED, Redactor, silence

SECRET = 'pä ss/w+rd="x"\\&\n🔑Z'
FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "quoted": quote,
    "quoted whole": lambda text: quote(text, safe=""),
    "quoted in lower case": lambda text: re.sub("%..", lambda hexed: hexed[0].lower(), quote(text, safe="")),
    "quoted as a form": quote_plus,
    "a URL within a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON without escapes of letters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON within JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found_in_every_form(form: str) -> None:
    assert Redactor([SECRET]).redact(f"before {FORMS[form](SECRET)} after") == f"before {REDACTED} after"


@pytest.mark.parametrize("user", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_found_wherever_it_lies_in_base64(user: str, encode: Callable[[bytes], bytes]) -> None:
    """As in an Authorization header, which encodes user and password together."""
    secret = "correct-horse?>~battery"
    encoded = encode(f"{user}:{secret}:tail".encode()).decode()

    redacted = Redactor([secret]).redact(f"Basic {encoded}")

    assert REDACTED in redacted
    # What is left of the secret's own characters is at most the two that share bits with its neighbours.
    assert len(redacted) <= len(f"Basic {REDACTED}") + len(encoded) - len(secret) * 8 // 6 + 2


@given(st.text(min_size=4, max_size=30), st.text(max_size=20), st.text(max_size=20), st.sampled_from(sorted(FORMS)))
def test_no_secret_survives_in_any_form(secret: str, before: str, after: str, form: str) -> None:
    whole = FORMS[form](secret)

    assert whole not in Redactor([secret]).redact(f"{before}{whole}{after}").replace(REDACTED, "\x00")


@given(st.binary(max_size=8), st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=12))
def test_no_secret_survives_base64(before: bytes, secret: str) -> None:
    encoded = base64.b64encode(before + secret.encode()).decode()

    assert REDACTED in Redactor([secret]).redact(encoded)


def test_the_longer_of_two_secrets_that_begin_alike_goes_whole() -> None:
    assert Redactor(["abcd", "abcdefgh"]).redact("abcdefgh abcd") == f"{REDACTED} {REDACTED}"


def test_a_secret_learnt_later_is_removed_from_then_on() -> None:
    redactor = Redactor(["first-one"])
    redactor.learn(["second-one"])

    assert redactor.redact("first-one second-one") == f"{REDACTED} {REDACTED}"


def test_of_passing_secrets_the_newest_are_remembered_and_lasting_ones_for_ever() -> None:
    redactor = Redactor(["lasting"])
    for number in range(PASSING_SECRETS + 1):
        redactor.learn_passing(f"cookie<{number}>")

    assert redactor.redact(f"lasting cookie<0> cookie<1> cookie<{PASSING_SECRETS}>") == (
        f"{REDACTED} cookie<0> {REDACTED} {REDACTED}"
    )


def test_texts_without_a_secret_stay_as_they_are() -> None:
    text = "GET https://indexer.test/search?" + urlencode({"q": "Emma – Jane Austen"})

    assert Redactor([SECRET, "", "abc"]).redact(text) == text
    assert Redactor().redact(text) == text


@pytest.fixture
def chatty() -> Iterator[logging.Logger]:
    logger = logging.getLogger("chatty.child")
    logger.setLevel(logging.DEBUG)
    yield logger
    for each in (logger, logging.getLogger("chatty")):
        each.filters.clear()


def test_a_silenced_library_speaks_up_for_warnings_only(
    chatty: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    silence("chatty")
    caplog.set_level(logging.DEBUG)
    chatty.debug("GET https://x.test/?apikey=1")
    chatty.info("GET https://x.test/?apikey=1")
    chatty.warning("odd")

    assert caplog.messages == ["odd"]
