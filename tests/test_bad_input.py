"""What comes in wrong gets a clear reject, close or message, and no other session notices."""

import random
import struct

import pytest
from judge import ouch
from judge.load import MARKETS
from judge.soup import LOGIN, UNSEQUENCED, Client, Closed, LoginRejected, frame, login
from judge.venue import Venue

MARKET = MARKETS[0]
SYMBOL_UNKNOWN, PRICE, QUANTITY, SIDE, HALTED, OTHER = 0x0017, 0x001D, 0x0013, 0x0009, 0x0007, 0x000F
SWEEP, CROSS = 0x0008, 0x0014


class Bystander:
    """Another session that must notice nothing: its stream holds what it caused itself, and no more."""

    def __init__(self, venue, name="demo16"):
        self.client = venue.orders(name, sequence=0)
        self.ref = ouch.settle(self.client)[-1].user_ref - 1
        self.next = self.client.next_sequence

    def unharmed(self):
        """Enters an order far from the market and cancels it: exactly two reports, in order."""
        self.ref += 1
        self.client.send(enter(self.ref, price=MARKET.tick), ouch.cancel(self.ref))
        accepted, cancelled = map(ouch.decode, self.client.read(2))
        assert (accepted.name, accepted.user_ref) == ("Accepted", self.ref)
        assert (cancelled.name, cancelled.user_ref, cancelled.reason) == ("Cancelled", self.ref, "U")
        self.next += 2
        assert self.client.next_sequence == self.next

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    with Venue(tmp_path_factory.mktemp("bad_input")) as venue:
        yield venue


@pytest.fixture
def bystander(venue):
    with Bystander(venue) as bystander:
        yield bystander
        bystander.unharmed()
        assert venue.alive()


@pytest.fixture
def client(venue, bystander):
    """A session that behaves badly, and the next user number it may use."""
    with venue.orders("demo02", sequence=0) as client:
        client.ref = ouch.settle(client)[-1].user_ref
        yield client


def enter(ref, side="B", quantity=10, symbol=MARKET.symbol, price=MARKET.middle, **terms):
    return ouch.enter(ref, side, quantity, symbol, price, **terms)


RANDOM_BYTES = bytes((i * 197 + 61) % 256 for i in range(3000))
NO_LOGIN = {
    "random bytes": RANDOM_BYTES,
    "zeros": bytes(64),
    "length 0": struct.pack(">H", 0),
    "largest length": struct.pack(">H", 65535) + LOGIN + bytes(65534),
    "a login too short": frame(LOGIN, b"demo01demo01"),
    "a login too long": frame(LOGIN, bytes(100)),
    "data before the login": frame(UNSEQUENCED, enter(1)),
    "an unknown packet type": frame(b"?"),
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "sequence is no number": frame(LOGIN, b"demo01".ljust(6) + b"demo01".ljust(10) + b" " * 10 + b"many".ljust(20)),
    "bytes that are no ascii": frame(LOGIN, b"\xff" * 46),
}


@pytest.mark.parametrize("door", ["ouch", "itch"])
@pytest.mark.parametrize("name", NO_LOGIN)
def test_what_is_no_login_closes_the_connection(venue, bystander, door, name):
    with Client(venue.endpoints[door]) as stranger:
        try:
            stranger.send_raw(NO_LOGIN[name])
            stranger.read_to_close(10)
        except (LoginRejected, Closed, ConnectionError):
            pass
        assert stranger.session is None and not stranger.received


@pytest.mark.parametrize("door", ["ouch", "itch"])
@pytest.mark.parametrize(
    "fields, code",
    [
        (("demo03", "wrong"), "A"),
        (("demo03", ""), "A"),
        (("nobody", "demo03"), "A"),
        (("", ""), "A"),
        (("demo03", "demo03", "19990101"), "S"),
        (("demo03", "demo03", "", 10**9), "S"),
    ],
)
def test_a_login_that_is_refused_says_why(venue, bystander, door, fields, code):
    name, password, *rest = fields
    if door == "itch":
        name, password = name.replace("demo03", "itch03"), password.replace("demo03", "itch03")
    with Client(venue.endpoints[door]) as stranger:
        with pytest.raises(LoginRejected) as refused:
            stranger.login(name, password, *rest)
        assert refused.value.code == code
        with pytest.raises((Closed, ConnectionError)):
            stranger.poll(10)
            stranger.poll(10)


def test_login_ignores_case_and_the_side_of_the_padding(venue, bystander):
    fields = b"DEMO03" + b"    DEMO03" + b" " * 10 + b"1".rjust(20)
    with Client(venue.endpoints["ouch"]) as client:
        client.send_raw(frame(LOGIN, fields))
        client.read_until(lambda c: c.session is not None)
        assert client.first_sequence == 1


def test_sequence_0_gives_only_what_comes_next(venue, bystander):
    with venue.orders("demo03", sequence=0) as client:
        client.send(ouch.query())
        assert ouch.decode(client.read(1)[0]).name == "QueryResponse"


def test_a_newer_login_closes_the_older_connection(venue, bystander):
    with venue.orders("demo03") as older, venue.orders("demo03") as newer:
        older.read_to_close(10)
        newer.send(ouch.query())
        newer.read_until(lambda c: c.next_sequence > 1)


UNDECODABLE = {
    "no message": b"",
    "an unknown type": b"?" + bytes(46),
    "an enter cut short": enter(1)[:-1],
    "an enter of one byte": b"O",
    "an enter with bytes behind it": enter(1) + b"x",
    "an appendage shorter than its length": enter(1)[:45] + struct.pack(">H", 4),
    "a replace cut short": ouch.replace(1, 2, 3, 4)[:20],
    "a cancel too long": ouch.cancel(1) + b"\0",
    "a modify cut short": ouch.modify(1, "B", 1)[:-1],
    "a query with a body": b"Q\0",
    "an outbound message": b"A" + bytes(63),
    "more than 4 KiB": enter(1) + bytes(5000),
}


@pytest.mark.parametrize("name", UNDECODABLE)
def test_bytes_that_are_no_message_close_with_a_debug_packet(client, name):
    before = client.next_sequence
    client.send(UNDECODABLE[name])
    texts = client.read_to_close(10)
    assert texts, "a debug packet says why"
    assert client.next_sequence == before, "what cannot be decoded is never numbered"


NO_CLIENTS_PACKET = {
    "sequenced data": frame(b"S", b"x"),
    "a login accepted": frame(b"A", bytes(30)),
    "a second login": login("demo02", "demo02"),
    "an end of session": frame(b"Z"),
    "an unknown type": frame(b"\xff"),
    "length 0": b"\0\0",
}


@pytest.mark.parametrize("name", NO_CLIENTS_PACKET)
def test_packets_that_are_no_clients_close_the_connection(client, name):
    client.send_raw(NO_CLIENTS_PACKET[name])
    client.read_to_close(10)


def test_debug_packets_and_heartbeats_are_no_trouble(client):
    client.send_raw(frame(b"+", b"hello") + frame(b"R"))
    client.send(ouch.query())
    assert ouch.decode(client.read(1)[0]).user_ref == client.ref


REJECTED = {
    "unknown symbol": (dict(symbol="NOSUCH"), SYMBOL_UNKNOWN),
    "no symbol": (dict(symbol=""), SYMBOL_UNKNOWN),
    "price 0": (dict(price=0), PRICE),
    "price off the tick": (dict(price=MARKET.middle + 1), PRICE),
    "price above the maximum": (dict(price=429_497 * 10_000), PRICE),
    "the largest number as price": (dict(price=2**64 - 1), PRICE),
    "a price that would be negative if signed": (dict(price=2**63), PRICE),
    "quantity 0": (dict(quantity=0), QUANTITY),
    "sell short": (dict(side="T"), SIDE),
    "sell short exempt": (dict(side="E"), SIDE),
    "no side": (dict(side="x"), SIDE),
    "extended hours": (dict(time_in_force="5"), OTHER),
    "after hours": (dict(time_in_force="E"), OTHER),
    "no such time in force": (dict(time_in_force="9"), OTHER),
    "intermarket sweep": (dict(sweep="Y"), SWEEP),
    "opening cross": (dict(cross="O"), CROSS),
    "an unknown option": (dict(appendage=ouch.option(99, b"x")), OTHER),
    "an option of the wrong size": (dict(appendage=ouch.option(ouch.MIN_QUANTITY, b"x")), OTHER),
    "an option that ends too late": (dict(appendage=b"\x09\x03\0\0"), OTHER),
    "an option of length 0": (dict(appendage=b"\0"), OTHER),
    "post-only IOC": (dict(time_in_force="3", appendage=ouch.options(post_only=True)), None),
    "minimum quantity without IOC": (dict(appendage=ouch.options(min_quantity=5)), None),
    "minimum quantity above the quantity": (dict(time_in_force="3", appendage=ouch.options(min_quantity=11)), None),
}


@pytest.mark.parametrize("name", REJECTED)
def test_an_order_that_cannot_be_is_rejected_and_uses_its_number(client, name):
    terms, code = REJECTED[name]
    client.send(enter(client.ref, **terms), ouch.query())
    rejected, answer = map(ouch.decode, client.read(2))
    assert (rejected.name, rejected.user_ref) == ("Rejected", client.ref)
    assert code is None or rejected.reason == code, f"{rejected.reason:#06x}"
    assert answer.user_ref == client.ref + 1
    # The number is used up: the same order again, made right, is taken for a resend.
    client.send(enter(client.ref), ouch.query())
    assert ouch.decode(client.read(1)[0]).name == "QueryResponse"


def test_a_quantity_above_the_instruments_largest_is_rejected(client):
    # ETHUSD takes 1,000,000,000 lots at most.
    client.send(enter(client.ref, symbol="ETHUSD", price=34_000_000, quantity=1_000_000_001))
    rejected = ouch.decode(client.read(1)[0])
    assert (rejected.name, rejected.reason) == ("Rejected", QUANTITY)


def test_the_largest_order_is_counted_right(client):
    """4,294,967,295 lots at the highest price: the value is far beyond 64 bits of minor units times lots, and is taken."""
    ref = client.ref
    client.send(enter(ref, quantity=2**32 - 1, price=429_496 * 10_000, side="S"), ouch.cancel(ref))
    accepted, cancelled = map(ouch.decode, client.read(2))
    assert (accepted.name, accepted.quantity) == ("Accepted", 2**32 - 1)
    assert (cancelled.name, cancelled.quantity) == ("Cancelled", 2**32 - 1)


def test_numbers_not_above_the_last_are_ignored(client):
    ref = client.ref + 5
    client.send(enter(ref, price=MARKET.tick), enter(ref, price=MARKET.tick), enter(ref - 1, price=MARKET.tick), enter(0),
                ouch.cancel(ref), ouch.query())  # fmt: skip
    names = [ouch.decode(payload) for payload in client.read(3)]
    assert [(m.name, m.user_ref) for m in names] == [("Accepted", ref), ("Cancelled", ref), ("QueryResponse", ref + 1)]


def test_messages_about_orders_that_do_not_rest_are_without_effect(client):
    client.send(ouch.cancel(client.ref), ouch.cancel(2**32 - 1, 7), ouch.modify(client.ref, "B", 1),
                ouch.replace(client.ref, client.ref + 1, 5, MARKET.middle), ouch.query())  # fmt: skip
    answer = ouch.decode(client.read(1)[0])
    assert (answer.name, answer.user_ref) == ("QueryResponse", client.ref)


def test_a_replace_with_invalid_details_cancels_the_original(client):
    ref = client.ref
    client.send(enter(ref, price=MARKET.tick), ouch.replace(ref, ref + 1, 10, MARKET.tick + 1), ouch.query())
    accepted, cancelled, answer = map(ouch.decode, client.read(3))
    assert (accepted.name, cancelled.name, cancelled.user_ref) == ("Accepted", "Cancelled", ref)
    assert answer.user_ref == ref + 1, "the replacement's number is not used up"


def test_a_replace_with_an_unknown_option_cancels_the_original(client):
    ref = client.ref
    client.send(enter(ref, price=MARKET.tick),
                ouch.replace(ref, ref + 1, 10, MARKET.tick, appendage=ouch.option(99, b"x")), ouch.query())  # fmt: skip
    messages = [ouch.decode(payload) for payload in client.read(3)]
    assert [m.name for m in messages] == ["Accepted", "Cancelled", "QueryResponse"]


def test_one_byte_at_a_time_is_the_same_order(client):
    for byte in frame(UNSEQUENCED, enter(client.ref, price=MARKET.tick)) + frame(UNSEQUENCED, ouch.cancel(client.ref)):
        client.send_raw(bytes((byte,)))
    assert [ouch.decode(payload).name for payload in client.read(2)] == ["Accepted", "Cancelled"]


def test_a_session_of_market_data_enters_no_orders(venue, bystander):
    with Client(venue.endpoints["ouch"]) as client:
        try:
            client.login("itch04", venue.passwords["itch04"])
        except LoginRejected:
            return
        client.send(enter(1))
        try:
            assert ouch.decode(client.read(1)[0]).name == "Rejected"
        except (Closed, ConnectionError):
            pass


def test_random_bytes_behind_a_login_harm_nobody(venue, bystander):
    for seed in range(30):
        noise = random.Random(seed).randbytes(600)
        with Client(venue.endpoints["ouch"]) as client:
            try:
                client.send_raw(login("demo04", venue.passwords["demo04"]) + noise)
                client.read_to_close(0.2)
            except (TimeoutError, Closed, ConnectionError):
                pass
