"""The rules of a quality profile, to read and to set."""

from dataclasses import fields
from typing import Any

import strawberry

from library.releases import Policy, QualityProfile
from resolvers.descriptions import describe_enum
from resolvers.scalars import BigInt

describe_enum(
    Policy,
    "Whether a kind of recording may be taken.",
    {
        Policy.NEVER: "A release that says to be one is rejected.",
        Policy.ALLOWED: "It may be taken, with fewer points than another.",
        Policy.WANTED: "A release that says not to be one is rejected.",
    },
    name="RecordingPolicy",
)


@strawberry.type(description="The most points that each rule gives a release, 0 to 1,000; 0 switches the rule off.")
class QualityWeights:
    """A field for each rule."""

    title: float = strawberry.field(description="How surely the title is the wanted one.")
    author: float = strawberry.field(description="How surely the author is.")
    narrator: float = strawberry.field(description="Read by somebody preferred.")
    format: float = strawberry.field(description="How high its best format stands in the order of preference.")
    bit_rate: float = strawberry.field(description="Up to the preferred bit rate.")
    language: float = strawberry.field(description="Said to be in a wanted language.")
    abridged: float = strawberry.field(description="Said to be as complete as is asked for.")
    dramatized: float = strawberry.field(description="Said to be read or played as is asked for.")
    duration: float = strawberry.field(description="As long as a known edition.")
    seeders: float = strawberry.field(description="How many people offer it.")
    free: float = strawberry.field(description="Costs no ratio.")


@strawberry.type(description="Which releases are accepted, and what they get points for.")
class QualityRules:
    """As library.releases.profiles has them."""

    formats: list[str] = strawberry.field(description="File endings in order of preference, such as `m4b`.")
    only_formats: bool = strawberry.field(description="Whether no other format is accepted.")
    min_bit_rate: int | None = strawberry.field(description="The least bit rate in kbps; null: any.")
    preferred_bit_rate: int = strawberry.field(description="The bit rate in kbps from which more is no better.")
    max_bit_rate: int | None = strawberry.field(description="The highest bit rate in kbps; null: any.")
    preferred_narrators: list[str] = strawberry.field(description="Narrators whose recordings get more points.")
    required_narrators: list[str] = strawberry.field(description="Narrators one of whom must read it; empty: anybody.")
    abridged: Policy = strawberry.field(description="Whether it may be shortened.")
    dramatized: Policy = strawberry.field(description="Whether it may be played by a cast.")
    languages: list[str] = strawberry.field(description="Accepted languages, such as `en`; empty: any.")
    min_seeders: int = strawberry.field(description="How many people must offer it at least.")
    max_bytes: BigInt | None = strawberry.field(description="The largest size in bytes; null: any.")
    prefer_free: bool = strawberry.field(description="Whether a release that costs no ratio gets more points.")
    grab_threshold: float = strawberry.field(description="The score from which a release is taken unasked, by a want.")
    upgrade: bool = strawberry.field(description="Whether something better than what is owned is still looked for.")
    upgrade_margin: float = strawberry.field(description="How many points for quality better it must be.")
    upgrade_until: float = strawberry.field(description="With how many points for quality what is owned is enough.")
    weights: QualityWeights = strawberry.field(description="The most points of each rule.")

    @classmethod
    def of(cls, rules: QualityProfile) -> "QualityRules":
        """View rules."""
        weights = QualityWeights(**{one.name: getattr(rules.weights, one.name) for one in fields(rules.weights)})
        return cls(
            formats=list(rules.formats),
            only_formats=rules.only_formats,
            min_bit_rate=rules.min_bit_rate,
            preferred_bit_rate=rules.preferred_bit_rate,
            max_bit_rate=rules.max_bit_rate,
            preferred_narrators=list(rules.preferred_narrators),
            required_narrators=list(rules.required_narrators),
            abridged=rules.abridged,
            dramatized=rules.dramatized,
            languages=list(rules.languages),
            min_seeders=rules.min_seeders,
            max_bytes=BigInt(rules.max_bytes) if rules.max_bytes is not None else None,
            prefer_free=rules.prefer_free,
            grab_threshold=rules.grab_threshold,
            upgrade=rules.upgrade,
            upgrade_margin=rules.upgrade_margin,
            upgrade_until=rules.upgrade_until,
            weights=weights,
        )


@strawberry.input(description="Points of single rules; what is left out stays as it is.")
class QualityWeightsInput:
    """A field for each rule."""

    title: strawberry.Maybe[float] = strawberry.field(description="How surely the title is the wanted one.")
    author: strawberry.Maybe[float] = strawberry.field(description="How surely the author is.")
    narrator: strawberry.Maybe[float] = strawberry.field(description="Read by somebody preferred.")
    format: strawberry.Maybe[float] = strawberry.field(description="How high its best format stands.")
    bit_rate: strawberry.Maybe[float] = strawberry.field(description="Up to the preferred bit rate.")
    language: strawberry.Maybe[float] = strawberry.field(description="Said to be in a wanted language.")
    abridged: strawberry.Maybe[float] = strawberry.field(description="As complete as is asked for.")
    dramatized: strawberry.Maybe[float] = strawberry.field(description="Read or played as is asked for.")
    duration: strawberry.Maybe[float] = strawberry.field(description="As long as a known edition.")
    seeders: strawberry.Maybe[float] = strawberry.field(description="How many people offer it.")
    free: strawberry.Maybe[float] = strawberry.field(description="Costs no ratio.")


@strawberry.input(description="Rules for releases; what is left out stays as it is, or as by default.")
class QualityRulesInput:
    """A patch: absent is not null."""

    formats: strawberry.Maybe[list[str]] = strawberry.field(description="File endings in order of preference.")
    only_formats: strawberry.Maybe[bool] = strawberry.field(description="Whether no other format is accepted.")
    min_bit_rate: strawberry.Maybe[int | None] = strawberry.field(description="The least bit rate in kbps; null: any.")
    preferred_bit_rate: strawberry.Maybe[int] = strawberry.field(description="In kbps; from there more is no better.")
    max_bit_rate: strawberry.Maybe[int | None] = strawberry.field(description="The highest in kbps; null: any.")
    preferred_narrators: strawberry.Maybe[list[str]] = strawberry.field(description="Whose recordings get more points.")
    required_narrators: strawberry.Maybe[list[str]] = strawberry.field(description="One of whom must read it.")
    abridged: strawberry.Maybe[Policy] = strawberry.field(description="Whether it may be shortened.")
    dramatized: strawberry.Maybe[Policy] = strawberry.field(description="Whether it may be played by a cast.")
    languages: strawberry.Maybe[list[str]] = strawberry.field(description="Accepted languages, such as `en`.")
    min_seeders: strawberry.Maybe[int] = strawberry.field(description="How many people must offer it at least.")
    max_bytes: strawberry.Maybe[BigInt | None] = strawberry.field(description="The largest size in bytes; null: any.")
    prefer_free: strawberry.Maybe[bool] = strawberry.field(description="Whether costing no ratio gets more points.")
    grab_threshold: strawberry.Maybe[float] = strawberry.field(description="The score from which a want takes unasked.")
    upgrade: strawberry.Maybe[bool] = strawberry.field(description="Whether something better is still looked for.")
    upgrade_margin: strawberry.Maybe[float] = strawberry.field(description="How many points better it must be.")
    upgrade_until: strawberry.Maybe[float] = strawberry.field(description="With how many points owned is enough.")
    weights: strawberry.Maybe[QualityWeightsInput] = strawberry.field(description="The most points of single rules.")


def given_rules(patch: QualityRulesInput | None) -> dict[str, Any]:
    """The rules that were sent, as library.releases.profiles reads them."""
    if patch is None:
        return {}
    rules = _sent(patch)
    if isinstance(weights := rules.get("weights"), QualityWeightsInput):
        rules["weights"] = _sent(weights)
    return rules


def _sent(patch: Any) -> dict[str, Any]:
    sent = {one.name: getattr(patch, one.name) for one in fields(patch)}
    return {name: maybe.value for name, maybe in sent.items() if maybe is not None}
