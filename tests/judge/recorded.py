"""Recorded order flow, and what a plain price-time book makes of it.

The data is PyPI `ob-analytics` 0.1.0: thirty minutes of Bitstamp BTC/USD. It is installed for the test and never stored
here. Prices are ticks of 1 USD, quantities lots of 1e-8 BTC; the order of the file is the order of arrival.
"""

import bisect
import csv
import gzip
import io
import zipfile
from collections import namedtuple
from decimal import Decimal

PRICE_MAX = Decimal("429496.7295")
QUANTITY_MAX = 2**32 - 1
LOT = Decimal("0.00000001")
ORDERS = "ob_analytics/_sample_data/orders.csv.gz"
TRADES = "ob_analytics/_sample_data/trades.csv"

# kind: limit, market, post (post-only), cancel, reduce, or skip; side: "B" or "S"; price in ticks (0 for market);
# quantity in lots: of the order, or (reduce) what is to stay open.
Action = namedtuple("Action", "kind order side price quantity")
# maker, taker: the recorder's order ids.
Trade = namedtuple("Trade", "maker taker price quantity")


def read_wheel(path):
    """The rows of both recordings in the wheel: (orders, trades), each a list of dicts."""
    with zipfile.ZipFile(path) as wheel:
        orders = gzip.decompress(wheel.read(ORDERS)).decode()
        trades = wheel.read(TRADES).decode()
    return list(csv.DictReader(io.StringIO(orders))), list(csv.DictReader(io.StringIO(trades)))


def unpack(path, folder):
    """Writes both recordings of the wheel into `folder`, uncompressed: [orders.csv, trades.csv]."""
    with zipfile.ZipFile(path) as wheel:
        files = {"orders.csv": gzip.decompress(wheel.read(ORDERS)), "trades.csv": wheel.read(TRADES)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def ticks(price):
    """A decimal price as a count of ticks; a part of one is a ValueError."""
    return _whole(Decimal(price))


def lots(quantity):
    """A decimal quantity as a count of lots; a part of one is a ValueError."""
    return _whole(Decimal(quantity) / LOT)


def _whole(number):
    if number != int(number):
        raise ValueError(f"{number} is not whole")
    return int(number)


def aggressor(trade):
    """The order id that a recorded trade names as the incoming one."""
    return trade["buy_order_id"] if trade["side"] == "buy" else trade["sell_order_id"]


def actions(orders, trades):
    """One Action for each row of the recording."""
    incoming = {aggressor(trade) for trade in trades}
    for row in orders:
        order, side = int(row["id"]), "B" if row["direction"] == "bid" else "S"
        quantity = lots(row["volume"])
        if row["action"] == "deleted":
            yield Action("cancel", order, side, 0, 0)
        elif row["action"] == "changed":
            yield Action("reduce", order, side, 0, quantity)
        else:
            price = Decimal(row["price"])
            priced = 0 < price <= PRICE_MAX
            takes = row["id"] in incoming
            if not 0 < quantity <= QUANTITY_MAX or not (priced or takes):
                yield Action("skip", order, side, 0, quantity)
            elif not takes:
                yield Action("post", order, side, ticks(price), quantity)
            elif priced:
                yield Action("limit", order, side, ticks(price), quantity)
            else:
                yield Action("market", order, side, 0, quantity)


class Resting:
    """An order and what became of it."""

    __slots__ = ("order", "side", "price", "remaining", "executed")

    def __init__(self, order, side, price, remaining):
        self.order, self.side, self.price, self.remaining, self.executed = order, side, price, remaining, 0


class PlainBook:
    """Price-time priority as slowly and plainly as it can be written: a sorted list of prices and a dict of queues a side."""

    def __init__(self):
        self.orders = {}
        self.prices = {"B": [], "S": []}
        self.queues = {"B": {}, "S": {}}
        self.trades = []
        self.post_only_cancelled = 0
        self.skipped = 0

    def best(self, side):
        prices = self.prices[side]
        if not prices:
            return None
        return prices[-1] if side == "B" else prices[0]

    def crosses(self, side, price):
        """Whether an order of this side and price (None: any price) meets the best price opposite."""
        best = self.best("S" if side == "B" else "B")
        if best is None or price is None:
            return best is not None
        return price >= best if side == "B" else price <= best

    def rest(self, order):
        self.orders[order.order] = order
        queue = self.queues[order.side].get(order.price)
        if queue is None:
            queue = self.queues[order.side][order.price] = {}
            bisect.insort(self.prices[order.side], order.price)
        queue[order.order] = order

    def remove(self, order):
        queue = self.queues[order.side][order.price]
        del queue[order.order]
        del self.orders[order.order]
        if not queue:
            del self.queues[order.side][order.price]
            self.prices[order.side].remove(order.price)

    def take(self, taker, limit):
        opposite = "S" if taker.side == "B" else "B"
        while taker.remaining and self.crosses(taker.side, limit):
            price = self.best(opposite)
            maker = next(iter(self.queues[opposite][price].values()))
            quantity = min(maker.remaining, taker.remaining)
            for order in (maker, taker):
                order.remaining -= quantity
                order.executed += quantity
            self.trades.append(Trade(maker.order, taker.order, price, quantity))
            if not maker.remaining:
                self.remove(maker)

    def apply(self, action):
        if action.kind == "skip":
            self.skipped += 1
        elif action.kind == "post":
            if self.crosses(action.side, action.price):
                self.post_only_cancelled += 1
            else:
                self.rest(Resting(action.order, action.side, action.price, action.quantity))
        elif action.kind in ("limit", "market"):
            taker = Resting(action.order, action.side, action.price, action.quantity)
            self.take(taker, None if action.kind == "market" else action.price)
            if taker.remaining and action.kind == "limit":
                self.rest(taker)
        elif (order := self.orders.get(action.order)) is not None:
            if action.kind == "cancel" or action.quantity == 0:
                self.remove(order)
            else:
                order.remaining = min(order.remaining, action.quantity)


def replay(orders, trades):
    """The plain book after the whole recording."""
    book = PlainBook()
    for action in actions(orders, trades):
        book.apply(action)
    return book


def as_recorded(trade, side):
    """A Trade as (buyer, seller, price, quantity), given the taker's side."""
    buyer, seller = (trade.taker, trade.maker) if side == "B" else (trade.maker, trade.taker)
    return buyer, seller, trade.price, trade.quantity
