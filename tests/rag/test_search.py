"""Both legs find, the fusion ranks, every owner appears once."""

from __future__ import annotations

import numpy as np
import pytest

from rag.errors import QueryVectorMissingError
from rag.index import SearchIndex
from rag.search import Leg, Mode, search, similar
from rag.sources import Owner, Scope
from tests.rag.toys import DIMENSION, row, toy_vector

BOOKS = SearchIndex("toy", DIMENSION).with_changes(
    [
        row(1, "A white whale is hunted.", toy_vector(sea=1), header="Moby Dick"),
        row(2, "Worms and spice.", toy_vector(desert=1), header="Dune"),
        row(3, "Love in a time of battles.", toy_vector(love=0.6, war=0.8), header="War and Peace"),
        row(4, "A whale of a time.", None, header="Not embedded"),
    ]
)


def ids(hits: list) -> list[int]:  # type: ignore[type-arg]  # hits of any search
    return [hit.passage_id for hit in hits]


async def test_words_and_meaning_find_together_and_say_which_of_them_did() -> None:
    hits = await search(BOOKS, "whale", toy_vector(sea=0.8, war=0.6), first=9)
    assert [(hit.rank, hit.passage_id, hit.legs) for hit in hits] == [
        (1, 1, (Leg.VECTOR, Leg.KEYWORD)),
        (2, 3, (Leg.VECTOR,)),
        (3, 4, (Leg.KEYWORD,)),
        (4, 2, (Leg.VECTOR,)),
    ]
    assert hits[0].owner == Owner("book", 1)


async def test_scores_lie_within_one_and_fall_with_the_rank() -> None:
    scores = [hit.score for hit in await search(BOOKS, "whale whale love", toy_vector(sea=1), first=9)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score < 1 for score in scores)
    assert scores[0] > 0.6


async def test_one_leg_alone_ranks_when_asked() -> None:
    assert ids(await search(BOOKS, "whale", toy_vector(desert=1), first=1, mode=Mode.VECTOR)) == [2]
    assert ids(await search(BOOKS, "whale", toy_vector(desert=1), first=9, mode=Mode.KEYWORD)) == [1, 4]


async def test_a_passage_that_is_not_embedded_is_found_by_its_words() -> None:
    assert ids(await search(BOOKS, "embedding", None, first=9)) == [4]


async def test_a_search_by_vector_needs_one() -> None:
    with pytest.raises(QueryVectorMissingError, match="Embed the query"):
        await search(BOOKS, "whale", None, first=9, mode=Mode.VECTOR)


async def test_a_filter_that_leaves_only_the_worst_of_a_thousand_still_finds_it() -> None:
    rows = [row(number, "sea " * 9, toy_vector(sea=1)) for number in range(1, 1000)]
    index = SearchIndex("toy", DIMENSION).with_changes([*rows, row(1000, "war", toy_vector(war=1))])
    hits = await search(index, "sea", toy_vector(sea=1), first=10, scope=Scope(np.array([1000])))
    assert ids(hits) == [1000]
    assert await search(index, "sea", toy_vector(sea=1), first=10, scope=Scope(np.array([], np.int64))) == []


async def test_an_owner_appears_once_with_its_best_passage_however_many_it_has() -> None:
    rows = [row(number, "sea", toy_vector(sea=1), owner=1) for number in range(1, 2000)]
    index = SearchIndex("toy", DIMENSION).with_changes(
        [*rows, row(2000, "sea war", toy_vector(sea=0.6, war=0.8), owner=2)]
    )
    assert [(hit.passage_id, hit.owner.id) for hit in await search(index, "sea", toy_vector(sea=1), first=2)] == [
        (1, 1),
        (2000, 2),
    ]


async def test_a_book_and_a_document_with_one_id_are_two_owners() -> None:
    index = SearchIndex("toy", DIMENSION).with_changes(
        [row(1, "sea", owner=7), row(2, "sea", owner=7, kind="document")]
    )
    assert {hit.owner for hit in await search(index, "sea", None, first=9)} == {Owner("book", 7), Owner("document", 7)}


async def test_equals_are_ordered_by_their_ids() -> None:
    index = SearchIndex("toy", DIMENSION).with_changes([row(number, "sea") for number in (3, 1, 2)])
    assert ids(await search(index, "sea", None, first=9)) == [1, 2, 3]


async def test_an_empty_index_or_query_finds_nothing() -> None:
    assert await search(SearchIndex("toy", DIMENSION), "sea", toy_vector(sea=1), first=9) == []
    assert await search(BOOKS, "", None, first=9) == []


async def test_a_query_of_stop_words_is_taken_at_its_word() -> None:
    assert ids(await search(BOOKS, "of a", None, first=9)) == [4, 3, 1]


async def test_similar_books_are_alike_in_words_or_meaning_and_never_the_book_itself() -> None:
    index = BOOKS.with_changes([row(5, "Ships and a storm.", toy_vector(sea=0.8, war=0.6), header="The Sea Wolf")])
    hits = await similar(index, Owner("book", 1), header="Moby Dick", text="A white whale is hunted.", first=3)
    assert ids(hits) == [5, 4, 2]
    only = await similar(
        index, Owner("book", 1), header="", text="", first=3, scope=Scope(np.array([1, 3, 5]), excluded=np.array([5]))
    )
    assert ids(only) == [3]


async def test_a_book_without_vectors_has_similar_ones_by_its_words() -> None:
    assert ids(await similar(BOOKS, Owner("book", 4), header="", text="A whale of a time.", first=9)) == [1, 3]


async def test_a_page_that_repeats_another_is_left_out_and_a_book_with_the_same_blurb_is_not() -> None:
    pages = [row(number, "sea storm", toy_vector(sea=1), kind="DOCUMENT") for number in (1, 2)]
    books = [row(number, "sea storm", toy_vector(sea=1), kind="BOOK") for number in (3, 4)]
    other = row(5, "sea and war", toy_vector(sea=0.8, war=0.6), kind="DOCUMENT")
    index = SearchIndex("toy", DIMENSION).with_changes([*pages, *books, other])
    hits = await search(index, "sea", toy_vector(sea=1), first=9)
    assert ids(hits) == [1, 3, 4, 5] or ids(hits) == [3, 4, 1, 5]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]


async def test_of_two_pages_as_good_the_one_with_a_second_fitting_section_is_better() -> None:
    index = SearchIndex("toy", DIMENSION).with_changes(
        [
            row(1, "one", toy_vector(sea=0.8, desert=0.6), owner=1, kind="DOCUMENT"),
            row(2, "two", toy_vector(sea=0.8, love=0.6), owner=2, kind="DOCUMENT"),
            row(3, "three", toy_vector(sea=0.6, war=0.8), owner=2, kind="DOCUMENT"),
        ]
    )
    hits = await search(index, "unwritten", toy_vector(sea=1), first=9)
    assert [(hit.owner.id, hit.passage_id) for hit in hits] == [(2, 2), (1, 1)]


async def test_an_answer_says_when_nothing_here_is_about_the_question() -> None:
    index = SearchIndex("toy", DIMENSION).with_changes(
        [row(1, "A white whale.", toy_vector(sea=0.28, war=0.96)), *(row(number, "love") for number in range(2, 30))]
    )
    assert [hit.relevant for hit in await search(index, "taxes", toy_vector(sea=1), first=9)] == [False]
    assert [hit.relevant for hit in await search(index, "taxes", toy_vector(war=1), first=9)] == [True]
    assert [hit.relevant for hit in await search(index, "white whale", toy_vector(sea=1), first=9)] == [True]
    assert [hit.relevant for hit in await search(index, "whale", None, first=9)] == [True]
