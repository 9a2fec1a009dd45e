"""ITCH 5.0, written from the specification's tables, and a full-depth book built from it."""

import zlib

from .fields import Layout, Malformed

_HEAD = [("locate", 1, 2, "int"), ("tracking", 3, 2, "int"), ("timestamp", 5, 6, "int")]


def _layout(name, size, *fields):
    return Layout(name, size, _HEAD + list(fields))


MESSAGES = {
    "S": _layout("SystemEvent", 12, ("event", 11, 1, "alpha")),
    "R": _layout(
        "StockDirectory",
        39,
        ("stock", 11, 8, "alpha"),
        ("market_category", 19, 1, "alpha"),
        ("financial_status", 20, 1, "alpha"),
        ("round_lot", 21, 4, "int"),
        ("round_lots_only", 25, 1, "alpha"),
        ("classification", 26, 1, "alpha"),
        ("subtype", 27, 2, "alpha"),
        ("authenticity", 29, 1, "alpha"),
        ("short_sale", 30, 1, "alpha"),
        ("ipo", 31, 1, "alpha"),
        ("reference_tier", 32, 1, "alpha"),
        ("etp", 33, 1, "alpha"),
        ("etp_leverage", 34, 4, "int"),
        ("inverse", 38, 1, "alpha"),
    ),
    "H": _layout(
        "TradingAction",
        25,
        ("stock", 11, 8, "alpha"),
        ("state", 19, 1, "alpha"),
        ("reserved", 20, 1, "alpha"),
        ("reason", 21, 4, "alpha"),
    ),
    "A": _layout(
        "Add",
        36,
        ("order", 11, 8, "int"),
        ("side", 19, 1, "alpha"),
        ("shares", 20, 4, "int"),
        ("stock", 24, 8, "alpha"),
        ("price", 32, 4, "int"),
    ),
    "F": _layout(
        "AddAttributed",
        40,
        ("order", 11, 8, "int"),
        ("side", 19, 1, "alpha"),
        ("shares", 20, 4, "int"),
        ("stock", 24, 8, "alpha"),
        ("price", 32, 4, "int"),
        ("attribution", 36, 4, "alpha"),
    ),
    "E": _layout("Executed", 31, ("order", 11, 8, "int"), ("shares", 19, 4, "int"), ("match", 23, 8, "int")),
    "C": _layout(
        "ExecutedAtPrice",
        36,
        ("order", 11, 8, "int"),
        ("shares", 19, 4, "int"),
        ("match", 23, 8, "int"),
        ("printable", 31, 1, "alpha"),
        ("price", 32, 4, "int"),
    ),
    "X": _layout("Cancel", 23, ("order", 11, 8, "int"), ("shares", 19, 4, "int")),
    "D": _layout("Delete", 19, ("order", 11, 8, "int")),
    "U": _layout(
        "Replace",
        35,
        ("original", 11, 8, "int"),
        ("order", 19, 8, "int"),
        ("shares", 27, 4, "int"),
        ("price", 31, 4, "int"),
    ),
    "P": _layout(
        "Trade",
        44,
        ("order", 11, 8, "int"),
        ("side", 19, 1, "alpha"),
        ("shares", 20, 4, "int"),
        ("stock", 24, 8, "alpha"),
        ("price", 32, 4, "int"),
        ("match", 36, 8, "int"),
    ),
    "B": _layout("BrokenTrade", 19, ("match", 11, 8, "int")),
}


def decode(payload):
    """A message of the feed, every field of the table by name."""
    layout = MESSAGES.get(payload[:1].decode("latin-1"))
    if layout is None:
        raise Malformed(f"the feed has no message of type {payload[:1]!r}")
    return layout.decode(payload)


class Books:
    """Every order on display, from the first message of the day on.

    A message that does not fit what came before (an unknown order, more executed than is there, an order number twice) is
    an AssertionError: a feed that needs forgiveness is wrong.
    """

    def __init__(self):
        self.symbols = {}  # locate -> symbol
        self.orders = {}  # order number -> [symbol, side, price, shares, place in time]
        self.trades = []  # (maker's order number, match number, shares, price)
        self.messages = 0
        self.last_timestamp = 0
        self._place = 0

    def apply(self, payload):
        message = decode(payload)
        self.messages += 1
        # Timestamps count from midnight, so a day may turn them back once; within one they only rise.
        self.last_timestamp = message.timestamp
        action = getattr(self, "_" + message.name, None)
        if action is not None:
            action(message)
        return message

    def _StockDirectory(self, message):
        known = self.symbols.setdefault(message.locate, message.stock)
        assert known == message.stock, f"locate {message.locate} is {known}, not {message.stock}"

    def _Add(self, message):
        assert message.order not in self.orders, f"order {message.order} is added twice"
        assert message.shares > 0, f"order {message.order} is added with no shares"
        assert self.symbols.get(message.locate) == message.stock, f"order {message.order}: locate is not of {message.stock}"
        self._place += 1
        self.orders[message.order] = [message.stock, message.side, message.price, message.shares, self._place]

    _AddAttributed = _Add

    def _take(self, number, shares):
        order = self.orders[number]
        assert 0 < shares <= order[3], f"order {number}: {shares} shares leave {order[3]}"
        order[3] -= shares
        if order[3] == 0:
            del self.orders[number]
        return order

    def _Executed(self, message):
        order = self._take(message.order, message.shares)
        self.trades.append((message.order, message.match, message.shares, order[2]))

    def _ExecutedAtPrice(self, message):
        self._take(message.order, message.shares)
        self.trades.append((message.order, message.match, message.shares, message.price))

    def _Trade(self, message):
        self.trades.append((message.order, message.match, message.shares, message.price))

    def _Cancel(self, message):
        self._take(message.order, message.shares)

    def _Delete(self, message):
        del self.orders[message.order]

    def _Replace(self, message):
        symbol, side, _, _, _ = self.orders.pop(message.original)
        assert message.order not in self.orders, f"order {message.order} is there before it replaces {message.original}"
        self._place += 1
        self.orders[message.order] = [symbol, side, message.price, message.shares, self._place]

    def displayed(self):
        """{order number: (symbol, side, price, shares)} of all orders, as `Blotter.displayed` gives them."""
        return {number: tuple(order[:4]) for number, order in self.orders.items()}

    def lines(self, symbol, tick):
        """The book of `symbol`: bids best first, then asks best first, each in priority, one line an order.

        `tick` is the instrument's tick in the feed's ten-thousandths.
        """
        of_symbol = [(number, order) for number, order in self.orders.items() if order[0] == symbol]
        bids = sorted((-order[2], order[4], number, order) for number, order in of_symbol if order[1] == "B")
        asks = sorted((order[2], order[4], number, order) for number, order in of_symbol if order[1] == "S")
        for _, _, number, (_, side, price, shares, _) in bids + asks:
            assert price % tick == 0, f"order {number}: price {price} is no whole number of ticks of {tick}"
            yield f"{side} {number} {price // tick} {shares}\n"

    def crc32(self, symbol, tick):
        """What `rotunda inspect book` prints as the book's CRC32."""
        return f"{zlib.crc32(''.join(self.lines(symbol, tick)).encode('ascii')):08x}"

    def crossed(self, symbol):
        """Whether a displayed bid meets a displayed ask."""
        bids = [order[2] for order in self.orders.values() if order[0] == symbol and order[1] == "B"]
        asks = [order[2] for order in self.orders.values() if order[0] == symbol and order[1] == "S"]
        return bool(bids and asks) and max(bids) >= min(asks)
