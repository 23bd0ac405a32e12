"""Node: anything with a global id, and how an id becomes its object."""

from collections.abc import Awaitable, Callable

import strawberry

from resolvers.context import Info

Fetch = Callable[[Info, int], Awaitable["Node | None"]]


@strawberry.interface(description="Anything with an id of its own that stays the same for ever.")
class Node:
    """The Relay object identification interface."""

    id: strawberry.ID = strawberry.field(description="Opaque id, unique over all types; `node(id:)` finds it again.")
