"""What can be set for each kind of integration besides its address, and which credentials it has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from library.errors import BadInput
from library.models.downloads import ImportMode
from library.models.integrations import IntegrationKind
from library.naming import check_template

_LONGEST_SHOWN = 80
AUDIOBOOKS = 3030  # the standard category "Audio/Audiobook"
_FREE_SPACE_RESERVE_BYTES = 5_000_000_000  # room that a download must leave


class UnknownOption(BadInput):
    """An option that the kind does not have."""

    def __init__(self, kind: IntegrationKind, option: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no option `{option}` of {kind}. Its options are: {', '.join(sorted(known))}.")


class InvalidOption(BadInput):
    """A value that an option cannot take; the value itself is not repeated."""

    def __init__(self, kind: IntegrationKind, option: str, why: str) -> None:
        super().__init__(f"The option `{option}` of {kind} cannot be set so: {why}.")


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProwlarrOptions(_Options):
    """Which of Prowlarr's indexers are asked, and for what."""

    indexer_ids: list[int] = []  # empty: all that are on
    categories: list[int] = [AUDIOBOOKS]


class TorznabOptions(_Options):
    """What an indexer is asked for, and where else its links may lead."""

    categories: list[int] = [AUDIOBOOKS]
    download_hosts: list[str] = []


class TrackerHosts(_Options):
    """Where the tracker's hosts are, for stand-ins on this machine; None: where its address says."""

    site: str | None = None
    seedbox: str | None = None
    cdn: str | None = None


class MyAnonamouseOptions(_Options):
    """How the account at the tracker is cared for."""

    ratio_floor: float = Field(default=1.0, ge=0, le=100)
    recovery_margin: float = Field(default=0.1, ge=0, le=100)  # how far above the floor ends the recovery
    reserved_slots: int = Field(default=0, ge=0, le=1000)  # unsatisfied torrents left for the user
    grabs_per_day: int = Field(default=20, ge=0, le=1000)
    searches_per_day: int = Field(default=200, ge=0, le=10_000)
    spend_wedges: bool = False
    hosts: TrackerHosts = TrackerHosts()


class PathMapping(_Options):
    """A folder as the download client sees it, and the same as we see it."""

    theirs: str = Field(min_length=1)
    ours: str = Field(min_length=1)


class QBittorrentOptions(_Options):
    """How downloads are handed over and taken back."""

    category: str = Field(default="audiobooks", min_length=1, max_length=100)
    save_path: str | None = None  # None: the client's own
    path_mappings: list[PathMapping] = []
    mode: ImportMode = ImportMode.HARDLINK
    root_id: int | None = None  # None: the first library root
    remove_after_goal: Literal["NEVER", "TORRENT", "TORRENT_AND_FILES"] = "NEVER"
    seeding_goal_hours: float = Field(default=72, ge=0, le=24 * 365)
    free_space_reserve_bytes: int = Field(default=_FREE_SPACE_RESERVE_BYTES, ge=0)
    naming_template: str | None = None
    write_sidecar: bool = True
    write_tags: bool = False  # into copies; a link is the file that seeds


class LanguageModelOptions(_Options):
    """Which model writes answers, and how much."""

    model: str = Field(min_length=1, max_length=200)
    maximum_tokens: int = Field(default=800, ge=50, le=8_000)  # of one answer
    timeout_seconds: float = Field(default=60, ge=1, le=600)  # for one answer, to its end
    daily_answers: int = Field(default=200, ge=0, le=100_000)


AnyOptions = ProwlarrOptions | TorznabOptions | MyAnonamouseOptions | QBittorrentOptions | LanguageModelOptions


@dataclass(frozen=True, slots=True)
class KindRules:
    """What a kind of integration consists of."""

    title: str  # what it is called when nobody gives it a name
    options: type[AnyOptions]
    secrets: frozenset[str]
    required: frozenset[str] = frozenset()
    default_url: str | None = None


RULES: dict[IntegrationKind, KindRules] = {
    IntegrationKind.PROWLARR: KindRules("Prowlarr", ProwlarrOptions, frozenset({"api_key"}), frozenset({"api_key"})),
    IntegrationKind.TORZNAB: KindRules("Torznab", TorznabOptions, frozenset({"api_key"})),
    IntegrationKind.MYANONAMOUSE: KindRules(
        "MyAnonamouse",
        MyAnonamouseOptions,
        frozenset({"mam_id"}),
        frozenset({"mam_id"}),
        default_url="https://www.myanonamouse.net",
    ),
    # A network that qBittorrent trusts needs neither; a password without a name is an API key.
    IntegrationKind.QBITTORRENT: KindRules("qBittorrent", QBittorrentOptions, frozenset({"username", "password"})),
    # Servers on one's own machine want no key.
    IntegrationKind.OPENAI_COMPATIBLE: KindRules("Language model", LanguageModelOptions, frozenset({"api_key"})),
    IntegrationKind.ANTHROPIC: KindRules(
        "Anthropic",
        LanguageModelOptions,
        frozenset({"api_key"}),
        frozenset({"api_key"}),
        default_url="https://api.anthropic.com",
    ),
}


def merged(kind: IntegrationKind, present: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a kind, those that are not given as they are or by default.

    Raises UnknownOption, InvalidOption or TemplateInvalid.
    """
    shape = RULES[kind].options
    if isinstance(template := given.get("naming_template"), str):
        check_template(template)
    try:
        return shape.model_validate({**present, **given}).model_dump(mode="json")
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = ".".join(map(str, problem["loc"]))[:_LONGEST_SHOWN]
    if problem["type"] == "extra_forbidden":
        raise UnknownOption(kind, name, shape.model_fields)
    raise InvalidOption(kind, name, problem["msg"][:1].lower() + problem["msg"][1:])
