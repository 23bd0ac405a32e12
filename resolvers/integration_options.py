"""The options and credentials of each kind of integration, as they are shown and as they are set."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from library.integration_options import merged
from library.models.integrations import IntegrationKind
from resolvers.ids import decode_id_of, encode_id
from resolvers.import_modes import ImportMode
from resolvers.scalars import BigInt


@strawberry.type(description="How Prowlarr is asked.")
class ProwlarrOptions:
    """As stored."""

    indexer_ids: list[int] = strawberry.field(description="Prowlarr's numbers of the indexers to ask; empty: all.")
    categories: list[int] = strawberry.field(description="Newznab categories; 3030 is audiobooks.")


@strawberry.type(description="How a Torznab indexer is asked.")
class TorznabOptions:
    """As stored."""

    categories: list[int] = strawberry.field(description="Newznab categories; 3030 is audiobooks.")
    download_hosts: list[str] = strawberry.field(description="Other hosts that its download links may lead to.")


@strawberry.type(description="How the account at MyAnonamouse is cared for.")
class MyAnonamouseOptions:
    """As stored."""

    ratio_floor: float = strawberry.field(description="Nothing is taken that would bring the ratio below this.")
    recovery_margin: float = strawberry.field(
        description="Once below the floor, only free releases are taken until the ratio is this much above it."
    )
    reserved_slots: int = strawberry.field(description="Places for unsatisfied torrents that are left to the user.")
    grabs_per_day: int = strawberry.field(description="Most releases taken on one day (UTC).")
    searches_per_day: int = strawberry.field(description="Most searches on one day (UTC).")
    spend_wedges: bool = strawberry.field(description="Whether a grab may spend a freeleech wedge by itself.")


@strawberry.type(description="A folder under its two names.")
class PathMapping:
    """As stored."""

    theirs: str = strawberry.field(description="The folder as the download client sees it.")
    ours: str = strawberry.field(description="The same folder as this server sees it.")


@strawberry.type(description="How downloads are handed to qBittorrent and taken back.")
class QBittorrentOptions:
    """As stored."""

    category: str = strawberry.field(description="The category that our torrents get.")
    save_path: str | None = strawberry.field(description="Where it saves them, as it sees it; null: its own choice.")
    path_mappings: list[PathMapping] = strawberry.field(description="Its folders, and what they are called here.")
    mode: ImportMode = strawberry.field(description="How files get into the library.")
    library_root_id: strawberry.ID | None = strawberry.field(
        description="Id of the library root to import into; null: the first."
    )
    remove_after_goal: str = strawberry.field(
        description="What is removed once the seeding goal is reached: NEVER, TORRENT or TORRENT_AND_FILES."
    )
    seeding_goal_hours: float = strawberry.field(description="How long our torrents are seeded at least.")
    free_space_reserve_bytes: BigInt = strawberry.field(description="Space that a download must leave free.")
    naming_template: str | None = strawberry.field(description="How imported folders and files are named; null: usual.")
    write_sidecar: bool = strawberry.field(description="Whether a metadata file is written beside imported copies.")
    write_tags: bool = strawberry.field(
        description="Whether what is known of the book is written into the tags of imported files: with mode COPY "
        "only, since files that seed are never written to, and into mp3, m4b, m4a, flac, ogg and opus."
    )


@strawberry.type(description="How a language model writes answers.")
class LanguageModelOptions:
    """As stored."""

    model: str = strawberry.field(description="The model's name, as its server calls it.")
    maximum_tokens: int = strawberry.field(description="Most tokens of one answer.")
    timeout_seconds: float = strawberry.field(description="Longest time for one answer, to its end.")
    daily_answers: int = strawberry.field(description="Most answers on one day (UTC), of all who ask.")


IntegrationOptions = Annotated[
    ProwlarrOptions | TorznabOptions | MyAnonamouseOptions | QBittorrentOptions | LanguageModelOptions,
    strawberry.union("IntegrationOptions", description="What can be set, by kind."),
]


@strawberry.input(description="Prowlarr. What is left out stays as it is.")
class ProwlarrInput:
    """A patch."""

    api_key: strawberry.Maybe[str] = strawberry.field(description="Its API key; write-only.")
    indexer_ids: strawberry.Maybe[list[int]] = strawberry.field(
        description="Prowlarr's numbers of the indexers to ask; empty: all."
    )
    categories: strawberry.Maybe[list[int]] = strawberry.field(description="Newznab categories; 3030 is audiobooks.")


@strawberry.input(description="An indexer that speaks Torznab, such as one of Jackett. What is left out stays.")
class TorznabInput:
    """A patch."""

    api_key: strawberry.Maybe[str | None] = strawberry.field(description="Its API key, write-only; null: none.")
    categories: strawberry.Maybe[list[int]] = strawberry.field(description="Newznab categories; 3030 is audiobooks.")
    download_hosts: strawberry.Maybe[list[str]] = strawberry.field(
        description="Other hosts that its download links may lead to."
    )


@strawberry.input(description="MyAnonamouse. What is left out stays as it is.")
class MyAnonamouseInput:
    """A patch."""

    session: strawberry.Maybe[str] = strawberry.field(
        description="The session's value (`mam_id`), made there under Preferences > Security for this server alone; "
        "write-only."
    )
    ratio_floor: strawberry.Maybe[float] = strawberry.field(
        description="Nothing is taken that would bring the ratio below this."
    )
    recovery_margin: strawberry.Maybe[float] = strawberry.field(
        description="Once below the floor, only free releases are taken until the ratio is this much above it."
    )
    reserved_slots: strawberry.Maybe[int] = strawberry.field(
        description="Places for unsatisfied torrents that are left to the user."
    )
    grabs_per_day: strawberry.Maybe[int] = strawberry.field(description="Most releases taken on one day (UTC).")
    searches_per_day: strawberry.Maybe[int] = strawberry.field(description="Most searches on one day (UTC).")
    spend_wedges: strawberry.Maybe[bool] = strawberry.field(
        description="Whether a grab may spend a freeleech wedge by itself; it cannot be given back."
    )


@strawberry.input(description="A folder under its two names.")
class PathMappingInput:
    """Both are needed."""

    theirs: str = strawberry.field(description="The folder as the download client sees it.")
    ours: str = strawberry.field(description="The same folder as this server sees it.")


@strawberry.input(description="qBittorrent 4.5 to 5.2. What is left out stays as it is.")
class QBittorrentInput:
    """A patch."""

    username: strawberry.Maybe[str | None] = strawberry.field(
        description="User of its web interface, write-only; null where our address needs none."
    )
    password: strawberry.Maybe[str | None] = strawberry.field(
        description="Its password, or without a user an API key; write-only."
    )
    category: strawberry.Maybe[str] = strawberry.field(description="The category that our torrents get.")
    save_path: strawberry.Maybe[str | None] = strawberry.field(
        description="Where it saves them, as it sees it; null: its own choice."
    )
    path_mappings: strawberry.Maybe[list[PathMappingInput]] = strawberry.field(
        description="Its folders, and what they are called here."
    )
    mode: strawberry.Maybe[ImportMode] = strawberry.field(description="How files get into the library.")
    library_root_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="Id of the library root to import into; null: the first."
    )
    remove_after_goal: strawberry.Maybe[str] = strawberry.field(
        description="What is removed once the seeding goal is reached: NEVER, TORRENT or TORRENT_AND_FILES."
    )
    seeding_goal_hours: strawberry.Maybe[float] = strawberry.field(
        description="How long our torrents are seeded at least."
    )
    free_space_reserve_bytes: strawberry.Maybe[BigInt] = strawberry.field(
        description="Space that a download must leave free."
    )
    naming_template: strawberry.Maybe[str | None] = strawberry.field(
        description="How imported folders and files are named; null: usual."
    )
    write_sidecar: strawberry.Maybe[bool] = strawberry.field(
        description="Whether a metadata file is written beside imported copies."
    )
    write_tags: strawberry.Maybe[bool] = strawberry.field(
        description="Whether what is known of the book is written into the tags of imported files: with mode COPY "
        "only, since files that seed are never written to, and into mp3, m4b, m4a, flac, ogg and opus."
    )


@strawberry.input(description="A language model, which writes answers. What is left out stays as it is.")
class LanguageModelInput:
    """A patch."""

    api_key: strawberry.Maybe[str | None] = strawberry.field(
        description="Its API key, write-only; null where its server wants none."
    )
    model: strawberry.Maybe[str] = strawberry.field(
        description="The model's name, as its server calls it; a new one needs it."
    )
    maximum_tokens: strawberry.Maybe[int] = strawberry.field(description="Most tokens of one answer, 50 to 8,000.")
    timeout_seconds: strawberry.Maybe[float] = strawberry.field(
        description="Longest time for one answer, to its end, up to 600."
    )
    daily_answers: strawberry.Maybe[int] = strawberry.field(
        description="Most answers on one day (UTC), of all who ask; 0: none."
    )


@strawberry.input(one_of=True, description="Which kind of server it is, with its credentials and options.")
class IntegrationServiceInput:
    """Exactly one."""

    prowlarr: ProwlarrInput | None = strawberry.field(default=strawberry.UNSET, description="Prowlarr.")
    torznab: TorznabInput | None = strawberry.field(default=strawberry.UNSET, description="A Torznab indexer.")
    myanonamouse: MyAnonamouseInput | None = strawberry.field(default=strawberry.UNSET, description="MyAnonamouse.")
    qbittorrent: QBittorrentInput | None = strawberry.field(default=strawberry.UNSET, description="qBittorrent.")
    openai_compatible: LanguageModelInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="A language model whose server speaks OpenAI's chat completions, such as Ollama; the address "
        "mostly ends in `/v1`.",
    )
    anthropic: LanguageModelInput | None = strawberry.field(
        default=strawberry.UNSET, description="A language model of Anthropic's; the address may be left out."
    )


# What is a credential, and under which name it is kept; all else that is given is an option.
_SECRETS = {"api_key": "api_key", "session": "mam_id", "username": "username", "password": "password"}
_KINDS = {
    "prowlarr": IntegrationKind.PROWLARR,
    "torznab": IntegrationKind.TORZNAB,
    "myanonamouse": IntegrationKind.MYANONAMOUSE,
    "qbittorrent": IntegrationKind.QBITTORRENT,
    "openai_compatible": IntegrationKind.OPENAI_COMPATIBLE,
    "anthropic": IntegrationKind.ANTHROPIC,
}


def shown(kind: IntegrationKind, stored: Mapping[str, Any]) -> Any:
    """The options as the type of their kind, those that a version before did not know by default."""
    options = merged(kind, stored, {})
    match kind:
        case IntegrationKind.PROWLARR:
            return ProwlarrOptions(**options)
        case IntegrationKind.TORZNAB:
            return TorznabOptions(**options)
        case IntegrationKind.MYANONAMOUSE:
            return MyAnonamouseOptions(**{name: value for name, value in options.items() if name != "hosts"})
        case IntegrationKind.QBITTORRENT:
            return _shown_client(options)
        case IntegrationKind.OPENAI_COMPATIBLE | IntegrationKind.ANTHROPIC:
            return LanguageModelOptions(**options)


def taken_apart(service: IntegrationServiceInput) -> tuple[IntegrationKind, dict[str, Any], dict[str, str | None]]:
    """Kind, given options and given credentials; raises MalformedId or WrongIdType."""
    name = next(name for name in _KINDS if getattr(service, name))
    given = {key: maybe.value for key, maybe in vars(getattr(service, name)).items() if maybe is not None}
    secrets = {_SECRETS[key]: value for key, value in given.items() if key in _SECRETS}
    options = {key: value for key, value in given.items() if key not in _SECRETS}
    if "library_root_id" in options:
        root_id = options.pop("library_root_id")
        options["root_id"] = decode_id_of("LibraryRoot", root_id) if root_id is not None else None
    if "path_mappings" in options:
        options["path_mappings"] = [{"theirs": each.theirs, "ours": each.ours} for each in options["path_mappings"]]
    return _KINDS[name], options, secrets


def _shown_client(options: dict[str, Any]) -> QBittorrentOptions:
    root_id = options.pop("root_id")
    mappings = [PathMapping(**mapping) for mapping in options.pop("path_mappings")]
    return QBittorrentOptions(
        **{**options, "mode": ImportMode(options["mode"])},
        path_mappings=mappings,
        library_root_id=encode_id("LibraryRoot", root_id) if root_id is not None else None,
    )
