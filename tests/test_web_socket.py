"""The WebSocket door by a raw client: what RFC 6455 asks, what the dialect asks, slow readers, and what idle ones cost."""

import json
import resource
import socket
import threading
import time
from collections import defaultdict

import pytest
from judge.load import MARKETS
from judge.market import Traders
from judge.market_data import DepthClient, LevelBook, Rest, get
from judge.venue import SMALL_FILES
from judge.websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    NORMAL,
    NOT_UTF8,
    PATIENCE_SECONDS,
    PING,
    POLICY,
    PROTOCOL_ERROR,
    TEXT,
    TOO_BIG,
    UNSUPPORTED,
    Closed,
    Refused,
    WebSocket,
    frame,
)

SYMBOLS = [market.symbol for market in MARKETS]
MESSAGE_BYTES_MAX = 4096
LIST = b'{"method":"LIST_SUBSCRIPTIONS","id":7}'
IDLE_BYTES_MAX = 16 << 10
INTERVALS = "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split()
# With small segments the system keeps little of what a slow reader does not take.
SEGMENT_BYTES = 536
RECEIVE_BYTES = 8 << 10
# More than the system (a quarter of this) and the venue (64 KiB, then it gathers) keep for a reader, and told in fewer
# updates than the venue can make up for.
BACKLOG_BYTES = 800 << 10

VIOLATIONS = {
    "a frame that is not masked": (frame(TEXT, LIST, masked=False), {PROTOCOL_ERROR}),
    "a reserved bit": (frame(TEXT, LIST, reserved=4), {PROTOCOL_ERROR}),
    "a reserved opcode": (frame(0x3, LIST), {PROTOCOL_ERROR}),
    "a reserved control opcode": (frame(0xB, b""), {PROTOCOL_ERROR}),
    "a ping in parts": (frame(PING, b"x", final=False), {PROTOCOL_ERROR}),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), {PROTOCOL_ERROR}),
    "a continuation of nothing": (frame(CONTINUATION, LIST), {PROTOCOL_ERROR}),
    "a message within a message": (frame(TEXT, b"{", final=False) + frame(TEXT, LIST), {PROTOCOL_ERROR}),
    "text that is no UTF-8": (frame(TEXT, b"\xc3\x28"), {NOT_UTF8}),
    "a binary message": (frame(BINARY, LIST), {UNSUPPORTED, NOT_UTF8}),
    "a message above the bound": (frame(TEXT, b" " * (MESSAGE_BYTES_MAX + 1)), {TOO_BIG}),
    "a length that would fill the memory": (frame(TEXT, b"", length=1 << 40), {TOO_BIG}),
    "parts above the bound": (
        frame(TEXT, b" " * 3000, final=False) + frame(CONTINUATION, b" " * 3000),
        {TOO_BIG},
    ),
    "a close of one byte": (frame(CLOSE, b"\x03"), {PROTOCOL_ERROR}),
}


def open_socket(venue, path="/ws", **options):
    return WebSocket(venue.endpoints["web"], path, **options)


def test_frames_that_rfc_6455_forbids_end_their_connection_only(small_venue):
    venue = small_venue
    Rest(venue).ready()
    with open_socket(venue) as honest:
        for what, (data, codes) in VIOLATIONS.items():
            with open_socket(venue) as client:
                client.send_raw(data)
                closed = client.read_to_close()
                assert closed.code in codes, f"{what}: {closed}"
        assert honest.ask("LIST_SUBSCRIPTIONS")["result"] == []


def test_frames_that_rfc_6455_allows_are_understood(small_venue):
    venue = small_venue
    Rest(venue).ready()
    with open_socket(venue) as client:
        client.send(b"are you there", PING)
        # A ping between the parts of a message, and parts of no bytes.
        client.send(LIST[:5], final=False)
        client.send(b"between", PING)
        client.send(b"", CONTINUATION, final=False)
        client.send(LIST[5:], CONTINUATION)
        assert client.receive() == {"result": [], "id": 7}
        assert client.pong_payloads == [b"are you there", b"between"]
    for path in ("/ws/0", "/ws/btcusd@trade", "/stream?streams=btcusd@trade/ethusd@depth20"):
        with open_socket(venue, path) as client:
            for byte in frame(TEXT, LIST):  # one byte at a time
                client.send_raw(bytes([byte]))
            assert client.answer(7)["result"] == [name for name in path.replace("=", "/").split("/")[2:] if "@" in name]
    with open_socket(venue) as client:
        client.send((NORMAL).to_bytes(2, "big") + "adiós".encode(), CLOSE)
        assert client.read_to_close().code == NORMAL
        client.socket.settimeout(PATIENCE_SECONDS)
        assert client.socket.recv(1) == b"", "after the close the connection ends"


def test_a_handshake_that_is_none_is_refused(small_venue):
    venue = small_venue
    Rest(venue).ready()
    for headers, path, status in (
        ({"Sec-WebSocket-Version": "8"}, "/ws", 426),
        ({"Sec-WebSocket-Key": "short"}, "/ws", 426),
        ({"Sec-WebSocket-Key": None}, "/ws", 426),
        ({}, "/nowhere", 404),
        ({}, "/ws/btcusd@nothing", 400),
        ({}, "/stream?streams=none@trade", 400),
        ({"Content-Length": "5"}, "/ws", 413),
    ):
        with pytest.raises(Refused) as refused:
            open_socket(venue, path, headers=headers)
        assert refused.value.status == status, f"{headers} {path}: {refused.value}"
        assert json.loads(refused.value.text)["code"] < 0
    # What is asked beyond that is left out, not refused: the answer offers no extension.
    open_socket(venue, headers={"Sec-WebSocket-Extensions": "permessage-deflate"}).close()


def test_messages_that_say_nothing_are_answered_and_too_many_end_it(small_venue):
    venue = small_venue
    Rest(venue).ready()
    wrong = ["hello", "[]", "[" * 4000, '{"id":1}', '{"method":"BUY","id":2}']
    for rest in ('["none@trade"],"id":3', '{"a":1},"id":"x"', '["a"],"id":[]'):
        wrong.append(f'{{"method":"SUBSCRIBE","params":{rest}}}')
    for message in wrong:
        with open_socket(venue) as client:
            client.send(message)
            answer = client.receive()
            assert answer["error"]["code"] > 0 and answer["error"]["msg"], answer
            expected = json.loads(message).get("id") if message.startswith("{") else None
            assert answer["id"] == (expected if isinstance(expected, (int, str)) else None), answer
            assert client.ask("LIST_SUBSCRIPTIONS")["result"] == []
    with open_socket(venue) as client:
        for _ in range(200):
            client.send(LIST)
        assert client.read_to_close().code == POLICY
    with open_socket(venue, "/stream") as client:
        client.subscribe("btcusd@trade", "BTCUSD@trade", "ethusd@depth")
        assert client.ask("LIST_SUBSCRIPTIONS")["result"] == ["btcusd@trade", "ethusd@depth"]
        assert client.ask("UNSUBSCRIBE", "btcusd@trade")["result"] is None
        assert client.ask("LIST_SUBSCRIPTIONS")["result"] == ["ethusd@depth"]


def test_a_client_is_pinged_and_one_that_is_silent_is_dropped(open_venue):
    venue = open_venue(SMALL_FILES, web={"ping_s": 1, "silence_s_max": 3})
    Rest(venue).ready()
    with open_socket(venue) as lively, open_socket(venue) as silent:
        silent.pongs = False
        gone = threading.Thread(target=lambda: silent.read_to_close(PATIENCE_SECONDS), daemon=True)
        gone.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while gone.is_alive():
            assert time.monotonic() < deadline, "the silent client is still there"
            assert lively.text(0.1) is None  # reading answers pings
        assert silent.pings > 0 and lively.pings > 0
        assert lively.ask("LIST_SUBSCRIPTIONS")["result"] == []


def open_slow(venue):
    """A client whose system keeps little for it, so that what waits for it waits at the venue."""
    return open_socket(venue, "/stream", segment_bytes=SEGMENT_BYTES, receive_bytes=RECEIVE_BYTES)


class Counter(threading.Thread):
    """Reads whatever comes and counts it: how much a client is told that follows the same streams."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.bytes = client, 0

    def run(self):
        try:
            while text := self.client.text():
                self.bytes += len(text)
        except (Closed, OSError, ValueError):  # the test is over
            pass


def test_a_slow_reader_gets_fewer_updates_and_no_hole(open_venue):
    """While it does not read, levels are gathered for it: each update it then reads goes on where the last one ended."""
    venue = open_venue(SMALL_FILES, web={"messages_per_second_max": 100})
    rest = Rest(venue).ready()
    kinds = ["depth@100ms", "depth20@100ms", "bookTicker", "ticker", *(f"kline_{name}" for name in INTERVALS)]
    slow, twin = open_slow(venue), open_socket(venue, "/stream")
    for kind in kinds:
        for client in (slow, twin):
            client.subscribe(*(f"{symbol.lower()}@{kind}" for symbol in SYMBOLS))
    counter = Counter(twin)
    counter.start()
    books = {symbol: LevelBook(symbol).load(rest("depth", symbol=symbol, limit=5000)) for symbol in SYMBOLS}
    quick = DepthClient(venue, SYMBOLS).connect()
    traders, deadline = Traders(venue), time.monotonic() + PATIENCE_SECONDS
    while counter.bytes < BACKLOG_BYTES:
        failures = traders.start(1_000, pause_s=0.15).join()
        assert not failures and time.monotonic() < deadline, (failures, counter.bytes)
        while quick.poll(0):
            pass
    while quick.poll(0.3) or not quick.up_to_date():
        assert time.monotonic() < deadline + PATIENCE_SECONDS

    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    diffs = 0
    while any(books[symbol].update < quick.books[symbol].update for symbol in SYMBOLS):
        message = slow.receive()
        assert message is not None, "nothing more comes, but the book is not the present one"
        name, kind = message["stream"].split("@", 1)
        if kind == "depth@100ms":
            diffs += books[name.upper()].apply(message["data"])
    for client in (slow, twin):
        client.close()
    assert diffs < quick.checks, f"{diffs} updates for the slow reader, {quick.checks} for the quick one: none were gathered"
    for symbol in SYMBOLS:
        assert books[symbol].levels() == quick.books[symbol].levels()


def test_a_reader_that_never_reads_is_cut_and_others_get_every_trade(open_venue):
    venue = open_venue(SMALL_FILES, web={"output_buffer_kib_max": 128})
    rest = Rest(venue).ready()
    names = [f"{symbol.lower()}@trade" for symbol in SYMBOLS]
    with open_slow(venue) as deaf, open_socket(venue, "/stream") as quick:
        for client in (deaf, quick):
            client.subscribe(*names)
        traders = Traders(venue).start(24_000, pause_s=0.05)
        trading = threading.Thread(target=traders.join)
        trading.start()
        seen = defaultdict(list)

        def read(seconds):
            message = quick.receive(seconds)
            if message:
                seen[message["data"]["s"]].append(message["data"]["t"])
            return message

        while trading.is_alive():
            read(0.1)
        while read(0.5):
            pass
        assert not traders.failures, traders.failures
        for symbol in SYMBOLS:
            made = [trade["id"] for trade in rest("trades", symbol=symbol, limit=1000)]
            assert len(made) > 100 and seen[symbol][-len(made) :] == made
            assert seen[symbol] == sorted(set(seen[symbol]))
        with pytest.raises(Closed) as closed:
            count = 0
            while deaf.receive():
                count += 1
        assert closed.value.code in (POLICY, None), closed.value
        assert count < sum(map(len, seen.values())), "it was told everything: it was not slow"


def resident_bytes(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS:"))


@pytest.mark.parametrize("kind", ["websocket", "http"])
def test_idle_connections_cost_little(open_venue, size, record, kind):
    count = size(1_000, 10_000)
    raise_descriptors(2 * count + 1_000)
    venue = open_venue(SMALL_FILES, web={"connections_max": count + 64, "idle_s_max": 600, "silence_s_max": 600})
    rest = Rest(venue).ready()

    def connect():
        client = WebSocket(venue.endpoints["web"], "/ws", shake=kind == "websocket")
        if kind == "http":
            client.send_raw(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.socket.recv(1 << 16).startswith(b"HTTP/1.1 200")
        return client

    for client in [connect() for _ in range(32)]:
        client.close()
    before = resident_bytes(venue.process)
    clients = [connect() for _ in range(count)]
    assert rest("ping") == {}
    each = (resident_bytes(venue.process) - before) / count
    for client in clients[:: max(count // 50, 1)]:
        if kind == "websocket":
            assert client.ask("LIST_SUBSCRIPTIONS")["result"] == []
        else:
            client.send_raw(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.socket.recv(1 << 16).startswith(b"HTTP/1.1 200")
    for client in clients:
        client.close()
    record(f"web_idle_{kind}", connections=count, bytes_each=round(each))
    assert each <= IDLE_BYTES_MAX, f"{each:.0f} bytes for each idle connection"


def raise_descriptors(needed):
    """As many open files as the system allows this process and the venue that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, needed), hard))


def test_a_connection_above_the_bound_is_told_so_and_a_place_is_free_again(open_venue):
    venue = open_venue(SMALL_FILES, web={"connections_max": 8})
    Rest(venue).ready()
    clients = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(clients) < 8:  # the places of the requests until now are free again when the door has seen their ends
        assert time.monotonic() < deadline
        try:
            clients.append(open_socket(venue))
        except (Refused, Closed):
            time.sleep(0.05)
    with pytest.raises((Refused, Closed, ConnectionError)) as refused:
        open_socket(venue)
    assert not isinstance(refused.value, Refused) or refused.value.status == 503
    assert clients[0].ask("LIST_SUBSCRIPTIONS")["result"] == []
    clients.pop().close()
    while True:
        try:
            open_socket(venue).close()
            break
        except (Refused, Closed, ConnectionError):
            assert time.monotonic() < deadline, "no place becomes free"
            time.sleep(0.05)
    for client in clients:
        client.close()


def test_a_request_that_never_ends_is_answered_with_408(open_venue):
    venue = open_venue(SMALL_FILES, web={"request_s_max": 1, "idle_s_max": 2})
    Rest(venue).ready()
    with socket.create_connection(tuple(venue.endpoints["web"].rsplit(":", 1)), PATIENCE_SECONDS) as half:
        half.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost:")
        assert half.recv(1 << 16).startswith(b"HTTP/1.1 408 ")
    with socket.create_connection(tuple(venue.endpoints["web"].rsplit(":", 1)), PATIENCE_SECONDS) as silent:
        assert silent.recv(1) == b"", "a connection that asks nothing is closed"
    assert get(venue.endpoints["web"], "/api/v3/ping").status == 200
