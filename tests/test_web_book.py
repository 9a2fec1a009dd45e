"""Books that WebSocket clients and an ITCH client build, through forced reconnects, are the engine's."""

import random
import threading
import time
from collections import Counter
from decimal import Decimal

from judge.load import MARKETS, TICKS
from judge.market import FeedReader, Traders
from judge.market_data import DepthClient, LevelBook, Rest
from judge.venue import SMALL_FILES
from judge.websocket import PATIENCE_SECONDS, WebSocket

SYMBOLS = [market.symbol for market in MARKETS]
DIFFS_TO_CUT = (5, 40)
RECONNECTS_MIN = 3


class DepthReader(threading.Thread):
    """Follows all books; with a seed it loses its connection now and then and begins anew.

    `client.seen` holds each book it had, by symbol and update: two readers must agree wherever they meet.
    """

    def __init__(self, venue, seed=None):
        super().__init__()
        self.random = random.Random(seed) if seed is not None else None
        self.client = DepthClient(venue, SYMBOLS)
        self.reconnects = 0
        self.traded = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self._follow():
                self.reconnects += 1
        except BaseException as failure:
            self.failure = failure

    def _follow(self):
        """One connection: True when all was read, False when it was cut."""
        self.client.connect()
        left = self.random.randint(*DIFFS_TO_CUT) if self.random else None
        while left != 0:
            over = self.traded.is_set()
            if not self.client.poll(0.3):
                if over and self.client.up_to_date():
                    return True
            elif left:
                left -= 1
        self.client.socket.abort()
        return False


class Partials(threading.Thread):
    """Keeps what the partial books and the best prices say, by symbol and update."""

    def __init__(self, venue):
        super().__init__()
        self.socket = WebSocket(venue.endpoints["web"], "/stream")
        names = [f"{symbol.lower()}@{kind}" for symbol in SYMBOLS for kind in ("depth10@100ms", "bookTicker")]
        self.socket.subscribe(*names)
        self.tops = {}  # (symbol, update) -> (bids, asks), ten levels
        self.bests = {}  # (symbol, update) -> (bid, bid quantity, ask, ask quantity)
        self.over = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.over.is_set():
                message = self.socket.receive(0.2)
                if message:
                    self._take(*message["stream"].split("@", 1), message["data"])
        except BaseException as failure:
            self.failure = failure
        finally:
            self.socket.close()

    def _take(self, name, kind, data):
        if kind == "bookTicker":
            assert data["s"] == name.upper()
            self.bests[data["s"], data["u"]] = tuple(data[field] for field in "bBaA")
        else:
            assert len(data["bids"]) <= 10 and len(data["asks"]) <= 10
            tops = [[tuple(level) for level in data[side]] for side in ("bids", "asks")]
            self.tops[name.upper(), data["lastUpdateId"]] = tops


def engine_levels(venue, symbol):
    """The engine's own book as {(side, price): quantity}, from `rotunda inspect book`, and its CRC32."""
    shown = venue.json("inspect", "book", "--data", venue.data, "--symbol", symbol)
    levels = Counter()
    for order in shown["orders"]:
        levels[order["side"][0].upper(), Decimal(order["price"])] += Decimal(order["quantity"])
    return dict(levels), shown["crc32"]


def feed_levels(books, symbol, lot):
    """The ITCH client's book as levels."""
    levels = Counter()
    for name, side, price, shares, _ in books.orders.values():
        if name == symbol:
            levels[side, Decimal(price) / 10_000] += shares * lot
    return dict(levels)


def test_books_from_the_streams_are_the_engines(open_venue, size, record):
    count = size(20_000, 1_000_000)
    venue = open_venue(SMALL_FILES)
    rest = Rest(venue).ready()
    feed = FeedReader(venue, 2 * count, 6, seed=1)
    steady, cut, partials = DepthReader(venue), DepthReader(venue, seed=2), Partials(venue)
    readers = [feed, steady, cut]
    for thread in [*readers, partials]:
        thread.start()
    failures = Traders(venue).start(count, pause_s=size(0.12, 0.02)).join()
    for reader in readers:
        reader.traded.set()
    for reader in readers:
        reader.join()
    partials.over.set()
    partials.join()
    assert not failures, failures
    assert not any(thread.failure for thread in [*readers, partials]), [thread.failure for thread in [*readers, partials]]
    assert cut.reconnects >= RECONNECTS_MIN and feed.reconnects >= RECONNECTS_MIN

    scales = rest.scales()
    for symbol in SYMBOLS:
        levels, crc32 = engine_levels(venue, symbol)
        assert levels, f"{symbol}: an empty book proves nothing"
        assert feed.books.crc32(symbol, TICKS[symbol]) == crc32, f"{symbol}: the ITCH client's book"
        assert feed_levels(feed.books, symbol, scales[symbol][1]) == levels
        for reader in (steady, cut):
            assert reader.client.books[symbol].levels() == levels, f"{symbol}: a WebSocket client's book"
        again = LevelBook(symbol).load(rest("depth", symbol=symbol, limit=5000))
        assert again.crc32() == steady.client.books[symbol].crc32() and again.update == steady.client.books[symbol].update

    met = steady.client.seen.keys() & cut.client.seen.keys()
    assert len(met) >= len(SYMBOLS), "two readers of one stream are told the same updates"
    assert all(steady.client.seen[key] == cut.client.seen[key] for key in met)
    tops = check_tops(steady, partials)
    checks = steady.client.checks + cut.client.checks
    assert checks > 100
    record("web_book", orders=count, checksums=checks, reconnects=cut.reconnects, same_books=len(met), partial_books=tops,
           itch_messages=feed.books.messages, itch_reconnects=feed.reconnects)  # fmt: skip


def check_tops(steady, partials):
    """Partial books and best prices where they are of an update that the reader of diffs had too; how many."""
    met = 0
    for key, (bids, asks) in partials.tops.items():
        known = steady.client.seen.get(key)
        if known:
            assert (bids, asks) == known[1:], key
            met += 1
    for key, best in partials.bests.items():
        _, bids, asks = steady.client.seen.get(key, (0, [], []))
        if bids and asks:
            assert best == (*bids[0], *asks[0]), key
            met += 1
    assert met > len(SYMBOLS), "partial books and best prices are of updates that the diffs end at"
    return met


def test_a_book_goes_on_across_a_restart(open_venue):
    """`u` and the checksum are of the market, not of the process: a client goes on with the book it has."""
    venue = open_venue(SMALL_FILES)
    Rest(venue).ready()
    traders = Traders(venue)
    failures = traders.start(2_000).join()
    assert not failures, failures
    before = DepthClient(venue, SYMBOLS).connect()
    wait_for_all(before)
    held = before.books
    before.socket.close()
    venue.stop()
    venue.start()
    Rest(venue).ready()
    after = DepthClient(venue, SYMBOLS).connect()
    for symbol in SYMBOLS:
        assert after.books[symbol].update >= held[symbol].update > 0
    after.books = held  # no snapshot of the new process is used
    failures = traders.start(2_000).join()
    assert not failures, failures
    wait_for_all(after)
    assert after.checks >= len(SYMBOLS)
    for symbol in SYMBOLS:
        levels, _ = engine_levels(venue, symbol)
        assert after.books[symbol].levels() == levels


def wait_for_all(client):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while client.poll(0.3) or not client.up_to_date():
        assert time.monotonic() < deadline, "the streams do not come to the books that REST gives"
