"""Tags that are written into copies of a book's files, as each format calls them; all else in a file stays as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import mutagen
from mutagen import id3 as _id3
from mutagen.flac import FLAC
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis

from library.scanning.errors import FileUnreadableError, UnreadableAudioError, UnsupportedFormatError
from library.scanning.tag_names import common_name
from library.scanning.tags import DAMAGE, id3_name, mp4_name, named_values

# mutagen declares types for some of its functions only
id3: Any = _id3

# Formats that mutagen writes back whole.
_TYPES = (MP3, MP4, FLAC, OggOpus, OggVorbis, OggFLAC)
_SUFFIXES = frozenset({".mp3", ".m4b", ".m4a", ".mp4", ".flac", ".ogg", ".oga", ".opus"})
_UTF8 = 3
_MOST_MOVEMENT_DIGITS = 4
# Separates names for every reader; in Vorbis comments each has a comment of its own.
_BETWEEN = "; "
_FREEFORM = "----:com.apple.iTunes:"

# By the names of tag_names
_ID3 = {
    "title": "TIT2",
    "album": "TALB",
    "artist": "TPE1",
    "albumartist": "TPE2",
    "composer": "TCOM",
    "narrator": "TXXX:NARRATOR",
    "series": "TXXX:SERIES",
    "series-part": "TXXX:SERIES-PART",
    "movement": "MVNM",
    "movementnumber": "MVIN",
    "originaldate": "TDOR",
    "date": "TDRC",
    "language": "TLAN",
    "asin": "TXXX:ASIN",
}
_MP4 = {
    "title": "©nam",
    "album": "©alb",
    "artist": "©ART",
    "albumartist": "aART",
    "composer": "©wrt",
    "narrator": "©nrt",
    "series": f"{_FREEFORM}SERIES",
    "series-part": f"{_FREEFORM}SERIES-PART",
    "movement": "©mvn",
    "movementnumber": "©mvi",
    "originaldate": f"{_FREEFORM}ORIGINALDATE",
    "date": "©day",
    "language": f"{_FREEFORM}LANGUAGE",
    "asin": f"{_FREEFORM}ASIN",
}
# Apple's field only: in Vorbis comments MOVEMENT is a name to some and a number to others.
_NOT_IN_COMMENTS = frozenset({"movement", "movementnumber"})
# What the scanner would read beside, or rather than, the tag that is written.
_GIVE_WAY = {
    "artist": ("author",),
    "narrator": ("performer",),
    "series": ("series-part", "part", "movement", "movementnumber", "show", "episode_id"),
    "asin": ("audible_asin", "cdek"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenTags:
    """What is told of a book in one of its files; None and empty leave alone what the file says.

    `keeps_title`: the file is one of several, so that a title it has is its chapter's.
    """

    title: str
    album: str
    keeps_title: bool = False
    authors: tuple[str, ...] = ()
    narrators: tuple[str, ...] = ()
    series: str | None = None
    position: str | None = None
    published_year: int | None = None
    language: str | None = None
    asin: str | None = None

    def beside(self, own: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """The tags to write, by the names of tag_names, into a file that has `own`."""
        year = _some(str(self.published_year) if self.published_year else None)
        told = {
            "title": () if self.keeps_title and own.get("title") else (self.title,),
            "album": (self.album,),
            "artist": self.authors,
            "albumartist": self.authors,
            "composer": self.narrators,
            "narrator": self.narrators,
            "series": _some(self.series),
            "series-part": _some(self.position if self.series else None),
            "movement": _some(self.series),
            "movementnumber": _some(_movement_number(self.position) if self.series else None),
            "originaldate": year,
            # The date of a recording is not the year of its book.
            "date": () if own.get("date") else year,
            "language": _some(self.language),
            "asin": _some(self.asin),
        }
        return {name: values for name, values in told.items() if values}


def is_taggable(path: str) -> bool:
    """Whether a file is, by its name, of a format whose tags are written."""
    return PurePosixPath(path).suffix.lower() in _SUFFIXES


def write_tags(path: Path, tags: WrittenTags) -> None:
    """Write tags into a file, in place. One that was cut off while it was written is to be thrown away.

    Raises UnsupportedFormatError, UnreadableAudioError and FileUnreadableError.
    """
    try:
        audio = mutagen.File(path, options=list(_TYPES))
        if audio is None:
            raise UnsupportedFormatError(path.suffix)
        if audio.tags is None:
            audio.add_tags()
        told = tags.beside(dict(named_values(audio)))
        _set(audio, told, {*told, *(name for one in told for name in _GIVE_WAY.get(one, ()))})
        audio.save()
    except OSError as error:
        raise FileUnreadableError(error) from error
    except DAMAGE as error:
        refused = next((cause for cause in error.args if isinstance(cause, OSError)), None)
        if refused is not None:  # mutagen's own error around it
            raise FileUnreadableError(refused) from error
        raise UnreadableAudioError(path.suffix[1:].lower(), error) from error


def _some(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


def _movement_number(position: str | None) -> str | None:
    # 0 is how Apple says that it is not set.
    is_number = position and position.isascii() and position.isdecimal() and int(position) > 0
    return position if is_number and len(position or "") <= _MOST_MOVEMENT_DIGITS else None


def _set(audio: Any, told: Mapping[str, Sequence[str]], gone: set[str]) -> None:
    """Set tags, and take every other spelling of them away: the scanner would read both."""
    if isinstance(audio, MP3):
        _set_frames(audio.tags, told, gone)
    elif isinstance(audio, MP4):
        _set_atoms(audio.tags, told, gone)
    else:
        _set_comments(audio.tags, told, gone)


def _set_frames(frames: Any, told: Mapping[str, Sequence[str]], gone: set[str]) -> None:
    for key in [key for key, frame in frames.items() if id3_name(frame) in gone]:
        del frames[key]
    for name, values in told.items():
        frame_id, _, described = _ID3[name].partition(":")
        more = {"desc": described} if described else {}
        frames.add(getattr(id3, frame_id)(encoding=_UTF8, text=[_BETWEEN.join(values)], **more))


def _set_atoms(atoms: Any, told: Mapping[str, Sequence[str]], gone: set[str]) -> None:
    for key in [key for key in atoms if mp4_name(key) in gone]:
        del atoms[key]
    for name, values in told.items():
        text, atom = _BETWEEN.join(values), _MP4[name]
        if name == "movementnumber":
            atoms[atom] = [int(text)]
        elif atom.startswith(_FREEFORM):
            atoms[atom] = [text.encode()]
        else:
            atoms[atom] = [text]


def _set_comments(comments: Any, told: Mapping[str, Sequence[str]], gone: set[str]) -> None:
    for key in {key for key in comments.keys() if common_name(key) in gone}:  # noqa: SIM118 iterating gives pairs
        del comments[key]
    for name, values in told.items():
        if name not in _NOT_IN_COMMENTS:
            comments[name.upper()] = list(values)
