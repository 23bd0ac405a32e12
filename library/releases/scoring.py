"""Judges a release: hard rejections first, all of them, then weighted points with what they were given for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from library.releases.decisions import Cost, Decision, Rejection, RejectionCode, Rule
from library.releases.facts import AUDIO_FORMATS, ReleaseFacts
from library.releases.gate import AccountState, ClientState, Grab, GrabRules, cost_of, ratio_refusal, slot_refusal
from library.releases.likeness import name_likeness
from library.releases.matching import FreeText, Match, Wanted, match
from library.releases.points import components_of, quality_of
from library.releases.profiles import DEFAULT_PROFILE, Policy, QualityProfile

# Below, speech cannot be understood; above, even 24-bit stereo without loss is smaller.
LEAST_KBPS, MOST_KBPS = 16, 2_400
SHORTEST_SHARE = 0.6  # abridged editions are seldom longer than this share of the whole book
NO_MATCH_NEEDED = Match(0.0, None, None, ("no book was asked for",))
NO_CLIENT, DEFAULT_RULES = ClientState(), GrabRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedBest:
    """The best owned edition of the wanted book; None is unknown."""

    format: str | None = None
    bit_rate_kbps: int | None = None
    narrators: tuple[str, ...] = ()
    language: str | None = None
    abridged: bool | None = None
    dramatized: bool | None = None
    duration_seconds: float | None = None

    def as_release(self) -> ReleaseFacts:
        """The edition as if it were offered, so that the same rules apply."""
        return ReleaseFacts(
            formats=(self.format,) if self.format else (),
            bit_rate_kbps=self.bit_rate_kbps,
            narrators=self.narrators,
            language=self.language,
            abridged=self.abridged,
            dramatized=self.dramatized,
            duration_seconds=self.duration_seconds,
        )


def judge(
    release: ReleaseFacts,
    wanted: Wanted | FreeText | None,
    profile: QualityProfile = DEFAULT_PROFILE,
    owned: OwnedBest | None = None,
    account: AccountState | None = None,
    *,
    client: ClientState = NO_CLIENT,
    rules: GrabRules = DEFAULT_RULES,
) -> Decision:
    """Decide about one release, from what is given alone.

    A fact that nobody says neither rejects nor gives points. Two exceptions are for safety: a release without an
    author passes only as `match` says, and one whose cost in ratio cannot be worked out is rejected.
    `wanted` None judges quality alone.
    """
    matched = NO_MATCH_NEEDED if wanted is None else match(release, wanted)
    durations = wanted.durations if isinstance(wanted, Wanted) else ()
    cost = cost_of(release, account)
    rejections = (
        *((matched.rejection,) if matched.rejection else ()),
        *_kind_rejections(release, profile),
        *_format_rejections(release, profile),
        *_size_rejections(release, profile, durations),
        *_owned_rejections(release, profile, owned),
        *_tracker_rejections(release, account, client, rules, cost),
    )
    components = components_of(release, wanted, matched, profile, cost)
    score = round(sum(one.points for one in components), 2)
    return Decision(not rejections, score, components, rejections, cost)


def grabs_itself(decision: Decision, profile: QualityProfile) -> bool:
    """Whether a release is taken without being asked for: where that is switched on, and from the threshold.

    Never one whose author was not compared, however many points it has for the rest.
    """
    by_its_author = any(one.rule is Rule.AUTHOR and one.points > 0 for one in decision.components)
    sure = by_its_author or profile.weights.author == 0
    return profile.grab_automatically and decision.accepted and sure and decision.score >= profile.grab_threshold


def ranked(judged: Iterable[tuple[str, Decision]]) -> list[tuple[str, Decision]]:
    """Releases by id, best first: accepted ones, then by score; the id decides between equals, not the order given."""
    return sorted(judged, key=lambda one: (not one[1].accepted, -one[1].score, one[0]))


def _kind_rejections(release: ReleaseFacts, profile: QualityProfile) -> Iterator[Rejection]:
    """Another recording of the book than is asked for."""
    if release.abridged and profile.abridged is Policy.NEVER:
        yield Rejection(RejectionCode.ABRIDGED, "It is abridged.")
    if release.abridged is False and profile.abridged is Policy.WANTED:
        yield Rejection(RejectionCode.NOT_ABRIDGED, "It is unabridged, and an abridged one is wanted.")
    if release.dramatized and profile.dramatized is Policy.NEVER:
        yield Rejection(RejectionCode.DRAMATIZED, "It is dramatized: played by a cast, not read.")
    if release.dramatized is False and profile.dramatized is Policy.WANTED:
        yield Rejection(RejectionCode.NOT_DRAMATIZED, "It is read, and a dramatized one is wanted.")
    if release.language and profile.languages and release.language not in profile.languages:
        message = f"Its language is {release.language}, not {' or '.join(profile.languages)}."
        yield Rejection(RejectionCode.WRONG_LANGUAGE, message)
    if release.narrators and profile.required_narrators and not _is_read_by(release, profile.required_narrators):
        read_by, asked = " & ".join(release.narrators), " or ".join(profile.required_narrators)
        yield Rejection(RejectionCode.NARRATOR, f"It is read by {read_by}, not by {asked}.")


def _is_read_by(release: ReleaseFacts, narrators: Iterable[str]) -> bool:
    return any(name_likeness(one, other) for one in release.narrators for other in narrators)


def _format_rejections(release: ReleaseFacts, profile: QualityProfile) -> Iterator[Rejection]:
    accepted = profile.formats if profile.only_formats else AUDIO_FORMATS
    if release.formats and not set(release.formats) & set(accepted):
        message = f"Its files are {' and '.join(release.formats)}; accepted are {', '.join(accepted)}."
        yield Rejection(RejectionCode.FORMAT, message)
    rate, least, most = release.bit_rate_kbps, profile.min_bit_rate, profile.max_bit_rate
    if rate is not None and least is not None and rate < least:
        yield Rejection(RejectionCode.BIT_RATE_TOO_LOW, f"Its bit rate is {rate} kbps, below {least}.")
    if rate is not None and most is not None and rate > most:
        yield Rejection(RejectionCode.BIT_RATE_TOO_HIGH, f"Its bit rate is {rate} kbps, above {most}.")


def _size_rejections(
    release: ReleaseFacts, profile: QualityProfile, durations: tuple[float, ...]
) -> Iterator[Rejection]:
    size, said = release.size_bytes, release.duration_seconds
    if size and profile.max_bytes is not None and size > profile.max_bytes:
        message = f"It has {size >> 20:,} MiB, more than the {profile.max_bytes >> 20:,} MiB that are accepted."
        yield Rejection(RejectionCode.TOO_LARGE, message)
    if size and (impossible := _impossible_kbps(size, durations or ((said,) if said else ()))):
        message = f"At its size and the book's length it would have {impossible:,.0f} kbps, which no recording has."
        yield Rejection(RejectionCode.SIZE_IMPOSSIBLE, message)
    is_whole = profile.abridged is Policy.NEVER and not release.dramatized  # a play of a novel is short too
    if said and durations and is_whole and said < SHORTEST_SHARE * min(durations):
        message = f"It is {_hours(said)} long, and the shortest known edition {_hours(min(durations))}."
        yield Rejection(RejectionCode.TOO_SHORT, message)
    if release.seeders is not None and release.seeders < profile.min_seeders:
        message = f"{release.seeders} people offer it; the profile asks for {profile.min_seeders}."
        yield Rejection(RejectionCode.TOO_FEW_SEEDERS, message)


def _impossible_kbps(size: int, durations: Iterable[float]) -> float | None:
    """The bit rate that the size means, if it is impossible for every length that the book may have."""
    rates = [size * 8 / 1000 / duration for duration in durations if duration > 0]
    return rates[0] if rates and all(not LEAST_KBPS <= rate <= MOST_KBPS for rate in rates) else None


def _owned_rejections(release: ReleaseFacts, profile: QualityProfile, owned: OwnedBest | None) -> Iterator[Rejection]:
    """An owned edition counts unless the profile would reject it: owning it abridged is not owning the book."""
    if owned is None:
        return
    edition = owned.as_release()
    if any(_kind_rejections(edition, profile)):
        return
    if not profile.upgrade:
        yield Rejection(RejectionCode.ALREADY_OWNED, "The book is owned, and the profile asks for no upgrades.")
        return
    have, offered = quality_of(edition, profile), quality_of(release, profile)
    if have >= profile.upgrade_until:
        message = f"What is owned has {have:g} points for quality; upgrades end at {profile.upgrade_until:g}."
        yield Rejection(RejectionCode.ALREADY_OWNED, message)
    elif offered < have + profile.upgrade_margin:
        message = (
            f"What is owned has {have:g} points for quality and this {offered:g}; "
            f"an upgrade needs {profile.upgrade_margin:g} more."
        )
        yield Rejection(RejectionCode.ALREADY_OWNED, message)


def _tracker_rejections(
    release: ReleaseFacts, account: AccountState | None, client: ClientState, rules: GrabRules, cost: Cost
) -> Iterator[Rejection]:
    if account is None:
        return
    grab = Grab(cost=cost, size_bytes=release.size_bytes)
    if refusal := ratio_refusal(grab, account, rules):
        yield Rejection(RejectionCode.RATIO_TOO_LOW, refusal.message)
    if refusal := slot_refusal(account, client, rules):
        yield Rejection(RejectionCode.NO_SLOTS, refusal.message)


def _hours(seconds: float) -> str:
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:02.0f} min"
