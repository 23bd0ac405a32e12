"""Imports as rows: planned before the first file moves, found again by the folder they went to, undone."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import downloads
from library.errors import Conflict, NotFound
from library.import_errors import LibraryGone, NoAudio, NoLibrary, NotFetched
from library.import_plans import (
    Group,
    Listed,
    Plan,
    PlannedImport,
    Role,
    Subject,
    assign,
    groups_of,
    imported,
    plan_group,
    role_of,
)
from library.import_subjects import book_ids_by, subject_of
from library.models.downloads import (
    ENDED_STATES,
    Download,
    DownloadFile,
    DownloadState,
    Import,
    ImportedFile,
    ImportMode,
    ImportState,
)
from library.models.editions import Copy, Edition, LibraryRoot
from library.models.integrations import Integration
from library.models.releases import Release
from library.models.tables import now
from library.naming import DEFAULT_TEMPLATE
from library.path_mapping import PathMapping, mappings_of
from library.releases.facts import ReleaseFacts
from library.written_tags import WrittenTags

NOT_TAGGED = "not_tagged"  # in a file's details: why it keeps the tags it had


class NotUndoable(Conflict):
    """An import whose files are not in the library."""

    def __init__(self, state: ImportState) -> None:
        super().__init__(f"The import is {state}; only one that is APPLIED can be undone.")


async def plan(session: AsyncSession, download: Download) -> Plan:
    """What an import of the download would do, from rows alone.

    Raises NoLibrary, LibraryGone, NotFetched, NoAudio, TemplateInvalid and PathTooLong.
    """
    options = await options_of(session, download)
    root_id = await _root_id(session, download, options)
    facts = await facts_of(session, download)
    rows = await downloads.files_of(session, download.id)
    if not rows:
        raise NotFetched
    kept, left_out = imported(_usable(rows))
    if not any(role_of(file.path) is Role.AUDIO for file in kept):
        raise NoAudio([row.path for row in rows if role_of(row.path) is Role.ARCHIVE])
    groups = groups_of(kept)
    asked = await subject_of(session, download.book_id, facts)
    others = await _others(session, groups, asked, facts)
    subjects = assign(groups, asked, others, facts)
    used: list[str] = []
    planned = []
    for one, subject in zip(groups, subjects, strict=True):
        taken = [*used, *await _folders_of(session, root_id, subject.book_id, besides=download.id)]
        size = len(sidecar_of(subject)) if _writes_sidecar(options, subject) else 0
        template = options.get("naming_template") or DEFAULT_TEMPLATE
        planned.append(plan_group(template, one, subject, taken, sidecar_bytes=size))
        used.append(planned[-1].folder)
    return Plan(
        root_id=root_id,
        mode=download.mode,
        imports=tuple(planned),
        left_out=(*left_out, *_ungrouped(kept, groups)),
        warnings=(*_warnings(groups, subjects, asked), *tag_warnings(options, download.mode)),
    )


async def save(session: AsyncSession, download: Download, planned: Plan) -> list[Import]:
    """Write a plan down. A folder that the download was undone from is used again."""
    before = {row.folder: row for row in await of_download(session, download.id)}
    rows = []
    for one in planned.imports:
        row = before.get(one.folder)
        if row is None:
            row = Import(download_id=download.id, folder=one.folder)
            session.add(row)
        row.root_id, row.book_id, row.mode, row.state = planned.root_id, one.book_id, planned.mode, ImportState.PLANNED
        row.updated_at = now()
        await session.flush()
        await session.execute(sa.delete(ImportedFile).where(ImportedFile.import_id == row.id))
        session.add_all(_file_rows(row.id, one))
        await note_book(session, row)
        rows.append(row)
    download.root_id = planned.root_id
    await session.flush()
    return rows


async def note_book(session: AsyncSession, row: Import) -> None:
    """Say of the files of an import's torrent which book they are."""
    await session.flush()
    sources = sa.select(ImportedFile.source).where(ImportedFile.import_id == row.id, ImportedFile.source.is_not(None))
    its_own = sa.and_(DownloadFile.download_id == row.download_id, DownloadFile.path.in_(sources))
    await session.execute(sa.update(DownloadFile).where(its_own).values(book_id=row.book_id))


async def going_on(session: AsyncSession, download_id: int) -> list[Import]:
    """The imports of a download that are planned or done; empty before there is a plan."""
    return [row for row in await of_download(session, download_id) if row.state is not ImportState.UNDONE]


async def of_download(session: AsyncSession, download_id: int) -> Sequence[Import]:
    """All imports of a download, in the order of their plan."""
    return (await session.scalars(sa.select(Import).where(Import.download_id == download_id).order_by(Import.id))).all()


async def abandoned(session: AsyncSession) -> Sequence[Import]:
    """Imports that were planned and do not go on: their downloads have ended, or wait for somebody."""
    still = [state for state in DownloadState if state not in ENDED_STATES and state is not DownloadState.BLOCKED]
    select = sa.select(Import).join(Download, Download.id == Import.download_id)
    select = select.join(LibraryRoot, LibraryRoot.id == Import.root_id)
    return (
        await session.scalars(select.where(Import.state == ImportState.PLANNED, Download.state.not_in(still)))
    ).all()


async def get(session: AsyncSession, import_id: int) -> Import:
    """The import with this id; raises NotFound."""
    row = await session.get(Import, import_id, populate_existing=True)
    if row is None:
        raise NotFound("import", import_id)
    return row


async def files_of(session: AsyncSession, import_id: int) -> Sequence[ImportedFile]:
    """The files of an import, in the order of their plan."""
    select = sa.select(ImportedFile).where(ImportedFile.import_id == import_id).order_by(ImportedFile.id)
    return (await session.scalars(select)).all()


async def book_of(session: AsyncSession, root_id: int, path: str) -> int | None:
    """The book that a folder, or what lies in it, was placed for: the grab decides, not the name."""
    place = PurePosixPath(path)
    folders = [path, *(str(parent) for parent in place.parents if parent.name)]
    select = sa.select(Import.book_id).where(
        Import.root_id == root_id,
        Import.folder.in_(folders),
        Import.state != ImportState.UNDONE,
        Import.book_id.is_not(None),
    )
    return await session.scalar(select.order_by(sa.func.length(Import.folder).desc(), Import.id.desc()).limit(1))


async def options_of(session: AsyncSession, download: Download) -> Mapping[str, Any]:
    """The options of the client a download is in; empty when it is gone."""
    client = await session.get(Integration, download.client_id) if download.client_id is not None else None
    return client.options if client is not None else {}


async def mappings(session: AsyncSession, download: Download) -> tuple[PathMapping, ...]:
    """Where the folders of a download's client are here."""
    return mappings_of(await options_of(session, download))


async def facts_of(session: AsyncSession, download: Download) -> ReleaseFacts:
    """What was said of the release that was taken."""
    release = await session.get_one(Release, download.release_id)
    facts = ReleaseFacts.from_json(release.facts)
    return facts if facts.title else ReleaseFacts.from_json({**release.facts, "title": release.title})


async def sidecar(session: AsyncSession, download: Download, book_id: int | None) -> bytes:
    """The sidecar of a book that was downloaded, as metadata.json holds it."""
    return sidecar_of(await subject_of(session, book_id, await facts_of(session, download)))


def sidecar_of(subject: Subject) -> bytes:
    """What is known of a book, in the words of metadata.json."""
    names = subject.names
    series = {"name": names.series, "sequence": names.position}
    told = {
        "title": names.title,
        "subtitle": names.subtitle,
        "authors": list(names.authors),
        "narrators": list(names.narrators),
        "series": [series] if names.series else [],
        "publishedYear": str(names.published_year) if names.published_year else None,
        "language": names.language,
    }
    return orjson.dumps({name: value for name, value in told.items() if value}, option=orjson.OPT_INDENT_2)


async def tags(session: AsyncSession, row: Import) -> WrittenTags | None:
    """What is written into the tags of an import's files, with the book's title for that of the file.

    None where nothing is: nobody wants it, the files are no copies, or nobody knows the book.
    """
    download = await downloads.get(session, row.download_id)
    wanted = (await options_of(session, download)).get("write_tags", False)
    if not wanted or row.mode is not ImportMode.COPY or row.book_id is None:
        return None
    names = (await subject_of(session, row.book_id, await facts_of(session, download))).names
    edition = await session.get(Edition, row.edition_id) if row.edition_id is not None else None
    return WrittenTags(
        title=names.title,
        album=names.title,
        authors=names.authors,
        narrators=names.narrators,
        series=names.series,
        position=names.position,
        published_year=names.published_year,
        language=names.language,
        asin=edition.asin if edition is not None else names.asin,
    )


def tag_warnings(options: Mapping[str, Any], mode: ImportMode) -> list[str]:
    """What is to be said where tags are wanted and not written."""
    if not options.get("write_tags", False) or mode is ImportMode.COPY:
        return []
    return [f"Tags are written to copies only; with {mode} the files keep the tags they have."]


def not_tagged(files: Sequence[ImportedFile]) -> list[str]:
    """What is to be said of files that keep their tags although new ones were wanted."""
    kept = [(file.target, why) for file in files if (why := (file.details or {}).get(NOT_TAGGED))]
    if not kept:
        return []
    target, why = kept[0]
    others = len(kept) - 1
    more = f" and of {others} more file{'s' if others > 1 else ''}" if others else ""
    return [f"The tags of {PurePosixPath(target).name!r}{more} could not be written: {why}"]


async def expected_seconds(
    session: AsyncSession, book_id: int | None, facts: ReleaseFacts, heard: float, *, is_only: bool
) -> float | None:
    """How long a recording should be: the known edition of the book nearest to what was heard, abridged ones aside.

    Else what the release says of itself, if it is the whole of it. None when nobody knows.
    """
    lengths = sa.select(Edition.duration_seconds).where(Edition.book_id == book_id, Edition.duration_seconds > 0)
    if not facts.abridged:
        lengths = lengths.where(Edition.abridged.is_not(True))
    known = list(await session.scalars(lengths)) if book_id is not None else []
    if not known and is_only and facts.duration_seconds:
        known = [facts.duration_seconds]
    return min(known, key=lambda length: abs(length - heard), default=None)


def _usable(rows: Sequence[DownloadFile]) -> list[Listed]:
    """The files of a torrent without extras that are not there: nobody has to fetch a booklet."""
    missed = {row.path for row in rows if row.problem and role_of(row.path) is not Role.AUDIO}
    return [Listed(row.path, row.size_bytes) for row in rows if row.path not in missed]


async def _root_id(session: AsyncSession, download: Download, options: Mapping[str, Any]) -> int:
    for root_id in (download.root_id, options.get("root_id")):
        if root_id is not None:
            if await session.get(LibraryRoot, root_id) is None:
                raise LibraryGone
            return int(root_id)
    first = await session.scalar(sa.select(sa.func.min(LibraryRoot.id)))
    if first is None:
        raise NoLibrary
    return int(first)


async def _others(session: AsyncSession, groups: Sequence[Group], asked: Subject, facts: ReleaseFacts) -> list[Subject]:
    """Other known books by the same authors, which the other parts of a torrent may be."""
    if len(groups) == 1:
        return []
    book_ids = await book_ids_by(session, [*asked.wanted.authors, *facts.authors])
    return [await subject_of(session, book_id, ReleaseFacts()) for book_id in book_ids if book_id != asked.book_id]


async def _folders_of(session: AsyncSession, root_id: int, book_id: int | None, *, besides: int) -> Collection[str]:
    """The folders in which other editions of a book lie, or will."""
    if book_id is None:
        return set()
    copies = sa.select(Copy.path).join(Edition).where(Copy.root_id == root_id, Edition.book_id == book_id)
    others = sa.select(Import.folder).where(
        Import.root_id == root_id,
        Import.book_id == book_id,
        Import.download_id != besides,
        Import.state != ImportState.UNDONE,
    )
    own = sa.select(Import.folder).where(Import.download_id == besides, Import.root_id == root_id)
    found = await session.scalars(copies.where(Copy.missing_since.is_(None)))
    return ({*found} - {*await session.scalars(own)}) | {*await session.scalars(others)}


def _writes_sidecar(options: Mapping[str, Any], subject: Subject) -> bool:
    # Of a book nobody knows, the files themselves say more.
    return bool(options.get("write_sidecar", True)) and subject.book_id is not None


def _file_rows(import_id: int, one: PlannedImport) -> list[ImportedFile]:
    return [
        ImportedFile(import_id=import_id, source=file.source, target=file.target, size_bytes=file.size_bytes)
        for file in one.files
    ]


def _ungrouped(kept: Sequence[Listed], groups: Sequence[Group]) -> list[str]:
    grouped = {file.path for one in groups for file in one.files}
    return [file.path for file in kept if file.path not in grouped]


def _warnings(groups: Sequence[Group], subjects: Sequence[Subject], asked: Subject) -> list[str]:
    if len(groups) == 1:
        return []
    unknown = [one.name for one, subject in zip(groups, subjects, strict=True) if subject.book_id is None]
    warnings = [f"{len(groups)} recordings are in it."]
    if asked.book_id is not None and all(subject.book_id != asked.book_id for subject in subjects):
        warnings.append(f"None of them bears the name {asked.names.title!r}.")
    if unknown:
        warnings.append(f"Not known, so imported under names of their own: {', '.join(map(repr, unknown))}.")
    return warnings
