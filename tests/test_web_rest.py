"""REST at its edges: what is asked wrongly gets the dialect's error, what is no HTTP a status, and nobody else notices."""

import json
import re
import socket

import pytest
from judge.market_data import Rest, get
from judge.websocket import PATIENCE_SECONDS, split

# Question: HTTP status, and the dialect's code.
WRONG = {
    "depth": (400, -1102),
    "depth?symbol=": (400, -1102),
    "depth?symbol=NOPE": (400, -1121),
    "depth?symbol=BTCUSD&limit=0": (400, -1100),
    "depth?symbol=BTCUSD&limit=-1": (400, -1100),
    "depth?symbol=BTCUSD&limit=ten": (400, -1100),
    "depth?symbol=BTCUSD&limit=99999999999999999999999": (400, -1100),
    "trades": (400, -1102),
    "historicalTrades?symbol=BTCUSD&fromId=x": (400, -1100),
    "aggTrades?symbol=BTCUSD&fromId=1&startTime=1": (400, -1128),
    "klines?symbol=BTCUSD": (400, -1102),
    "klines?symbol=BTCUSD&interval=7m": (400, -1120),
    "klines?symbol=BTCUSD&interval=1m&startTime=soon": (400, -1100),
    "ticker/24hr?symbol=BTCUSD&symbols=[]": (400, -1128),
    "ticker/24hr?symbols=BTCUSD": (400, -1100),
    "ticker/price?symbols=%5B%22NOPE%22%5D": (400, -1121),
    "exchangeInfo?symbol=NOPE": (400, -1121),
    "nothing": (404, -1020),
    "..%2F..%2Fetc%2Fpasswd": (404, -1020),
}
# Bytes of a request: HTTP status.
NO_HTTP = {
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": 400,  # TLS
    b"GET / HTTP/2.0\r\n\r\n": 400,
    b"hello\r\n\r\n": 400,
    b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\n\r\n": 405,
    b"DELETE /api/v3/order HTTP/1.1\r\nHost: x\r\n\r\n": 405,
    b"GET /api/v3/ping HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello": 413,
    b"GET /api/v3/ping HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": 413,
    b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n": 431,
    b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n": 431,
}


def exchange(address, data):
    """What is answered to `data` until the connection ends."""
    with socket.create_connection(split(address), PATIENCE_SECONDS) as client:
        client.sendall(data)
        answer = b""
        while part := client.recv(1 << 16):
            answer += part
    return answer


def test_wrong_questions_get_the_dialects_errors(small_venue):
    address = Rest(small_venue).ready().address
    for question, (status, code) in WRONG.items():
        answer = get(address, f"/api/v3/{question}")
        assert (answer.status, answer.json()["code"]) == (status, code), f"{question}: {answer.status} {answer.body}"
        assert answer.json().keys() == {"code", "msg"} and len(answer.json()["msg"]) > 10


def test_what_is_no_request_is_refused_and_the_door_stays_open(small_venue):
    address = Rest(small_venue).ready().address
    for data, status in NO_HTTP.items():
        answer = exchange(address, data)
        assert answer.startswith(f"HTTP/1.1 {status} ".encode()), f"{data[:60]}: {answer[:80]}"
        body = answer.split(b"\r\n\r\n", 1)[1]
        assert json.loads(body)["code"] < 0
    assert get(address, "/api/v3/ping").json() == {}


def test_requests_on_one_connection_are_answered_in_turn(small_venue):
    address = Rest(small_venue).ready().address
    names = (b"BTCUSD", b"NOPE", b"ETHUSD")
    requests = b"".join(b"GET /api/v3/depth?symbol=%s HTTP/1.1\r\nHost: x\r\n\r\n" % name for name in names)
    answer = exchange(address, requests + b"GET /api/v3/time HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answer) == [b"200", b"400", b"200", b"200"]
    assert answer.index(b"-1121") < answer.index(b"serverTime")
    head, full = get(address, "/api/v3/exchangeInfo", method="HEAD"), get(address, "/api/v3/exchangeInfo?symbol=BTCUSD")
    assert head.status == 200 and head.body == b"" and int(head.headers["content-length"]) > len(full.body)
    assert get(address, "/api/v3/ping", method="OPTIONS").status == 204
    assert get(address, "/api/v3/ping").headers["access-control-allow-origin"] == "*"


def test_an_empty_market_is_answered_as_such(small_venue):
    rest = Rest(small_venue).ready()
    listed = {one["symbol"]: one for one in rest("exchangeInfo")["symbols"]}
    assert {"BTCUSD", "ETHUSD", "EURUSD", "POWER", "RAIN"} <= listed.keys()
    assert listed["BTCUSD"]["baseAsset"] == "BTC" and listed["BTCUSD"]["quoteAsset"] == "USD"
    depth = rest("depth", symbol="BTCUSD")
    assert (depth["bids"], depth["asks"]) == ([], [])
    assert rest("trades", symbol="BTCUSD") == rest("aggTrades", symbol="BTCUSD") == []
    assert rest("klines", symbol="BTCUSD", interval="1m") == []
    assert rest("ticker/24hr", symbol="BTCUSD")["count"] == 0
    assert [one["symbol"] for one in rest("ticker/price", symbols='["RAIN","BTCUSD"]')] == ["RAIN", "BTCUSD"]
    small_venue.admin("halt", "RAIN", "--who", "bob", "--why", "news pending")
    assert wait_for_status(rest, "RAIN") == "HALT" and wait_for_status(rest, "BTCUSD") == "TRADING"


def wait_for_status(rest, symbol):
    """A command is acknowledged when it is on the disk; the door tells of it a moment later."""
    for _ in range(600):
        (listed,) = rest("exchangeInfo", symbol=symbol)["symbols"]
        if symbol != "RAIN" or listed["status"] != "TRADING":
            break
    return listed["status"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_what_watches_the_process_is_served_here_too(small_venue, path):
    address = Rest(small_venue).ready().address
    answer = get(address, path)
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain") and answer.body
