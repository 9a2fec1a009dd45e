"""SoupBinTCP 4.00: frames and a client, written from the specification."""

import socket
import struct
import time

LOGIN_ACCEPTED, LOGIN_REJECTED, SEQUENCED, UNSEQUENCED = b"A", b"J", b"S", b"U"
SERVER_HEARTBEAT, END_OF_SESSION, DEBUG = b"H", b"Z", b"+"
LOGIN, CLIENT_HEARTBEAT, LOGOUT = b"L", b"R", b"O"
FROM_SERVER = {LOGIN_ACCEPTED, LOGIN_REJECTED, SEQUENCED, UNSEQUENCED, SERVER_HEARTBEAT, END_OF_SESSION, DEBUG}
# What a packet of the server must measure, type byte included (specification, section 2.2).
LENGTHS = {LOGIN_ACCEPTED: 31, LOGIN_REJECTED: 2, SERVER_HEARTBEAT: 1, END_OF_SESSION: 1}
HEARTBEAT_SECONDS = 1.0
PATIENCE_SECONDS = 20.0


class ProtocolError(Exception):
    """The peer sent what the specification does not allow."""


class Closed(Exception):
    """The peer closed the connection."""


class LoginRejected(Exception):
    """Login reject packet; `code` is A (not authorized) or S (session not available)."""

    def __init__(self, code):
        super().__init__(f"login rejected with code {code}")
        self.code = code


def frame(kind, payload=b""):
    """One packet: two-byte length of what follows, type, payload."""
    return struct.pack(">H", len(payload) + 1) + kind + payload


def login(user, password, session="", sequence=1):
    """A login request packet: names padded on the right (section 2.3.1), the number on the left as in the server's answer."""
    fields = user.ljust(6) + password.ljust(10) + session.ljust(10) + str(sequence).rjust(20)
    return frame(LOGIN, fields.encode("ascii"))


def split(buffer):
    """The whole packets at the front of `buffer` as (type, payload), and how many bytes they take."""
    packets, at, end = [], 0, len(buffer)
    while end - at >= 2:
        size = (buffer[at] << 8) | buffer[at + 1]
        if size == 0:
            raise ProtocolError("a packet of length 0 has no type")
        if end - at - 2 < size:
            break
        packets.append((bytes(buffer[at + 2 : at + 3]), bytes(buffer[at + 3 : at + 2 + size])))
        at += 2 + size
    return packets, at


class Client:
    """A blocking client that counts what is sequenced.

    `received` holds every sequenced payload by its number (with `keep` off: until `poll` hands it out); `debug` the texts
    of debug packets. With `heartbeats` off it is silent. A packet that the specification does not know, or whose size is not the table's, is a ProtocolError.
    """

    def __init__(self, address, timeout=PATIENCE_SECONDS, keep=True):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.keep = keep
        self.session = None
        self.first_sequence = None
        self.next_sequence = None
        self._taken = None
        self.received = {}
        self.debug = []
        self.ended = False
        self.heartbeats = True
        self.heartbeats_received = 0
        self._buffer = bytearray()
        self._sent_at = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def abort(self):
        """Drops the connection with a reset, as a process that died would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def login(self, user, password, session="", sequence=1):
        self.send_raw(login(user, password, session, sequence))
        deadline = time.monotonic() + self.timeout
        while self.session is None:
            self._fill(deadline)
            self._unpack()
        return self

    def send_raw(self, data):
        self.socket.settimeout(self.timeout)
        self.socket.sendall(data)
        self._sent_at = time.monotonic()

    def send(self, *payloads):
        """Sends each payload as an unsequenced data packet, all in one write."""
        self.send_raw(b"".join(frame(UNSEQUENCED, payload) for payload in payloads))

    def logout(self):
        self.send_raw(frame(LOGOUT))

    def take(self, count=None):
        """The sequenced payloads that were read and not taken yet; the first `count` of them."""
        end = self.next_sequence if count is None else self._taken + count
        numbers = range(self._taken, end)
        self._taken = end
        return [self.received[number] if self.keep else self.received.pop(number) for number in numbers]

    def poll(self, seconds=0.0):
        """Reads, waiting at most `seconds` for something other than a heartbeat; takes what is there."""
        deadline, told = time.monotonic() + seconds, len(self.debug)
        while self._fill(deadline, must=False):
            self._unpack()
            if self.next_sequence != self._taken or len(self.debug) != told or self.ended:
                break
        return self.take()

    def read_until(self, done, seconds=None):
        """Reads until `done(client)` holds; TimeoutError says what was read until then."""
        deadline = time.monotonic() + (seconds or self.timeout)
        while not done(self):
            self._fill(deadline)
            self._unpack()
        return self

    def read(self, count, seconds=None):
        """Takes the next `count` sequenced payloads."""
        return self.read_until(lambda client: client.next_sequence >= client._taken + count, seconds).take(count)

    def read_to(self, sequence, seconds=None):
        """Takes all up to the packet numbered `sequence`."""
        self.read_until(lambda client: client.next_sequence > sequence, seconds)
        return self.take(sequence + 1 - self._taken)

    def read_to_close(self, seconds=None):
        """Reads until the peer closes; returns the debug texts. TimeoutError where it does not."""
        try:
            self.read_until(lambda _: False, seconds)
        except Closed:
            return self.debug

    def _heartbeat(self):
        if self.heartbeats and self.session is not None and time.monotonic() - self._sent_at > HEARTBEAT_SECONDS:
            self.send_raw(frame(CLIENT_HEARTBEAT))

    def _fill(self, deadline, must=True):
        """Reads once from the socket; False where nothing came until `deadline` and nothing must."""
        while True:
            self._heartbeat()
            left = deadline - time.monotonic()
            if left <= 0 and must:
                raise TimeoutError(f"nothing more within {self.timeout} s; next sequence is {self.next_sequence}")
            self.socket.settimeout(max(min(left, HEARTBEAT_SECONDS), 0.0001))
            try:
                data = self.socket.recv(1 << 18)
            except (TimeoutError, BlockingIOError):
                if left <= 0:
                    return False
                continue
            except ConnectionError as error:
                raise Closed(str(error)) from error
            if not data:
                raise Closed(f"closed by the peer with {len(self._buffer)} bytes of an unfinished packet")
            self._buffer += data
            return True

    def _unpack(self):
        packets, taken = split(self._buffer)
        del self._buffer[:taken]
        for kind, payload in packets:
            self._packet(kind, payload)

    def _packet(self, kind, payload):
        if self.ended:
            raise ProtocolError(f"packet {kind} after the end of the session")
        if LENGTHS.get(kind, len(payload) + 1) != len(payload) + 1:
            raise ProtocolError(f"packet {kind} of {len(payload) + 1} bytes, specified are {LENGTHS[kind]}")
        if kind == SEQUENCED:
            if self.session is None:
                raise ProtocolError("sequenced data before the login was answered")
            self.received[self.next_sequence] = payload
            self.next_sequence += 1
        elif kind == LOGIN_ACCEPTED:
            if self.session is not None:
                raise ProtocolError("a second login accepted packet")
            self.session = payload[:10].decode("ascii").strip()
            self.first_sequence = self.next_sequence = self._taken = int(payload[10:].decode("ascii").strip())
        elif kind == LOGIN_REJECTED:
            raise LoginRejected(payload.decode("ascii"))
        elif kind == DEBUG:
            self.debug.append(payload.decode("ascii"))
        elif kind == END_OF_SESSION:
            self.ended = True
        elif kind == SERVER_HEARTBEAT:
            self.heartbeats_received += 1
        elif kind not in FROM_SERVER:
            raise ProtocolError(f"packet type {kind} is none of a server's")
