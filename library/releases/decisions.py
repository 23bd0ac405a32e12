"""The words of a decision about a release: why not, what for, and at whose cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class RejectionCode(StrEnum):
    """Why a release is not taken."""

    WRONG_BOOK = "WRONG_BOOK"  # its title, author or volume is another
    SEVERAL_BOOKS = "SEVERAL_BOOKS"  # a box set or omnibus, where one book is wanted
    UNKNOWN_AUTHOR = "UNKNOWN_AUTHOR"  # it names no author, and its title alone does not tell which book it is
    NARRATOR = "NARRATOR"  # read by somebody else than is asked for
    ABRIDGED = "ABRIDGED"  # shortened, which nobody asked for
    NOT_ABRIDGED = "NOT_ABRIDGED"  # not shortened, although that is asked for
    DRAMATIZED = "DRAMATIZED"  # played by a cast, which nobody asked for
    NOT_DRAMATIZED = "NOT_DRAMATIZED"  # read, although a played one is asked for
    WRONG_LANGUAGE = "WRONG_LANGUAGE"  # in a language that is not among the wanted ones
    FORMAT = "FORMAT"  # no audio, or none of the only formats that are accepted
    BIT_RATE_TOO_LOW = "BIT_RATE_TOO_LOW"  # below the profile's least bit rate
    BIT_RATE_TOO_HIGH = "BIT_RATE_TOO_HIGH"  # above the profile's highest bit rate
    TOO_LARGE = "TOO_LARGE"  # more bytes than the profile accepts
    SIZE_IMPOSSIBLE = "SIZE_IMPOSSIBLE"  # no recording of the known length has so few or so many bytes
    TOO_SHORT = "TOO_SHORT"  # says to be so short that it must be a part or abridged
    TOO_FEW_SEEDERS = "TOO_FEW_SEEDERS"  # fewer people offer it than the profile asks for
    ALREADY_OWNED = "ALREADY_OWNED"  # what is owned is as good or better, or upgrades are off
    RATIO_TOO_LOW = "RATIO_TOO_LOW"  # it would take the account below its ratio floor
    NO_SLOTS = "NO_SLOTS"  # as many torrents as the tracker allows still have to be seeded


class Cost(StrEnum):
    """What taking a release costs its account."""

    FREE = "FREE"  # nothing: free for everybody, or for this user
    VIP = "VIP"  # nothing, because the account is a VIP
    WEDGE = "WEDGE"  # one freeleech wedge, because settings allow to spend one
    RATIO = "RATIO"  # its size counts against the ratio


class Rule(StrEnum):
    """What points are given for."""

    TITLE = "TITLE"  # how surely the title is the wanted one
    AUTHOR = "AUTHOR"  # how surely the author is
    NARRATOR = "NARRATOR"  # read by somebody preferred
    FORMAT = "FORMAT"  # how high its best format stands in the order of preference
    BIT_RATE = "BIT_RATE"  # up to the preferred bit rate
    LANGUAGE = "LANGUAGE"  # said to be in a wanted language
    ABRIDGED = "ABRIDGED"  # said to be as complete as is asked for
    DRAMATIZED = "DRAMATIZED"  # said to be read or played as is asked for
    DURATION = "DURATION"  # as long as a known edition
    SEEDERS = "SEEDERS"  # how many people offer it
    FREE = "FREE"  # costs no ratio, where the profile prefers that


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reason against a release, with a sentence."""

    code: RejectionCode
    message: str


@dataclass(frozen=True, slots=True)
class Component:
    """Points given by one rule, and what they were given for; 0 where nothing is known."""

    rule: Rule
    points: float
    evidence: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a release; `score` is the sum of the components whether it is accepted or not."""

    accepted: bool
    score: float
    components: tuple[Component, ...]
    rejections: tuple[Rejection, ...]
    cost: Cost

    def to_json(self) -> dict[str, Any]:
        """The decision as history keeps it."""
        return {
            "accepted": self.accepted,
            "score": self.score,
            "components": [
                {"rule": one.rule, "points": one.points, "evidence": one.evidence} for one in self.components
            ],
            "rejections": [{"code": one.code, "message": one.message} for one in self.rejections],
            "cost": self.cost,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Decision":
        """Read what `to_json` gave."""
        components = (Component(Rule(one["rule"]), one["points"], one["evidence"]) for one in kept["components"])
        rejections = (Rejection(RejectionCode(one["code"]), one["message"]) for one in kept["rejections"])
        return cls(kept["accepted"], kept["score"], tuple(components), tuple(rejections), Cost(kept["cost"]))
