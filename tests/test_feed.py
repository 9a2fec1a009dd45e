"""A book built from the feed by the tests' own decoder, with forced reconnects, is the venue's book."""

import random
import threading
import time

import pytest
from judge import ouch
from judge.blotter import Blotter, check_trades
from judge.itch import Books
from judge.load import MARKETS, TICKS, Flow, batches

USERS = ("demo01", "demo02", "demo03", "demo04")
RECONNECTS = 12
PATIENCE_SECONDS = 60


def trade(venue, user, flow, count, blotter):
    """Sends `count` orders, and what becomes of them, as fast as the door takes it; reads all that the session is told."""
    blotter.next_ref = None
    with venue.orders(user, blotter.last_sequence + 1, keep=False, timeout=PATIENCE_SECONDS) as client:
        for chunk in batches(flow.orders(count)):
            client.send_raw(chunk)
            blotter.apply(client.poll())
        client.send(ouch.query())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while blotter.next_ref is None:
            assert time.monotonic() < deadline, f"{user} waits for an answer"
            # A poll may bring nothing but a heartbeat.
            blotter.apply(client.poll(1.0))
    # A replace of an order that was over uses up no number, so the last may still be free.
    assert blotter.next_ref <= flow.next_ref


class Reader(threading.Thread):
    """Follows the feed, loses its connection now and then, and keeps what the book was each time."""

    def __init__(self, venue, expected_messages, seed):
        super().__init__()
        self.venue, self.random = venue, random.Random(seed)
        self.every = max(expected_messages // RECONNECTS, 1)
        self.books = Books()
        self.session = ""
        self.marks = []  # (ITCH sequence, symbol, CRC32 of our book)
        self.reconnects = 0
        self.traded = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self._follow():
                self.reconnects += 1
        except BaseException as failure:
            self.failure = failure

    def mark(self, symbol):
        self.marks.append((self.books.messages, symbol, self.books.crc32(symbol, TICKS[symbol])))

    def _follow(self):
        """One connection: True when the feed is read to its end, False when it is to be cut."""
        with self.venue.feed(self.books.messages + 1, self.session, keep=False) as client:
            assert client.first_sequence == self.books.messages + 1
            self.session = client.session
            cut = self.books.messages + self.random.randint(self.every // 2, self.every)
            while self.books.messages < cut:
                # Once all orders are answered, a second and a half without a message is the end.
                over = self.traded.is_set()
                payloads = client.poll(1.5)
                if over and not payloads:
                    return True
                for payload in payloads:
                    self.books.apply(payload)
                    if self.books.messages >= cut:
                        break
            client.abort()
        self.mark(self.random.choice(MARKETS).symbol)
        return False


@pytest.mark.parametrize("segment_mib", [16])
def test_a_book_from_the_feed_is_the_venues_book(open_venue, size, segment_mib, record):
    count = size(100_000, 1_000_000)
    venue = open_venue(f"[journal]\nsegment_mib = {segment_mib}\n[event_log]\nsegment_mib = {segment_mib}\n")
    reader = Reader(venue, 2 * count, seed=1)
    blotters = [Blotter() for _ in USERS]
    failures = []

    def guarded(*arguments):
        try:
            trade(*arguments)
        except BaseException as failure:
            failures.append(failure)

    flows = [Flow(seed, MARKETS) for seed in range(len(USERS))]
    traders = [
        threading.Thread(target=guarded, args=(venue, user, flow, count // len(USERS), blotter))
        for user, flow, blotter in zip(USERS, flows, blotters)
    ]
    for thread in [reader, *traders]:
        thread.start()
    for thread in traders:
        thread.join()
    # Who was done early was told no more of what the others did to its orders.
    for user, flow, blotter in zip(USERS, flows, blotters):
        guarded(venue, user, flow, 0, blotter)
    reader.traded.set()
    reader.join()
    assert not failures and reader.failure is None, (failures, reader.failure)
    assert reader.reconnects >= RECONNECTS // 2

    books = reader.books
    for market in MARKETS:
        reader.mark(market.symbol)
        assert not books.crossed(market.symbol)
    for sequence, symbol, crc32 in reader.marks:
        shown = venue.json("inspect", "book", "--data", venue.data, "--symbol", symbol, "--itch-sequence", sequence)
        assert shown["crc32"] == crc32, f"{symbol} after message {sequence}"

    # The feed and the sessions tell of the same orders and the same trades.
    told = {number: order for blotter in blotters for number, order in blotter.displayed().items()}
    assert books.displayed() == told
    matches = check_trades(blotters)
    printed = [match for _, match, _, _ in books.trades]
    assert len(printed) == len(set(printed)) == matches
    record("feed", orders=count, messages=books.messages, reconnects=reader.reconnects, books=len(reader.marks), trades=matches)
