"""The recordings that the demo shop offers: of books that everybody may record, seconds long, and really playable."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream

from demo.books import DemoBook, DemoEdition, SeriesPlace, load_books
from demo.covers import cover
from demo.layouts import Blurb, ChapterPlan, Cover, Dialect, EditionPlan, PartPlan, Recipe, Shape, plan
from demo.tags import write_tags

SAMPLE_RATE = 44_100
FRAME_SAMPLES = 1152
LOUDNESS = 0.02
USUAL_SECONDS = 5.0  # of books that the demo collection does not have

_CODECS = {".m4b": ("ipod", "aac"), ".mp3": ("mp3", "libmp3lame")}
_LANGUAGES = {"ENG": "en", "GER": "de"}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recording of one book, or several books by the same narrators in one torrent.

    `name` is that of the file, or of the folder for several. `length` is the share of the usual length. `where` are
    the indexers that offer it besides MyAnonamouse.
    """

    id: int
    name: str
    titles: tuple[str, ...]
    narrators: tuple[str, ...]
    suffix: str = ".m4b"
    bit_rate: int = 64_000
    length: float = 1.0
    language: str = "ENG"
    abridged: bool = False
    dramatized: bool = False
    free: bool = False
    vip: bool = False
    seeders: int = 12
    where: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """What uploaders write into the tags."""
        if self.dramatized:
            return "Dramatized, full cast"
        return "Abridged" if self.abridged else "Unabridged"

    def editions(self) -> Iterator[EditionPlan]:
        """What is written, book by book."""
        for title in self.titles:
            book, seconds = _known()[title]
            edition = DemoEdition(self.narrators, abridged=self.abridged, dramatized=self.dramatized)
            recipe = Recipe(
                self.suffix, Shape.SINGLE, "", Dialect.CLASSIC, Blurb.DESCRIPTION, Cover.EMBEDDED, says_unabridged=True
            )
            spoken = replace(book, language=_LANGUAGES[self.language], editions=(edition,))
            file = f"{title}{self.suffix}" if len(self.titles) > 1 else self.name
            part = PartPlan(file, seconds * self.length, 1, 1, None, (ChapterPlan(0, title),))
            yield EditionPlan(spoken, edition, recipe, "", (part,))


RECORDINGS = (
    Recording(
        id=910001,
        name="Kim - Rudyard Kipling.m4b",
        titles=("Kim",),
        narrators=("Marian Oldcastle",),
        seeders=41,
        where=frozenset({"public", "torznab"}),
    ),
    Recording(
        id=910002,
        name="Kim (abridged) - Rudyard Kipling.mp3",
        titles=("Kim",),
        narrators=("Percival Stroud",),
        suffix=".mp3",
        bit_rate=32_000,
        length=0.4,
        abridged=True,
        seeders=90,
        where=frozenset({"public"}),
    ),
    Recording(
        id=910003,
        name="Kim - Rudyard Kipling (Deutsch).mp3",
        titles=("Kim",),
        narrators=("Ottilie Brandauer",),
        suffix=".mp3",
        language="GER",
        seeders=7,
    ),
    Recording(
        id=910004,
        name="Kim - A Full-Cast Dramatization.m4b",
        titles=("Kim",),
        narrators=("The Lantern Street Players",),
        bit_rate=96_000,
        length=0.6,
        dramatized=True,
        vip=True,
        seeders=23,
        where=frozenset({"torznab"}),
    ),
    Recording(
        id=910005,
        name="Chronicles of Barsetshire 1-2",
        titles=("The Warden", "Barchester Towers"),
        narrators=("Augusta Penhallow",),
        seeders=15,
        where=frozenset({"torznab"}),
    ),
    Recording(
        id=910006,
        name="She and Allan - H. Rider Haggard.m4b",
        titles=("She and Allan",),
        narrators=("Roderick Vane",),
        seeders=120,
        where=frozenset({"public", "torznab"}),
    ),
    Recording(
        id=910007,
        name="Emma - Jane Austen.mp3",
        titles=("Emma",),
        narrators=("Leonora Fitzwilliam",),
        suffix=".mp3",
        bit_rate=128_000,
        free=True,
        seeders=66,
        where=frozenset({"public"}),
    ),
    Recording(
        id=910008,
        name="The Club of Queer Trades - G. K. Chesterton.m4b",
        titles=("The Club of Queer Trades",),
        narrators=("Barnaby Quill",),
        seeders=9,
        where=frozenset({"torznab"}),
    ),
)


def write_recording(folder: Path, recording: Recording) -> Mapping[Path, float]:
    """Write what is missing of a recording's files below `folder`; gives their lengths in seconds."""
    home = folder / recording.name if len(recording.titles) > 1 else folder
    home.mkdir(parents=True, exist_ok=True)
    written = {}
    for edition in recording.editions():
        (part,) = edition.parts
        path = home / part.name
        if not path.exists():
            scratch = path.with_name(f".{path.name}")
            _write_noise(scratch, part.seconds, recording)
            write_tags(scratch, edition, part, cover(edition.book))
            scratch.rename(path)
        written[path] = part.seconds
    return written


@cache
def _known() -> Mapping[str, tuple[DemoBook, float]]:
    """The demo collection's books with the length of their first edition there, and a few that it lacks."""
    books = load_books()
    lengths: dict[str, float] = {}
    for edition in plan(books):
        lengths.setdefault(edition.book.title, edition.seconds)
    return {book.title: (book, lengths.get(book.title, USUAL_SECONDS)) for book in (*_more_books(books), *books)}


def _more_books(books: Sequence[DemoBook]) -> tuple[DemoBook, DemoBook]:
    model = books[0]
    trap = replace(
        model,
        title="She and Allan",
        subtitle=None,
        authors=("H. Rider Haggard",),
        series=(SeriesPlace("Ayesha", "3"),),
        year=1921,
        genres=("Adventure",),
        tags=(),
        blurb="Two hunters follow a woman's summons to a white queen who claims to have lived two thousand years.",
    )
    unknown = replace(
        model,
        title="The Club of Queer Trades",
        subtitle=None,
        authors=("G. K. Chesterton",),
        series=(),
        year=1905,
        genres=("Mystery", "Humour"),
        tags=(),
        blurb="To join this club, one must earn a living by a trade that nobody has ever practised before.",
    )
    return trap, unknown


def _write_noise(path: Path, seconds: float, recording: Recording) -> None:
    """Encode soft noise: silence would take far less than the bit rate that is promised."""
    container, codec = _CODECS[recording.suffix]
    random = np.random.default_rng(zlib.crc32(f"{recording.id} {path.name}".encode()))
    with av.open(str(path), "w", format=container, options={"fflags": "bitexact"}) as output:
        stream = output.add_stream(codec, rate=SAMPLE_RATE)
        assert isinstance(stream, AudioStream)
        stream.layout = "mono"
        stream.bit_rate = recording.bit_rate
        for start in range(0, round(seconds * SAMPLE_RATE), FRAME_SAMPLES):
            samples = random.uniform(-LOUDNESS, LOUDNESS, (1, FRAME_SAMPLES)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            frame.pts = start
            frame.time_base = Fraction(1, SAMPLE_RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
