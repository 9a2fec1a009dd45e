"""Disks that refuse, are full or stand still, under a venue in full flow.

The judge is each client's own log: what was acknowledged is there at the next start, once, and the session goes on. A venue that
ends says what happened and what to do; exit code 1.
"""

import random
import shutil
import signal
import threading
import time

import pytest
from judge import ouch
from judge.blotter import check_trades
from judge.disks import Disk
from judge.load import MARKETS
from judge.trader import Trader
from judge.venue import Venue

MARKET = MARKETS[0]
USERS = ("demo01", "demo02")
SMALL = "[journal]\nsegment_mib = 1\nbackend = \"{backend}\"\n"
# How long a frozen disk is watched: nothing may be answered in this time.
FROZEN_SECONDS = 3
# What `strace` does to the call with number N, and what the venue says then.
REFUSALS = {
    "pwrite64:error=EIO": ("write to the journal", "kernel log"),
    "pwrite64:error=ENOSPC": ("write to the journal", "the disk is full"),
    "pwrite64:retval=512": ("only 512 of",),
    "fdatasync:error=EIO": ("sync", "kernel log"),
}


@pytest.fixture
def disk(tmp_path):
    disks = []

    def made():
        disks.append(Disk(tmp_path / f"disk{len(disks)}"))
        return disks[-1]

    yield made
    for one in disks:
        one.close()


@pytest.fixture
def doomed(tmp_path):
    """Venues that may not open at all."""
    venues = []

    def made(name, config):
        venues.append(Venue(tmp_path / name, config))
        return venues[-1]

    yield made
    for venue in venues:
        venue.__exit__()


def load_until_it_ends(venue, traders):
    """Every trader sends until the venue is gone; its exit code and last words."""
    clients = [trader.connect(venue) for trader in traders]
    stop = threading.Event()
    threads = [threading.Thread(target=t.load, args=(c, stop)) for t, c in zip(traders, clients)]
    for thread in threads:
        thread.start()
    try:
        return venue.ended()
    finally:
        venue.process.kill()
        stop.set()
        for thread in threads:
            thread.join()
        assert not any(trader.failure for trader in traders), [trader.failure for trader in traders]


def go_on(venue, traders):
    """The next start: every session resumes, and orders and trades add up."""
    venue.start()
    clients = [trader.resume(venue) for trader in traders]
    for trader, client in zip(traders, clients):
        # A late replacement leaves its number unused: the last word is an order of its own.
        ref = trader.flow.next_ref
        trader.flow.next_ref += 1
        trader.sent[ref] = ouch.enter(ref, "B", 1, MARKET.symbol, MARKET.tick)
        client.send(trader.sent[ref])
        assert trader.answer(client) == ref + 1
        client.close()
        trader.check_whole_stream(venue)
    check_trades([trader.blotter for trader in traders])
    venue.stop()


def wrong_write(venue, refusal, number, traders):
    """One run with one refused call, and the run after it."""
    venue.prefix = ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null",
                    "-e", f"trace={refusal.split(':')[0]}", "-e", f"inject={refusal}:when={number}"]  # fmt: skip
    venue.log.unlink(missing_ok=True)
    try:
        venue.start()
    except AssertionError:
        # Refused at its first write: it never opened.
        code, said = venue.ended()
    else:
        code, said = load_until_it_ends(venue, traders)
    assert code == 1, f"{refusal} at call {number}: exit code {code}\n{said}"
    assert all(word in said for word in REFUSALS[refusal]) or "event log: cannot sync" in said, f"{refusal} at {number}: {said}"
    venue.prefix = []
    go_on(venue, traders)


def test_each_refused_write_ends_the_venue_with_a_message_and_loses_nothing(doomed, size, record):
    chance = random.Random(3)
    runs = size([("pwrite64:error=EIO", 1)] + [(refusal, chance.randint(2, 40)) for refusal in REFUSALS],
                [(refusal, number) for refusal in REFUSALS for number in range(1, 51)])  # fmt: skip
    venue = doomed("strace", SMALL.format(backend="blocking"))
    traders = [Trader(user, seed) for seed, user in enumerate(USERS)]
    for refusal, number in runs:
        wrong_write(venue, refusal, number, traders)
    record("write_faults_venue", runs=len(runs), orders=sum(len(t.sent) for t in traders), acknowledged_lost=0)


@pytest.mark.parametrize("backend", ["io_uring", "blocking"])
def test_a_full_disk_ends_the_venue_with_a_message_and_loses_nothing(doomed, disk, backend):
    small = disk().tmpfs(3)
    venue = doomed(backend, SMALL.format(backend=backend))
    venue.data = small.folder / "data"
    traders = [Trader(user, seed) for seed, user in enumerate(USERS)]
    venue.start()
    code, said = load_until_it_ends(venue, traders)
    assert code == 1 and "the disk is full" in said and "then start again" in said, said
    small.grow(64)
    go_on(venue, traders)


def test_a_disk_too_small_for_any_market_is_said(doomed, disk):
    venue = doomed("tiny", SMALL.format(backend="auto"))
    venue.data = disk().tmpfs(1).folder / "data"
    venue.spawn()
    code, said = venue.ended()
    assert code == 1 and "the disk is full" in said, said


@pytest.mark.parametrize("backend", ["io_uring", "blocking"])
def test_while_the_disk_stands_still_nothing_is_answered_and_then_all_is(doomed, disk, backend):
    frozen = disk().ext4(64)
    venue = doomed(backend, SMALL.format(backend=backend))
    venue.data = frozen.folder / "data"
    venue.start()
    with venue.orders("demo01", timeout=60) as client:
        client.send(ouch.enter(1, "B", 10, MARKET.symbol, MARKET.middle))
        ouch.settle(client, 60)
        before = client.next_sequence
        frozen.freeze()
        client.send(*[ouch.enter(ref, "B", 10, MARKET.symbol, MARKET.tick) for ref in range(2, 50)])
        frozen_until = time.monotonic() + FROZEN_SECONDS
        while time.monotonic() < frozen_until:
            assert not client.poll(0.2), "answered although the disk stood still"
        venue.wait_for("the disk has finished no write of the journal")
        assert client.next_sequence == before
        frozen.thaw()
        told = [ouch.decode(payload) for payload in client.read(48, 60)]
        assert [(message.name, message.user_ref) for message in told] == [("Accepted", ref) for ref in range(2, 50)]
        venue.wait_for("the disk goes on")
    stream = venue.stream("demo01")
    venue.kill()
    venue.start()
    assert venue.stream("demo01")[: len(stream)] == stream
    venue.stop()


def test_a_stop_while_the_disk_stands_still_is_said_and_loses_nothing(doomed, disk):
    """The doors close in time; the process itself ends when the kernel gives its writes back."""
    frozen = disk().ext4(64)
    venue = doomed("stopped", SMALL.format(backend="blocking"))
    venue.data = frozen.folder / "data"
    trader = Trader("demo01", 1)
    venue.start()
    client = trader.connect(venue)
    trader.answer(client)
    thread = threading.Thread(target=trader.load, args=(client, threading.Event()))
    thread.start()
    try:
        frozen.freeze()
        venue.wait_for("the disk has finished no write of the journal")
        venue.process.send_signal(signal.SIGTERM)
        # The trader's connection is closed although the disk stands still.
        thread.join(60)
        assert not thread.is_alive(), f"the doors are open 60 s after SIGTERM:\n{venue.tail()}"
    finally:
        frozen.thaw()
        code, said = venue.ended()
        thread.join()
    assert code == 1 and ("could not drain in time" in said or "did not finish the last writes in time" in said), said
    assert trader.failure is None and trader.blotter.last_sequence > 0
    go_on(venue, [trader])


def test_the_tools_are_there():
    """A run without them would prove nothing: `tests/run` installs them."""
    for tool in ("strace", "mount", "losetup", "mkfs.ext4", "fsfreeze"):
        assert shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin"), f"{tool} is missing"
