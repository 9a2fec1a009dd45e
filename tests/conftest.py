"""What the tests share. `tests/run` sets ROTUNDA_TESTS=full for the sizes that are run by hand."""

import json
import os
import platform
import subprocess
import time

import pytest
from judge.venue import ROOT, SMALL_FILES, Venue

FULL = os.environ.get("ROTUNDA_TESTS") == "full"
RESULTS = ROOT / "tests" / "results"


@pytest.fixture
def size():
    """Picks the size of this run: size(ci, by_hand)."""
    return lambda ci, by_hand: by_hand if FULL else ci


@pytest.fixture
def open_venue(tmp_path):
    """Opens venues under the test's own folder; all are gone when it ends."""
    venues = []

    def opened(config="", name="venue", **options):
        venue = Venue(tmp_path / name, config, **options)
        venues.append(venue)
        return venue.start()

    yield opened
    for venue in venues:
        venue.__exit__()


@pytest.fixture
def venue(open_venue):
    """One venue on the default configuration, without demo participants, on free ports."""
    return open_venue()


@pytest.fixture
def small_venue(open_venue):
    """The same with small files, which opens sooner."""
    return open_venue(SMALL_FILES)


@pytest.fixture
def record():
    """Keeps a result: printed always, and at full size written to tests/results/ with machine and commit."""
    started = time.monotonic()

    def keep(name, **numbers):
        numbers["seconds"] = round(time.monotonic() - started, 1)
        print(f"{name}: {json.dumps(numbers)}")
        if FULL:
            commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
            machine = {"system": platform.platform(), "cores": os.cpu_count()}
            RESULTS.mkdir(exist_ok=True)
            text = json.dumps({"test": name, **numbers, "commit": commit, "machine": machine}, indent=2)
            (RESULTS / f"{name}.json").write_text(text + "\n")

    return keep
