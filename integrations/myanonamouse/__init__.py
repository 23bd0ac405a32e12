"""MyAnonamouse's JSON API: search, torrents, the account and what its points buy.

Etiquette (facts: MyAnonamouse, etiquette): the site publishes no limits, so these are what careful clients keep.
"""

from integrations.myanonamouse.account import Account
from integrations.myanonamouse.client import (
    ACCOUNT_MAX_AGE_SECONDS,
    BACK_OFF_SECONDS,
    CONCURRENCY,
    DYNAMIC_SEEDBOX_SPACING_SECONDS,
    REQUEST_SPACING_SECONDS,
    MyAnonamouse,
)
from integrations.myanonamouse.purchases import POINTS_PER_GB, POINTS_PER_VIP_WEEK, POINTS_PER_WEDGE, Purchase
from integrations.myanonamouse.rows import MINIMUM_RATIO, SEED_SECONDS, MediaInfo, MediaType, Row, is_free
from integrations.myanonamouse.search import Query
from integrations.myanonamouse.seedbox import SeedboxAnswer, SeedboxOutcome
from integrations.myanonamouse.session import ForeignHost, Hosts, SessionStore
from integrations.myanonamouse.snatches import Snatch, SnatchKind
from integrations.myanonamouse.torrents import UNSATISFIED_LIMIT

__all__ = [
    "ACCOUNT_MAX_AGE_SECONDS",
    "BACK_OFF_SECONDS",
    "CONCURRENCY",
    "DYNAMIC_SEEDBOX_SPACING_SECONDS",
    "MINIMUM_RATIO",
    "POINTS_PER_GB",
    "POINTS_PER_VIP_WEEK",
    "POINTS_PER_WEDGE",
    "REQUEST_SPACING_SECONDS",
    "SEED_SECONDS",
    "UNSATISFIED_LIMIT",
    "Account",
    "ForeignHost",
    "Hosts",
    "MediaInfo",
    "MediaType",
    "MyAnonamouse",
    "Purchase",
    "Query",
    "Row",
    "SeedboxAnswer",
    "SeedboxOutcome",
    "SessionStore",
    "Snatch",
    "SnatchKind",
    "is_free",
]
