"""qBittorrent 4.5 to 5.2 by its WebUI API, version 2."""

from integrations.qbittorrent.client import Added, QBittorrent
from integrations.qbittorrent.details import (
    ClientFile,
    Properties,
    Tracker,
    TrackerStatus,
    rejection,
)
from integrations.qbittorrent.maindata import Changes, Maindata, ServerState
from integrations.qbittorrent.session import Credentials
from integrations.qbittorrent.states import ClientState
from integrations.qbittorrent.torrents import Torrent
from integrations.qbittorrent.versions import Versions

__all__ = [
    "Added",
    "Changes",
    "ClientFile",
    "ClientState",
    "Credentials",
    "Maindata",
    "Properties",
    "QBittorrent",
    "ServerState",
    "Torrent",
    "Tracker",
    "TrackerStatus",
    "Versions",
    "rejection",
]
