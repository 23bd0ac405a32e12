"""The part of the schema that is about wants, searches and quality profiles, by itself."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers.errors import HANDLERS
from resolvers.quality_profiles import ProfileMutation, ProfileQuery
from resolvers.release_requests import ReleaseMutation
from resolvers.release_search_changes import ReleaseSubscription
from resolvers.release_searches import ReleaseQuery
from resolvers.scalars import SCALARS
from resolvers.wanting import WantMutation
from resolvers.wants import WantQuery


@strawberry.type
class Query(ReleaseQuery, WantQuery, ProfileQuery):
    """The root of queries."""


@strawberry.type
class Mutation(ReleaseMutation, WantMutation, ProfileMutation):
    """The root of mutations."""


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=ReleaseSubscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    exception_handlers=HANDLERS,
)
