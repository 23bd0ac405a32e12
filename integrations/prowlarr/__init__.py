"""Prowlarr, which asks many indexers at once and hands out their torrents."""

from integrations.prowlarr.client import Prowlarr
from integrations.prowlarr.rows import Block, HealthFinding, Indexer, SystemStatus

__all__ = ["Block", "HealthFinding", "Indexer", "Prowlarr", "SystemStatus"]
