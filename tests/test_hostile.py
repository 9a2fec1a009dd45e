"""People who mean harm, against the real venue: they are bounded, told why, and honest sessions go on as if alone."""

import contextlib
import json
import socket
import threading
import time

import pytest
from judge import ouch
from judge.soup import Client, Closed, LoginRejected, login

PATIENCE_SECONDS = 60
SYMBOL = "BTCUSD"
ATTACKER = "127.0.0.2"


def connect(address, source=ATTACKER):
    """A bare connection from another address of this machine."""
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS, source_address=(source, 0))


def read_to_close(attacker):
    """All that comes until the venue closes, or cuts: both are its right."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while data := attacker.recv(1 << 16):
            received += data
    return received


class Trader(threading.Thread):
    """An honest session that enters and cancels one order after another, and counts what it is answered."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.orders, self.fault = client, 0, None
        self.stop = threading.Event()

    def run(self):
        try:
            while not self.stop.is_set():
                self.orders += 1
                self.client.send(ouch.enter(self.orders, "B", 1, SYMBOL, 1_0000), ouch.cancel(self.orders))
                names = [ouch.decode(payload).name for payload in self.client.read(2, PATIENCE_SECONDS)]
                assert names == ["Accepted", "Cancelled"], names
        except BaseException as fault:
            self.fault = fault


@contextlib.contextmanager
def honest(client):
    """Trades beside what is done meanwhile, from before it until after it."""
    ouch.settle(client)
    trader = Trader(client)
    trader.start()

    def go_on(orders):
        """Waits until so many more orders were answered."""
        goal, deadline = trader.orders + orders, time.monotonic() + PATIENCE_SECONDS
        while trader.orders < goal and not trader.fault:
            assert time.monotonic() < deadline, "the honest session stands still"
            time.sleep(0.005)

    go_on(10)
    yield
    go_on(10)
    trader.stop.set()
    trader.join(PATIENCE_SECONDS)
    assert not trader.fault and not trader.is_alive(), repr(trader.fault)


def test_a_flood_of_log_ins_locks_out_its_own_address_only(open_venue):
    venue = open_venue("failed_log_ins_max = 20\nconnections_max = 64\n")
    with venue.orders("demo02") as client, honest(client):
        answers = []
        for attempt in range(200):
            with connect(venue.endpoints["ouch"]) as attacker:
                password = venue.passwords["demo01"] if attempt == 199 else f"guess{attempt}"
                attacker.sendall(login("demo01", password))
                answers.append(read_to_close(attacker))
        assert answers == [b"\0\x02JA"] * 200, "even the right password, after so many wrong ones"
        venue.orders("demo01").close()


def test_places_that_nobody_uses_make_room(open_venue):
    venue = open_venue("connections_max = 16\n")
    with venue.orders("demo02") as client, honest(client), contextlib.ExitStack() as held:
        silent = [held.enter_context(connect(venue.endpoints["ouch"])) for _ in range(60)]
        for name in ("demo01", "demo03", "demo04"):
            with venue.orders(name) as other:
                assert ouch.settle(other)[-1].name == "QueryResponse"
        assert b"no login yet" in read_to_close(silent[0])


def test_an_address_has_only_its_share_of_the_places(open_venue):
    venue = open_venue("connections_per_address_max = 5\n")
    with venue.orders("demo02") as client, honest(client), contextlib.ExitStack() as held:
        for _ in range(5):
            held.enter_context(connect(venue.endpoints["ouch"]))
        with connect(venue.endpoints["ouch"]) as sixth:
            assert b"this address" in read_to_close(sixth)


@pytest.mark.parametrize("bytes_at_once", [1, 1 << 16])
def test_garbage_is_cut_and_a_slow_log_in_is_one(venue, bytes_at_once):
    with venue.orders("demo02") as client, honest(client):
        for door in ("ouch", "itch"):
            with connect(venue.endpoints[door]) as attacker:
                garbage = b"GET / HTTP/1.1\r\nHost: venue\r\n\r\n" * 2_000
                with contextlib.suppress(ConnectionError):
                    for at in range(0, min(len(garbage), 300 * bytes_at_once), bytes_at_once):
                        attacker.sendall(garbage[at : at + bytes_at_once])
                read_to_close(attacker)


def limited_session(venue, rate, burst):
    """A new session with a rate limit: name and password."""
    made = venue.admin("--json", "add-session", "greedy", "--account", "demo01", "--rate", rate, "--burst", burst)
    return "greedy", json.loads(made.stdout)[0]["password"]


def test_orders_above_the_rate_are_rejected_in_order_and_ignoring_that_ends_the_session(open_venue):
    venue = open_venue("breaches_max = 50\n")
    name, password = limited_session(venue, 1, 4)
    with venue.orders("demo02") as client, honest(client):
        greedy = Client(venue.endpoints["ouch"]).login(name, password)
        greedy.send(*(ouch.enter(number, "B", 1, SYMBOL, 1_0000) for number in range(1, 41)))
        answers = [ouch.decode(payload) for payload in greedy.read(41, PATIENCE_SECONDS)][1:]
        assert [answer.user_ref for answer in answers] == list(range(1, 41)), "one answer each, in their order"
        names = [answer.name for answer in answers]
        assert names[:5] == ["Accepted"] * 5, names
        rejected = [answer for answer in answers if answer.name == "Rejected"]
        assert len(rejected) > 20 and {answer.reason for answer in rejected} == {0x29}
        for number in range(41, 241):
            with contextlib.suppress(ConnectionError):
                greedy.send(ouch.enter(number, "B", 1, SYMBOL, 1_0000))
        assert any("above the session's rate" in text for text in greedy.read_to_close(PATIENCE_SECONDS))
        with pytest.raises((LoginRejected, Closed)):
            Client(venue.endpoints["ouch"]).login(name, "wrong")
        with Client(venue.endpoints["ouch"]).login(name, password, sequence=1) as again:
            stream = [ouch.decode(payload).name for payload in again.read(41, PATIENCE_SECONDS)]
            assert stream[1:] == names, "what was answered is not lost"


def test_a_flood_of_queries_and_of_bytes_ends_its_connection(open_venue):
    venue = open_venue("packets_s_max = 5000\npackets_s_log_out = 10_000\nmib_s_log_out = 16\n")
    with venue.orders("demo02") as client, honest(client):
        for flood in (ouch.query(), b"+" * 4000):
            attacker = venue.orders("demo01")
            packet = b"\0\x02U" + flood if len(flood) == 1 else (len(flood) + 1).to_bytes(2, "big") + b"+" + flood
            with contextlib.suppress(ConnectionError, TimeoutError):
                for _ in range(400):
                    attacker.send_raw(packet * (2000 if len(packet) < 100 else 100))
            with contextlib.suppress(ConnectionError):
                attacker.read_to_close(PATIENCE_SECONDS)
            attacker.close()
