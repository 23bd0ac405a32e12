"""What a language model is asked and what it gives."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is told of its task, and what it is asked."""

    instructions: str
    question: str


class StopReason(StrEnum):
    """Why a model stopped."""

    COMPLETE = "COMPLETE"  # it had said everything
    LENGTH = "LENGTH"  # the limit of tokens cut it off
    FILTERED = "FILTERED"  # the server would not let it go on
    OTHER = "OTHER"  # something this program does not know


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the server counts them; None where it does not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Some more of the text."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of the text; comes once and last."""

    reason: StopReason
    usage: Usage


class LanguageModel(Protocol):
    """What both kinds of client do."""

    def write(self, prompt: Prompt, *, maximum_tokens: int, seconds: float) -> AsyncIterator[Piece | Ended]:
        """Text as it is written, then its end. Raises the errors of `integrations.errors`, also in the middle."""

    async def models(self) -> list[str]:
        """Names of the models that the server offers, at most a thousand. Raises the errors of `integrations`."""
