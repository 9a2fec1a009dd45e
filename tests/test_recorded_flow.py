"""Thirty minutes of a real market: a plain replay, and the venue against it."""

import csv
import os
from pathlib import Path

import pytest
from judge import ouch, recorded
from judge.venue import TARGET

WHEEL = Path(os.environ.get("ROTUNDA_RECORDED", TARGET / "tests/recorded/ob_analytics-0.1.0-py3-none-any.whl"))
TRADES, RECORDED_TRADES, POST_ONLY_CANCELLED, SKIPPED = 258, 224, 99_161, 296


@pytest.fixture(scope="module")
def flow():
    assert WHEEL.exists(), f"{WHEEL} is missing: tests/run downloads it"
    return recorded.read_wheel(WHEEL)


@pytest.fixture(scope="module")
def plain(flow):
    return recorded.replay(*flow)


def named(trades, orders):
    """The trades as (buyer, seller, price in ticks, quantity in lots) of the recorder's order ids."""
    sides = {int(row["id"]): "B" if row["direction"] == "bid" else "S" for row in orders}
    return [recorded.as_recorded(trade, sides[trade.taker]) for trade in trades]


def test_a_plain_book_makes_258_trades_of_it_224_of_them_the_recorded(flow, plain):
    orders, trades = flow
    real = {
        (int(t["buy_order_id"]), int(t["sell_order_id"]), recorded.ticks(t["price"]), recorded.lots(t["amount"]))
        for t in trades
    }
    assert len(orders) == 314_057 and len(trades) == 284
    assert len(plain.trades) == TRADES
    assert sum(trade in real for trade in named(plain.trades, orders)) == RECORDED_TRADES
    assert plain.post_only_cancelled == POST_ONLY_CANCELLED
    assert plain.skipped == SKIPPED


def told(stream, sent):
    """The trades of a session's stream; `sent` are the orders that took user numbers, from 1."""
    taken, made = {}, []
    for message in stream:
        if message.name == "Executed":
            other = taken.setdefault(message.match, message)
            if other is not message:
                orders = [sent[other.user_ref - 1], sent[message.user_ref - 1]]
                buyer, seller = sorted(orders, key=lambda action: action.side)
                made.append((buyer.order, seller.order, message.price // ouch.PRICE_SCALE, message.quantity))
    return made


def test_the_venue_makes_the_same_trades_in_the_same_order(flow, plain, venue, tmp_path, record):
    files = recorded.unpack(WHEEL, tmp_path)
    out = tmp_path / "made.csv"
    summary = venue.json("flow", *files, "--data", venue.data, "--session", "demo01", "--out", out)
    expected = named(plain.trades, flow[0])
    with open(out, newline="") as lines:
        printed = [
            (int(row["buyer"]), int(row["seller"]), recorded.ticks(row["price"]), recorded.lots(row["quantity"]))
            for row in csv.DictReader(lines)
        ]
    assert printed == expected

    # Not only what the sender prints: the session's own stream, read by the tests' decoder.
    sent = [action for action in recorded.actions(*flow) if action.kind in ("limit", "market", "post")]
    stream = [ouch.decode(payload) for payload in venue.stream("demo01")]
    assert told(stream, sent) == expected
    post_only = sum(message.reason == "G" for message in stream if message.name == "Cancelled")
    assert post_only == POST_ONLY_CANCELLED == summary["post_only_cancels"]
    assert summary["skipped"] == SKIPPED and summary["rejected"] == 0
    assert summary["trades_equal_to_recorded"] == RECORDED_TRADES
    record("recorded_flow", orders=len(sent), trades=len(printed), summary=summary)
