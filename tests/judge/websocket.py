"""RFC 6455 over a plain socket: a client whose every frame is its own choice, and that forgives the server nothing."""

import base64
import hashlib
import json
import os
import select
import socket
import struct
import time

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
PATIENCE_SECONDS = 60.0
CONTROL_BYTES_MAX = 125
# RFC 6455, section 7.4.1
NORMAL, GOING_AWAY, PROTOCOL_ERROR, UNSUPPORTED, NOT_UTF8, POLICY, TOO_BIG = 1000, 1001, 1002, 1003, 1007, 1008, 1009


class ProtocolError(Exception):
    """The server sent what RFC 6455 does not allow."""


class Refused(Exception):
    """The handshake was answered with another status than 101."""

    def __init__(self, status, text):
        super().__init__(f"handshake answered with {status}: {text[:200]}")
        self.status = status
        self.text = text


class Closed(Exception):
    """The connection is over; `code` is that of the close frame, None where the socket ended without one."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with code {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


def mask(payload, key):
    """Section 5.3: each byte combined with the key's byte of its place."""
    size = len(payload)
    whole = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(size, "big")


def frame(opcode, payload=b"", final=True, reserved=0, masked=True, length=None):
    """One frame of a client; `length` may lie about the payload's size."""
    size = len(payload) if length is None else length
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 1 << 16:
        head += struct.pack(">BH", bit | 126, size)
    else:
        head += struct.pack(">BQ", bit | 127, size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + mask(payload, key)


def split(address):
    """("127.0.0.1", 8080) of an address with a port."""
    host, port = address.rsplit(":", 1)
    return host, int(port)


class WebSocket:
    """A blocking client. Pings are answered while reading unless `pongs` is off; a close is answered and raises Closed."""

    def __init__(self, address, path="/ws", headers=(), timeout=PATIENCE_SECONDS, shake=True, segment_bytes=0, receive_bytes=0):
        self.timeout = timeout
        self.address, self.path = address, path
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if segment_bytes:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment_bytes)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(timeout)
        self.socket.connect(split(address))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pongs = True
        self.pings = 0
        self.pong_payloads = []
        self._buffer = bytearray()
        self._parts = None
        self.number = 0
        self._kept = []
        if shake:
            self._handshake(dict(headers))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def close(self):
        self.socket.close()

    def abort(self):
        """Drops the connection with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _handshake(self, changed):
        key = base64.b64encode(os.urandom(16)).decode("ascii")
        headers = {
            "Host": self.address,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
        } | changed
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value is not None)
        self.send_raw(f"GET {self.path} HTTP/1.1\r\n{lines}\r\n".encode("ascii"))
        deadline = time.monotonic() + self.timeout
        while b"\r\n\r\n" not in self._buffer:
            if not self._fill(deadline):
                raise TimeoutError("no answer to the handshake")
        head, rest = bytes(self._buffer).split(b"\r\n\r\n", 1)
        status, *fields = head.decode("ascii").split("\r\n")
        code = int(status.split()[1])
        if code != 101:
            raise Refused(code, rest.decode("utf-8", "replace"))
        answered = {name.strip().lower(): value.strip() for name, value in (field.split(":", 1) for field in fields)}
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode("ascii")).digest()).decode("ascii")
        if answered.get("sec-websocket-accept") != accept:
            raise ProtocolError(f"Sec-WebSocket-Accept is {answered.get('sec-websocket-accept')}, not {accept}")
        if answered.get("upgrade", "").lower() != "websocket" or "upgrade" not in answered.get("connection", "").lower():
            raise ProtocolError(f"not an upgrade: {answered}")
        if "sec-websocket-extensions" in answered or "sec-websocket-protocol" in answered:
            raise ProtocolError(f"answers what was not asked for: {answered}")
        self._buffer = bytearray(rest)

    def send_raw(self, data):
        self.socket.settimeout(self.timeout)
        self.socket.sendall(data)

    def send(self, payload, opcode=TEXT, **options):
        self.send_raw(frame(opcode, payload.encode() if isinstance(payload, str) else payload, **options))

    def ask(self, method, *params, seconds=None):
        """A request of the dialect and its answer; what streams say before it is kept for `receive`."""
        self.number += 1
        self.send(json.dumps({"method": method, "params": list(params), "id": self.number}))
        return self.answer(self.number, seconds)

    def subscribe(self, *names):
        """Follows streams; an AssertionError where the venue does not say that it does."""
        answer = self.ask("SUBSCRIBE", *names)
        assert answer == {"result": None, "id": self.number}, answer

    def answer(self, number, seconds=None):
        deadline = time.monotonic() + (seconds or self.timeout)
        kept = []
        while True:
            message = self.receive(deadline - time.monotonic())
            if message is None:
                raise TimeoutError(f"no answer to request {number}")
            if isinstance(message, dict) and message.get("id") == number:
                self._kept = kept + self._kept
                return message
            kept.append(message)

    def receive(self, seconds=None):
        """The next message as an object; None where nothing came in time."""
        if self._kept:
            return self._kept.pop(0)
        text = self.text(self.timeout if seconds is None else seconds)
        return None if text is None else json.loads(text)

    def text(self, seconds=None):
        """The next text message; None where nothing came in time."""
        deadline = time.monotonic() + (self.timeout if seconds is None else seconds)
        while True:
            got = self.frame(deadline)
            if got is None:
                return None
            final, opcode, payload = got
            if opcode == PING:
                self.pings += 1
                if self.pongs:
                    self.send(payload, PONG)
            elif opcode == PONG:
                self.pong_payloads.append(payload)
            elif opcode == CLOSE:
                self._closed(payload)
            else:
                whole = self._part(final, opcode, payload)
                if whole is not None:
                    return whole.decode("utf-8")

    def _part(self, final, opcode, payload):
        if (opcode == CONTINUATION) != (self._parts is not None):
            raise ProtocolError(f"opcode {opcode} {'outside' if self._parts is None else 'within'} a fragmented message")
        if opcode == BINARY:
            raise ProtocolError("a binary message in a dialect of text")
        self._parts = (self._parts or b"") + payload
        if final:
            whole, self._parts = self._parts, None
            return whole
        return None

    def _closed(self, payload):
        if len(payload) == 1:
            raise ProtocolError("a close frame of one byte")
        code = struct.unpack(">H", payload[:2])[0] if payload else None
        try:
            self.send(payload, CLOSE)
        except OSError:
            pass
        raise Closed(code, payload[2:].decode("utf-8"))

    def read_to_close(self, seconds=None):
        """Reads on until the connection is over; how it closed."""
        try:
            while self.text(seconds) is not None:
                pass
        except Closed as closed:
            return closed
        raise AssertionError("still open")

    def frame(self, deadline):
        """The next frame as (final, opcode, payload); None where it did not come until `deadline`."""
        while True:
            got = self._take()
            if got is not None:
                return got
            if not self._fill(deadline):
                return None

    def _take(self):
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        opcode, size, at = first & 0xF, second & 0x7F, 2
        if first & 0x70:
            raise ProtocolError(f"reserved bits are set: {first:#04x}")
        if second & 0x80:
            raise ProtocolError("a server's frame is masked")
        if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise ProtocolError(f"opcode {opcode}")
        if opcode >= CLOSE and (size > CONTROL_BYTES_MAX or not first & 0x80):
            raise ProtocolError("a control frame that is long or fragmented")
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(buffer) < 2 + width:
                return None
            least = 126 if width == 2 else 1 << 16
            size, at = int.from_bytes(buffer[2 : 2 + width], "big"), 2 + width
            if size < least:
                raise ProtocolError(f"{size} bytes in a longer form than needed")
        if len(buffer) < at + size:
            return None
        payload = bytes(buffer[at : at + size])
        del buffer[: at + size]
        return bool(first & 0x80), opcode, payload

    def _fill(self, deadline):
        """Reads once; False where nothing came until `deadline`."""
        left = max(deadline - time.monotonic(), 0)
        if not select.select([self.socket], [], [], left)[0]:
            return False
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionError as error:
            raise Closed(None, str(error)) from error
        if not data:
            raise Closed(None, f"{len(self._buffer)} bytes of an unfinished frame")
        self._buffer += data
        return True
