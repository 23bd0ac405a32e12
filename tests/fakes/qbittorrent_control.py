"""The strings that tests and people pull: `POST /fake/<switch>` with a JSON object makes the fake do what users meet.

| switch | object | what happens |
|---|---|---|
| `torrents` | `name`, and if wanted `size hash progress state tags category save_path comment` | holds a torrent |
| `progress` | `hashes`, `progress`, `bytes_per_second`? | downloads come so far; at 1 their files are placed |
| `state` | `hashes`, `state` in version 5's words or any other | says so from now on |
| `tracker` | `hashes`, `status`, `msg`? | the trackers answer so |
| `seeded` | `hashes`, `seconds` | has seeded so long |
| `vanish` | `hashes` | somebody removed them; their files stay |
| `space` | `bytes` | so much is free |
| `source` | `path` or null | the folder whose files stand for what is downloaded |
| `version` | `version` of VERSIONS | is of that version, after a restart |
| `restart` | | sessions and bans are lost, torrents are not |
| `empty` | | torrents, categories and tags are lost as well |
| `expire` | | sessions end |
| `ban` | | sign-ins are banned until a restart |
| `hang` | `on` | no call is answered until it is off |
| `fail` | `status`, `times`?, `path`?, `after`? | next calls fail; with `after` they are done and the answer is lost |

`hashes` is "all", or hashes with "|" between them. `GET /fake/state` says what it holds and which calls came.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes.qbittorrent_state import Failure, FakeQBittorrent
from tests.fakes.qbittorrent_torrents import FakeTorrent, tracker_row
from tests.fakes.qbittorrent_versions import VERSIONS

Given = dict[str, Any]
_SIZE = 134_637_158


def pull(fake: FakeQBittorrent, switch: str, given: Given) -> None:
    """Do what a switch is for; raises KeyError where there is no such switch."""
    SWITCHES[switch](fake, given)


def told(fake: FakeQBittorrent) -> dict[str, Any]:
    """What the fake holds, and which calls came."""
    return {
        "version": fake.version_name,
        "sessions": len(fake.sessions),
        "banned": fake.is_banned,
        "torrents": [
            {
                "hash": torrent.hash,
                "name": torrent.name,
                "state": fake.version.written(torrent.word),
                "progress": torrent.progress,
                "category": torrent.category,
                "tags": torrent.tags,
                "save_path": torrent.save_path,
            }
            for torrent in fake.torrents.values()
        ],
        "calls": [f"{method} {path}" for method, path in fake.calls],
    }


def _torrents(fake: FakeQBittorrent, given: Given) -> None:
    name = given["name"]
    torrent = FakeTorrent(
        hash=given.get("hash") or f"{len(fake.torrents) + 1:040x}",
        name=name,
        files=[(f"{name}/{name}.m4b", given.get("size", _SIZE))],
        save_path=given.get("save_path", fake.downloads),
        added_on=fake.now,
        category=given.get("category", ""),
        tags=list(given.get("tags", ())),
        comment=given.get("comment", ""),
        trackers=[tracker_row("https://tracker.example/EXAMPLEKEY0123456789/announce")],
    )
    fake.add(torrent)
    if progress := given.get("progress"):
        torrent.move(progress, bytes_per_second=0, now=fake.now, source=fake.source)
    torrent.word = given.get("state", torrent.word)


def _progress(fake: FakeQBittorrent, given: Given) -> None:
    for torrent in fake.chosen(given["hashes"]):
        rate = given.get("bytes_per_second", 1_000_000)
        torrent.move(given["progress"], bytes_per_second=rate, now=fake.now, source=fake.source)


def _state(fake: FakeQBittorrent, given: Given) -> None:
    for torrent in fake.chosen(given["hashes"]):
        torrent.word = given["state"]
        torrent.has_metadata = given["state"] not in {"metaDL", "forcedMetaDL"}


def _tracker(fake: FakeQBittorrent, given: Given) -> None:
    for torrent in fake.chosen(given["hashes"]):
        for row in torrent.trackers:
            row |= {"status": given["status"], "msg": given.get("msg", ""), "num_leeches": -1, "num_seeds": -1}


def _seeded(fake: FakeQBittorrent, given: Given) -> None:
    for torrent in fake.chosen(given["hashes"]):
        torrent.seeding_seconds = given["seconds"]


def _vanish(fake: FakeQBittorrent, given: Given) -> None:
    for torrent in fake.chosen(given["hashes"]):
        del fake.torrents[torrent.hash]


def _space(fake: FakeQBittorrent, given: Given) -> None:
    fake.free_bytes = given["bytes"]


def _source(fake: FakeQBittorrent, given: Given) -> None:
    fake.source = Path(given["path"]) if given["path"] else None


def _version(fake: FakeQBittorrent, given: Given) -> None:
    # One that there is not must not be taken.
    assert given["version"] in VERSIONS, f"one of {', '.join(VERSIONS)}"
    fake.version_name = given["version"]
    fake.restart()


def _empty(fake: FakeQBittorrent, _: Given) -> None:
    fake.torrents.clear()
    fake.categories.clear()
    fake.tags.clear()
    fake.restart()


def _ban(fake: FakeQBittorrent, _: Given) -> None:
    while not fake.is_banned:
        fake.failed_logins += 1


def _hang(fake: FakeQBittorrent, given: Given) -> None:
    if given["on"]:
        fake.answers.clear()
    else:
        fake.answers.set()


def _fail(fake: FakeQBittorrent, given: Given) -> None:
    failure = Failure(given["status"], given.get("times", 1), given.get("path", ""), given.get("after", False))
    fake.failures.append(failure)


SWITCHES: dict[str, Callable[[FakeQBittorrent, Given], None]] = {
    "ban": _ban,
    "empty": _empty,
    "expire": lambda fake, _: fake.sessions.clear(),
    "fail": _fail,
    "hang": _hang,
    "progress": _progress,
    "restart": lambda fake, _: fake.restart(),
    "seeded": _seeded,
    "source": _source,
    "space": _space,
    "state": _state,
    "torrents": _torrents,
    "tracker": _tracker,
    "vanish": _vanish,
    "version": _version,
}
