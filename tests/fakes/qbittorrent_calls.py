"""The calls of the fake qBittorrent that need a session: what each one asks for, does and answers."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torf
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.fakes.qbittorrent_state import FakeQBittorrent, category_row
from tests.fakes.qbittorrent_sync import Follower
from tests.fakes.qbittorrent_torrents import FakeTorrent, tracker_row
from tests.fakes.qbittorrent_versions import Version


@dataclass(frozen=True)
class Asked:
    """What came with a call; files by their own names, so that of two with one name the last counts."""

    given: Mapping[str, str]
    follower: Follower
    files: Mapping[str, bytes] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """A parameter, empty where it was not given."""
        return self.given.get(name, "")

    def listed(self, name: str) -> list[str]:
        """A parameter that is a list with commas."""
        return [part.strip() for part in self[name].split(",") if part.strip()]


Answer = Callable[[FakeQBittorrent, Asked], Response]


@dataclass(frozen=True)
class Call:
    """One call: GET or POST, what answers it, what must be given, and which versions have it."""

    method: str
    answer: Answer
    required: tuple[str, ...] = ()
    is_in: Callable[[Version], bool] = lambda _: True


def text(body: str = "", status: int = 200) -> Response:
    """An answer in plain text."""
    return PlainTextResponse(body, status)


def _info(fake: FakeQBittorrent, asked: Asked) -> Response:
    torrents = fake.chosen(asked["hashes"]) if asked["hashes"] else list(fake.torrents.values())
    if "tag" in asked.given:
        torrents = [torrent for torrent in torrents if _has(torrent.tags, asked["tag"])]
    if "category" in asked.given:
        torrents = [torrent for torrent in torrents if torrent.category == asked["category"]]
    return JSONResponse([{"hash": torrent.hash, **torrent.row(fake.version)} for torrent in torrents])


def _has(tags: list[str], tag: str) -> bool:
    return tag in tags if tag else not tags


def _details(read: Callable[[FakeTorrent, Version], Any]) -> Answer:
    def answer(fake: FakeQBittorrent, asked: Asked) -> Response:
        torrent = fake.torrents.get(asked["hash"])
        return text("Not Found", 404) if torrent is None else JSONResponse(read(torrent, fake.version))

    return answer


def _acting(act: Callable[[FakeQBittorrent, FakeTorrent, Asked], None]) -> Answer:
    def answer(fake: FakeQBittorrent, asked: Asked) -> Response:
        for torrent in fake.chosen(asked["hashes"]):
            act(fake, torrent, asked)
        return text()

    return answer


def _add(fake: FakeQBittorrent, asked: Asked) -> Response:
    added, failed = [], 0
    for name, content in asked.files.items():
        torrent = _described(fake, asked, content)
        if torrent is None:
            return text(f"Error: '{name}' is not a valid torrent file.", 415)
        if torrent.hash in fake.torrents:
            failed += 1
        else:
            fake.add(torrent)
            added.append(torrent.hash)
    return _added(fake, added, failed)


def _added(fake: FakeQBittorrent, added: list[str], failed: int) -> Response:
    if not fake.version.is_5_2:
        return text("Ok." if added else "Fails.")
    if not added:
        return text("Conflict", 409)
    counts = {"failure_count": failed, "pending_count": 0, "success_count": len(added)}
    return JSONResponse({"added_torrent_ids": added, **counts})


def _described(fake: FakeQBittorrent, asked: Asked, content: bytes) -> FakeTorrent | None:
    """A torrent as a file describes it, read by other means than the program under test has."""
    try:
        read = torf.Torrent.read_stream(io.BytesIO(content))
    except torf.TorfError:
        return None
    stopped = asked["stopped" if fake.version.is_5_0 else "paused"] == "true"
    own_path = fake.categories.get(asked["category"], {}).get("savePath", "")
    return FakeTorrent(
        hash=str(read.infohash),
        name=str(read.name),
        files=[(str(file), file.size) for file in read.files],
        save_path=asked["savepath"] or own_path or fake.downloads,
        added_on=fake.now,
        category=asked["category"],
        tags=asked.listed("tags"),
        trackers=[tracker_row(str(url), tier) for tier, urls in enumerate(read.trackers) for url in urls],
        comment=str(read.comment or ""),
        created_by=str(read.created_by or ""),
        private=bool(read.private),
        piece_bytes=int(read.piece_size),
        word="stoppedDL" if stopped else "stalledDL",
    )


def _stop(_: FakeQBittorrent, torrent: FakeTorrent, _asked: Asked) -> None:
    torrent.word = "stoppedUP" if torrent.is_done else "stoppedDL"
    torrent.bytes_per_second = 0


def _start(_: FakeQBittorrent, torrent: FakeTorrent, _asked: Asked) -> None:
    torrent.word = "stalledUP" if torrent.is_done else "stalledDL"


def _recheck(_: FakeQBittorrent, torrent: FakeTorrent, _asked: Asked) -> None:
    torrent.word = "checkingUP" if torrent.is_done else "checkingDL"


def _delete(fake: FakeQBittorrent, torrent: FakeTorrent, asked: Asked) -> None:
    del fake.torrents[torrent.hash]
    if asked["deleteFiles"] == "true" and fake.source is not None:
        torrent.remove_files()


def _limit(_: FakeQBittorrent, torrent: FakeTorrent, asked: Asked) -> None:
    torrent.ratio_limit = float(asked["ratioLimit"])
    torrent.seeding_minutes_limit = int(asked["seedingTimeLimit"])


def _tag(fake: FakeQBittorrent, torrent: FakeTorrent, asked: Asked) -> None:
    fake.know_tags(asked.listed("tags"))
    torrent.tags = list(dict.fromkeys([*torrent.tags, *asked.listed("tags")]))


def _untag(_: FakeQBittorrent, torrent: FakeTorrent, asked: Asked) -> None:
    gone = asked.listed("tags") or torrent.tags
    torrent.tags = [tag for tag in torrent.tags if tag not in gone]


def _set_tags(fake: FakeQBittorrent, torrent: FakeTorrent, asked: Asked) -> None:
    fake.know_tags(asked.listed("tags"))
    torrent.tags = asked.listed("tags")


def _set_category(fake: FakeQBittorrent, asked: Asked) -> Response:
    if asked["category"] and asked["category"] not in fake.categories:
        return text("Incorrect category name", 409)
    for torrent in fake.chosen(asked["hashes"]):
        torrent.category = asked["category"]
    return text()


def _create_category(fake: FakeQBittorrent, asked: Asked) -> Response:
    name = asked["category"]
    if not name:
        return text("Category cannot be empty", 400)
    if name in fake.categories or "\\" in name or name.startswith("/") or name.endswith("/"):
        return text("Unable to create category", 409)
    fake.categories[name] = category_row(name, asked["savePath"])
    return text()


def _maindata(fake: FakeQBittorrent, asked: Asked) -> Response:
    rid = int(asked["rid"]) if asked["rid"].isdigit() else 0
    keeps_empty = not fake.version.is_4_6
    return JSONResponse(asked.follower.answer(rid, fake.snapshot(), keeps_empty=keeps_empty))


def _build(_: FakeQBittorrent, _asked: Asked) -> Response:
    versions = {"boost": "1.86.0", "libtorrent": "2.0.11.0", "openssl": "3.5.1", "qt": "6.9.1", "zlib": "1.3.1"}
    return JSONResponse({"bitness": 64, "platform": "linux", **versions})


def _nothing(_: FakeQBittorrent, _torrent: FakeTorrent, _asked: Asked) -> None:
    """Some actions change nothing that is listed."""


def _hashes(act: Callable[[FakeQBittorrent, FakeTorrent, Asked], None], *more: str) -> Call:
    return Call("POST", _acting(act), ("hashes", *more))


def _fifth(call: Call) -> Call:
    return Call(call.method, call.answer, call.required, lambda version: version.is_5_0)


def _fourth(call: Call) -> Call:
    return Call(call.method, call.answer, call.required, lambda version: not version.is_5_0)


CALLS = {
    "app/buildInfo": Call("GET", _build),
    "app/defaultSavePath": Call("GET", lambda fake, _: text(fake.downloads)),
    "app/version": Call("GET", lambda fake, _: text(fake.version.program)),
    "app/webapiVersion": Call("GET", lambda fake, _: text(fake.version.api)),
    "sync/maindata": Call("GET", _maindata),
    "torrents/add": Call("POST", _add),
    "torrents/addTags": _hashes(_tag, "tags"),
    "torrents/categories": Call("GET", lambda fake, _: JSONResponse(fake.categories)),
    "torrents/createCategory": Call("POST", _create_category, ("category",)),
    "torrents/delete": _hashes(_delete, "deleteFiles"),
    "torrents/files": Call("GET", _details(lambda torrent, _: torrent.file_rows()), ("hash",)),
    "torrents/info": Call("GET", _info),
    "torrents/pause": _fourth(_hashes(_stop)),
    "torrents/properties": Call("GET", _details(FakeTorrent.properties), ("hash",)),
    "torrents/reannounce": _hashes(_nothing),
    "torrents/recheck": _hashes(_recheck),
    "torrents/removeTags": _hashes(_untag),
    "torrents/resume": _fourth(_hashes(_start)),
    "torrents/setCategory": Call("POST", _set_category, ("hashes", "category")),
    "torrents/setShareLimits": _hashes(_limit, "ratioLimit", "seedingTimeLimit"),
    "torrents/setTags": Call("POST", _acting(_set_tags), ("hashes", "tags"), lambda version: version.is_5_1),
    "torrents/start": _fifth(_hashes(_start)),
    "torrents/stop": _fifth(_hashes(_stop)),
    "torrents/tags": Call("GET", lambda fake, _: JSONResponse(fake.tags)),
    "torrents/trackers": Call("GET", _details(lambda torrent, _: torrent.tracker_rows()), ("hash",)),
    "transfer/info": Call("GET", lambda fake, _: JSONResponse(fake.transfer())),
}
