"""Trades, aggregated trades, candles and tickers, over streams and REST, are those of the ITCH feed."""

import time
from collections import defaultdict, namedtuple
from decimal import Decimal

from judge.itch import Books, decode
from judge.load import MARKETS
from judge.market import Traders
from judge.market_data import Rest
from judge.websocket import PATIENCE_SECONDS, WebSocket

SYMBOLS = [market.symbol for market in MARKETS]
ORDERS = 6_000
Trade = namedtuple("Trade", "match price quantity buyer_is_maker")


def trades_of_the_feed(payloads, scales):
    """{symbol: [Trade]} in the feed's order."""
    books, trades = Books(), defaultdict(list)
    for payload in payloads:
        message = decode(payload)
        if message.name in ("Executed", "ExecutedAtPrice"):
            symbol, side, price, _, _ = books.orders[message.order]
            price = getattr(message, "price", price)
        elif message.name == "Trade":  # with a hidden order, whose side it names
            symbol, side, price = message.stock, message.side, message.price
        books.apply(payload)
        if message.name in ("Executed", "ExecutedAtPrice", "Trade"):
            quantity = message.shares * scales[symbol][1]
            trades[symbol].append(Trade(message.match, Decimal(price) / 10_000, quantity, side == "B"))
    return trades


def follow(venue, kinds):
    socket = WebSocket(venue.endpoints["web"], "/stream")
    socket.subscribe(*(f"{symbol.lower()}@{kind}" for symbol in SYMBOLS for kind in kinds))
    return socket


def read_to(socket, last):
    """{(symbol, kind): [data]} until each symbol's last trade was told, and a ticker and a candle with it."""
    told, deadline = defaultdict(list), time.monotonic() + PATIENCE_SECONDS
    waiting = {(symbol, kind) for symbol in SYMBOLS for kind in ("trade", "kline_1m", "ticker")}
    while waiting:
        message = socket.receive(deadline - time.monotonic())
        assert message is not None, f"not told in {PATIENCE_SECONDS} s: {waiting}"
        kind = message["stream"].split("@", 1)[1]
        data = message["data"]
        assert message["stream"] == f"{data['s'].lower()}@{kind}"
        told[data["s"], kind].append(data)
        number = {"trade": data.get("t"), "ticker": data.get("L"), "kline_1m": data.get("k", {}).get("L")}.get(kind)
        if number == last[data["s"]]:
            waiting.discard((data["s"], kind))
    return told


def as_trade(told):
    return Trade(told["t"], Decimal(told["p"]), Decimal(told["q"]), told["m"])


def test_streams_and_rest_tell_the_trades_of_the_feed(small_venue):
    rest = Rest(small_venue).ready()
    with follow(small_venue, ("trade", "aggTrade", "kline_1m", "ticker")) as socket:
        failures = Traders(small_venue).start(ORDERS, pause_s=0.05).join()
        assert not failures, failures
        made = trades_of_the_feed(small_venue.published(), rest.scales())
        assert all(len(made[symbol]) > 50 for symbol in SYMBOLS)
        told = read_to(socket, {symbol: made[symbol][-1].match for symbol in SYMBOLS})
    for symbol in SYMBOLS:
        assert [as_trade(trade) for trade in told[symbol, "trade"]] == made[symbol]
        check_aggregates(made[symbol], told[symbol, "aggTrade"])
        check_candles(made[symbol], told[symbol, "kline_1m"], rest("klines", symbol=symbol, interval="1m"))
        check_ticker(made[symbol], told[symbol, "ticker"][-1])
        check_rest(rest, symbol, made[symbol], told)


def check_aggregates(made, told):
    """Each is a run of trades at one price on one side; together they are all the trades, but for a last run that is open."""
    place = {trade.match: index for index, trade in enumerate(made)}
    at = 0
    for number, aggregate in enumerate(told):
        first, last = place[aggregate["f"]], place[aggregate["l"]]
        run = made[first : last + 1]
        assert first == at and run, f"aggregate {aggregate} leaves out or repeats trades"
        assert aggregate["a"] == told[0]["a"] + number
        assert {(trade.price, trade.buyer_is_maker) for trade in run} == {(Decimal(aggregate["p"]), aggregate["m"])}
        assert sum(trade.quantity for trade in run) == Decimal(aggregate["q"])
        at = last + 1
    assert len({(trade.price, trade.buyer_is_maker) for trade in made[at:]}) <= 1
    assert len(told) < len(made), "some order took more than one other at a price"


def check_candles(made, told, stored):
    """The minutes of the streams and of REST are those of the trades."""
    last = {candle["k"]["t"]: candle["k"] for candle in told}
    assert sum(candle[8] for candle in stored) == len(made)
    at = 0
    for start, first, high, low, close, volume, end, amount, count, *_ in stored:
        run = made[at : at + count]
        at += count
        assert start % 60_000 == 0 and end == start + 59_999
        if not run:
            assert Decimal(volume) == 0
            continue
        prices = [trade.price for trade in run]
        assert [Decimal(text) for text in (first, high, low, close)] == [prices[0], max(prices), min(prices), prices[-1]]
        assert Decimal(volume) == sum(trade.quantity for trade in run)
        assert Decimal(amount) == sum(trade.quantity * trade.price for trade in run)
        streamed = last[start]
        assert [streamed[field] for field in "ohlcvn"] == [first, high, low, close, volume, count]


def check_ticker(made, ticker):
    prices = [trade.price for trade in made]
    assert ticker["n"] == len(made)
    assert [Decimal(ticker[field]) for field in "ohlc"] == [prices[0], max(prices), min(prices), prices[-1]]
    assert Decimal(ticker["v"]) == sum(trade.quantity for trade in made)
    assert Decimal(ticker["p"]) == prices[-1] - prices[0]


def check_rest(rest, symbol, made, told):
    recent = rest("trades", symbol=symbol, limit=1000)
    assert [trade["id"] for trade in recent] == [trade.match for trade in made][-1000:]
    told_last = told[symbol, "trade"][-1]
    last = recent[-1]
    assert (last["price"], last["qty"], last["time"], last["isBuyerMaker"]) == tuple(told_last[field] for field in "pqTm")
    older = rest("historicalTrades", symbol=symbol, fromId=made[10].match, limit=5)
    assert [trade["id"] for trade in older] == [trade.match for trade in made[10:15]]
    aggregates = rest("aggTrades", symbol=symbol, limit=1000)
    known = {aggregate["a"]: aggregate for aggregate in told[symbol, "aggTrade"]}
    shared = [aggregate for aggregate in aggregates if aggregate["a"] in known]
    assert len(shared) >= min(len(known), 1000) - 1
    for aggregate in shared:
        assert all(aggregate[field] == known[aggregate["a"]][field] for field in "apqflTm")
    day = rest("ticker/24hr", symbol=symbol)
    assert (day["lastPrice"], day["count"], day["lastId"]) == (last["price"], len(made), made[-1].match)
    assert rest("ticker/price", symbol=symbol) == {"symbol": symbol, "price": last["price"]}
    depth, best = rest("depth", symbol=symbol, limit=5), rest("ticker/bookTicker", symbol=symbol)
    assert [best["bidPrice"], best["bidQty"]] == depth["bids"][0] and [best["askPrice"], best["askQty"]] == depth["asks"][0]
    average = Decimal(rest("avgPrice", symbol=symbol)["price"])
    assert min(trade.price for trade in made) <= average <= max(trade.price for trade in made)
