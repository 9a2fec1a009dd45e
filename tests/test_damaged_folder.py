"""Any file of a data folder flipped, cut, emptied, replaced or gone: the start goes on with the same market, or is refused by name.

Never a crash, never a silent loss: a start that opens tells every session all it was ever told, and says what it repaired; one
that is refused exits with code 1, names the file, says what to do, and changes nothing that another try would need.
"""

import shutil

import pytest
from judge.load import MARKETS, Flow, batches
from judge.venue import Venue

# Files of 1 MiB, so that there are several of each kind.
CONFIG = (
    "[journal]\nsegment_mib = 1\n[event_log]\nsegment_mib = 1\n"
    '[adapters]\njson_lines = [{{ name = "audit", path = "{path}" }}]\n'
)
ORDERS = 20_000
REMEDIES = ("restore", "Restore", "put", "Put", "start again", "move", "delete", "name another")
# Said by a start that repaired what its readers need.
REPAIRED = "made again"


def flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0x10
    path.write_bytes(data)


def flipped_at_the_front(path):
    data = bytearray(path.read_bytes())
    data[min(20, len(data) - 1)] ^= 0x10
    path.write_bytes(data)


def cut(path):
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2 + 1)


def emptied(path):
    path.write_bytes(b"")


def gone(path):
    path.unlink()


def replaced(path):
    path.write_bytes(b"This is another program's file.\n" * 200)


DAMAGES = [flipped, cut, gone, replaced]
BY_HAND = [flipped_at_the_front, emptied]


def nth(pattern, place):
    return lambda data: sorted(data.glob(pattern))[place]


KINDS = {
    "first segment": nth("journal/*.journal", 0),
    "segment in use": lambda data: [path for path in sorted(data.glob("journal/*.journal")) if path.read_bytes().strip(b"\0")][-1],
    "segment made ahead": nth("journal/*.journal", -1),
    "limits": lambda data: data / "limits.json",
    "first events": nth("events/*.events", 0),
    "second events": nth("events/*.events", 1),
    "last events": nth("events/*.events", -1),
    "first index": nth("events/*.index", 0),
    "last index": nth("events/*.index", -1),
    "cursor": lambda data: data / "cursors" / "audit",
    "lock": lambda data: data / "lock",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A closed venue's folder, and what its session was told."""
    folder = tmp_path_factory.mktemp("whole")
    venue = Venue(folder, CONFIG.format(path=folder / "audit.jsonl"))
    with venue:
        client = venue.orders("demo01", keep=False, timeout=60)
        for chunk in batches(Flow(1, MARKETS).orders(ORDERS)):
            client.send_raw(chunk)
            client.poll()
        client.close()
        told = venue.stream("demo01")
        session = venue.orders("demo01").session
        venue.stop()
    assert len(list(venue.data.glob("journal/*.journal"))) > 2 and len(list(venue.data.glob("events/*.events"))) > 2
    return venue.data, session, told


def start(venue):
    """Starts it: None when it is open, else its exit code."""
    try:
        venue.start()
    except AssertionError:
        assert venue.process.poll() is not None, "it neither opens nor ends"
        return venue.process.returncode
    return None


def wrong(venue, path, session, told):
    """What is wrong about a start on a folder whose file at `path` was damaged, if anything."""
    code = start(venue)
    said = venue.tail()
    if "panicked" in said:
        return f"a crash:\n{said}"
    if code is None:
        if "its oldest files were taken away" in said:
            return None
        with venue.orders("demo01", 1, session, timeout=60) as client:
            lost = client.read_to(len(told)) != told
        venue.stop()
        if lost:
            return f"silently lost:\n{said}"
        if path.suffix in (".events", ".index") and REPAIRED not in said:
            return f"repaired without a word:\n{said}"
        return None
    # Of a file that is gone, the next one tells.
    named = path.name in said or f"{path.parent.name}/0" in said and not path.exists()
    if code != 1 or not named:
        return f"exit code {code}, {path.name} is named: {named}\n{said}"
    return None if any(word in said for word in REMEDIES) else f"no remedy:\n{said}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_named_or_repaired(whole, tmp_path, size, kind):
    data, session, told = whole
    found = {}
    for damage in size(DAMAGES, DAMAGES + BY_HAND):
        venue = Venue(tmp_path / damage.__name__, CONFIG.format(path=tmp_path / "audit.jsonl"))
        shutil.copytree(data, venue.data, ignore=shutil.ignore_patterns("admin.sock"))
        path = KINDS[kind](venue.data)
        damage(path)
        try:
            if fault := wrong(venue, path, session, told):
                found[damage.__name__] = fault
        finally:
            venue.__exit__()
        shutil.rmtree(venue.folder)
    assert not found, "\n".join(f"{kind}, {damage}: {fault}" for damage, fault in found.items())
