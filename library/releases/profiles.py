"""What somebody wants of a recording: the rules that reject a release, and the points that rank it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from library.errors import BadInput
from library.releases.decisions import Rule
from library.releases.facts import AUDIO_FORMATS
from library.scanning.languages import normal_language

MOST_POINTS = 1_000.0
MOST_NAMES = 50


class Policy(StrEnum):
    """Whether a kind of recording may be taken."""

    NEVER = "NEVER"  # a release that says to be one is rejected
    ALLOWED = "ALLOWED"  # taken, with fewer points than another
    WANTED = "WANTED"  # a release that says not to be one is rejected


class ProfileInvalid(BadInput):
    """A quality profile that asks for something impossible."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"`{field}` {reason}.")
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The most points that each rule gives, 0 to 1,000; a rule of 0 points is switched off."""

    title: float = 25.0
    author: float = 20.0
    narrator: float = 10.0
    format: float = 15.0
    bit_rate: float = 10.0
    language: float = 5.0
    abridged: float = 5.0
    dramatized: float = 5.0
    duration: float = 5.0
    seeders: float = 5.0
    free: float = 5.0

    def of(self, rule: Rule) -> float:
        """The most points of a rule."""
        points: float = getattr(self, rule.lower())
        return points

    def __post_init__(self) -> None:
        for one in fields(self):
            _check_number(f"weights.{one.name}", getattr(self, one.name), 0, MOST_POINTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityProfile:
    """Rules for releases; a value that is None or empty asks for nothing.

    `formats` stand in order of preference; with `only_formats` no other is taken. Bit rates are kbps, `max_bytes`
    bytes, languages ISO 639-1. A release scores nothing for a bit rate above `preferred_bit_rate` that it would not
    score at it. `grab_threshold` is the score from which a release is taken unasked, if `grab_automatically`. With
    `upgrade`, a release that is better than what is owned by `upgrade_margin` points for quality is accepted, until
    what is owned has `upgrade_until` of them. Raises ProfileInvalid.
    """

    formats: tuple[str, ...] = ("m4b", "m4a", "mp3", "opus", "flac")
    only_formats: bool = False
    min_bit_rate: int | None = None
    preferred_bit_rate: int = 128
    max_bit_rate: int | None = None
    preferred_narrators: tuple[str, ...] = ()
    required_narrators: tuple[str, ...] = ()
    abridged: Policy = Policy.NEVER
    dramatized: Policy = Policy.NEVER
    languages: tuple[str, ...] = ()
    min_seeders: int = 1
    max_bytes: int | None = None
    prefer_free: bool = True
    grab_automatically: bool = False
    grab_threshold: float = 75.0
    upgrade: bool = False
    upgrade_margin: float = 5.0
    upgrade_until: float = 25.0
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        self._check_kinds()
        self._check_formats()
        self._check_bit_rates()
        _check_number("min_seeders", self.min_seeders, 0, None)
        if self.max_bytes is not None:
            _check_number("max_bytes", self.max_bytes, 1, None)
        for name in ("grab_threshold", "upgrade_margin", "upgrade_until"):
            _check_number(name, getattr(self, name), 0, None)
        for language in self.languages:
            if normal_language(language) != language:
                raise ProfileInvalid("languages", f"takes codes such as “en”, which {language[:20]!r} is not")

    def to_json(self) -> dict[str, Any]:
        """The profile as a row keeps it."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        weights = {one.name: getattr(self.weights, one.name) for one in fields(self.weights)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()} | {
            "weights": weights
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "QualityProfile":
        """Read a profile; what it does not say is as by default. Raises ProfileInvalid."""
        _check_names("profile", kept, {one.name for one in fields(cls)})
        told: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
        }
        for name in ("abridged", "dramatized"):
            if name in told:
                told[name] = _policy(name, told[name])
        if "weights" in told:
            told["weights"] = _weights(told["weights"])
        return cls(**told)

    def _check_kinds(self) -> None:
        for name in ("formats", "preferred_narrators", "required_narrators", "languages"):
            values = getattr(self, name)
            if not isinstance(values, tuple) or not all(isinstance(one, str) and one.strip() for one in values):
                raise ProfileInvalid(name, "takes a list of texts that are not empty")
            if len(values) > MOST_NAMES or len(set(values)) < len(values):
                raise ProfileInvalid(name, f"takes up to {MOST_NAMES} values, each once")
        for name in ("only_formats", "prefer_free", "grab_automatically", "upgrade"):
            if not isinstance(getattr(self, name), bool):
                raise ProfileInvalid(name, "must be true or false")

    def _check_formats(self) -> None:
        if unknown := [one for one in self.formats if one not in AUDIO_FORMATS]:
            raise ProfileInvalid("formats", f"takes {', '.join(AUDIO_FORMATS)}, not {unknown[0][:20]!r}")
        if self.only_formats and not self.formats:
            raise ProfileInvalid("only_formats", "needs at least one format in `formats`")

    def _check_bit_rates(self) -> None:
        _check_number("preferred_bit_rate", self.preferred_bit_rate, 1, 10_000)
        for name in ("min_bit_rate", "max_bit_rate"):
            if getattr(self, name) is not None:
                _check_number(name, getattr(self, name), 1, 10_000)
        if self.min_bit_rate is not None and self.max_bit_rate is not None and self.min_bit_rate > self.max_bit_rate:
            raise ProfileInvalid("min_bit_rate", "must not be above `max_bit_rate`")


def _policy(name: str, value: object) -> Policy:
    if value not in set(Policy):
        raise ProfileInvalid(name, f"must be one of {', '.join(Policy)}")
    return Policy(str(value))


def _weights(value: object) -> Weights:
    if isinstance(value, Weights):
        return value
    if not isinstance(value, Mapping):
        raise ProfileInvalid("weights", "takes points by the name of their rule")
    _check_names("weights", value, {one.name for one in fields(Weights)})
    return Weights(**value)


def _check_names(name: str, value: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(map(str, value.keys() - known)):
        raise ProfileInvalid(name, f"has no entry {unknown[0][:40]!r}; its entries are {', '.join(sorted(known))}")


def _check_number(name: str, value: object, least: float, most: float | None) -> None:
    # "not >=" rather than "<", so that NaN is refused too
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
        raise ProfileInvalid(name, f"must be a number of at least {least:g}")
    if value == float("inf") or (most is not None and value > most):
        raise ProfileInvalid(name, f"must be at most {most or 'some finite number'}")


DEFAULT_PROFILE = QualityProfile()
