"""Trading libraries of others read the venue with nothing changed but its address."""

import asyncio
import contextlib
import time
from decimal import Decimal

import ccxt.pro
import pytest
from binance import AsyncClient, BinanceSocketManager, Client, DepthCacheManager
from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketStreams
from binance_sdk_spot.spot import Spot
from judge.market_data import Rest, number
from judge.venue import SMALL_FILES

PATIENCE_SECONDS = 60
UPDATES = 12
SYMBOL = "BTCUSD"


@pytest.fixture
def living(open_venue):
    """A venue on which the demo participants have traded, and its REST."""
    venue = open_venue(SMALL_FILES + "[demo]\npace = 60\n", demo=True)
    rest = Rest(venue).ready()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(rest("trades", symbol=SYMBOL)) < 5:
        assert time.monotonic() < deadline, "the demo participants do not trade"
        time.sleep(0.1)
    return rest


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, PATIENCE_SECONDS))


def check_sorted(bids, asks):
    """Best first on both sides, and not crossed."""
    bids, asks = [Decimal(str(level[0])) for level in bids], [Decimal(str(level[0])) for level in asks]
    assert bids and asks and bids[0] < asks[0]
    assert bids == sorted(bids, reverse=True) and asks == sorted(asks)


def ccxt_exchange(address):
    exchange = ccxt.pro.binance({
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
        },
    })  # fmt: skip
    for name, url in exchange.urls["api"].items():
        if isinstance(url, str):
            exchange.urls["api"][name] = f"http://{address}/api/v3"
    exchange.urls["api"]["ws"] = dict.fromkeys(exchange.urls["api"]["ws"], f"ws://{address}/ws")
    return exchange


async def with_ccxt(address):
    exchange = ccxt_exchange(address)
    try:
        markets = await exchange.load_markets()
        assert {"BTC/USD", "ETH/USD"} <= markets.keys()
        assert number(exchange.number_to_string(markets["BTC/USD"]["precision"]["price"])) > 0

        nonces = []
        for _ in range(UPDATES):
            book = await exchange.watch_order_book("BTC/USD")
            check_sorted(book["bids"], book["asks"])
            nonces.append(book["nonce"])
        assert nonces == sorted(nonces) and nonces[-1] > nonces[0]

        trades = []
        while len(trades) < 3:
            trades = await exchange.watch_trades("BTC/USD")
        assert all(trade["side"] in ("buy", "sell") and trade["amount"] > 0 for trade in trades)

        candles = await exchange.fetch_ohlcv("BTC/USD", "1m")
        assert candles and all(low <= first <= high and low <= close <= high for _, first, high, low, close, _ in candles)
        ticker = await exchange.watch_ticker("BTC/USD")
        assert ticker["last"] > 0
        candles = await exchange.watch_ohlcv("BTC/USD", "1m")
        assert candles[-1][5] >= 0
        assert (await exchange.fetch_ticker("BTC/USD"))["last"] > 0
        assert (await exchange.fetch_tickers()).keys() >= {"BTC/USD", "ETH/USD"}
        fetched = await exchange.fetch_order_book("BTC/USD", 100)
        check_sorted(fetched["bids"], fetched["asks"])
        assert len(await exchange.fetch_trades("BTC/USD", limit=5)) == 5
        assert abs(await exchange.fetch_time() - time.time() * 1000) < 60_000
    finally:
        await exchange.close()


def test_ccxt_pro(living):
    run(with_ccxt(living.address))


@contextlib.contextmanager
def python_binance_at(address, monkeypatch):
    for kind in (Client, AsyncClient):
        monkeypatch.setattr(kind, "API_URL", f"http://{address}/api")
    monkeypatch.setattr(BinanceSocketManager, "STREAM_URL", f"ws://{address}/")
    yield


async def with_python_binance(address):
    client = await AsyncClient.create()
    try:
        assert {listed["symbol"] for listed in (await client.get_exchange_info())["symbols"]} >= {SYMBOL, "ETHUSD"}
        manager = DepthCacheManager(client, symbol=SYMBOL)
        async with manager as depth:
            updates = []
            for _ in range(UPDATES):
                cache = await depth.recv()
                check_sorted(cache.get_bids(), cache.get_asks())
                updates.append(cache.update_time)
        sockets = BinanceSocketManager(client)
        async with sockets.trade_socket(SYMBOL) as stream:
            trade = await stream.recv()
            assert trade["e"] == "trade" and trade["s"] == SYMBOL and number(trade["p"]) and number(trade["q"])
        async with sockets.multiplex_socket([f"{SYMBOL.lower()}@bookTicker", "ethusd@aggTrade"]) as stream:
            seen = set()
            while len(seen) < 2:
                message = await stream.recv()
                seen.add(message["stream"])
        async with sockets.kline_socket(SYMBOL) as stream:
            assert (await stream.recv())["k"]["i"] == "1m"
    finally:
        await client.close_connection()


def test_python_binance(living, monkeypatch):
    with python_binance_at(living.address, monkeypatch):
        client = Client()
        book = client.get_order_book(symbol=SYMBOL, limit=50)
        check_sorted(book["bids"], book["asks"])
        assert client.ping() == {} and client.get_server_time()["serverTime"] > 0
        assert client.get_symbol_info(SYMBOL)["quoteAsset"] == "USD"
        recent = client.get_recent_trades(symbol=SYMBOL)
        assert client.get_historical_trades(symbol=SYMBOL, fromId=recent[0]["id"])[0] == recent[0]
        aggregated = client.get_aggregate_trades(symbol=SYMBOL)
        assert next(client.aggregate_trade_iter(symbol=SYMBOL, last_id=aggregated[0]["a"]))["a"] == aggregated[1]["a"]
        assert len(client.get_klines(symbol=SYMBOL, interval="1m")[0]) == 12
        assert client.get_historical_klines(SYMBOL, "1m", "10 minutes ago UTC")
        assert client.get_ui_klines(symbol=SYMBOL, interval="1m")
        assert client.get_avg_price(symbol=SYMBOL)["mins"] > 0
        assert client.get_ticker(symbol=SYMBOL)["symbol"] == SYMBOL
        assert {ticker["symbol"] for ticker in client.get_all_tickers()} >= {SYMBOL, "ETHUSD"}
        assert {ticker["symbol"] for ticker in client.get_orderbook_tickers()} >= {SYMBOL, "ETHUSD"}
        assert client.get_symbol_ticker(symbol=SYMBOL).keys() == {"symbol", "price"}
        run(with_python_binance(living.address))


async def with_binance_streams(address):
    spot = Spot(config_ws_streams=ConfigurationWebSocketStreams(stream_url=f"ws://{address}"))
    connection = await spot.websocket_streams.create_connection()
    try:
        name = SYMBOL.lower()
        streams = {
            "trade": await connection.trade(symbol=name),
            "aggTrade": await connection.agg_trade(symbol=name),
            "diff": await connection.diff_book_depth(symbol=name, update_speed="100ms"),
            "partial": await connection.partial_book_depth(symbol=name, levels="10", update_speed="100ms"),
            "best": await connection.book_ticker(symbol=name),
            "candle": await connection.kline(symbol=name, interval="1m"),
            "ticker": await connection.ticker(symbol=name),
        }
        told = {kind: asyncio.get_running_loop().create_future() for kind in streams}
        for kind, stream in streams.items():
            stream.on("message", lambda data, kind=kind: told[kind].done() or told[kind].set_result(data))
        answers = dict(zip(told, await asyncio.gather(*told.values())))
        assert number(answers["trade"].p) and number(answers["aggTrade"].q)
        assert answers["diff"].U <= answers["diff"].u
        check_sorted(answers["partial"].bids, answers["partial"].asks)
        assert number(answers["best"].a) > number(answers["best"].b)
        assert answers["candle"].k.i == "1m" and answers["ticker"].s == SYMBOL
        await streams["trade"].unsubscribe()
    finally:
        await connection.close_connection(close_session=True)


def test_binance_sdk_spot(living):
    rest = Spot(config_rest_api=ConfigurationRestAPI(base_path=f"http://{living.address}")).rest_api
    rest.ping()
    assert rest.time().data().server_time > 0
    assert SYMBOL in {listed.symbol for listed in rest.exchange_info().data().symbols}
    book = rest.depth(symbol=SYMBOL, limit=20).data()
    check_sorted(book.bids, book.asks)
    assert rest.get_trades(symbol=SYMBOL).data()[0].id > 0
    assert rest.historical_trades(symbol=SYMBOL).data()[0].id > 0
    assert rest.agg_trades(symbol=SYMBOL).data()[0].a > 0
    assert len(rest.klines(symbol=SYMBOL, interval="1m").data()[0]) == 12
    assert len(rest.ui_klines(symbol=SYMBOL, interval="1m").data()[0]) == 12
    assert number(rest.avg_price(symbol=SYMBOL).data().price) > 0
    assert rest.ticker24hr(symbol=SYMBOL).data().actual_instance.symbol == SYMBOL
    assert rest.ticker_price(symbol=SYMBOL).data().actual_instance.symbol == SYMBOL
    assert rest.ticker_book_ticker(symbol=SYMBOL).data().actual_instance.symbol == SYMBOL
    run(with_binance_streams(living.address))
