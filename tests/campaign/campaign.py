"""The campaign: a stream of downloads through a site whose processes are killed again and again, and what is left."""

import asyncio
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

import httpx

from library.global_ids import global_id
from tests.campaign.blows import Blows, Struck, taking_toll
from tests.campaign.offers import Offer, offers
from tests.campaign.process import ADDRESS, SITE
from tests.campaign.verdicts import ENDED, faults_of, faults_of_all, hashes, history, rows, states
from tests.library.scanning.audio_files import write_audio
from tests.processes import wait_until
from tests.road.site import Site, open_site

COMMAND = ("-m", "tests.campaign.process")
BATCH = 8  # so many downloads are on their way at a time
LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 240.0  # for one download while everything keeps dying
REST_SECONDS = 120.0  # for all of them once nothing dies any more
REQUEST = """mutation($release: ID!, $book: ID!, $key: String!) { requestDownload(input: {
  release: $release, book: $book, idempotencyKey: $key}) { __typename
  ... on RequestDownloadPayload { download { id } } ... on Error { code message } } }"""

RETRY = """mutation($id: ID!) { retryDownload(input: {id: $id}) { __typename ... on Error { code message } } }"""


@dataclass
class Campaign:
    """What is asked for, what is on its way and since when, what fell and what came of it."""

    site: Site
    seed: int
    blows: Blows
    chance: random.Random
    sentinels: dict[str, str]
    asked: list[Offer] = field(default_factory=list)
    on_the_way: dict[int, float] = field(default_factory=dict)  # by the release's id
    ended_at: dict[int, float] = field(default_factory=dict)
    faults: dict[int, list[str]] = field(default_factory=dict)
    sessions: int = 0  # that were entered anew because a death took the one in use along
    retries: Counter[str] = field(default_factory=Counter)  # that somebody had to ask for, by reason
    waiting: list[Offer] = field(default_factory=list)

    def run(self, kills: int) -> None:
        """Ask for downloads until so many blows have fallen, then let all of them come to their end."""
        told = 0
        while len(self.blows.struck) < kills and not self.faults:
            self._ask_for_more()
            self.blows.arm()
            self._look()
            if len(self.blows.struck) // 10 > told:
                told = len(self.blows.struck) // 10
                self._say(f"{len(self.blows.struck)} blows, {len(self.ended_at)} of {len(self.asked)} downloads ended")
            time.sleep(LOOK_SECONDS)
        self.blows.disarm()
        deadline = time.monotonic() + REST_SECONDS
        while self.on_the_way and time.monotonic() < deadline:
            self._look()
            time.sleep(LOOK_SECONDS)
        for release_id in self.on_the_way:
            self.faults[release_id] = ["it has not ended"]

    def verdict(self) -> list[str]:
        """Everything that is wrong, with its evidence; nothing when all is well."""
        lines = []
        for offer in self.asked:
            found = self.faults.get(offer.release_id) or faults_of(self.site, offer)
            self.faults |= {offer.release_id: found} if found else {}
            lines += [f"{offer.title}: {fault}" for fault in found]
            lines += [f"    {step}" for step in history(self.site, offer)] if found else []
        return [*lines, *faults_of_all(self.site, self.asked, self.sentinels)]

    def table(self) -> str:
        """How often each point was passed, who was killed there, and what came of the downloads on their way."""
        rows = Counter((struck.blow.role, struck.blow.point, struck.blow.target) for struck in self.blows.struck)
        bad = Counter(
            (struck.blow.role, struck.blow.point, struck.blow.target)
            for struck in self.blows.struck
            if self._harmed(struck)
        )
        lines = ["| in | point | killed | times | all imported exactly once |", "|---|---|---|---|---|"]
        for (role, point, target), times in sorted(rows.items()):
            good = times - bad[role, point, target]
            lines.append(f"| {role} | {point} | {target} | {times} | {good} |")
        targets = Counter(struck.blow.target for struck in self.blows.struck)
        passed = "\n".join(f"| {point} | {times} |" for point, times in sorted(self.blows.passed.items()))
        return "\n".join(
            [
                *lines,
                "",
                f"seed {self.seed}: {sum(targets.values())} kills ({dict(targets)}) at {len(rows)} points, "
                f"{len(self.asked)} downloads; sessions entered anew: {self.sessions}; "
                f"retried by hand: {dict(self.retries)}",
                "",
                "| point | passed |",
                "|---|---|",
                passed,
            ]
        )

    def _harmed(self, struck: Struck) -> bool:
        return any(self.ended_at.get(release_id, struck.at) >= struck.at for release_id in self.faults)

    def _ask_for_more(self) -> None:
        while len(self.on_the_way) < BATCH:
            if not self.waiting:
                self.waiting = asyncio.run(offers(self.site, len(self.asked) + 1, BATCH))
            offer = self.waiting.pop(0)
            self.asked.append(offer)
            self.on_the_way[offer.release_id] = time.monotonic()
            self._request(offer)

    def _request(self, offer: Offer) -> None:
        """Ask as a patient user does: again with the same key until there is an answer."""
        answer: Any = None
        while answer is None:
            try:
                answer = self.site.ask(REQUEST, release=offer.release, book=offer.book, key=offer.title)
            except httpx.TransportError:
                time.sleep(LOOK_SECONDS)
        assert answer["requestDownload"]["__typename"] == "RequestDownloadPayload", answer

    def _look(self) -> None:
        seen, moment = states(self.site), time.monotonic()
        for offer in self.asked:
            since = self.on_the_way.get(offer.release_id)
            if since is None:
                continue
            state, reason, retry_at = seen.get(offer.release_id, ("", None, None))
            if state in ENDED:
                del self.on_the_way[offer.release_id]
                self.ended_at[offer.release_id] = moment
                self._judge(offer, faults_of(self.site, offer))
            elif state == "BLOCKED" and reason == "NEEDS_ACTION":
                self._enter_session()
            elif state == "BLOCKED" and retry_at is None:
                self._retry(offer, str(reason))
            elif moment - since > PATIENCE_SECONDS:
                self._judge(offer, [f"it is {state} ({reason}) after {PATIENCE_SECONDS:.0f} s"])

    def _judge(self, offer: Offer, faults: list[str]) -> None:
        if faults:
            self.faults[offer.release_id] = faults
            self.on_the_way.pop(offer.release_id, None)
            self._say(f"{offer.title}: {faults}; the last blow was {self.blows.struck[-1:]}")

    def _retry(self, offer: Offer, reason: str) -> None:
        """What the user does whom a download waits for; the table tells how often."""
        ((download_id,),) = rows(self.site, "SELECT id FROM downloads WHERE release_id = ?", offer.release_id)
        try:
            answer = self.site.ask(RETRY, id=global_id("Download", download_id))["retryDownload"]
        except httpx.TransportError:
            return  # the API is dead too; there will be another look
        if answer["__typename"] == "RetryDownloadPayload":
            self.retries[reason] += 1
            self._say(f"{offer.title}: retried, as it was BLOCKED by {reason} after {self.blows.struck[-1:]}")

    def _enter_session(self) -> None:
        """What the user does whose tracker replaced the session while the worker died."""
        if not rows(self.site, "SELECT 1 FROM integrations WHERE kind = 'MYANONAMOUSE' AND needs_action IS NOT NULL"):
            return
        self.sessions += 1
        session = self.site.shop.myanonamouse.new_session()
        try:
            self.site.configure("myanonamouse", id=self.site.ids["myanonamouse"], session=session, check=False)
        except httpx.TransportError:
            return  # the API is dead too; there will be another look

    def _say(self, what: str) -> None:
        sys.stdout.write(f"{time.strftime('%H:%M:%S')} {what}\n")
        sys.stdout.flush()


@contextmanager
def open_campaign(folder: Path, short_folder: Path, model: Path, seed: int) -> Iterator[Campaign]:
    """A site with points in its processes, an owned book that nothing may touch, and nothing asked for yet."""
    address = short_folder / "toll.sock"
    chance = random.Random(seed)
    blows = Blows(chance, lambda _target: False)
    variables = {ADDRESS: str(address), SITE: str(folder)}
    with (
        taking_toll(address, blows),
        open_site(
            folder, short_folder, model, command=COMMAND, variables=variables, LOG_LEVEL="INFO", SCAN_PROCESSES="1"
        ) as site,
    ):
        sentinels = _sentinels(site)
        site.add_library()
        site.shop.myanonamouse.account.unsat_limit = 1_000_000  # before the account is read
        site.configure_all()
        reaper = Reaper(site, chance)
        blows.kill = reaper.kill
        yield Campaign(site, seed, blows, chance, sentinels)
        blows.disarm()
        reaper.rest()


@dataclass
class Reaper:
    """Kills, and starts again what it killed a moment later."""

    site: Site
    chance: random.Random
    raising: dict[str, threading.Thread] = field(default_factory=dict)

    def kill(self, target: str) -> bool:
        """Kill a process of the site; False when it is dead already."""
        program = getattr(self.site, target)
        raising = self.raising.get(target)
        if raising is not None and raising.is_alive():
            return False
        program.kill()
        pause = self.chance.uniform(0.0, 1.0)
        self.raising[target] = threading.Thread(target=_raise, args=(program.start, pause), daemon=True)
        self.raising[target].start()
        return True

    def rest(self) -> None:
        """Wait until everything runs."""
        for thread in self.raising.values():
            thread.join(60)


def _raise(start: Callable[[], None], pause: float) -> None:
    time.sleep(pause)
    start()


def _sentinels(site: Site) -> dict[str, str]:
    """Files of another book in the library, and of somebody else's in the client's folder."""
    here = site.library / "Somebody Else" / "Voyage 0001"
    theirs = site.qbittorrent.downloads / "Not Ours"
    files: Sequence[Path] = [
        write_audio(here / "01.mp3", tone=90.0, tags={"TALB": "Voyage 0001", "TPE1": "Somebody Else"}),
        write_audio(theirs / "01.mp3", tone=95.0),
    ]
    return hashes(site, files)


def quiet(site: Site) -> None:
    """Wait until no job runs or waits, so that what is on the disk stays as it is."""
    busy = "SELECT 1 FROM jobs WHERE state IN ('QUEUED', 'RUNNING')"
    try:
        wait_until(lambda: not rows(site, busy), "no job is left", seconds=REST_SECONDS)
    except (AssertionError, TimeoutExpired):
        return  # the verdict says what is wrong
