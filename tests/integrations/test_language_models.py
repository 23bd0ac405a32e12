"""Text comes as it is written, through the one way out; all else that a server may do ends in an error of its kind."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import asdict
from typing import cast

import pytest

from integrations.errors import AuthError, BadPayload, IntegrationError, Missing, RateLimited, Unavailable
from integrations.http import Circuit, Outside, Service
from integrations.language_models import (
    Anthropic,
    Ended,
    LanguageModel,
    OpenAICompatible,
    Piece,
    Prompt,
    StopReason,
    Usage,
)
from tests.fakes.demo_shop import bound, serving
from tests.fakes.language_model import API_KEY, MODEL, FakeLanguageModel, ModelSwitches

KINDS = ("openai", "anthropic")
PROMPT = Prompt("Answer.", "<<m passage 1>>\nMap both folders. Then wait.\n<<m end of passage 1>>\n\nQuestion: how?")
ANSWER = "Map both folders [1]."


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FakeLanguageModel, str]]:
    """The fake, and where a real server serves it: a stream is not one when it is only given whole."""
    fake = FakeLanguageModel()
    with bound(0) as port, serving(fake, port):
        yield fake, f"http://127.0.0.1:{port.getsockname()[1]}"


@pytest.fixture
def fake(served: tuple[FakeLanguageModel, str]) -> Iterator[FakeLanguageModel]:
    """The fake, well again after the test."""
    fake, _ = served
    fake.asked.clear()
    yield fake
    fake.switches.set(**asdict(ModelSwitches()))


@pytest.fixture
def address(served: tuple[FakeLanguageModel, str]) -> str:
    return served[1]


@pytest.fixture
async def outside(redis_url: str) -> AsyncIterator[Outside]:
    outside = Outside(redis_url, user_agent="Shelfgraph/test")
    yield outside
    await outside.close()


def client(kind: str, outside: Outside, address: str, *, model: str = MODEL, key: str = API_KEY) -> LanguageModel:
    base = f"{address}/v1" if kind == "openai" else address
    opened = outside.client(Service("model", base, secrets=(key,), burst=50, most_bytes=20_000_000))
    speaks = OpenAICompatible if kind == "openai" else Anthropic
    return speaks(opened, "model", model=model, api_key=key)


async def written(model: LanguageModel, seconds: float = 5.0) -> list[Piece | Ended]:
    writing = model.write(PROMPT, maximum_tokens=100, seconds=seconds)
    async with aclosing(cast("AsyncGeneratorOfParts", writing)) as parts:
        return [part async for part in parts]


AsyncGeneratorOfParts = AsyncGenerator[Piece | Ended, None]


@pytest.mark.parametrize("kind", KINDS)
async def test_text_comes_in_pieces_and_ends_with_what_it_cost(
    fake: FakeLanguageModel, outside: Outside, address: str, kind: str
) -> None:
    *pieces, end = await written(client(kind, outside, address))
    assert "".join(piece.text for piece in pieces if isinstance(piece, Piece)) == ANSWER
    assert len(pieces) > 1
    assert end == Ended(StopReason.COMPLETE, Usage(321, 45))
    assert fake.asked[0]["max_tokens"] == 100
    assert await client(kind, outside, address).models() == [MODEL]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_first_words_are_there_before_the_last(
    fake: FakeLanguageModel, outside: Outside, address: str, kind: str
) -> None:
    fake.switches.hang_midway = True
    model = client(kind, outside, address)
    async with aclosing(cast("AsyncGeneratorOfParts", model.write(PROMPT, maximum_tokens=9, seconds=5))) as parts:
        assert await anext(parts) == Piece(ANSWER[:7])


TROUBLES: list[tuple[dict[str, object], type[IntegrationError]]] = [
    ({"refuse_key": True}, AuthError),
    ({"server_error": True}, Unavailable),
    ({"blocked_seconds": 90}, RateLimited),
    ({"page": True}, BadPayload),
    ({"redirect": True}, BadPayload),
    ({"malformed": True}, BadPayload),
    ({"huge_line": True}, BadPayload),
    ({"endless": True}, BadPayload),
    ({"error_midway": True}, Unavailable),
    ({"break_midway": True}, Unavailable),
    ({"hang": True}, Unavailable),
    ({"hang_midway": True}, Unavailable),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("trouble", "error"), TROUBLES)
async def test_every_trouble_has_its_error_and_none_shows_the_key(
    fake: FakeLanguageModel,
    outside: Outside,
    address: str,
    kind: str,
    trouble: dict[str, object],
    error: type[IntegrationError],
) -> None:
    fake.switches.set(**trouble)
    with pytest.raises(error) as raised:
        await written(client(kind, outside, address), seconds=0.5 if "hang" in str(trouble) else 10)
    assert API_KEY not in outside.redact(str(raised.value))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_model_that_is_not_there_is_named(outside: Outside, address: str, kind: str) -> None:
    with pytest.raises(Missing, match="nobody-1"):
        await written(client(kind, outside, address, model="nobody-1"))


async def test_an_answer_that_is_no_stream_is_not_taken(
    fake: FakeLanguageModel, outside: Outside, address: str
) -> None:
    fake.switches.no_stream = True
    with pytest.raises(BadPayload, match="no stream"):
        await written(client("openai", outside, address))


async def test_streams_that_break_off_again_and_again_open_the_circuit(
    fake: FakeLanguageModel, outside: Outside, address: str
) -> None:
    fake.switches.hang_midway = True
    for _ in range(10):
        with pytest.raises(Unavailable):
            await written(client("openai", outside, address), seconds=0.1)
    fake.switches.hang_midway = False
    assert await outside.circuit("model") is Circuit.OPEN
