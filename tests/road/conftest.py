"""The site that tests of the whole road share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.road.site import Site, open_site

HURRIED = ("-m", "tests.road.hurried")


@pytest.fixture(scope="module")
def site(exported_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with everything configured by mutation, and an empty library."""
    folder = tmp_path_factory.mktemp("road")
    with (
        tempfile.TemporaryDirectory(prefix="sg-") as short,
        open_site(folder, Path(short), exported_model, command=HURRIED) as running,
    ):
        running.add_library()
        running.configure_all()
        yield running
