"""Running a venue: what is said before anything starts, and what a restart, a lost client and a new day do."""

import datetime
import itertools
import json
import os
import re
import resource
import shutil
import socket
import threading
import time

import pytest
from judge import ouch
from judge.blotter import Blotter
from judge.itch import Books, decode
from judge.load import MARKETS, Flow, batches
from judge.soup import Client, Closed
from judge.venue import FREE_PORTS, STOP_SECONDS, Venue

MARKET = MARKETS[0]


def enter(ref, side="B", quantity=10, price=MARKET.middle, **terms):
    return ouch.enter(ref, side, quantity, MARKET.symbol, price, **terms)


def kinds(messages):
    return [message.name for message in messages]


def starts(venue, **options):
    """Runs a venue that is not to open: (exit code, what it printed)."""
    process = venue.spawn(**options)
    try:
        return process.wait(20), venue.tail()
    finally:
        process.kill()


WRONG = {
    "an unknown key": ("[venue]\ncolour = 1\n", 2, "colour"),
    "a value of the wrong type": ("[venue]\n\ndurable = 3\n", 3, "durable"),
    "an unknown layout": ('[venue]\nlayout = "maze"\n', 2, "layout"),
    "a ring of 100 places": ("[rings]\ninput = 100\n", 2, "input"),
    "a port that is none": ('[doors]\n# order entry\nouch = "127.0.0.1:99999"\n', 3, "ouch"),
    "an open address without consent": ('[doors]\nitch = "0.0.0.0:9002"\n', 2, "itch"),
    "no TOML": ("[venue]\ndata = \n", 2, ""),
}


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_configuration_is_told_with_file_line_and_key(tmp_path, name, command):
    text, line, key = WRONG[name]
    venue = Venue(tmp_path)
    venue.file.write_text(text)
    if command == "run":
        code, said = starts(venue)
    else:
        done = venue.command("check", "--config", venue.file, check=False)
        code, said = done.returncode, done.stderr
    assert code not in (0, None)
    assert f"{venue.file}:{line}" in said and key in said, said
    assert not venue.data.exists(), "nothing is made before the configuration is right"


def test_a_configuration_that_is_not_there_is_named(tmp_path):
    venue = Venue(tmp_path)
    venue.file.unlink()
    code, said = starts(venue)
    assert code != 0 and str(venue.file) in said


def test_the_default_configuration_checks(tmp_path):
    venue = Venue(tmp_path)
    text = venue.command("config").stdout
    venue.file.write_text(text)
    venue.command("check", "--config", venue.file)


def test_a_second_process_on_the_same_folder_says_so_and_leaves(venue, tmp_path):
    second = Venue(tmp_path / "second")
    second.data = venue.data
    endpoints = (venue.data / "endpoints.json").read_bytes()
    code, said = starts(second, keep_endpoints=True)
    assert code != 0 and str(venue.data) in said and "in use" in said, said
    assert (venue.data / "endpoints.json").read_bytes() == endpoints
    with venue.orders() as client:
        client.send(enter(1))
        assert "Accepted" in kinds(ouch.settle(client))


@pytest.mark.parametrize("door", ["ouch", "itch"])
def test_a_port_in_use_is_said_before_anything_starts(tmp_path, door):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        venue = Venue(tmp_path)
        venue.file.write_text(FREE_PORTS.replace(f'{door} = "127.0.0.1:0"', f'{door} = "127.0.0.1:{port}"'))
        code, said = starts(venue)
    assert code != 0 and str(port) in said and not (venue.data / "endpoints.json").exists(), said


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    venue = Venue(tmp_path)
    (tmp_path / "file").write_text("in the way")
    venue.data = tmp_path / "file" / "data"
    code, said = starts(venue, keep_endpoints=True)
    assert code != 0 and str(tmp_path / "file") in said, said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    venue = Venue(tmp_path)
    venue.data.mkdir()
    venue.data.chmod(0o500)
    code, said = starts(venue)
    assert code != 0 and str(venue.data) in said, said


def test_too_few_file_descriptors_are_said(tmp_path):
    venue = Venue(tmp_path)
    code, said = starts(venue, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)))
    assert code != 0 and "file" in said and "24" in said, said


def test_sigterm_under_load_exits_0_in_time_and_keeps_what_was_acknowledged(venue):
    client = venue.orders(keep=False)
    flow, blotter, loaded = Flow(5, MARKETS), Blotter(), threading.Event()

    def load():
        try:
            for _ in range(5_000):
                for chunk in batches(payload for _, payload in flow.messages(50)):
                    client.send_raw(chunk)
                blotter.apply(client.poll())
                loaded.set()
            while True:
                blotter.apply(client.poll(1))
        except (Closed, ConnectionError):
            pass

    thread = threading.Thread(target=load)
    thread.start()
    assert loaded.wait(20)
    time.sleep(0.3)
    venue.stop()
    thread.join()
    session, told = client.session, blotter.stream
    assert told
    venue.start()
    with venue.orders(session=session) as again:
        assert again.read_to(len(told)) == told


def cut_journal(venue, offset):
    """What a kill leaves whose last write ended there: nothing behind it, and no event log."""
    shutil.rmtree(venue.data / "events")
    with open(venue.data / "journal" / "0000000001.journal", "r+b") as file:
        file.seek(offset)
        file.write(bytes(os.fstat(file.fileno()).st_size - offset))


def test_a_first_start_that_was_cut_goes_on_where_it_stopped(tmp_path):
    """A seed of several records, cut behind each of them."""
    seed = ",\n".join(f'{{ name = "s{number}", password = "p{number}", account = "demo01" }}' for number in range(300))
    text = f"[rings]\ninput = 64\n[journal]\nsegment_mib = 1\n[seed]\nsessions = [\n{seed}\n]\n"
    with Venue(tmp_path, text) as venue:
        whole = standing(venue)
        venue.stop()
        lines = venue.command("inspect", "journal", "--data", venue.data, "--json").stdout.splitlines()
        told = [json.loads(line) for line in lines]
        count = int(re.search(r"a seed of (\d+) commands", told[0]["why"])[1])
        assert count > 300 and told[count - 1]["name"] == "s299"
        cuts = sorted({command["offset"] for command in told[:count]})[1:]
        assert len(cuts) >= 3
        for cut in reversed(cuts):
            cut_journal(venue, cut)
            venue.start()
            assert "the first start was cut" in venue.tail() and standing(venue) == whole
            Client(venue.endpoints["ouch"]).login("s299", "p299").close()
            venue.stop()
        venue.start()
        assert standing(venue) == whole
        venue.stop()
        cut_journal(venue, cuts[0])
        venue.file.write_text(venue.file.read_text().replace('"s299"', '"other"'))
        code, said = starts(venue)
        assert code == 1 and "[seed] is another one now" in said, said


def standing(venue):
    """All that a seed makes, as operators see it."""
    questions = ("instruments", "accounts", "sessions", "balances")
    return [json.loads(venue.admin(question, "--json").stdout) for question in questions]


def test_an_idle_venue_stops_at_once(venue):
    began = time.monotonic()
    venue.stop()
    assert time.monotonic() - began < STOP_SECONDS


def test_orders_of_a_client_that_vanished_rest_and_its_session_resumes(venue):
    client = venue.orders("demo01")
    client.send(enter(1))
    ouch.settle(client)
    last, session = client.next_sequence - 1, client.session
    client.abort()
    with venue.orders("demo02") as other:
        other.send(enter(1, "S"))
        assert "Executed" in kinds(ouch.settle(other))
    with venue.orders("demo01", last + 1, session) as client:
        executed = ouch.decode(client.read(1)[0])
        assert client.first_sequence == last + 1
    assert (executed.name, executed.user_ref, executed.quantity) == ("Executed", 1, 10)


def test_a_client_that_never_reads_holds_up_nobody(venue):
    """It may be cut when its buffer is full; it can then log in again and read all that it missed."""
    deaf = venue.orders("demo03", keep=False)
    count, sent = 60_000, 0
    deaf.socket.settimeout(5)
    try:
        for chunk in batches(enter(ref, price=MARKET.tick) for ref in range(1, count + 1)):
            deaf.socket.sendall(chunk)
            sent += 1
    except (TimeoutError, ConnectionError):
        pass
    assert sent
    with venue.orders("demo04") as other:
        ouch.settle(other, 5)
    deaf.close()
    with venue.orders("demo03", session=deaf.session) as again:
        told = ouch.settle(again, 30)
    accepted = [message.user_ref for message in told if message.name == "Accepted"]
    assert accepted == list(range(1, len(accepted) + 1))
    assert told[-1].user_ref == len(accepted) + 1


def test_a_burst_far_beyond_the_rings_is_answered_whole(open_venue):
    """A full ring pushes back on the sockets: nothing is dropped, nothing is out of order."""
    venue = open_venue("[rings]\ninput = 64\noutput = 64\n")
    count = 50_000
    blotter = Blotter()
    with venue.orders("demo05", keep=False, timeout=60) as client:
        for chunk in batches(enter(ref, price=MARKET.tick) for ref in range(1, count + 1)):
            client.send_raw(chunk)
            blotter.apply(client.poll())
        client.send(ouch.query())
        while blotter.next_ref is None:
            blotter.apply(client.poll(30))
    assert list(blotter.orders) == list(range(1, count + 1))
    numbers = [order.number for order in blotter.orders.values()]
    assert all(one < other for one, other in itertools.pairwise(numbers))


def test_one_command_with_more_events_than_the_rings_hold(open_venue):
    """A sweep of 5,000 makers through an output ring of 64 places."""
    venue = open_venue("[rings]\ninput = 64\noutput = 64\n")
    makers = 5_000
    with venue.orders("demo01", timeout=60) as maker, venue.orders("demo02", timeout=60) as taker:
        for chunk in batches(enter(ref, quantity=1) for ref in range(1, makers + 1)):
            maker.send_raw(chunk)
            maker.poll()
        ouch.settle(maker)
        taker.send(enter(1, "S", makers))
        fills = [message for message in ouch.settle(taker) if message.name == "Executed"]
        assert len(fills) == makers and sum(fill.quantity for fill in fills) == makers


def test_a_restart_in_mid_day_is_no_end_of_session(venue):
    with venue.orders("demo01") as client:
        client.send(enter(1), enter(2, price=MARKET.middle - MARKET.tick), ouch.cancel(2))
        ouch.settle(client)
        before, session = list(client.received.values()), client.session
    published = venue.published()
    venue.stop()
    venue.start()
    with venue.orders("demo01", session=session) as client:
        assert client.read_to(len(before)) == before and not client.ended
        client.send(enter(2), enter(3, price=MARKET.middle - MARKET.tick))
        said = ouch.settle(client)
        assert [(m.name, m.user_ref) for m in said] == [("Accepted", 3), ("QueryResponse", 4)]
    with venue.feed() as feed:
        assert feed.read_to(len(published) + 1)[:-1] == published


def test_a_new_day_ends_sessions_and_day_orders_and_begins_anew(venue):
    client, feed = venue.orders("demo01"), venue.feed(keep=True)
    client.send(enter(1))
    first = next(message for message in ouch.settle(client) if message.name == "Accepted")
    old, old_feed = client.session, feed.session
    later = datetime.date.today() + datetime.timedelta(days=2)
    venue.admin("day", f"{later:%Y%m%d}")
    for ended in (client, feed):
        ended.read_until(lambda c: c.ended, 10)
    last_words = [ouch.decode(payload) for payload in client.received.values()][-2:]
    assert [m.name for m in last_words] == ["Cancelled", "SystemEvent"]
    assert (last_words[0].user_ref, last_words[0].reason, last_words[1].event) == (1, "T", "E")

    with venue.orders("demo01") as client:
        assert client.session != old
        client.send(enter(1))
        messages = ouch.settle(client)
        assert [m.name for m in messages] == ["SystemEvent", "Accepted", "QueryResponse"]
        assert messages[0].event == "S" and messages[1].order > first.order
    with venue.feed() as feed:
        assert feed.session != old_feed
        books = Books()
        while payloads := feed.poll(1.2):
            for payload in payloads:
                books.apply(payload)
        opening = [decode(payload) for payload in feed.received.values()]
        assert (opening[0].name, {m.name for m in opening[1:-1]}) == ("SystemEvent", {"StockDirectory", "TradingAction"})
        assert list(books.displayed()) == [messages[1].order]


def test_a_halted_instrument_takes_cancels_only(venue):
    with venue.orders("demo01") as client:
        client.send(enter(1))
        ouch.settle(client)
        venue.admin("halt", MARKET.symbol)
        client.send(enter(2), ouch.cancel(1))
        rejected, cancelled = map(ouch.decode, client.read(2))
        assert (rejected.name, rejected.reason) == ("Rejected", 0x0007)
        assert (cancelled.name, cancelled.user_ref) == ("Cancelled", 1)
        venue.admin("resume", MARKET.symbol)
        client.send(enter(3))
        assert kinds(ouch.settle(client)) == ["Accepted", "QueryResponse"]


def test_an_idle_venue_leaves_the_processor_alone(venue):
    time.sleep(0.5)
    before = cpu_seconds(venue.process.pid)
    time.sleep(2)
    assert cpu_seconds(venue.process.pid) - before < 0.5, "an idle venue uses more than a quarter of a core"


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
