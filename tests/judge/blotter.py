"""What one session was told: its orders and trades, from its stream of reports alone."""

from . import ouch


class Order:
    """One order of the session; `open` is what may still trade, `shown` whether the feed is to show it."""

    __slots__ = ("number", "symbol", "side", "price", "open", "shown")

    def __init__(self, message):
        self.number, self.symbol, self.side, self.price = message.order, message.symbol, message.side, message.price
        self.open = message.quantity if message.state == "L" else 0
        self.shown = message.display != "N"


class Blotter:
    """The judge of a session's stream: an order told twice, or more taken from it than is open, is an AssertionError."""

    def __init__(self):
        self.stream = []  # every payload, by sequence from 1
        self.orders = {}  # user number -> Order
        self.rejected = {}  # user number -> reason
        self.trades = []  # (match number, side, quantity, price, order number)
        self.next_ref = None  # the last query's answer

    def apply(self, payloads):
        for payload in payloads:
            self.stream.append(payload)
            message = ouch.decode(payload)
            getattr(self, "_" + message.name)(message)

    @property
    def last_sequence(self):
        return len(self.stream)

    def answered(self, ref):
        """Whether an enter or replace of this number was answered."""
        return ref in self.orders or ref in self.rejected

    def displayed(self):
        """{order number: (symbol, side, price, open)} of all that may still trade and are to be seen in the feed."""
        return {o.number: (o.symbol, o.side, o.price, o.open) for o in self.orders.values() if o.open and o.shown}

    def _new(self, message):
        assert not self.answered(message.user_ref), f"{self.last_sequence}: order {message.user_ref} is answered twice"
        self.orders[message.user_ref] = Order(message)

    _Accepted = _new

    def _Replaced(self, message):
        original = self.orders[message.original_ref]
        assert original.open, f"{self.last_sequence}: {message.original_ref} is replaced and was over"
        original.open = 0
        self._new(message)

    def _Rejected(self, message):
        assert not self.answered(message.user_ref), f"{self.last_sequence}: order {message.user_ref} is answered twice"
        self.rejected[message.user_ref] = message.reason

    def _take(self, message):
        order = self.orders[message.user_ref]
        assert 0 < message.quantity <= order.open, (
            f"{self.last_sequence}: {message.name} takes {message.quantity} of {order.open} of order {message.user_ref}"
        )
        order.open -= message.quantity
        return order

    _Cancelled = _Prevented = _take

    def _Executed(self, message):
        order = self._take(message)
        self.trades.append((message.match, order.side, message.quantity, message.price, order.number))

    def _Modified(self, message):
        order = self.orders[message.user_ref]
        assert message.quantity <= order.open, f"{self.last_sequence}: a modify grows order {message.user_ref}"
        order.open = message.quantity

    def _QueryResponse(self, message):
        self.next_ref = message.user_ref

    def _SystemEvent(self, message):
        assert message.event in "SE", f"{self.last_sequence}: system event {message.event}"


def check_trades(blotters):
    """Every match has one buyer and one seller among these sessions, at one price and quantity. How many there are."""
    sides = {}
    for blotter in blotters:
        for match, side, quantity, price, _ in blotter.trades:
            sides.setdefault(match, []).append((side, quantity, price))
    for match, told in sides.items():
        assert sorted(side for side, _, _ in told) == ["B", "S"], f"match {match} was told to {told}"
        assert len({(quantity, price) for _, quantity, price in told}) == 1, f"match {match} differs by side: {told}"
    return len(sides)
