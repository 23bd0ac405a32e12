"""The fake MyAnonamouse's user: what its downloads and purchases do to the account."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.fakes.catalogue import CatalogueEntry
from tests.fakes.myanonamouse_rows import Json, fancy_size

WEDGE_POINTS = 50_000
GB_POINTS = 500
VIP_WEEK_POINTS = 1_250
VIP_MOST_DAYS = 90
_CREATED = datetime(2026, 11, 21, 22, 26, 40, tzinfo=UTC)


@dataclass
class FakeAccount:
    """The user; `unsatisfied` are the torrents taken through the fake, besides `other_unsatisfied` older ones."""

    username: str = "example_user"
    user_class: str = "VIP"
    uploaded_bytes: int = 3_826_260_466_892
    downloaded_bytes: int = 1_121_501_860_331
    points: int = 48_211
    wedges: int = 9
    vip_until: datetime | None = datetime(2027, 2, 1, tzinfo=UTC)
    unsat_limit: int = 150
    other_unsatisfied: int = 7
    connectable: str = "yes"
    unsatisfied: dict[int, CatalogueEntry] = field(default_factory=dict)
    personal_freeleech: set[int] = field(default_factory=set)

    @property
    def unsat(self) -> int:
        """How many torrents are not seeded long enough yet."""
        return self.other_unsatisfied + len(self.unsatisfied)

    def costs_nothing(self, entry: CatalogueEntry) -> bool:
        """Whether the ratio is spared."""
        vip = entry.fl_vip and self.user_class in {"VIP", "Elite VIP"}
        return entry.free or entry.id in self.personal_freeleech or vip

    def take(self, entry: CatalogueEntry) -> None:
        """Download a torrent."""
        if entry.id not in self.unsatisfied and not self.costs_nothing(entry):
            self.downloaded_bytes += entry.size_bytes
        self.unsatisfied[entry.id] = entry

    def loaded(self, *, summary: bool, flat: bool) -> Json:
        """What jsonLoad.php gives, with or without the buckets, in today's shape or in the one before it."""
        body: Json = {
            "classname": self.user_class,
            "country_code": None,
            "country_name": None,
            "downloaded": _tebibytes(self.downloaded_bytes),
            "downloaded_bytes": self.downloaded_bytes,
            "ratio": self._ratio(),
            "seedbonus": self.points,
            "uid": 4242,
            "uploaded": _tebibytes(self.uploaded_bytes),
            "uploaded_bytes": self.uploaded_bytes,
            "username": self.username,
            "vip_until": f"{self.vip_until:%Y-%m-%d %H:%M:%S}" if self.vip_until else None,
            "wedges": self.wedges,
        }
        if not summary:
            return body
        return body | self._flat() if flat else body | {"snatch_summary": self._nested()}

    def spend(self, order: dict[str, str], catalogue: dict[int, CatalogueEntry], now: datetime) -> Json:
        """Answer a purchase: refusals have status 200 too."""
        match order.get("spendtype"):
            case "VIP":
                return self._buy_vip(now)
            case "wedges":
                return self._buy_wedge()
            case "upload":
                return self._buy_upload(int(order["amount"]))
            case "personalFL":
                return self._make_freeleech(catalogue.get(int(order["torrentid"])))
            case _:
                return _no("Invalid spend type")

    def _buy_vip(self, now: datetime) -> Json:
        start = max(self.vip_until or now, now)
        weeks = min((now + timedelta(days=VIP_MOST_DAYS) - start) // timedelta(weeks=1), self.points // VIP_WEEK_POINTS)
        if weeks < 1:
            return _no("Min VIP is 1 week purchased for Automated methods")
        self.points -= weeks * VIP_WEEK_POINTS
        self.vip_until, self.user_class = start + timedelta(weeks=weeks), "VIP"
        return {"success": True, "type": "VIP", "amount": weeks, "seedbonus": self.points}

    def _buy_wedge(self) -> Json:
        if self.points < WEDGE_POINTS:
            return _no("Not enough points")
        self.points -= WEDGE_POINTS
        self.wedges += 1
        return {"success": True, "type": "wedges", "seedbonus": self.points, "FLleft": self.wedges}

    def _buy_upload(self, gigabytes: int) -> Json:
        if gigabytes < 50 or self.points < gigabytes * GB_POINTS:
            return _no("Not enough points")
        self.points -= gigabytes * GB_POINTS
        self.uploaded_bytes += gigabytes * 1024**3
        return {
            "success": True,
            "type": "upload",
            "amount": gigabytes,
            "seedbonus": self.points,
            "uploaded": self.uploaded_bytes,
            "downloaded": self.downloaded_bytes,
            "uploadFancy": _tebibytes(self.uploaded_bytes),
            "downloadFancy": _tebibytes(self.downloaded_bytes),
            "ratio": self._ratio(),
        }

    def _make_freeleech(self, entry: CatalogueEntry | None) -> Json:
        if entry is None:
            return _no("Invalid torrent")
        if entry.vip:
            return _no("This Torrent is VIP")
        if entry.freeleech_pick:
            return _no("Cannot spend FL Wedges on Freeleech Picks")
        if entry.id in self.personal_freeleech:
            return _no("This is already a personal freeleech") | {"success": "false"}
        if not self.wedges:
            return _no("Not enough wedges")
        self.wedges -= 1
        self.personal_freeleech.add(entry.id)
        return {"success": True, "type": "personal FL", "seedbonus": str(self.points), "FLleft": self.wedges}

    def _ratio(self) -> float | str:
        return round(self.uploaded_bytes / self.downloaded_bytes, 2) if self.downloaded_bytes else "∞"

    def _buckets(self) -> Json:
        unsatisfied = sum(entry.size_bytes for entry in self.unsatisfied.values()) or None
        return {
            "inactHnr": _bucket("Not Seeding - H&R", 0, None),
            "inactSat": _bucket("Not Seeding - Satisfied", 12, 9_663_676_416),
            "inactUnsat": _bucket("Not Seeding - Not Yet Satisfied", 0, None),
            "leeching": _bucket("Leeching", 0, None),
            "sSat": _bucket("Seeding - Satisfied", 412, 221_190_815_744),
            "seedHnr": _bucket("Seeding - H&R - Not Yet Satisfied", 0, None),
            "seedUnsat": _bucket("Seeding - Not Yet Satisfied", self.unsat, unsatisfied),
            "unsat": _bucket("Unsatisfied", self.unsat, unsatisfied) | {"limit": self.unsat_limit},
        }

    def _nested(self) -> Json:
        created = {"created": int(_CREATED.timestamp()), "created_at": f"{_CREATED:%Y-%m-%d %H:%M:%S}"}
        return {"connectable": self.connectable, **created, **self._buckets()}

    def _flat(self) -> Json:
        buckets = {name: bucket | {"red": False} for name, bucket in self._buckets().items() if name != "seedHnr"}
        more = {
            "duplicates": {"name": "Duplicates", "count": 0, "red": False},
            "reseed": {"name": "Reseed requests", "count": 0, "inactive": 0, "red": False},
            "recently_deleted": 0,
            "partial": False,
            "last_access": None,
        }
        stamps = {"created": 1735689600, "update": int(_CREATED.timestamp())}
        return {"connectable": self.connectable, **stamps, **buckets, **more}


def snatch(entry: CatalogueEntry, now: datetime) -> Json:
    """A row of the snatch list, for a torrent that was taken an hour ago."""
    start, complete, unix = now - timedelta(hours=1), now - timedelta(minutes=58), int(now.timestamp())
    return {
        "catname": entry.category_name,
        "catimg": f"cat{entry.category}.png",
        "category": str(entry.category),
        "id": str(entry.id),
        "title": entry.title,
        "comments": "2",
        "last_seed": f"{now:%Y-%m-%d %H:%M:%S}",
        "size": fancy_size(entry.size_bytes),
        "tags": entry.tags,
        "browseFlags": "32" if entry.abridged else "0",
        "free": str(int(entry.free)),
        "vip": str(int(entry.vip)),
        "vip_expire": None,
        "times_completed": str(entry.snatched),
        "uploaded": "0",
        "downloaded": str(entry.size_bytes),
        "complete_date": f"{complete:%Y-%m-%d %H:%M:%S}",
        "complete_unix": int(complete.timestamp()),
        "seedtime": str(58 * 60),
        "leechtime": "120",
        "OneToOne": "0",
        "last_action": f"{now:%Y-%m-%d %H:%M:%S}",
        "last_action_unix": unix,
        "start_date": f"{start:%Y-%m-%d %H:%M:%S}",
        "start_unix": int(start.timestamp()),
        "finished": "1",
        "to_go": "0",
        "seeders": str(entry.seeders),
        "leechers": str(entry.leechers),
        "uploaderName": "example_uploader",
        "uploaderID": "4242",
        "personalFree": "0",
        "cat": "",
        "dl": "fake-user-download-credential",
        "to_go_pretty": "0 B",
        "STG": "2d 23:02:00",
        "author": [{"id": str(number), "name": name} for number, name in enumerate(entry.authors, 501)],
        "narrator": [{"id": str(number), "name": name} for number, name in enumerate(entry.narrators, 777)],
        "series": [
            {"id": str(number), "name": name, "number": position}
            for number, (name, position) in enumerate(entry.series, 3001)
        ],
        "categories": [{"id": 45, "name": entry.category_name}],
        "fileTypes": [{"id": number, "name": name} for number, name in enumerate(entry.filetype.split(), 1)],
    }


def _bucket(name: str, count: int, size: int | None) -> Json:
    return {"name": name, "count": count, "size": size}


def _no(error: str) -> Json:
    return {"success": False, "error": error}


def _tebibytes(count: int) -> str:
    return f"{count / 1024**4:.2f} TiB"
