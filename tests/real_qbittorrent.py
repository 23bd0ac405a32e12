"""A real qBittorrent without a window, on a free loopback port, with a profile folder of its own."""

import hashlib
import os
import secrets
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.processes import free_port, wait_until

PROGRAM = "qbittorrent-nox"
USERNAME = "reader"
PASSWORD = "a-password-of-the-tests"
_PBKDF2_ROUNDS = 100_000
_SETTINGS = """[LegalNotice]
Accepted=true

[BitTorrent]
Session\\AddTrackersEnabled=false
Session\\AnonymousModeEnabled=false
Session\\DefaultSavePath={downloads}
Session\\DHTEnabled=false
Session\\DisableAutoTMMByDefault=true
Session\\Interface=lo
Session\\InterfaceName=lo
Session\\LSDEnabled=false
Session\\PeXEnabled=false
Session\\Port={peer_port}
Session\\Preallocation=false
Session\\QueueingSystemEnabled=false
Session\\RefreshInterval=100
Session\\SSRFMitigation=false
Session\\SaveResumeDataInterval=1
Session\\TempPathEnabled=false

[Network]
PortForwardingEnabled=false

[Preferences]
WebUI\\Address=127.0.0.1
WebUI\\CSRFProtection=true
WebUI\\HostHeaderValidation=true
WebUI\\LocalHostAuth=true
WebUI\\Password_PBKDF2="@ByteArray({password})"
WebUI\\Port={port}
WebUI\\UseUPnP=false
WebUI\\Username={username}
"""


@dataclass
class RealQBittorrent:
    """The program: where it listens, where it saves, and how to end and start it again."""

    port: int
    profile: Path
    downloads: Path
    username: str = USERNAME
    password: str = PASSWORD
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where its web interface answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [PROGRAM, f"--profile={self.profile}", f"--webui-port={self.port}"]
        # Its settings are looked for below the home folder as well, and a person's own must not be found there.
        environment = {**os.environ, "HOME": str(self.profile), "LC_ALL": "C.UTF-8"}
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet)
        wait_until(self._answers, "qBittorrent answers", self.process)

    def stop(self) -> None:
        """End it as a user would: it writes down what it has."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def kill(self) -> None:
        """End it as a power failure would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)

    def restart(self) -> None:
        """Stop and start it; sessions are lost, torrents are not."""
        self.stop()
        self.start()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v2/app/version").status_code in {200, 403}
        except httpx.TransportError:
            return False


@contextmanager
def real_qbittorrent(folder: Path, port: int = 0) -> Iterator[RealQBittorrent]:
    """Run one until the block ends, with everything it writes below `folder`; skips where it is not installed.

    Port 0 takes a free one.
    """
    require_qbittorrent()
    program = RealQBittorrent(port or free_port(), folder / "profile", folder / "downloads")
    program.downloads.mkdir(parents=True, exist_ok=True)
    _write_settings(program)
    try:
        program.start()
        yield program
    finally:
        program.stop()


def require_qbittorrent() -> None:
    """Skip with the install command where the program is missing; in CI nothing skips."""
    if shutil.which(PROGRAM) is None:
        message = f"{PROGRAM} is missing: apt-get install {PROGRAM}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


def _write_settings(program: RealQBittorrent) -> None:
    folder = program.profile / "qBittorrent" / "config"
    folder.mkdir(parents=True, exist_ok=True)
    text = _SETTINGS.format(
        downloads=program.downloads,
        peer_port=free_port(),
        port=program.port,
        username=program.username,
        password=_hashed(program.password),
    )
    (folder / "qBittorrent.conf").write_text(text)


def _hashed(password: str) -> str:
    """A password as qBittorrent stores it: salt and PBKDF2-HMAC-SHA512, both base64."""
    salt = secrets.token_bytes(16)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _PBKDF2_ROUNDS)
    return f"{b64encode(salt).decode()}:{b64encode(key).decode()}"
