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


def a_folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = [flipped, flipped_at_the_front, cut, emptied, gone, replaced, a_folder]


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
    with venue.start():
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_named_or_repaired(whole, tmp_path, kind):
    data, session, told = whole
    for damage in DAMAGES:
        what = f"{kind}, {damage.__name__}"
        venue = Venue(tmp_path / "venue", CONFIG.format(path=tmp_path / "audit.jsonl"))
        shutil.copytree(data, venue.data, copy_function=shutil.copy2)
        path = KINDS[kind](venue.data)
        damage(path)
        code = start(venue)
        said = venue.tail()
        assert "panicked" not in said, f"{what}:\n{said}"
        if code is None:
            with venue.orders("demo01", 1, session, timeout=60) as client:
                assert client.read_to(len(told)) == told, f"{what}: silently lost\n{said}"
            venue.stop()
            assert REPAIRED in said or path.suffix not in (".events", ".index"), f"{what}: repaired without a word\n{said}"
        else:
            assert code == 1, f"{what}: exit code {code}\n{said}"
            assert path.name in said, f"{what}: not named\n{said}"
            assert any(word in said for word in REMEDIES), f"{what}: no remedy\n{said}"
        shutil.rmtree(venue.folder)
