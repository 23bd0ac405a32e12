"""What points and wedges buy (facts: MyAnonamouse, spending points). Nothing of it can be undone or given back.

Gifts to other users exist too; programs must not make them, so they are not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.errors import BadPayload, Refused
from integrations.myanonamouse import values
from integrations.offers import plain_reason

PATH = "/json/bonusBuy.php/"
POINTS_PER_GB = 500
POINTS_PER_WEDGE = 50_000
POINTS_PER_VIP_WEEK = 1_250
SMALLEST_UPLOAD_GB = 50
# Refusals of a personal freeleech that only say there is nothing to pay.
_ALREADY_FREE = ("this torrent is vip", "this is already a personal freeleech")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """How it went: a refusal is an answer like any other here, with the site's words in `message`.

    `already_free`: the wedge was not spent, because the release costs this user nothing as it is.
    """

    succeeded: bool
    points_left: int | None
    wedges_left: int | None
    message: str
    already_free: bool


def vip() -> dict[str, str]:
    """The order of as many weeks of VIP as can be had: programs may order nothing less."""
    return {"spendtype": "VIP", "duration": "max"}


def wedge() -> dict[str, str]:
    """The order of one freeleech wedge."""
    return {"spendtype": "wedges", "source": "points"}


def upload(service: str, gigabytes: int) -> dict[str, str]:
    """The order of upload credit; raises Refused below the smallest amount, which the site would refuse too."""
    if gigabytes < SMALLEST_UPLOAD_GB:
        reason = f"upload credit is sold from {SMALLEST_UPLOAD_GB} GB on. Order at least that."
        raise Refused(service, reason, code="AMOUNT_TOO_SMALL")
    return {"spendtype": "upload", "amount": str(gigabytes)}


def personal_freeleech(torrent_id: int, timestamp: int) -> dict[str, str]:
    """The order to spend a wedge on one release."""
    return {"spendtype": "personalFL", "torrentid": str(torrent_id), "timestamp": str(timestamp)}


def parse_purchase(service: str, body: object) -> Purchase:
    """Read the answer; refusals come with status 200 and a `success` that may be the text "false"."""
    if not isinstance(body, Mapping) or "success" not in body:
        raise BadPayload(service, "a purchase that neither succeeded nor failed. Look at the account before another")
    succeeded = values.flag(body["success"])
    message = plain_reason(str(body.get("error") or ""))
    return Purchase(
        succeeded=succeeded,
        points_left=values.whole(body.get("seedbonus")),
        wedges_left=values.whole(body.get("FLleft")),
        message=message,
        already_free=not succeeded and message.lower().startswith(_ALREADY_FREE),
    )
