"""The user's account: what decides whether a release may be taken (facts: MyAnonamouse, user data)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from integrations.errors import BadPayload
from integrations.myanonamouse import values
from integrations.myanonamouse.rows import VIP_CLASSES

PATH = "/jsonLoad.php"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account as the site tells it; None is unknown, never nothing.

    `ratio` is infinite for somebody who never downloaded. `unsat` counts the torrents not yet seeded for 72 hours,
    minutes behind the truth; `unsat_limit` is how many there may be.
    """

    uid: int
    username: str
    user_class: str
    ratio: float | None
    uploaded_bytes: int | None
    downloaded_bytes: int | None
    points: int | None
    wedges: int | None
    vip_until: datetime | None
    unsat: int | None
    unsat_limit: int | None
    connectable: bool | None

    @property
    def is_vip(self) -> bool:
        """Whether releases that are free for VIP are free for this user."""
        return self.user_class in VIP_CLASSES


def parse_account(service: str, body: object) -> Account:
    """Read both shapes: until September 2026 the buckets of `snatch_summary` lay on the top level."""
    uid = values.whole(body.get("uid")) if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or uid is None:
        raise BadPayload(service, "user data without a user")
    summary = body.get("snatch_summary")
    buckets = summary if isinstance(summary, Mapping) else body
    unsat = buckets.get("unsat")
    bucket = unsat if isinstance(unsat, Mapping) else {}
    return Account(
        uid=uid,
        username=values.text(body.get("username")),
        user_class=values.text(body.get("classname")),
        ratio=values.number(body.get("ratio")),
        uploaded_bytes=_bytes(body, "uploaded"),
        downloaded_bytes=_bytes(body, "downloaded"),
        points=values.whole(body.get("seedbonus")),
        wedges=values.whole(body.get("wedges")),
        vip_until=values.moment(body.get("vip_until")),
        unsat=values.whole(bucket.get("count")),
        unsat_limit=values.whole(bucket.get("limit")),
        connectable=_connectable(buckets.get("connectable")),
    )


def _bytes(body: Mapping[str, object], name: str) -> int | None:
    exact = values.whole(body.get(f"{name}_bytes"))
    return values.size_bytes(body.get(name)) if exact is None else exact


def _connectable(value: object) -> bool | None:
    """Whether peers reach the user; the site has more words than yes and no."""
    return {"yes": True, "no": False}.get(str(value).strip().lower())
