"""Judging the offers of a search: all that decisions depend on is read once, and the work is done in a thread."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from library import integrations, release_searches, tracker_accounts, wanted_books
from library.database import Database
from library.models.integrations import IntegrationKind
from library.models.releases import ReleaseSearch, Want
from library.offered import Judged, Offered
from library.releases import (
    AccountState,
    ClientState,
    Decision,
    FreeText,
    GrabRules,
    OwnedBest,
    QualityProfile,
    Wanted,
    judge,
)


@dataclass(frozen=True, slots=True)
class Judge:
    """What is looked for, by which rules, what is owned of it, and how account and client stand."""

    wanted: Wanted | FreeText
    profile: QualityProfile
    owned: OwnedBest | None
    account: AccountState | None
    client: ClientState
    rules: GrabRules

    async def judge(self, offers: Sequence[Offered]) -> list[Judged]:
        """Decide about each offer, without holding up the event loop."""
        return await asyncio.to_thread(self._judge, offers)

    def _judge(self, offers: Iterable[Offered]) -> list[Judged]:
        return [Judged(offer, self._decide(offer)) for offer in offers]

    def _decide(self, offer: Offered) -> Decision:
        # The account's rules hold for the tracker's own torrents.
        account = self.account if offer.tracker_torrent_id is not None else None
        known = (self.wanted, self.profile, self.owned, account)
        return judge(offer.facts, *known, client=self.client, rules=self.rules)


async def judge_of(database: Database, search: ReleaseSearch) -> Judge:
    """Read what decides about a search's releases."""
    profile = release_searches.profile_of(search)
    async with database.read() as session:
        owned = await wanted_books.owned_best(session, search.book_id, profile) if search.book_id is not None else None
        want = await session.get(Want, search.want_id) if search.want_id is not None else None
        account = await tracker_accounts.state(session)
        trackers = await integrations.of_kind(session, IntegrationKind.MYANONAMOUSE)
        clients = await integrations.of_kind(session, IntegrationKind.QBITTORRENT)
        tracker, client = next(iter(trackers), None), next(iter(clients), None)
        standing = await tracker_accounts.client_state(session, client) if client is not None else ClientState()
    if account is not None and want is not None and want.grab_automatically:
        account = replace(account, spendable_wedges=0)  # what is taken unasked never spends one
    return Judge(
        wanted=release_searches.compared_with(search),
        profile=profile,
        owned=owned,
        account=account,
        client=standing,
        rules=tracker_accounts.rules(tracker, client),
    )
