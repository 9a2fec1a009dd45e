"""Order flow to put a venue under load: random but seeded, built as bytes before it is sent."""

import random
from collections import namedtuple

from . import ouch
from .soup import UNSEQUENCED, frame

# `tick` and `middle` count ten-thousandths.
Instrument = namedtuple("Instrument", "symbol tick middle")
BATCH_BYTES = 8192

# Of the default configuration; all four have free accounts and no band that the flow's drift would reach.
MARKETS = (
    Instrument("BTCUSD", 10_000, 680_000_000),
    Instrument("ETHUSD", 100, 34_000_000),
    Instrument("EURUSD", 1, 10_850),
    Instrument("POWER", 100, 845_000),
)
TICKS = {market.symbol: market.tick for market in MARKETS}


class Flow:
    """The messages of one session: enters about a middle that drifts, some through the touch, and what traders do with orders.

    Replaces, reduces and cancels name orders that may be over: such a message is to be without any effect.
    """

    def __init__(self, seed, instruments, next_ref=1):
        self.random = random.Random(seed)
        self.instruments = instruments
        self.next_ref = next_ref
        self.drift = dict.fromkeys(instruments, 0)
        self.recent = []

    def _price(self, instrument, side):
        self.drift[instrument] += self.random.choice((-1, 0, 0, 1))
        behind = min(int(self.random.expovariate(0.2)), 40) - 2
        ticks = self.drift[instrument] - behind if side == "B" else self.drift[instrument] + behind
        return instrument.middle + ticks * instrument.tick

    def _ref(self):
        self.next_ref += 1
        return self.next_ref - 1

    def _enter(self):
        instrument = self.random.choice(self.instruments)
        side = self.random.choice("BS")
        kind = self.random.random()
        ref = self._ref()
        terms = {}
        if kind < 0.10:
            terms = {"time_in_force": "3"}
        elif kind < 0.20:
            terms = {"appendage": ouch.options(post_only=True)}
        elif kind < 0.22:
            terms = {"display": "N"}
        self.recent.append((ref, instrument, side))
        del self.recent[:-400]
        price = self._price(instrument, side)
        return ref, ouch.enter(ref, side, self.random.randint(1, 100), instrument.symbol, price, client_id=f"c{ref}", **terms)

    def message(self):
        """The next message as (user number it uses up or None, payload)."""
        kind = self.random.random()
        if kind < 0.65 or not self.recent:
            return self._enter()
        place = self.random.randrange(len(self.recent))
        ref, instrument, side = self.recent[place]
        if kind < 0.78:
            return None, ouch.cancel(ref)
        if kind < 0.86:
            return None, ouch.cancel(ref, self.random.randint(1, 60))
        if kind < 0.88:
            return None, ouch.modify(ref, side, self.random.randint(1, 60))
        new = self._ref()
        self.recent[place] = (new, instrument, side)
        return new, ouch.replace(ref, new, self.random.randint(1, 100), self._price(instrument, side))

    def messages(self, count):
        """The next `count` messages."""
        return [self.message() for _ in range(count)]

    def orders(self, count):
        """The payloads of messages until `count` more user numbers are used."""
        last = self.next_ref + count
        while self.next_ref < last:
            yield self.message()[1]


def batches(payloads):
    """The payloads as packets, joined to chunks of at most about BATCH_BYTES."""
    chunk = bytearray()
    for payload in payloads:
        chunk += frame(UNSEQUENCED, payload)
        if len(chunk) >= BATCH_BYTES:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)
