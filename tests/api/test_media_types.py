"""Accept and Content-Type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.media_types import ANSWERS, MediaType, is_json, negotiate

URQL_QUERY = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        (None, MediaType.JSON),
        ("", MediaType.JSON),
        ("*/*", MediaType.JSON),
        ("application/*", MediaType.JSON),
        ("application/json", MediaType.JSON),
        ("application/json; charset=utf-8", MediaType.JSON),
        ("APPLICATION/JSON", MediaType.JSON),
        ("application/graphql-response+json", MediaType.GRAPHQL),
        ("application/graphql-response+json, application/json;q=0.9", MediaType.GRAPHQL),
        ("application/json, application/graphql-response+json", MediaType.JSON),
        ("application/json;q=0.5, application/graphql-response+json", MediaType.GRAPHQL),
        ("application/json;q=0, */*", MediaType.GRAPHQL),
        ("application/json;q=0.1, */*;q=0.5", MediaType.GRAPHQL),
        ("text/event-stream", MediaType.EVENT_STREAM),
        ("text/event-stream, multipart/mixed", MediaType.EVENT_STREAM),
        ("application/json;q=0.8, text/event-stream", MediaType.EVENT_STREAM),
        (URQL_QUERY, MediaType.GRAPHQL),
        (BROWSER, MediaType.JSON),
        ("application/json;q=nonsense", MediaType.JSON),
        ("application/json;q=7, application/graphql-response+json", MediaType.JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        (",;,", None),
    ],
)
def test_the_best_liked_answer_is_chosen(accept: str | None, answer: MediaType | None) -> None:
    assert negotiate(accept) is answer


def test_a_browser_that_may_have_a_page_gets_a_page() -> None:
    assert negotiate(BROWSER, (*ANSWERS, MediaType.HTML)) is MediaType.HTML


@given(st.text(alphabet=st.sampled_from('aj*/;=q,. 01"+-\x00é'), max_size=60))
def test_no_accept_header_breaks_it(accept: str) -> None:
    assert negotiate(accept) in {*ANSWERS, None}


@pytest.mark.parametrize(
    ("content_type", "json"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ('application/json;charset="UTF-8"', True),
        ("application/json; charset=utf-16", False),
        ("application/graphql", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("text/plain; application/json", False),
        ("", False),
        (None, False),
    ],
)
def test_only_utf8_json_is_json(content_type: str | None, json: bool) -> None:
    assert is_json(content_type) is json
