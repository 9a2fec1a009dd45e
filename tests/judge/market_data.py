"""The web door's market data: REST answers as they are, and a book of levels that checks each step."""

import http.client
import json
import time
import zlib
from decimal import Decimal
from urllib.parse import urlencode

from .venue import defaults
from .websocket import PATIENCE_SECONDS, WebSocket, split

CHECKED_LEVELS = 10


class Answer:
    """Status, headers (names in lower case) and body of a response."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


def get(address, path, method="GET", body=None, headers=None, **query):
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(*split(address), timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path + ("?" + urlencode(query) if query else ""), body, headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Rest:
    """GET /api/v3/…; an answer other than 200 is an AssertionError."""

    def __init__(self, venue):
        self.address = venue.endpoints["web"]

    def __call__(self, name, **query):
        answer = get(self.address, f"/api/v3/{name}", **query)
        assert answer.status == 200, f"{name} {query}: {answer.status} {answer.body[:300]}"
        return answer.json()

    def ready(self):
        """Waits until the door, which reads the event log, knows what a fresh venue was seeded with."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        seeded = {listed["symbol"] for listed in defaults()["seed"]["instruments"]}
        while not seeded <= {listed["symbol"] for listed in self("exchangeInfo")["symbols"]}:
            assert time.monotonic() < deadline, "the door does not know the instruments"
            time.sleep(0.02)
        return self


    def scales(self):
        """{symbol: (tick, lot)}, Decimals."""
        found = {}
        for listed in self("exchangeInfo")["symbols"]:
            filters = {one["filterType"]: one for one in listed["filters"]}
            found[listed["symbol"]] = Decimal(filters["PRICE_FILTER"]["tickSize"]), Decimal(filters["LOT_SIZE"]["stepSize"])
        return found


def number(text):
    """A decimal text as a whole number of 1e-8; a digit behind those is an AssertionError."""
    whole, _, fraction = text.partition(".")
    assert whole.isdigit() and len(fraction) <= 8, f"{text!r} is no amount"
    return int(whole) * 10**8 + int(fraction.ljust(8, "0"))


class LevelBook:
    """Levels of one instrument from a snapshot and the diffs after it.

    `c` is recomputed at every diff; a hole in U..u, a level gone that was not there, or a book whose best bid meets its
    best ask is an AssertionError.
    """

    def __init__(self, symbol):
        self.symbol = symbol
        self.sides = {"b": {}, "a": {}}  # number of the price -> (price, quantity) as texts
        self.update = None
        self.checks = 0

    def load(self, snapshot):
        self.update = snapshot["lastUpdateId"]
        for side, name in (("b", "bids"), ("a", "asks")):
            levels = snapshot[name]
            order = [number(price) for price, _ in levels]
            assert order == sorted(set(order), reverse=side == "b"), f"{self.symbol}: {name} are not best first"
            assert all(number(quantity) > 0 for _, quantity in levels), f"{self.symbol}: an empty level"
            self.sides[side] = {number(price): (price, quantity) for price, quantity in levels}
        return self

    def apply(self, diff):
        """Takes the book on; False for a diff that is older than it."""
        assert diff["e"] == "depthUpdate" and diff["s"] == self.symbol and diff["U"] <= diff["u"], diff
        if diff["u"] <= self.update:
            return False
        assert diff["U"] <= self.update + 1, f"{self.symbol}: {diff['U']}..{diff['u']} leaves a hole behind {self.update}"
        for side in "ba":
            levels = self.sides[side]
            for price, quantity in diff[side]:
                if number(quantity):
                    levels[number(price)] = (price, quantity)
                else:
                    levels.pop(number(price), None)
        self.update = diff["u"]
        bids, asks = self.sides["b"], self.sides["a"]
        assert not (bids and asks) or max(bids) < min(asks), f"{self.symbol} is crossed after {self.update}"
        assert diff["c"] == self.checksum(), f"{self.symbol} after {self.update}: the checksum is of another book"
        self.checks += 1
        return True

    def best(self, side, count=CHECKED_LEVELS):
        levels = self.sides[side]
        return [levels[price] for price in sorted(levels, reverse=side == "b")[:count]]

    def checksum(self):
        pairs = self.best("b") + self.best("a")
        return zlib.crc32(",".join(f"{price}:{quantity}" for price, quantity in pairs).encode("ascii"))

    def crc32(self):
        """Of all levels, to compare books that two clients hold."""
        pairs = self.best("b", None) + ["|"] + self.best("a", None)
        return zlib.crc32(repr(pairs).encode("ascii"))

    def levels(self):
        """{(side B or S, price): quantity}, Decimals."""
        return {
            (name, Decimal(price)): Decimal(quantity)
            for side, name in (("b", "B"), ("a", "S"))
            for price, quantity in self.sides[side].values()
        }


class DepthClient:
    """Follows the books of several instruments over one connection at a time, as the dialect tells clients to:
    subscribe, ask for a snapshot, leave out what is older."""

    def __init__(self, venue, symbols, speed="@100ms"):
        self.rest, self.symbols, self.speed = Rest(venue), list(symbols), speed
        self.books = {}
        self.socket = None
        self.seen = {}  # (symbol, u) -> (crc32 of the whole book, ten best bids, ten best asks)
        self.checks = 0

    def connect(self):
        self.socket = WebSocket(self.rest.address, "/stream")
        names = [f"{symbol.lower()}@depth{self.speed}" for symbol in self.symbols]
        self.socket.subscribe(*names)
        self.books = {symbol: LevelBook(symbol).load(self.rest("depth", symbol=symbol, limit=5000)) for symbol in self.symbols}
        return self

    def poll(self, seconds):
        """Takes one message; False where none came in time."""
        message = self.socket.receive(seconds)
        if message is None:
            return False
        symbol = message["data"]["s"]
        assert message["stream"] == f"{symbol.lower()}@depth{self.speed}"
        book = self.books[symbol]
        if book.apply(message["data"]):
            self.checks += 1
            self.seen[symbol, book.update] = (book.crc32(), book.best("b"), book.best("a"))
        return True

    def up_to_date(self):
        """Whether every book is at the number that REST gives."""
        now = {symbol: self.rest("depth", symbol=symbol, limit=5)["lastUpdateId"] for symbol in self.books}
        return all(book.update == now[symbol] for symbol, book in self.books.items())
