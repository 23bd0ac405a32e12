"""What stands around a phrase: whether it says something of the books that are wanted, or belongs to a plot."""

from library.questions.words import Question, phrases

# What people ask for: a phrase that follows such a word describes it.
_BOOKS = phrases(
    """book, books, audiobook, audiobooks, audio book, audio books, novel, novels, novella, novellas, title, titles,
    something, anything, one, ones, story, stories, fiction, nonfiction, non fiction, fantasy, sci fi, scifi, sf,
    thriller, thrillers, mystery, mysteries, romance, romances, horror, memoir, memoirs, biography, biographies,
    classic, classics, crime, history, histories, poetry, comedy, comedies, satire, satires, adventure, adventures,
    western, westerns, edition, editions, recording, recordings, version, versions, series, trilogy, listen,
    listens, epic, epics, buch, bucher, buecher, horbuch, horbucher, hoerbuch, hoerbuecher, roman, romane, krimi,
    krimis, etwas, irgendwas, geschichte, geschichten, erzahlung, erzahlungen, titel, ausgabe, ausgaben, fassung,
    fassungen, klassiker, reihe, ones that, books that, audiobooks that, novels that, everything, alles, works,
    work, werke, werk, space opera, whodunit, whodunits, essays, tales, tale, read, reads"""
)
_LINKING = phrases(
    """that is, that are, thats, that was, that were, which is, which are, which was, which were, is, are, it is, its,
    that runs, that lasts, that last, that run, which runs, which lasts, running, lasting, das, die, der, und, and,
    or, oder, but, aber, only, nur, just, also, must be, should be, has to be, in audio, please, bitte, preferably,
    ideally, at, mit, with, available, ones, ideally, am liebsten, von, first"""
)
# What may follow directly: the phrase has said what it had to say.
_FOLLOWING = phrases(
    """and, und, or, oder, please, bitte, but, aber, only, nur, unabridged, ungekurzt, abridged, gekurzt, narrated,
    read, gelesen, gesprochen, by, von, under, unter, over, uber, less, more, weniger, mehr, between, zwischen,
    longer, shorter, kurzer, langer, published, released, erschienen, standalone, tagged, not, nicht, at least, at
    most, from, before, after, since, vor, nach, seit, aus, in, auf, about, with, mit, that, which, where, like,
    max, hochstens, mindestens, full cast, dramatized, dramatised, without, ohne, for, first"""
)
_WISHES = phrases(
    """only, please, preferably, prefer, ideally, must be, should be, has to be, have to be, needs to be, need to be,
    nur, bitte, muss, soll, sollte, am liebsten, bevorzugt"""
)
_MEMORIES = phrases(
    """remember, i read, ive read, i think, i thought, i believe, can't remember, cant remember, don't remember,
    vaguely, recall, years ago, when i was, in school, elementary school, high school, middle school, what book,
    which book, name of, title of, trying to find, help me find, ich erinnere, habe gelesen, vor jahren, wie hiess,
    i had read, came across, tip of my tongue, identify"""
)
LONGEST_REQUEST = 45  # words; what is longer tells a story
_SHORTEST_STORY = 8


def closes(question: Question, place: int) -> bool:
    """Whether what ends before a place is complete there: the end, a comma, or a word that begins something new."""
    return question.breaks_at(place) or _FOLLOWING.end(question, place) is not None


def describes(question: Question, place: int) -> bool:
    """Whether a phrase that begins at a place follows the wanted books, or stands by itself."""
    if question.breaks_at(place) or _BOOKS.start(question, place) is not None:
        return True
    linking = _LINKING.start(question, place)
    return linking is not None


def follows_books(question: Question, place: int) -> bool:
    """Whether the word before is one for books."""
    return not question.breaks_at(place) and _BOOKS.start(question, place) is not None


def tells_a_story(question: Question) -> bool:
    """Whether the question tells what somebody remembers, so that its numbers and names are most likely of the plot."""
    count = len(question.words)
    if count > LONGEST_REQUEST:
        return True
    if count < _SHORTEST_STORY:
        return False
    return any(_MEMORIES.end(question, place) is not None for place in range(count))


def wished_places(question: Question) -> frozenset[int]:
    """Places whose sentence has said, before them or there, that this is a condition: "only", "please", "must be"."""
    places: set[int] = set()
    wished = False
    for place, word in enumerate(question.words):
        wished = (wished and not word.begins) or _WISHES.end(question, place) is not None
        if wished:
            places.add(place)
    return frozenset(places)
