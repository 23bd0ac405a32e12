"""A run of everything with known secrets, failures included, leaves none of them where people or programs read."""

import base64
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.fakes import prowlarr, torznab
from tests.fakes.demo_files import ANNOUNCE
from tests.fakes.myanonamouse_rows import DOWNLOAD_CREDENTIAL
from tests.processes import ADMIN_TOKEN, SECRET_KEY, wait_until
from tests.road.site import Site, open_site
from tests.road.steps import best, found, integration, reached, requested, searched, wanted
from tests.secrets_finder import files
from tests.secrets_finder import found as found_secrets

WEBHOOK_KEY = "webhook key/+= that only the receiver knows"
WEBHOOK_TOKEN = "token-in-the-path-of-a-webhook"
APPRISE_PASSWORD = "password-within-an-apprise-url"
WRONG_PASSWORD = "a-wrong-password-somebody/typed+"
_COOKIE = re.compile(rb"SID\d*=[A-Za-z0-9+/=_-]{12,}")
SAVE = """mutation($input: SaveNotificationTargetInput!) { saveNotificationTarget(input: $input) { __typename
  ... on Error { message } } }"""
READ = """{ integrations { name url lastError { message } needsAction } notificationTargets { name lastError }
  jobs(first: 100) { nodes { kind message error { message } } }
  downloads { nodes { name infoHash blockedReason { message hint } release { title pageUrl }
    history { nodes { message } } files { nodes { path } } } } trackerAccount { username } }"""


@pytest.fixture(scope="module")
def site(exported_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that writes down all it can: logs of every level, and all that Valkey is told."""
    with (
        tempfile.TemporaryDirectory(prefix="sg-") as short,
        open_site(
            tmp_path_factory.mktemp("secrets"), Path(short), exported_model, command=("-m", "tests.road.hurried"),
            append_only=True,
        ) as running,
    ):  # fmt: skip
        yield running


@pytest.mark.parametrize(
    "content",
    [
        b"... %s ...",
        b"cookie=%s; path=/",
    ],
)
def test_a_secret_is_found_in_any_clothes(content: bytes) -> None:
    secret = 'a secret/+="of"? mine'
    clothes = [secret, quote(secret, safe=""), quote(quote(secret, safe=""), safe=""), secret.replace('"', '\\"')]
    clothes += [base64.b64encode(f"{'x' * shift}{secret}{'y' * shift}".encode()).decode() for shift in range(6)]
    clothes += [base64.urlsafe_b64encode(f"{'x' * shift}{secret}".encode()).decode() for shift in range(3)]
    for worn in clothes:
        assert found_secrets({"it": [secret]}, {"here": content % worn.encode()}) == ["it in here"], worn
    assert found_secrets({"it": [secret]}, {"here": content % b"a secret of somebody else"}) == []


def test_a_run_with_failures_leaves_no_secret_anywhere(site: Site) -> None:
    _walk(site)
    _fail(site)
    site.ask(READ)
    wait_until(lambda: site.database.with_name(f"{site.database.name}-wal").exists(), "the log of writes")
    for program in (site.api, site.worker, site.valkey):
        program.kill()  # so that nothing is tidied away

    places = files(site.folder, "*.log", "data/shelfgraph.db*", "data/index/*")
    places |= files(Path(site.valkey.command[site.valkey.command.index("--dir") + 1]), "*.aof", "*.rdb")
    places["the answers"] = "\n".join(site.answers).encode()
    assert len(places["data/shelfgraph.db"]) > 0
    assert len(places["worker.log"]) > 0
    assert any(name.endswith(".aof") and content for name, content in places.items())

    assert found_secrets(_secrets(site), places) == []
    assert [name for name, content in places.items() if _COOKIE.search(content)] == []


def test_what_such_a_run_leaves_would_show_a_secret_that_was_planted(site: Site) -> None:
    places = files(site.folder, "*.log", "data/shelfgraph.db*")
    planted = base64.b64encode(f"..{prowlarr.API_KEY}..".encode())
    places["worker.log"] += planted
    assert found_secrets({"the API key": [prowlarr.API_KEY]}, places) == ["the API key in worker.log"]


def _walk(site: Site) -> None:
    """The whole road once, with everybody told of it."""
    site.add_library()
    site.configure_all()
    nobody = "127.0.0.1:9"
    for kind, url, key in (
        ("WEBHOOK", f"http://{nobody}/{WEBHOOK_TOKEN}", WEBHOOK_KEY),
        ("APPRISE", f"json://somebody:{APPRISE_PASSWORD}@{nobody}/", None),
    ):
        given = {"kind": kind, "name": kind, "url": url} | ({"key": key} if key else {})
        saved = site.ask(SAVE, input=given)["saveNotificationTarget"]
        assert "message" not in saved, saved
    want = wanted(site, "Kim", "Rudyard Kipling")
    reached(site, requested(site, best(found(site, want["releaseSearch"]["id"]))), "DONE")


def _fail(site: Site) -> None:
    """What may go wrong, one thing after the other."""
    shop = site.shop
    want = wanted(site, "Emma", "Jane Austen")
    emma = best(found(site, want["releaseSearch"]["id"]), "MyAnonamouse")
    shop.myanonamouse.switches.unsat_freeze = "1d 02:04:02"
    reached(site, requested(site, emma), "BLOCKED", "TRACKER_REFUSED")
    shop.prowlarr.switches.server_error = shop.torznab.switches.refuse_key = True
    found(site, searched(site, text="Emma"))
    shop.myanonamouse.switches.session_expired = True
    found(site, searched(site, text="Kim"))
    wait_until(lambda: integration(site, "MYANONAMOUSE")["needsAction"], "needsAction")
    site.configure("prowlarr", id=site.ids["prowlarr"], apiKey="another-api-key-of-prowlarr")
    site.configure("qbittorrent", id=site.ids["qbittorrent"], password=WRONG_PASSWORD)


def _secrets(site: Site) -> dict[str, list[str]]:
    shop = site.shop
    return {
        "a session of the tracker": shop.myanonamouse.issued,
        "a download link of the tracker": [DOWNLOAD_CREDENTIAL],
        "an API key": [prowlarr.API_KEY, torznab.API_KEY, "another-api-key-of-prowlarr"],
        "a password": [site.qbittorrent.password, WRONG_PASSWORD],
        "a passkey": [ANNOUNCE.rpartition("/")[2]],
        "a secret of a notification": [WEBHOOK_KEY, WEBHOOK_TOKEN, APPRISE_PASSWORD],
        "the server's key": [SECRET_KEY],
        "the administrator's token": [ADMIN_TOKEN],
    }
