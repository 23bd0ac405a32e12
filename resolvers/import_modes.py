"""How files get into the library, described before any type uses it."""

from library.models.downloads import ImportMode
from resolvers.descriptions import describe_enum

__all__ = ["ImportMode"]

describe_enum(
    ImportMode,
    "How files get from the download client's folder into the library.",
    {
        ImportMode.HARDLINK: "One file with two names: seeding goes on and no space is used. Needs one file system.",
        ImportMode.COPY: "A second file; seeding goes on.",
        ImportMode.MOVE: "The file leaves the client's folder, which ends seeding.",
    },
    name="ImportMode",
)
