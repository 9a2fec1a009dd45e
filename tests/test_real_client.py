"""Nasdaq's own Python client trades here, is cut off in mid-burst, resumes, and misses nothing.

Its messages are classes that its own generator makes of tests/spec/*.xml; tshark reads along and judges the framing.
"""

import asyncio
import importlib.util
import random
import subprocess
import sys
from pathlib import Path

import pytest
from judge import ouch
from judge.load import MARKETS
from judge.tap import Tap

SPEC = Path(__file__).parent / "spec"
BURST = 50
CUTS = 8
ANSWER_SECONDS = 60
USERS = ("demo01", "demo02")


def generate(folder, protocol, app):
    """The module that nasdaq-protocols generates for one of our descriptions."""
    program = Path(sys.executable).with_name(f"nasdaq-{protocol}-codegen")
    command = [program, "--spec-file", SPEC / f"{protocol}_5_0.xml", "--app-name", app, "--op-dir", folder, "--no-init-file"]
    subprocess.run(command, check=True, capture_output=True)
    name = f"{protocol}_{app}"
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, folder / f"{name}.py"))
    module.__spec__.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    return generate(folder, "ouch", "orders"), generate(folder, "itch", "feed")


class Trader:
    """One session of the library: what it was told in sequence, and what it said that is not answered yet."""

    def __init__(self, venue, messages, user, seed):
        self.venue, self.messages, self.user = venue, messages, user
        self.random = random.Random(seed)
        self.soup_session = ""
        self.received = []
        self.pending = {}
        self.next_ref = 1
        self.answer = None
        self.cuts = 0

    async def connect(self):
        host, port = self.venue.endpoints["ouch"].rsplit(":", 1)
        self.session = await self.messages.connect_async(
            (host, int(port)), self.user, self.venue.passwords[self.user], self.soup_session,
            sequence=len(self.received) + 1, on_msg_coro=self.on_message)  # fmt: skip
        self.soup_session = self.session.soup_session.session_id.session

    async def on_message(self, message):
        self.received.append(message)
        kind = type(message).__name__
        if kind in ("Accepted", "Replaced", "Rejected"):
            self.pending.pop(message.user_ref, None)
        elif kind == "QueryResponse" and self.answer is not None:
            self.answer.set_result(message.user_ref)
            self.answer = None

    async def cut(self):
        """Loses the connection with bytes on the way in both directions."""
        self.session.soup_session._transport.abort()
        self.cuts += 1
        while not self.session.closed:
            await asyncio.sleep(0.001)

    async def query(self):
        """The next user number, by an account query: everything sent before is then answered."""
        self.answer = asyncio.get_running_loop().create_future()
        self.session.soup_session.send_unseq_data(ouch.query())
        return await asyncio.wait_for(self.answer, ANSWER_SECONDS)

    async def resume(self):
        """As the specification says: log in for the next sequence, ask for the next number, send again from there."""
        await self.connect()
        following = await self.query()
        for ref in sorted(ref for ref in self.pending if ref >= following):
            self.session.send_message(self.pending[ref])
        self.pending = {ref: message for ref, message in self.pending.items() if ref >= following}

    def say(self):
        """Sends one message: an order, or one about an order of before."""
        kind = self.random.random()
        refs = self.next_ref - 1
        if kind < 0.70 or not refs:
            message = self.enter()
        elif kind < 0.80:
            message = self.replace(self.random.randint(max(1, refs - 40), refs))
        else:
            message = self.messages.CancelOrder()
            message.user_ref = self.random.randint(max(1, refs - 40), refs)
            message.quantity = 0 if kind < 0.9 else self.random.randint(1, 30)
        self.session.send_message(message)

    def enter(self):
        message = self.messages.EnterOrder()
        market = MARKETS[0]
        message.user_ref, self.next_ref = self.next_ref, self.next_ref + 1
        message.side = self.random.choice("BS")
        message.quantity = self.random.randint(1, 50)
        message.symbol = market.symbol
        message.price = market.middle + self.random.randint(-5, 5) * market.tick
        message.time_in_force = self.random.choice("0003")
        message.display, message.capacity, message.sweep, message.cross = "Y", "P", "N", "N"
        message.client_id, message.appendage_length = f"{self.user}-{message.user_ref}", 0
        self.pending[message.user_ref] = message
        return message

    def replace(self, original):
        message = self.messages.ReplaceOrder()
        market = MARKETS[0]
        message.original_ref, message.user_ref, self.next_ref = original, self.next_ref, self.next_ref + 1
        message.quantity = self.random.randint(1, 60)
        message.price = market.middle + self.random.randint(-5, 5) * market.tick
        message.time_in_force, message.display, message.sweep = "0", "Y", "N"
        message.client_id, message.appendage_length = "again", 0
        self.pending[message.user_ref] = message
        return message

    async def trade(self, count):
        await self.connect()
        cut_at = set(self.random.sample(range(BURST, count - BURST), CUTS))
        for number in range(count):
            self.say()
            if number in cut_at:
                await asyncio.sleep(self.random.choice((0, 0, 0.002, 0.01)))
                await self.cut()
                await self.resume()
            elif number % BURST == BURST - 1:
                await self.query()
        await self.query()
        await self.session.close()


async def follow_feed(venue, messages, read):
    """A session of the library at the feed, from the day's first message on, into `read`."""
    host, port = venue.endpoints["itch"].rsplit(":", 1)

    async def on_message(message):
        read.append(message)

    return await messages.connect_async((host, int(port)), "itch02", venue.passwords["itch02"], "", sequence=1,
                                        on_msg_coro=on_message)  # fmt: skip


async def trade(venue, orders, feed, count):
    """All sessions trade at once while another follows the feed: (traders, what the feed said)."""
    published = []
    follower = await follow_feed(venue, feed, published)
    traders = [Trader(venue, orders, user, seed) for seed, user in enumerate(USERS)]
    await asyncio.gather(*(trader.trade(count // len(traders)) for trader in traders))
    before = None
    while before != len(published):
        before = len(published)
        await asyncio.sleep(1)
    # The first to be done was not told what the others then did to its orders.
    for trader in traders:
        await trader.connect()
        await trader.query()
        await trader.session.close()
    await follower.close()
    return traders, published


def as_bytes(messages):
    return [message.to_bytes()[1] for message in messages]


def test_nasdaq_protocols_trades_is_cut_resumes_and_misses_nothing(venue, generated, size, tmp_path, record):
    count = size(2_000, 20_000)
    ports = [int(venue.endpoints[door].rsplit(":", 1)[1]) for door in ("ouch", "itch")]
    with Tap(ports, tmp_path / "tap.pcapng") as tap:
        traders, published = asyncio.run(trade(venue, *generated, count))
    kinds = set()
    for trader in traders:
        # The last report is the answer to the judge's own query.
        stream = venue.stream(trader.user, trader.soup_session)[:-1]
        assert as_bytes(trader.received) == stream, f"{trader.user} missed or doubled something"
        assert trader.cuts == CUTS
        kinds |= {payload[:1] for payload in stream}
    assert kinds >= {b"A", b"U", b"C", b"E", b"Q"}, f"the flow was to show all of them: {kinds}"
    assert as_bytes(published) == venue.published()
    packets = tap.judge()
    assert packets > sum(len(trader.received) for trader in traders) + len(published)
    record("real_client", orders=count, reports=sum(len(t.received) for t in traders), feed=len(published), packets=packets)
