"""Snapshots, retention, backups and a disk that fills up: a start from a snapshot is the start from the whole log.

The judge is what clients were told (the tests' own decoder), the hashes of a replay, and the bytes of the snapshots.
"""

import datetime
import json
import os
import random
import shutil
import subprocess
import threading
import time

import pytest
import test_kills as kills
from judge import ouch
from judge.blotter import Blotter
from judge.itch import Books
from judge.load import MARKETS, TICKS, Flow, batches
from judge.trader import Trader
from judge.venue import COMMAND_SECONDS, DEBUG, RELEASE, Venue

PATIENCE_SECONDS = 60
MARKET = MARKETS[0]
USERS = ("demo01", "demo09")
SMALL_FILES = "[journal]\nsegment_mib = 1\n[event_log]\nsegment_mib = 1\nsync_ms = 50\n"
KEEPS_LITTLE = SMALL_FILES + "[retention]\njournal_mib = 1\n"
# What OUCH has no code of its own for.
OTHER = 0x000F


class Desk:
    """Sessions that trade on, whatever becomes of their venue."""

    def __init__(self, users=USERS):
        self.flows = {user: Flow(seed, MARKETS) for seed, user in enumerate(users)}
        self.blotters = {user: Blotter() for user in users}

    def trade(self, venue, messages):
        for user, flow in self.flows.items():
            blotter = self.blotters[user]
            blotter.next_ref = None
            with venue.orders(user, blotter.last_sequence + 1, timeout=PATIENCE_SECONDS, keep=False) as client:
                for chunk in batches(payload for _, payload in flow.messages(messages)):
                    client.send_raw(chunk)
                    blotter.apply(client.poll())
                client.send(ouch.query())
                while blotter.next_ref is None:
                    payloads = client.poll(PATIENCE_SECONDS)
                    assert payloads, f"{user} waits for an answer"
                    blotter.apply(payloads)

    def check_streams(self, venue):
        """Each session's day from 1 on is byte for byte what it was told."""
        for user, blotter in self.blotters.items():
            with venue.orders(user, 1, timeout=PATIENCE_SECONDS) as client:
                assert client.read_to(blotter.last_sequence) == blotter.stream, user


def snapshots(data):
    return sorted((data / "snapshots").glob("*.snapshot"))


def snapshot(venue, data=None, **options):
    return venue.json("snapshot", "--data", data or venue.data, **options)


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_SECONDS} s"
        time.sleep(0.05)
    return found


def operators(venue):
    """All that operators see."""
    questions = ("instruments", "accounts", "sessions", "orders", "fills", "balances", "status")
    return {question: venue.admin(question, "--json").stdout for question in questions}


def damage(path):
    """Flips a bit in the midst of a file."""
    bytes_ = bytearray(path.read_bytes())
    bytes_[len(bytes_) // 2] ^= 4
    path.write_bytes(bytes_)


def test_two_makers_give_the_same_bytes(open_venue, record):
    venue = open_venue(SMALL_FILES)
    desk = Desk()
    desk.trade(venue, 2_000)
    first = snapshot(venue)
    desk.trade(venue, 2_000)
    venue.stop()
    whole = venue.folder / "whole"
    shutil.copytree(venue.data, whole, ignore=shutil.ignore_patterns("admin.sock"))
    shutil.rmtree(whole / "snapshots")
    made = snapshot(venue)
    again = snapshot(venue, whole, binary=DEBUG)
    assert first["sequence"] < made["sequence"] == again["sequence"]
    assert snapshots(venue.data)[-1].read_bytes() == snapshots(whole)[0].read_bytes(), "another way, other bytes"
    replay = venue.json("replay", "--data", whole)
    for key in ("sequence", "events", "event_hash", "state_hash"):
        assert replay[key] == made[key], key
    assert snapshot(venue)["made"] is False, "nothing has happened since"
    record("snapshot_bytes", sequence=made["sequence"], state_hash=made["state_hash"], bytes=snapshots(whole)[0].stat().st_size)


def test_a_start_from_a_snapshot_resumes_sessions_feed_and_operators(open_venue):
    venue = open_venue(SMALL_FILES)
    desk = Desk()
    desk.trade(venue, 2_000)
    made = snapshot(venue)
    desk.trade(venue, 1_000)
    published = venue.published()
    venue.kill()
    venue.start()
    assert "started from a snapshot" in venue.tail() and f"sequence={made['sequence']}" in venue.tail()
    desk.check_streams(venue)
    assert venue.published()[: len(published)] == published, "the feed from 1 is what it was"
    desk.trade(venue, 1_000)
    desk.check_streams(venue)
    seen = operators(venue)
    venue.stop()
    shutil.rmtree(venue.data / "snapshots")
    venue.start()
    assert "started from a snapshot" not in venue.tail().rsplit("Rotunda is open", 2)[1]
    again = operators(venue)
    for question in ("instruments", "accounts", "orders", "fills", "balances"):
        assert again[question] == seen[question], question


def test_operators_who_asked_nothing_for_long_are_answered_from_a_snapshot(open_venue):
    venue = open_venue(KEEPS_LITTLE + "event_log_mib_max = 2\n")
    desk = Desk()
    venue.admin("status")
    first = lambda: venue.json("inspect", "retention", "--data", venue.data)["event_log"]["first"]  # noqa: E731

    def grown():
        desk.trade(venue, 4_000)
        snapshot(venue)
        return not first().startswith("1.")

    wait_for(grown, "events that the operators' view has not read are removed")
    asked = operators(venue)
    venue.stop()
    venue.start()
    again = operators(venue)
    for question in ("instruments", "accounts", "orders", "balances"):
        assert asked[question] == again[question], question


def test_what_retention_removes_nobody_misses(open_venue):
    venue = open_venue(KEEPS_LITTLE)
    desk = Desk()
    kept = lambda: venue.json("inspect", "retention", "--data", venue.data)  # noqa: E731

    def grow(condition, what):
        def grown():
            desk.trade(venue, 800)
            snapshot(venue)
            return condition(kept())

        wait_for(grown, what)

    grow(lambda now: now["journal"]["first_segment"] > 1 and now["event_log"]["files"] > 1, "segments are removed")
    assert kept()["event_log"]["first"].startswith("1."), "the day's events stay"
    desk.check_streams(venue)
    accounts = venue.admin("accounts", "--json").stdout
    venue.admin("day", f"{datetime.date.today() + datetime.timedelta(days=30):%Y%m%d}")
    desk = Desk()
    grow(lambda now: not now["event_log"]["first"].startswith("1."), "yesterday's events are removed")
    orders = venue.admin("orders", "--json").stdout
    venue.kill()
    venue.start()
    desk.check_streams(venue)
    assert venue.admin("accounts", "--json").stdout == accounts
    assert venue.admin("orders", "--json").stdout == orders
    books = Books()
    for payload in venue.published():
        books.apply(payload)
    venue.stop()
    replay = venue.json("replay", "--data", venue.data)
    assert replay["compared"] > 0 and venue.json("replay", "--data", venue.data, binary=DEBUG) == replay
    book = venue.json("inspect", "book", "--data", venue.data, "--symbol", MARKET.symbol)
    assert book["crc32"] == books.crc32(MARKET.symbol, TICKS[MARKET.symbol])
    at_message = venue.json("inspect", "book", "--data", venue.data, "--symbol", MARKET.symbol, "--itch-sequence", books.messages)
    assert at_message["crc32"] == book["crc32"]
    assert venue.command("inspect", "sessions", "--data", venue.data).stdout.count("demo") == 16
    lines = venue.command("inspect", "session-stream", "--data", venue.data, "--session", USERS[0], "--json").stdout
    assert len(lines.splitlines()) >= desk.blotters[USERS[0]].last_sequence
    early = venue.command("replay", "--data", venue.data, "--to-sequence", 10, check=False)
    assert early.returncode == 1 and "goes back to command" in early.stderr
    # The event log is the only way to the old events now: without it, and without the journal's begin, no start.
    (venue.data / "events").rename(venue.folder / "events")
    process = venue.spawn()
    assert process.wait(PATIENCE_SECONDS) == 1 and "begins with segment" in venue.tail()
    shutil.rmtree(venue.data / "events")
    (venue.folder / "events").rename(venue.data / "events")
    venue.start()
    desk.check_streams(venue)


def test_a_damaged_snapshot_is_told_and_the_older_one_taken(open_venue):
    venue = open_venue(SMALL_FILES)
    desk = Desk()
    desk.trade(venue, 1_000)
    older = snapshot(venue)
    desk.trade(venue, 1_000)
    snapshot(venue)
    venue.stop()
    replay = venue.json("replay", "--data", venue.data)
    damage(snapshots(venue.data)[-1])
    venue.start()
    assert "is damaged" in venue.tail() and f"sequence={older['sequence']}" in venue.tail()
    desk.check_streams(venue)
    venue.stop()
    assert venue.json("replay", "--data", venue.data, "--to-sequence", replay["sequence"]) == replay
    # Without the journal's begin both are needed: the start is refused, and says what to do.
    damage(snapshots(venue.data)[0])
    (venue.data / "journal" / "0000000001.journal").rename(venue.folder / "moved")
    process = venue.spawn()
    assert process.wait(PATIENCE_SECONDS) == 1
    assert "snapshots/ and events/, from a backup" in venue.tail(), venue.tail()


def test_a_backup_of_a_running_venue_is_a_venue(open_venue, record):
    venue = open_venue(KEEPS_LITTLE)
    desk, stop, failures = Desk(), threading.Event(), []

    def load():
        try:
            while not stop.is_set():
                desk.trade(venue, 500)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        wait_for(lambda: snapshots(venue.data), "a snapshot is made")
        copies = [venue.folder / f"copy{number}" for number in range(2)]
        proofs = [venue.json("backup", "--data", venue.data, "--to", copy) for copy in copies]
    finally:
        stop.set()
        thread.join()
    assert not failures, failures
    full = venue.command("backup", "--data", venue.data, "--to", copies[0], check=False)
    assert full.returncode == 1 and "empty folder" in full.stderr
    venue.stop()
    for copy, proof in zip(copies, proofs):
        replay = venue.json("replay", "--data", copy)
        for key in ("sequence", "event_hash", "state_hash"):
            assert replay[key] == proof[key], key
    original = venue.json("replay", "--data", venue.data, "--to-sequence", proofs[1]["sequence"])
    assert original["state_hash"] == proofs[1]["state_hash"]
    restored = Venue(venue.folder / "restored", KEEPS_LITTLE)
    copies[1].rename(restored.data)
    with restored:
        for user, blotter in desk.blotters.items():
            told = restored.stream(user)
            assert told[:-1] == blotter.stream[: len(told) - 1] and len(told) > 1, user
        restored.stop()
    record("backup", sequence=proofs[1]["sequence"], state_hash=proofs[1]["state_hash"])


def test_snapshots_under_load_and_kill_9(open_venue, size, record):
    """As the test of kills, with a keeper that makes snapshots and removes all it may, and others that make some too."""
    count = size(5, 40)
    chance = random.Random(4)
    venue = open_venue(KEEPS_LITTLE)
    traders = [Trader(user, seed) for seed, user in enumerate(kills.USERS)]
    books, feed_session = Books(), ""
    clients = [trader.connect(venue) for trader in traders]
    for kill in range(count):
        stop = threading.Event()
        threads = [threading.Thread(target=t.load, args=(c, stop)) for t, c in zip(traders, clients)]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.1, 0.6))
        maker = subprocess.Popen([venue.binary, "snapshot", "--data", venue.data], stdout=subprocess.DEVNULL)
        if kill % 2:
            time.sleep(chance.uniform(0, 0.1))
            maker.kill()
        else:
            assert maker.wait(PATIENCE_SECONDS) == 0
        time.sleep(chance.uniform(0, 0.5))
        venue.kill()
        stop.set()
        for thread in threads:
            thread.join()
        maker.wait()
        assert not any(trader.failure for trader in traders), [trader.failure for trader in traders]
        clients, feed_session = kills.restart(venue, traders, books, feed_session, kill % 5 == 4)
    for client in clients:
        client.close()
    started = venue.log.read_text().count("started from a snapshot")
    venue.stop()
    replay = venue.json("replay", "--data", venue.data)
    held = venue.json("inspect", "retention", "--data", venue.data)
    assert started >= count // 2, f"{started} of {count} starts were from a snapshot"
    record("snapshot_kills", kills=count, starts_from_a_snapshot=started, commands=replay["sequence"],
           reports=sum(t.blotter.last_sequence for t in traders), first_segment=held["journal"]["first_segment"])  # fmt: skip


def test_restart_time_is_measured_with_and_without_a_snapshot(tmp_path):
    """That the command works; its figures are of a quiet machine and a hundred million commands (perf/results/restart.json)."""
    out = tmp_path / "restart.json"
    command = [RELEASE.with_name("rotunda-perf"), "restart", "--commands", "20000", "--steps", "2", "--folder", tmp_path, "--out", out]
    told = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS)
    assert told.returncode == 0, told.stdout + told.stderr
    rows = json.loads(out.read_text())["result"]["restart"]
    assert [row["commands"] for row in rows] == [10_000, 20_000]
    assert all(row["seconds_with_snapshot"] > 0 and row["snapshot_bytes"] > 0 for row in rows)


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("a disk of its own is mounted by root only")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", place], check=True)
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_disk_that_fills_up_refuses_orders_then_stops(small_disk):
    filler = small_disk / "filler"

    def leave(percent):
        """Leaves this share of the disk free."""
        filler.unlink(missing_ok=True)
        stat = os.statvfs(small_disk)
        spare = stat.f_bavail * stat.f_frsize - stat.f_blocks * stat.f_frsize * percent // 100
        filler.write_bytes(bytes(max(spare, 0)))

    def tried(client):
        """What becomes of one more order."""
        client.ref += 1
        client.send(ouch.enter(client.ref, "B", 10, MARKET.symbol, MARKET.middle))
        return ouch.decode(client.read(1)[0])

    venue = Venue(small_disk / "venue", SMALL_FILES + "[disk]\nrefuse_percent = 50\nstop_percent = 25\n")
    with venue:
        with venue.orders(sequence=0) as client:
            client.ref = 0
            assert tried(client).name == "Accepted"
            leave(40)
            refused = wait_for(lambda: (told := tried(client)).name == "Rejected" and told, "orders are refused")
            assert refused.reason == OTHER
            client.send(ouch.replace(1, client.ref + 1, 10, MARKET.middle))
            assert ouch.decode(client.read(1)[0]).name == "Replaced", "a replacement is no new order"
            client.ref += 1
            client.send(ouch.cancel(client.ref))
            assert ouch.decode(client.read(1)[0]).name == "Cancelled"
            filler.unlink()
            wait_for(lambda: tried(client).name == "Accepted", "orders are taken again")
            leave(10)
            assert venue.process.wait(PATIENCE_SECONDS) == 1
        assert "of the disk is free" in venue.tail() and "free some space" in venue.tail()
        assert '"Disk"' in venue.command("inspect", "event-log", "--data", venue.data, "--json").stdout
        process = venue.spawn()
        assert process.wait(PATIENCE_SECONDS) == 1, "it does not open on a full disk"
        filler.unlink()
        venue.start()
        with venue.orders(sequence=0) as client:
            client.ref = ouch.settle(client)[-1].user_ref - 1
            assert tried(client).name == "Accepted"
        venue.stop()
