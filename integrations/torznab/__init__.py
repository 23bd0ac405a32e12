"""One indexer that speaks Torznab: Jackett's, Prowlarr's own endpoints, or a tracker itself."""

from integrations.torznab.client import Torznab
from integrations.torznab.feed import Capabilities

__all__ = ["Capabilities", "Torznab"]
