"""A market under load, and clients of its feed: what the tests of market data share."""

import random
import threading
import time

from . import ouch
from .blotter import Blotter
from .itch import Books
from .load import MARKETS, TICKS, Flow, batches

USERS = ("demo01", "demo02", "demo03", "demo04")
PATIENCE_SECONDS = 60


def trade(venue, user, flow, count, blotter, pause_s=0.0):
    """Sends `count` orders, and what becomes of them, as fast as the door takes it; reads all that the session is told.

    With `pause_s` it rests after each batch, so that the market lasts.
    """
    blotter.next_ref = None
    with venue.orders(user, blotter.last_sequence + 1, keep=False, timeout=PATIENCE_SECONDS) as client:
        for chunk in batches(flow.orders(count)):
            client.send_raw(chunk)
            blotter.apply(client.poll())
            if pause_s:
                time.sleep(pause_s)
        client.send(ouch.query())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while blotter.next_ref is None:
            assert time.monotonic() < deadline, f"{user} waits for an answer"
            # A poll may bring nothing but a heartbeat.
            blotter.apply(client.poll(1.0))
    # A replace of an order that was over uses up no number, so the last may still be free.
    assert blotter.next_ref <= flow.next_ref


class Traders:
    """Four sessions that trade at once, each with a flow of its own; `blotters` hold what they were told."""

    def __init__(self, venue):
        self.venue = venue
        self.blotters = [Blotter() for _ in USERS]
        self.failures = []
        self._parts = [(user, Flow(seed, MARKETS), told) for seed, (user, told) in enumerate(zip(USERS, self.blotters))]
        self._threads = []

    def start(self, count, pause_s=0.0):
        """Begins to send `count` orders, or so many more."""
        share = count // len(USERS)
        arguments = [(user, flow, share, told, pause_s) for user, flow, told in self._parts]
        self._threads = [threading.Thread(target=self._guarded, args=each) for each in arguments]
        for thread in self._threads:
            thread.start()
        return self

    def join(self):
        """Waits for the last answer; the failures there were."""
        for thread in self._threads:
            thread.join()
        # Who was done early was told no more of what the others did to its orders.
        for user, flow, blotter in self._parts:
            self._guarded(user, flow, 0, blotter)
        return self.failures

    def _guarded(self, *arguments):
        try:
            trade(self.venue, *arguments)
        except BaseException as failure:
            self.failures.append(failure)


class FeedReader(threading.Thread):
    """Follows the feed, loses its connection now and then, and keeps what the book was each time."""

    def __init__(self, venue, expected_messages, reconnects, seed):
        super().__init__()
        self.venue, self.random = venue, random.Random(seed)
        self.every = max(expected_messages // reconnects, 1)
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
