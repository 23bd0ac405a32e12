"""What differs between the versions of qBittorrent that the fake can be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Version:
    """A version's own names of itself, and what it does otherwise than the one before."""

    program: str
    api: str

    @property
    def numbers(self) -> tuple[int, ...]:
        """The WebAPI's version in numbers."""
        return tuple(map(int, self.api.split(".")))

    @property
    def is_4_6(self) -> bool:
        """From here on inactive seeding has limits, and empty sections are left out."""
        return self.numbers >= (2, 9)

    @property
    def is_5_0(self) -> bool:
        """From here on torrents stop and start."""
        return self.numbers >= (2, 11)

    @property
    def is_5_1(self) -> bool:
        """From here on rows say whether there is metadata."""
        return self.numbers >= (2, 11, 4)

    @property
    def is_5_2(self) -> bool:
        """From here on sign-ins and added torrents are answered by status, and there are API keys."""
        return self.numbers >= (2, 14)

    def written(self, word: str) -> str:
        """A state's word as this version writes it."""
        return word if self.is_5_0 else word.replace("stopped", "paused")


VERSIONS = {
    "4.5": Version("v4.5.2", "2.8.19"),
    "4.6": Version("v4.6.7", "2.9.3"),
    "5.0": Version("v5.0.5", "2.11.2"),
    "5.1": Version("v5.1.4", "2.11.4"),
    "5.2": Version("v5.2.3", "2.15.1"),
}
