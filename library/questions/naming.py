"""Which rows of the library a question's names stand for, and whether the question as a whole is a name."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rapidfuzz.distance import OSA

from library.database import Database
from library.questions.filters import FilterKind, Likeness, Name, Request, SpokenFilter
from library.questions.name_rows import SURNAMES, NameRows, WantedNames, rows_nearly, rows_of
from library.questions.reading import read, without
from library.questions.understanding import Filter, Known, LikedBook, NamedBook, NameKind, Understanding
from library.questions.words import phrases, split
from library.series import series_key
from library.text_search import fold, name_key, sort_title, text_key

LONGEST_NAMED = 10  # words of a question that may be a name as a whole
_LONGEST_WITH_A_SLIP = 4  # words; of more, the others find the book, and a second look costs as much as the first
_LONGEST_COMBINED = 8  # words of a title and its author in one
_LONGEST_AUTHOR = 4
_NEARLY = 0.95
_SHORTEST_SURNAME = 6  # letters, unless it is written with a capital
_MOST_NAMESAKES = 5  # people with a surname; more are nobody in particular
_MOST_NAMED = 50
_WRAPPING = phrases(
    "the book, the novel, the audiobook, book, audiobook, das buch, das horbuch, der roman, books by, bucher von, by"
)
_WRAPPED = phrases("book, books, audiobook, audiobooks, novel, novels, series, reihe, horbuch, bucher, horbucher")
_UNKNOWABLE = "The library does not know whether a narrator is a woman or a man."


async def understand(database: Database, text: str) -> Understanding:
    """Read a question of any length and look up its names: with one statement, or two when a name may have a slip."""
    request = read(text)
    wanted = _wanted(request)
    if not wanted:
        return Understanding(text, tuple(_plain(one) for one in request.filters))
    rows = await rows_of(database, wanted)
    understood = _resolved(request, rows)
    if request.likeness is not None and understood.liked is None:
        return await _liked_nearly(database, request, understood)
    if understood.liked is None and not understood.named and _may_have_a_slip(understood.searched_text):
        return replace(understood, named=await _named_nearly(database, understood.searched_text))
    return understood


def _wanted(request: Request) -> WantedNames:
    wanted = WantedNames()
    for spoken in request.filters:
        match spoken.kind:
            case FilterKind.AUTHOR | FilterKind.NARRATOR:
                wanted.people.update(name_key(name.text) for name in spoken.names)
                wanted.surnames += _filed(spoken.surname)
                wanted.authors.update(name_key(name.text) for name in spoken.names)
            case FilterKind.SERIES:
                wanted.series.update(series_key(name.text) for name in spoken.names)
            case FilterKind.TAG:
                wanted.tags.update(text_key(name.text) for name in spoken.names)
    if request.likeness is not None:
        wanted.titles.update(text_key(name.text) for name in request.likeness.names)
        wanted.series.update(series_key(name.text) for name in request.likeness.names)
    for text in _whole(request):
        wanted.titles.update((text_key(text), sort_title(text)))
        wanted.series.add(series_key(text))
        wanted.authors.add(name_key(text))
        for first, second in _halves(text):
            wanted.titles.add(text_key(first))
            wanted.authors.add(name_key(second))
        if not wanted.author_surname and (text[:1].isupper() or len(text) >= _SHORTEST_SURNAME):
            wanted.author_surname = fold(text)
    wanted.surnames = list(dict.fromkeys(wanted.surnames))[:SURNAMES]
    return wanted


def _whole(request: Request) -> Iterator[str]:
    """What may be a name as a whole: the question, and what its filters leave of it."""
    if request.tells_a_story or request.likeness is not None:
        return
    rest = without(request.text, ((one.start, one.end) for one in request.filters))
    for text in dict.fromkeys((request.text, _unwrapped(request.text), rest, _unwrapped(rest))):
        if _may_be_a_name(text):
            yield text


def _may_be_a_name(text: str) -> bool:
    return bool(text) and 0 < len(text.split()) <= LONGEST_NAMED


def _may_have_a_slip(text: str) -> bool:
    return 0 < len(text.split()) <= _LONGEST_WITH_A_SLIP


def _unwrapped(text: str) -> str:
    """The text without "the book …" before it and "… audiobook" after it."""
    question = split(text)
    first, end = _WRAPPING.end(question, 0) or 0, len(question.words)
    while end > first + 1 and _WRAPPED.end(question, end - 1) == end:
        end -= 1
    return question.said(first, end)


def _halves(text: str) -> Iterator[tuple[str, str]]:
    """A title and its author, in all the ways in which the words may be both, in either order."""
    words = text.split()
    if len(words) <= _LONGEST_COMBINED:
        for cut in range(1, len(words)):
            before, after = " ".join(words[:cut]), " ".join(words[cut:])
            if len(words) - cut <= _LONGEST_AUTHOR:
                yield before, after
            if cut <= _LONGEST_AUTHOR:
                yield after, before


def _resolved(request: Request, rows: NameRows) -> Understanding:
    liked, author = _liked(request, rows)
    filters = tuple(_of_rows(one, rows) for one in request.filters if one is not author)
    asked = tuple(one for one in filters if one.rows or not one.spoken.only_if_known)
    understood = Understanding(request.text, asked, liked, version=rows.version)
    return understood if liked is not None else replace(understood, named=_named(request, understood, rows))


def _plain(spoken: SpokenFilter) -> Filter:
    return Filter(spoken, spoken.start, spoken.end, problem=_UNKNOWABLE if spoken.unknowable else None)


def _of_rows(spoken: SpokenFilter, rows: NameRows) -> Filter:
    if not spoken.names:
        return _plain(spoken)
    for name in spoken.names:
        found = _rows_named(spoken.kind, name, rows)
        if found:
            return Filter(spoken, min(spoken.start, name.start), _end(spoken, name), tuple(found))
    namesakes = _namesakes(spoken.surname, rows)
    if spoken.surname is not None and 0 < len(namesakes) <= _MOST_NAMESAKES:
        return Filter(spoken, spoken.start, spoken.surname.end, tuple(namesakes))
    return replace(_plain(spoken), problem=f"Nothing in the library is called {_reported(spoken)}.")


def _filed(surname: Name | None) -> list[str]:
    """Under what people with a surname are filed: "Le Guin" also under its last word."""
    if surname is None:
        return []
    folded = fold(surname.text)
    return list(dict.fromkeys((folded, folded.split()[-1])))


def _namesakes(surname: Name | None, rows: NameRows) -> list[Known]:
    found = {person for filed in _filed(surname) for person in rows.surnames.get(filed, ())}
    return [] if surname is None else [one for one in found if f" {fold(one.name)}".endswith(f" {fold(surname.text)}")]


def _reported(spoken: SpokenFilter) -> str:
    """What the name must have been: the words up to the end of the phrase."""
    return next((name.text for name in spoken.names if name.end == spoken.end), spoken.names[-1].text)


def _rows_named(kind: FilterKind, name: Name, rows: NameRows) -> Sequence[Known]:
    match kind:
        case FilterKind.SERIES:
            return rows.series.get(series_key(name.text), ())
        case FilterKind.TAG:
            return rows.tags.get(text_key(name.text), ())
        case _:
            return rows.people.get(name_key(name.text), ())


def _end(spoken: SpokenFilter, name: Name) -> int:
    # A series' name stands before the word that says what it is, all others after.
    return spoken.end if spoken.kind is FilterKind.SERIES else name.end


def _liked(request: Request, rows: NameRows) -> tuple[LikedBook | None, SpokenFilter | None]:
    """The book that others should be like, and the filter that only said who wrote it."""
    likeness = request.likeness
    for name in likeness.names if likeness is not None else ():
        titles = rows.titles.get(text_key(name.text)) or rows.titles.get(sort_title(name.text)) or []
        books = titles or rows.placed.get(series_key(name.text), [])
        if likeness is not None and books:
            author, end = _author_after(request, name, rows)
            own = _written_by(author, rows)
            book = next((book for book in books if book.id in own), books[0])
            return _liked_book(likeness, book, end), author
    return None, None


def _liked_book(likeness: Likeness, book: Known, end: int) -> LikedBook:
    return LikedBook(book.id, book.name, likeness.start, end, likeness.left_out, likeness.unwanted)


def _author_after(request: Request, name: Name, rows: NameRows) -> tuple[SpokenFilter | None, int]:
    for spoken in request.filters:
        follows = spoken.kind is FilterKind.AUTHOR and not spoken.negated and name.end <= spoken.start <= name.end + 1
        if follows:
            return spoken, max(_of_rows(spoken, rows).end, name.end)
    return None, name.end


def _written_by(author: SpokenFilter | None, rows: NameRows) -> set[int]:
    names = author.names if author is not None else ()
    return {book for name in names for book in rows.written.get(name_key(name.text), ())}


def _named(request: Request, understood: Understanding, rows: NameRows) -> tuple[NamedBook, ...]:
    texts = [request.text, understood.searched_text]
    found: dict[int, NamedBook] = {}
    for text in dict.fromkeys([*texts, *map(_unwrapped, texts)]):
        if not request.tells_a_story and _may_be_a_name(text):
            for named in _books_called(text, rows):
                found.setdefault(named.book_id, named)
    return tuple(found.values())[:_MOST_NAMED]


def _books_called(text: str, rows: NameRows) -> Iterator[NamedBook]:
    for key in (text_key(text), sort_title(text)):
        yield from (NamedBook(book.id, NameKind.TITLE, 1.0) for book in rows.titles.get(key, ()))
    for first, second in _halves(text):
        own = set(rows.written.get(name_key(second), ()))
        titles = rows.titles.get(text_key(first), ()) if own else ()
        yield from (NamedBook(book.id, NameKind.TITLE, 1.0) for book in titles if book.id in own)
    yield from (NamedBook(book.id, NameKind.SERIES, 1.0) for book in rows.placed.get(series_key(text), ()))
    yield from (NamedBook(book, NameKind.AUTHOR, 1.0) for book in rows.written.get(name_key(text), ()))


async def _named_nearly(database: Database, text: str) -> tuple[NamedBook, ...]:
    rows = await rows_nearly(database, text)
    title, series, author = sort_title(text), series_key(text), name_key(text)
    found = [
        *(
            NamedBook(book.id, NameKind.TITLE, _NEARLY)
            for key in _alike(title, rows.titles)
            for book in rows.titles[key]
        ),
        *(
            NamedBook(one.id, NameKind.SERIES, _NEARLY)
            for key in _alike(series, rows.placed)
            for one in rows.placed[key]
        ),
        *(
            NamedBook(book, NameKind.AUTHOR, _NEARLY)
            for key in _alike(author, rows.written)
            for book in rows.written[key]
        ),
    ]
    return tuple({named.book_id: named for named in reversed(found)}.values())[::-1][:_MOST_NAMED]


async def _liked_nearly(database: Database, request: Request, understood: Understanding) -> Understanding:
    likeness = request.likeness
    if likeness is None:
        return understood
    name = likeness.names[-1]  # the shortest one: whatever follows it may say how others should differ
    rows = await rows_nearly(database, name.text)
    books = [
        *(book for key in _alike(sort_title(name.text), rows.titles) for book in rows.titles[key]),
        *(book for key in _alike(series_key(name.text), rows.placed) for book in rows.placed[key]),
    ]
    return replace(understood, liked=_liked_book(likeness, books[0], name.end)) if books else understood


def _alike(key: str, known: dict[str, list[Known]] | dict[str, list[int]]) -> list[str]:
    return [other for other in known if OSA.distance(key, other, score_cutoff=1) <= 1]
