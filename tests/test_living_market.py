"""A venue as it opens by default: simulated makers and takers trade through the real door."""

import time

from judge.itch import Books

MARKETS = {"BTCUSD", "ETHUSD", "EURUSD", "POWER", "RAIN"}
LIVELY_SECONDS = 30


def lively(books):
    """Whether each market shows both sides and has traded."""
    sides = {(order[0], order[1]) for order in books.orders.values()}
    return sides >= {(symbol, side) for symbol in MARKETS for side in "BS"} and len(books.trades) > 10


def test_the_default_venue_has_a_living_market(open_venue):
    venue = open_venue(demo=True)
    books = Books()
    deadline = time.monotonic() + LIVELY_SECONDS
    with venue.feed(keep=False) as feed:
        while not lively(books):
            assert time.monotonic() < deadline, f"{len(books.orders)} orders, {len(books.trades)} trades"
            for payload in feed.poll(0.2):
                books.apply(payload)
    for symbol in MARKETS:
        assert not books.crossed(symbol)
    shown = venue.command("watch", "BTCUSD", "--data", venue.data, "--once").stdout
    assert "BTCUSD" in shown
    venue.stop()
