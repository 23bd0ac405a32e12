"""Points for a release: each rule gives up to its weight, with the evidence, and never fewer for a better fact."""

import math

from library.releases.decisions import Component, Cost, Rule
from library.releases.facts import ReleaseFacts
from library.releases.likeness import name_likeness
from library.releases.matching import FreeText, Match, Wanted
from library.releases.profiles import Policy, QualityProfile

ENOUGH_SEEDERS = 50  # more are no faster
KNOWN_LENGTH, NEAR_LENGTH = 0.03, 0.1  # shares by which lengths may differ, as when a download is verified
QUALITY = (Rule.FORMAT, Rule.BIT_RATE, Rule.NARRATOR, Rule.ABRIDGED, Rule.DRAMATIZED)

# Share of the rule's points, and the evidence.
Share = tuple[float, str]


def components_of(
    release: ReleaseFacts,
    wanted: Wanted | FreeText | None,
    matched: Match,
    profile: QualityProfile,
    cost: Cost,
) -> tuple[Component, ...]:
    """One component for each rule, in the order of the rules."""
    durations = wanted.durations if isinstance(wanted, Wanted) else ()
    narrators = (*_asked(profile), *(wanted.narrators if isinstance(wanted, Wanted) else ()))
    shares = {
        Rule.TITLE: (matched.title_score, matched.evidence[0]),
        Rule.AUTHOR: _author(release, matched),
        Rule.NARRATOR: _narrator(release, narrators),
        Rule.FORMAT: _format(release, profile),
        Rule.BIT_RATE: _bit_rate(release, durations, profile),
        Rule.LANGUAGE: _language(release, profile),
        Rule.ABRIDGED: _kind("abridged", profile.abridged, is_one=release.abridged),
        Rule.DRAMATIZED: _kind("dramatized", profile.dramatized, is_one=release.dramatized),
        Rule.DURATION: _duration(release, durations),
        Rule.SEEDERS: _seeders(release),
        Rule.FREE: _free(cost, profile),
    }
    return tuple(Component(rule, _points(rule, share, profile), said) for rule, (share, said) in shares.items())


def quality_of(release: ReleaseFacts, profile: QualityProfile) -> float:
    """Points for what stays when it is owned: format, bit rate, narrators, kind of recording."""
    shares = {
        Rule.FORMAT: _format(release, profile),
        Rule.BIT_RATE: _bit_rate(release, (), profile),
        Rule.NARRATOR: _narrator(release, _asked(profile)),
        Rule.ABRIDGED: _kind("abridged", profile.abridged, is_one=release.abridged),
        Rule.DRAMATIZED: _kind("dramatized", profile.dramatized, is_one=release.dramatized),
    }
    return round(sum(_points(rule, share, profile) for rule, (share, _) in shares.items()), 2)


def _asked(profile: QualityProfile) -> tuple[str, ...]:
    return (*profile.preferred_narrators, *profile.required_narrators)


def _points(rule: Rule, share: float, profile: QualityProfile) -> float:
    return round(profile.weights.of(rule) * share, 2)


def _author(release: ReleaseFacts, matched: Match) -> Share:
    if matched.author_score is None:
        return 0.0, "unknown"
    return matched.author_score, " & ".join(release.authors) or "named in the title"


def _narrator(release: ReleaseFacts, asked: tuple[str, ...]) -> Share:
    if not asked:
        return 0.0, "no narrator is asked for"
    if not release.narrators:
        return 0.0, "unknown"
    best = max(name_likeness(one, other) for one in release.narrators for other in asked)
    return best, f"read by {' & '.join(release.narrators)}"


def _format(release: ReleaseFacts, profile: QualityProfile) -> Share:
    """Its best format counts: the first in the order of preference gives all points, the last still some."""
    if not release.formats:
        return 0.0, "unknown"
    places = [profile.formats.index(one) for one in release.formats if one in profile.formats]
    if not places:
        return 0.0, f"{' and '.join(release.formats)}: not among those preferred"
    best = min(places)
    return 1 - best / len(profile.formats), f"{profile.formats[best]}: number {best + 1} of those preferred"


def _bit_rate(release: ReleaseFacts, durations: tuple[float, ...], profile: QualityProfile) -> Share:
    rate, how = _kbps(release, durations)
    if rate is None:
        return 0.0, "unknown"
    enough = profile.preferred_bit_rate
    return min(1.0, rate / enough), f"{rate:.0f} kbps{how}, of {enough} preferred"


def _kbps(release: ReleaseFacts, durations: tuple[float, ...]) -> tuple[float | None, str]:
    if release.bit_rate_kbps is not None:
        return float(release.bit_rate_kbps), ""
    # Of several lengths the longest, which promises least.
    length = release.duration_seconds or max(durations, default=0.0)
    if not release.size_bytes or length <= 0 or len(release.formats) > 1:  # two formats share the size
        return None, ""
    return release.size_bytes * 8 / 1000 / length, " by its size and length"


def _language(release: ReleaseFacts, profile: QualityProfile) -> Share:
    if not release.language:
        return 0.0, "unknown"
    if not profile.languages:
        return 0.0, f"{release.language}; no language is asked for"
    return float(release.language in profile.languages), release.language


def _kind(name: str, policy: Policy, *, is_one: bool | None) -> Share:
    """All points for what is asked for; where both kinds are allowed, the plain one is preferred."""
    if is_one is None:
        return 0.0, "unknown"
    return float(is_one is (policy is Policy.WANTED)), name if is_one else f"not {name}"


def _duration(release: ReleaseFacts, durations: tuple[float, ...]) -> Share:
    said = release.duration_seconds
    if said is None or not durations:
        return 0.0, "unknown"
    off = min(abs(said - known) / known for known in durations if known > 0)
    share = 1.0 if off <= KNOWN_LENGTH else 0.5 if off <= NEAR_LENGTH else 0.0
    return share, f"{off:.0%} off the nearest known edition"


def _seeders(release: ReleaseFacts) -> Share:
    if release.seeders is None:
        return 0.0, "unknown"
    share = min(1.0, math.log1p(max(0, release.seeders)) / math.log1p(ENOUGH_SEEDERS))
    return share, f"{release.seeders} people offer it"


def _free(cost: Cost, profile: QualityProfile) -> Share:
    if not profile.prefer_free:
        return 0.0, "not preferred"
    return float(cost in {Cost.FREE, Cost.VIP}), f"costs {cost.lower()}"
