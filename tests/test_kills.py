"""kill -9 at random under load: what was acknowledged is there afterwards, once, and every session goes on.

The judge is the client's own log: what each session sent and was told, read by the tests' decoder. `kill -9` keeps the page
cache, so this proves recovery and the order of commit and acknowledgement; that a sync reached the disk is not its subject.
"""

import random
import threading
import time

from judge import ouch
from judge.blotter import check_trades
from judge.itch import Books
from judge.trader import Trader

USERS = ("demo01", "demo02", "demo03", "demo04")
PATIENCE_SECONDS = 60
# With 200 kills the whole stream is read again after every tenth only.
WHOLE_STREAM_EVERY = 10


def follow(venue, books, session, expected):
    """Reads the feed on from where `books` stands until it shows what the sessions were told; the feed's session."""
    with venue.feed(books.messages + 1, session, keep=False) as client:
        assert client.first_sequence == books.messages + 1
        deadline = time.monotonic() + PATIENCE_SECONDS
        while books.displayed() != expected:
            assert time.monotonic() < deadline, "the feed does not come to show the orders that the sessions have"
            for payload in client.poll(0.2):
                books.apply(payload)
        return client.session


def restart(venue, traders, books, feed_session, whole):
    """Every session resumes; then orders, trades and feed must agree. The new clients and the feed's session."""
    venue.start()
    clients = [trader.resume(venue) for trader in traders]
    for trader, client in zip(traders, clients):
        trader.answer(client)
    check_trades([trader.blotter for trader in traders])
    expected = {}
    for trader in traders:
        expected.update(trader.blotter.displayed())
    feed_session = follow(venue, books, feed_session, expected)
    if whole:
        for client in clients:
            client.close()
        for trader in traders:
            trader.check_whole_stream(venue)
        clients = [trader.connect(venue) for trader in traders]
    return clients, feed_session


def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9(open_venue, size, record):
    kills = size(20, 200)
    chance = random.Random(9)
    # Small files, so that the kills meet the change from one to the next too.
    venue = open_venue("[journal]\nsegment_mib = 16\n[event_log]\nsegment_mib = 16\n")
    traders = [Trader(user, seed) for seed, user in enumerate(USERS)]
    books, feed_session, downtime = Books(), "", []
    clients = [trader.connect(venue) for trader in traders]
    for kill in range(kills):
        stop = threading.Event()
        threads = [threading.Thread(target=t.load, args=(c, stop)) for t, c in zip(traders, clients)]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.01, 0.6))
        venue.kill()
        stop.set()
        for thread in threads:
            thread.join()
        assert not any(trader.failure for trader in traders), [trader.failure for trader in traders]
        began = time.monotonic()
        clients, feed_session = restart(venue, traders, books, feed_session, kills <= 20 or kill % WHOLE_STREAM_EVERY == 0)
        downtime.append(time.monotonic() - began)

    # Each order that the client believes open can be cancelled, once, whole: nothing was lost on the way.
    for trader, client in zip(traders, clients):
        alive = [ref for ref, order in trader.blotter.orders.items() if order.open]
        client.send(*[ouch.cancel(ref) for ref in alive])
        trader.answer(client)
        assert not any(order.open for order in trader.blotter.orders.values())
        for ref, payload in trader.sent.items():
            assert trader.blotter.answered(ref) or payload[:1] == b"U", f"{trader.user}: {ref} was never answered"
        client.close()
    follow(venue, books, feed_session, {})
    trades = check_trades([trader.blotter for trader in traders])
    assert len(books.trades) == trades
    venue.stop()
    record("kills", kills=kills, orders=sum(len(t.sent) for t in traders), trades=trades,
           reports=sum(t.blotter.last_sequence for t in traders), resumed_seconds_max=round(max(downtime), 2))  # fmt: skip
