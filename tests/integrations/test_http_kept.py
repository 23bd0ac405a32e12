"""Answers are kept where a service allows it, by the rules of HTTP, for all workers."""

import httpx

from integrations.http import Service
from tests.integrations.outside_world import outside_over

KEPT = Service("books:1", "https://books.test", cached=True, burst=50)


class Books:
    """Counts its answers; each has a tag by which it can be asked whether it still holds."""

    def __init__(self, **headers: str) -> None:
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.headers.get("if-none-match") == '"v1"':
            return httpx.Response(304, headers=self._headers)
        return httpx.Response(200, json=len(self.requests), headers=self._headers)


async def test_a_fresh_answer_serves_all_workers_and_costs_no_budget(redis_url: str) -> None:
    books = Books(cache_control="max-age=60")
    async with outside_over(books, redis_url) as one, outside_over(books, redis_url) as two:
        answers = [(await outside.client(KEPT).get("/a?q=1")).json() for outside in (one, two, one)]
        other = (await two.client(KEPT).get("/a?q=2")).json()
        budget = await one.budget(KEPT)

    assert (answers, other, budget.remaining) == ([1, 1, 1], 2, 48)


async def test_a_stale_answer_is_asked_for_again_under_its_tag_with_the_request_as_it_was(redis_url: str) -> None:
    books = Books(cache_control="max-age=0", etag='"v1"')
    async with outside_over(books, redis_url) as outside:
        client = outside.client(KEPT)
        answers = [(await client.get("/a", headers={"Authorization": "Bearer x"})).json() for _ in range(2)]

    assert answers == [1, 1]
    assert [request.headers.get("if-none-match") for request in books.requests] == [None, '"v1"']
    assert [request.headers["authorization"] for request in books.requests] == ["Bearer x"] * 2


async def test_nothing_is_kept_that_may_not_be(redis_url: str) -> None:
    """Neither what the answer forbids, nor what the service does not allow, nor failures, nor writes."""
    forbidden, secretive = Books(cache_control="no-store"), Books(cache_control="max-age=60")
    async with outside_over(forbidden, redis_url) as outside:
        for _ in range(2):
            await outside.client(KEPT).get("/a")
    async with outside_over(secretive, redis_url) as outside:
        for _ in range(2):
            await outside.client(Service("indexer:1", "https://indexer.test")).get("/a")
            await outside.client(KEPT).post("/b")

    assert (len(forbidden.requests), len(secretive.requests)) == (2, 4)


async def test_closing_a_client_ends_nothing_for_the_others(redis_url: str) -> None:
    async with outside_over(Books(cache_control="max-age=60"), redis_url) as outside:
        for _ in range(2):
            async with outside.client(KEPT) as client:
                answer = await client.get("/a")

    assert answer.json() == 1
