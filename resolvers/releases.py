"""Releases: what was offered, by whom, and why it was accepted or not; never the link it would be taken by."""

from datetime import datetime

import strawberry

from library import models, release_searches
from library.errors import NotFound
from library.models.accounts import Role
from library.releases import Cost, RejectionCode, ReleaseFacts, Rule
from resolvers.context import Context, Info, Viewer
from resolvers.descriptions import describe_enum
from resolvers.ids import encode_id
from resolvers.nodes import Node
from resolvers.permissions import has_role
from resolvers.scalars import URL, BigInt

describe_enum(
    RejectionCode,
    "Why a release is not accepted.",
    {
        RejectionCode.WRONG_BOOK: "Its title, author or volume is another.",
        RejectionCode.SEVERAL_BOOKS: "A box set or omnibus, where one book is wanted.",
        RejectionCode.UNKNOWN_AUTHOR: "It names no author, and its title alone does not tell which book it is.",
        RejectionCode.NARRATOR: "Read by somebody else than is asked for.",
        RejectionCode.ABRIDGED: "Shortened, which nobody asked for.",
        RejectionCode.NOT_ABRIDGED: "Not shortened, although that is asked for.",
        RejectionCode.DRAMATIZED: "Played by a cast, which nobody asked for.",
        RejectionCode.NOT_DRAMATIZED: "Read, although a played one is asked for.",
        RejectionCode.WRONG_LANGUAGE: "In a language that is not among the accepted ones.",
        RejectionCode.FORMAT: "No audio, or none of the only formats that are accepted.",
        RejectionCode.BIT_RATE_TOO_LOW: "Below the least bit rate.",
        RejectionCode.BIT_RATE_TOO_HIGH: "Above the highest bit rate.",
        RejectionCode.TOO_LARGE: "More bytes than are accepted.",
        RejectionCode.SIZE_IMPOSSIBLE: "No recording of the known length has so few or so many bytes.",
        RejectionCode.TOO_SHORT: "So short that it must be a part or abridged.",
        RejectionCode.TOO_FEW_SEEDERS: "Fewer people offer it than are asked for.",
        RejectionCode.ALREADY_OWNED: "What is owned is as good or better, or upgrades are off.",
        RejectionCode.RATIO_TOO_LOW: "It would take the account below its ratio floor.",
        RejectionCode.NO_SLOTS: "As many torrents as the tracker allows still have to be seeded.",
    },
    name="RejectionCode",
)
describe_enum(
    Cost,
    "What taking a release costs its account.",
    {
        Cost.FREE: "Nothing.",
        Cost.VIP: "Nothing, because the account is a VIP.",
        Cost.WEDGE: "One freeleech wedge, because settings allow to spend one.",
        Cost.RATIO: "Its size counts against the ratio.",
    },
    name="ReleaseCost",
)
describe_enum(
    Rule,
    "What points are given for.",
    {
        Rule.TITLE: "How surely the title is the wanted one.",
        Rule.AUTHOR: "How surely the author is.",
        Rule.NARRATOR: "Read by somebody preferred.",
        Rule.FORMAT: "How high its best format stands in the order of preference.",
        Rule.BIT_RATE: "Up to the preferred bit rate.",
        Rule.LANGUAGE: "Said to be in a wanted language.",
        Rule.ABRIDGED: "Said to be as complete as is asked for.",
        Rule.DRAMATIZED: "Said to be read or played as is asked for.",
        Rule.DURATION: "As long as a known edition.",
        Rule.SEEDERS: "How many people offer it.",
        Rule.FREE: "Costs no ratio, where that is preferred.",
    },
    name="ScoreRule",
)


@strawberry.type(description="Points given by one rule.")
class ScoreComponent:
    """A component of a decision."""

    rule: Rule = strawberry.field(description="What the points are for.")
    points: float = strawberry.field(description="How many; 0 where nothing is known.")
    evidence: str = strawberry.field(description="What they were given for, for people.")


@strawberry.type(description="One reason against a release.")
class ReleaseRejection:
    """A rejection of a decision."""

    code: RejectionCode = strawberry.field(description="Why not, for programs.")
    message: str = strawberry.field(description="Why not, for people.")


@strawberry.type(description="What was decided of a release, and from what.")
class ReleaseDecision:
    """As it was when the release was found."""

    accepted: bool = strawberry.field(description="Whether nothing speaks against it.")
    score: float = strawberry.field(description="The sum of the components, whether it is accepted or not.")
    components: list[ScoreComponent] = strawberry.field(description="Where the score comes from: one for each rule.")
    rejections: list[ReleaseRejection] = strawberry.field(description="Everything that speaks against it.")
    cost: Cost = strawberry.field(description="What taking it costs.")

    @classmethod
    def of(cls, row: models.Release) -> "ReleaseDecision":
        """View a release's decision."""
        decision = release_searches.decision_of(row)
        return cls(
            accepted=decision.accepted,
            score=decision.score,
            components=[
                ScoreComponent(rule=one.rule, points=one.points, evidence=one.evidence) for one in decision.components
            ],
            rejections=[ReleaseRejection(code=one.code, message=one.message) for one in decision.rejections],
            cost=decision.cost,
        )


@strawberry.type(description="A series that a release says to belong to.")
class ReleaseSeries:
    """Name and position."""

    name: str = strawberry.field(description="The series' name as offered.")
    position: str | None = strawberry.field(description="The place in it as offered.")


@strawberry.type(description="One offer of a search, whichever indexers have it.")
class Release(Node):
    """A row of releases."""

    title: str = strawberry.field(description="The title as offered.")
    indexer: str = strawberry.field(description="The indexer it would be taken from.")
    also_at: list[str] = strawberry.field(description="Other indexers that offer the same.")
    size_bytes: BigInt | None = strawberry.field(description="Its size in bytes.")
    seeders: int | None = strawberry.field(description="How many people offer it.")
    leechers: int | None = strawberry.field(description="How many people fetch it.")
    published_at: datetime | None = strawberry.field(description="When it was offered first.")
    page_url: URL | None = strawberry.field(description="Its page at the indexer, for people who are signed in there.")
    authors: list[str] = strawberry.field(description="The authors it names.")
    narrators: list[str] = strawberry.field(description="The narrators it names.")
    series: list[ReleaseSeries] = strawberry.field(description="The series it names.")
    formats: list[str] = strawberry.field(description="Its file endings, such as `m4b`.")
    bit_rate_kbps: int | None = strawberry.field(description="Its bit rate in kbps, where it is said.")
    duration_seconds: float | None = strawberry.field(description="Its playing time in seconds, where it is said.")
    language: str | None = strawberry.field(description="Its language, as a code such as `en`.")
    abridged: bool | None = strawberry.field(description="Whether it is shortened; null when nobody says.")
    dramatized: bool | None = strawberry.field(description="Whether it is played by a cast; null when nobody says.")
    freeleech: bool = strawberry.field(description="Whether it costs nobody ratio.")
    freeleech_for_me: bool = strawberry.field(description="Whether it costs this account no ratio.")
    freeleech_for_vip: bool = strawberry.field(description="Whether it costs VIPs no ratio.")
    decision: ReleaseDecision = strawberry.field(description="What was decided of it, and why.")
    row: strawberry.Private[models.Release]

    @classmethod
    def of(cls, row: models.Release) -> "Release":
        """View a row."""
        facts = ReleaseFacts.from_json(row.facts)
        return cls(
            id=encode_id("Release", row.id),
            title=row.title,
            indexer=row.indexer,
            also_at=list(row.also_at),
            size_bytes=BigInt(row.size_bytes) if row.size_bytes is not None else None,
            seeders=row.seeders,
            leechers=row.leechers,
            published_at=row.published_at,
            page_url=URL(row.page_url) if row.page_url is not None else None,
            authors=list(facts.authors),
            narrators=list(facts.narrators),
            series=[ReleaseSeries(name=one.name, position=one.position) for one in facts.series],
            formats=list(facts.formats),
            bit_rate_kbps=facts.bit_rate_kbps,
            duration_seconds=facts.duration_seconds,
            language=facts.language,
            abridged=facts.abridged,
            dramatized=facts.dramatized,
            freeleech=facts.is_free,
            freeleech_for_me=facts.is_free_for_me,
            freeleech_for_vip=facts.is_free_for_vip,
            decision=ReleaseDecision.of(row),
            row=row,
        )


def may_see(viewer: Viewer | None, created_by: str) -> bool:
    """Members see their own wants and searches, administrators all."""
    if has_role(viewer, Role.ADMIN):
        return True
    return viewer is not None and has_role(viewer, Role.MEMBER) and created_by == viewer.actor


async def visible_search(context: Context, search_id: int) -> models.ReleaseSearch:
    """A search the viewer may see; raises NotFound also for the others."""
    async with context.database.read() as session:
        row = await release_searches.get(session, search_id)
    if not may_see(context.viewer, row.created_by):
        raise NotFound("release search", search_id)
    return row


async def release_by_id(info: Info, release_id: int) -> Release | None:
    """For `node(id:)`: as visible as its search."""
    async with info.context.database.read() as session:
        row = await session.get(models.Release, release_id)
    if row is None:
        return None
    try:
        await visible_search(info.context, row.search_id)
    except NotFound:
        return None
    return Release.of(row)
