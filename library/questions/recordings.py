"""What recordings and books are, in phrases that always mean the same: unabridged, full cast, standalone, owned."""

from library.questions.filters import FilterKind, Found
from library.questions.surroundings import closes, describes
from library.questions.words import Phrases, Question, phrases

# A kind of filter, whether the phrases deny it, and the phrases.
_PLAIN: tuple[tuple[FilterKind, bool, Phrases], ...] = (
    (
        FilterKind.ABRIDGED,
        True,
        phrases(
            """unabridged, not abridged, non abridged, no abridged, no abridgements, isnt abridged, ungekurzt,
            ungekurzte, ungekurzter, ungekurztes, ungekurzten, nicht gekurzt, ungekuerzt, ungekuerzte, vollstandige
            lesung"""
        ),
    ),
    (
        FilterKind.ABRIDGED,
        False,
        phrases(
            "abridged, not unabridged, gekurzt, gekurzte, gekurztes, gekurzter, gekuerzt, gekuerzte, nicht ungekurzt"
        ),
    ),
    (
        FilterKind.DRAMATIZED,
        True,
        phrases(
            """not dramatized, not dramatised, no dramatization, not full cast, no full cast, no full cast recording,
            not a full cast, undramatized, kein horspiel, keine horspiele, nicht dramatisiert, no audio drama, no
            audio dramas, not an audio drama"""
        ),
    ),
    (
        FilterKind.DRAMATIZED,
        False,
        phrases(
            """full cast, with full cast, with a full cast, full cast recording, full cast recordings, full cast
            audio, full cast production, dramatized, dramatised, dramatization, dramatisation, audio drama, audio
            dramas, radio drama, radio dramas, radio play, radio plays, horspiel, horspiele, hoerspiel, hoerspiele,
            dramatisiert, dramatisierte, als horspiel"""
        ),
    ),
    (
        FilterKind.STANDALONE,
        False,
        phrases(
            """not in a series, not part of a series, not in any series, not a series, no series, isnt part of a
            series, thats not part of a series, standalone, standalones, stand alone, stand alones, a standalone,
            keine reihe, keine serie, kein teil einer reihe, kein teil einer serie, nicht teil einer reihe, nicht
            teil einer serie, nicht in einer reihe, nicht in einer serie, einzelband, einzelbande, einzelroman,
            without a series, outside of a series"""
        ),
    ),
    (
        FilterKind.STANDALONE,
        True,
        phrases(
            """in a series, part of a series, not standalone, not a standalone, no standalones, teil einer reihe, teil
            einer serie, in einer reihe, in einer serie"""
        ),
    ),
    (
        FilterKind.FIRST_IN_SERIES,
        False,
        phrases(
            """first in a series, first in series, the first in a series, first book in a series, first of a series,
            first book of a series, book one of a series, start of a series, starts a series, series starter,
            series starters, first volume of a series, erster band, erster band einer reihe, erste teil einer
            reihe, erster teil einer reihe, erster teil einer serie, erster band einer serie, auftakt einer reihe,
            reihenauftakt"""
        ),
    ),
    (
        FilterKind.OWNED,
        True,
        phrases(
            """not owned, unowned, that i dont own, that i do not own, i dont own, i do not own, that i dont have,
            that i do not have, that i dont have yet, that i dont own yet, which i dont own, not in my library, die
            ich nicht habe, das ich nicht habe, die ich nicht besitze, das ich nicht besitze, die ich noch nicht
            habe, das ich noch nicht habe, nicht in meiner bibliothek, die mir fehlen"""
        ),
    ),
    (
        FilterKind.OWNED,
        False,
        phrases(
            """that i own, which i own, i own, that i have, which i have, that i already own, that i already have, i
            already own, in my library, from my library, already owned, die ich habe, das ich habe, die ich
            besitze, das ich besitze, die ich schon habe, in meiner bibliothek, aus meiner bibliothek"""
        ),
    ),
)
# These say what they say wherever they stand; the others must describe the books that are wanted.
_ANYWHERE = frozenset({FilterKind.ABRIDGED, FilterKind.DRAMATIZED, FilterKind.FIRST_IN_SERIES})
FIRSTS = frozenset[str]().union(*(table.firsts for _, _, table in _PLAIN))


def plain_phrase(question: Question, place: int) -> Found | None:
    """The longest fixed phrase that begins at a place."""
    ends = [(end, kind, denied) for kind, denied, table in _PLAIN if (end := table.end(question, place)) is not None]
    if not ends:
        return None
    end, kind, denied = max(ends)
    if kind not in _ANYWHERE and not (describes(question, place) or _says_all(kind, question, place)):
        return None
    is_clause = kind is FilterKind.OWNED or (kind is FilterKind.STANDALONE and end - place > 1)
    if is_clause and not closes(question, end):
        return None
    return Found.of(question, kind, place, end, negated=denied)


def _says_all(kind: FilterKind, question: Question, place: int) -> bool:
    # "a standalone thriller", "dragons, not in a series": these phrases have hardly another meaning than theirs.
    return kind is FilterKind.STANDALONE and question.folded(place) not in {"in", "part", "teil"}
