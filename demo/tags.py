"""The tags of one audio file, in the dialect its recipe asks for, written with mutagen."""

# mutagen marks itself as typed, but few of its functions are.
# mypy: allow-untyped-calls

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mutagen import id3
from mutagen.flac import FLAC, Picture
from mutagen.id3 import ID3, PictureType
from mutagen.mp4 import MP4, AtomDataType, MP4Cover, MP4FreeForm
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from demo.layouts import Blurb, Dialect, EditionPlan, PartPlan, inverted, sellers_title

FREEFORM = "----:com.apple.iTunes:"
PUBLISHER = "Lantern Street Readers"
# ID3 asks for ISO 639-2 codes; the other containers have no rule, and collections hold both.
LANGUAGES = {"en": "eng", "fr": "fra", "de": "deu", "es": "spa"}


@dataclass(frozen=True)
class Wording:
    """Names as one dialect words them: one joined value, or a value for each."""

    authors: list[str]
    narrators: list[str]
    genres: list[str]
    series: str
    positions: str
    grouping: str


def write_tags(path: Path, plan: EditionPlan, part: PartPlan, cover: bytes | None) -> None:
    """Tag the file at `path`, which has none yet; the suffix chooses the container."""
    writers: dict[str, Callable[[Path, EditionPlan, PartPlan, bytes | None], None]] = {
        ".mp3": _write_mp3,
        ".wav": _write_wav,
        ".m4b": _write_mp4,
        ".m4a": _write_mp4,
    }
    writers.get(path.suffix, _write_vorbis)(path, plan, part, cover)


def _wording(plan: EditionPlan) -> Wording:
    book, narrators, genres = plan.book, list(plan.edition.narrators), list(plan.book.genres)
    authors = [inverted(author) if plan.recipe.inverted_authors else author for author in book.authors]
    match plan.recipe.dialect:
        case Dialect.CLASSIC:
            authors, narrators, genres = ["; ".join(authors)], [", ".join(narrators)], ["; ".join(genres)]
        case Dialect.FREEFORM:
            authors, narrators, genres = [" & ".join(authors)], [" & ".join(narrators)], ["/".join(genres)]
        case Dialect.MOVEMENT | Dialect.FOLDER:
            pass
    return Wording(
        authors,
        narrators,
        genres,
        series=";".join(place.series for place in book.series),
        positions=";".join(place.position for place in book.series),
        grouping="; ".join(str(place) for place in book.series),
    )


def _write_mp3(path: Path, plan: EditionPlan, part: PartPlan, cover: bytes | None) -> None:
    tags = ID3()
    _add_frames(tags, plan, part, cover)
    if part.tracks == 1:
        _add_id3_chapters(tags, part)
    if plan.recipe.dialect is Dialect.FREEFORM:
        tags.update_to_v23()
        tags.save(path, v2_version=3)
    else:
        tags.save(path)


def _write_wav(path: Path, plan: EditionPlan, part: PartPlan, cover: bytes | None) -> None:
    tags = ID3()
    _add_frames(tags, plan, part, cover)
    audio = WAVE(path)
    audio.add_tags()
    audio.update(tags)
    audio.save()


def _add_frames(tags: ID3, plan: EditionPlan, part: PartPlan, cover: bytes | None) -> None:
    words, book = _wording(plan), plan.book
    tags.add(id3.TCON(text=words.genres))
    tags.add(id3.TLAN(text=LANGUAGES[book.language]))
    tags.add(id3.TRCK(text=f"{part.track}/{part.tracks}"))
    if part.disc:
        tags.add(id3.TPOS(text=f"{part.disc}/2"))
    if book.subtitle:
        tags.add(id3.TIT3(text=book.subtitle))
    if plan.recipe.dialect is not Dialect.FOLDER:
        tags.add(id3.TIT2(text=part.chapters[0].title))
        tags.add(id3.TALB(text=sellers_title(plan)))
        tags.add(id3.TPE1(text=words.authors))
        tags.add(id3.TDRC(text=f"{book.year:04}"))
        tags.add(id3.TPUB(text=PUBLISHER))
        for frame in _id3_people_and_series(plan, words):
            tags.add(frame)
    if plan.recipe.blurb is Blurb.DESCRIPTION:
        tags.add(id3.COMM(lang="eng", desc="desc", text=book.blurb))
    if plan.recipe.blurb is Blurb.COMMENT:
        tags.add(id3.COMM(lang="eng", desc="", text=book.blurb))
    if cover:
        tags.add(id3.APIC(mime="image/jpeg", type=PictureType.COVER_FRONT, desc="Cover", data=cover))


def _id3_people_and_series(plan: EditionPlan, words: Wording) -> list[id3.Frame]:
    people: id3.Frame
    place: list[id3.Frame]
    match plan.recipe.dialect:
        case Dialect.CLASSIC:
            people, place = id3.TCOM(text=words.narrators), [id3.TIT1(text=words.grouping)]
        case Dialect.MOVEMENT:
            people = id3.TXXX(desc="NARRATOR", text=words.narrators)
            place = [id3.MVNM(text=words.series), id3.MVIN(text=words.positions)]
            if len(plan.book.series) > 1:  # a movement has room for one series only
                place = [id3.GRP1(text=words.grouping)]
        case _:
            people, place = id3.TPE3(text=words.narrators), [id3.TXXX(desc="SERIES", text=words.series)]
            place.append(id3.TXXX(desc="SERIES-PART", text=words.positions))
    return [people, *place] if plan.book.series else [people]


def _add_id3_chapters(tags: ID3, part: PartPlan) -> None:
    ends = [*(chapter.start for chapter in part.chapters[1:]), part.seconds]
    ids = [f"chp{index}" for index in range(len(ends))]
    top = id3.CTOCFlags.TOP_LEVEL | id3.CTOCFlags.ORDERED
    tags.add(id3.CTOC(element_id="toc", flags=top, child_element_ids=ids))
    for element_id, chapter, end in zip(ids, part.chapters, ends, strict=True):
        title = id3.TIT2(text=chapter.title)
        times = {"start_time": int(chapter.start * 1000), "end_time": int(end * 1000)}
        tags.add(id3.CHAP(element_id=element_id, sub_frames=[title], **times))


def _write_mp4(path: Path, plan: EditionPlan, part: PartPlan, cover: bytes | None) -> None:
    words, book = _wording(plan), plan.book
    audio = MP4(path)
    audio["©alb"] = sellers_title(plan)
    audio["©nam"] = sellers_title(plan) if part.tracks == 1 else part.chapters[0].title
    audio["©ART"] = words.authors
    audio["©gen"] = words.genres
    audio["©day"] = f"{book.year:04}"
    audio["trkn"] = [(part.track, part.tracks)]
    audio["stik"] = [2]  # iTunes' media kind: audiobook
    audio[FREEFORM + "LANGUAGE"] = _freeform(book.language)
    audio[FREEFORM + "PUBLISHER"] = _freeform(PUBLISHER)
    if book.subtitle:
        audio[FREEFORM + "SUBTITLE"] = _freeform(book.subtitle)
    audio.update(_mp4_people_and_series(plan, words))
    if plan.recipe.blurb is Blurb.DESCRIPTION:
        audio["desc"] = book.blurb
    if plan.recipe.blurb is Blurb.COMMENT:
        audio["©cmt"] = book.blurb
    if cover:
        audio["covr"] = [MP4Cover(cover, MP4Cover.FORMAT_JPEG)]
    audio.save()


def _mp4_people_and_series(plan: EditionPlan, words: Wording) -> dict[str, object]:
    people: dict[str, object]
    place: dict[str, object]
    match plan.recipe.dialect:
        case Dialect.CLASSIC:
            people, place = {"©wrt": words.narrators}, {"©grp": words.grouping}
        case Dialect.MOVEMENT if len(plan.book.series) == 1:
            people, place = {"©nrt": words.narrators}, {"©mvn": words.series, "©mvi": [int(words.positions)]}
        case Dialect.MOVEMENT:  # a movement has room for one series only
            people, place = {"©nrt": words.narrators}, {"©grp": words.grouping}
        case _:
            people = {FREEFORM + "NARRATOR": _freeform(*words.narrators)}
            place = {FREEFORM + "SERIES": _freeform(words.series)}
            place |= {FREEFORM + "SERIES-PART": _freeform(words.positions)}
    return people | place if plan.book.series else people


def _freeform(*texts: str) -> list[MP4FreeForm]:
    return [MP4FreeForm(text.encode(), AtomDataType.UTF8) for text in texts]


def _write_vorbis(path: Path, plan: EditionPlan, part: PartPlan, cover: bytes | None) -> None:
    kinds: dict[str, type[FLAC | OggOpus | OggVorbis]] = {".flac": FLAC, ".opus": OggOpus, ".ogg": OggVorbis}
    audio = kinds[path.suffix](path)
    audio.update(_vorbis_comments(plan, part))
    if cover:
        picture = _picture(cover)
        if isinstance(audio, FLAC):
            audio.add_picture(picture)
        else:
            audio["metadata_block_picture"] = base64.b64encode(picture.write()).decode("ascii")
    audio.save()


def _vorbis_comments(plan: EditionPlan, part: PartPlan) -> dict[str, list[str]]:
    words, book, recipe = _wording(plan), plan.book, plan.recipe
    comments: dict[str, list[str]] = {
        "genre": words.genres,
        "language": [book.language],
        "tracknumber": [str(part.track)],
        "tracktotal": [str(part.tracks)],
    }
    if book.subtitle:
        comments["subtitle"] = [book.subtitle]
    if recipe.dialect is not Dialect.FOLDER:
        comments |= {"album": [sellers_title(plan)], "title": [part.chapters[0].title]}
        comments |= {"artist": words.authors, "date": [f"{book.year:04}"], "publisher": [PUBLISHER]}
        comments |= _vorbis_people_and_series(plan, words)
    if recipe.blurb in {Blurb.DESCRIPTION, Blurb.COMMENT}:
        comments[recipe.blurb.value] = [book.blurb]
    if part.tracks == 1:
        for index, chapter in enumerate(part.chapters):
            comments[f"CHAPTER{index:03}"] = [_clock(chapter.start)]
            comments[f"CHAPTER{index:03}NAME"] = [chapter.title]
    return comments


def _vorbis_people_and_series(plan: EditionPlan, words: Wording) -> dict[str, list[str]]:
    comments: dict[str, list[str]]
    place: dict[str, list[str]]
    match plan.recipe.dialect:
        case Dialect.CLASSIC:
            comments, place = {"composer": words.narrators}, {"grouping": [words.grouping]}
        case Dialect.MOVEMENT:
            comments, place = {"narrator": words.narrators}, {"mvnm": [words.series], "mvin": [words.positions]}
        case _:
            comments = {"performer": words.narrators}
            place = {"series": [words.series], "series-part": [words.positions]}
    return comments | place if plan.book.series else comments


def _picture(cover: bytes) -> Picture:
    picture = Picture()
    picture.data, picture.mime, picture.type = cover, "image/jpeg", PictureType.COVER_FRONT
    picture.width = picture.height = 600
    picture.depth = 24
    return picture


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours:02}:{minutes:02}:{rest:06.3f}"
