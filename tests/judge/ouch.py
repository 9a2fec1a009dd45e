"""OUCH 5.0, written from the specification's tables: what a client sends is encoded, what it gets is decoded."""

import struct

from .fields import Layout, Malformed

MARKET = 0x7FFFFFFF
PRICE_SCALE = 10_000
MIN_QUANTITY, MAX_FLOOR, POST_ONLY, EXPIRE_TIME, GROUP_ID, FIRM = 3, 5, 12, 15, 24, 2

# Inbound, section 2. The client reference is 14 bytes, the appendage length comes last.
_ENTER = struct.Struct(">cI1sI8sQ1s1s1s1s1s14sH")
_REPLACE = struct.Struct(">cIIIQ1s1s1s14sH")
_CANCEL = struct.Struct(">cII")
_MODIFY = struct.Struct(">cI1sI")
assert (_ENTER.size, _REPLACE.size, _CANCEL.size, _MODIFY.size) == (47, 40, 9, 10)

# Outbound, section 3.
OUTBOUND = {
    "S": Layout("SystemEvent", 10, [("timestamp", 1, 8, "int"), ("event", 9, 1, "alpha")]),
    "A": Layout(
        "Accepted",
        64,
        [
            ("timestamp", 1, 8, "int"),
            ("user_ref", 9, 4, "int"),
            ("side", 13, 1, "alpha"),
            ("quantity", 14, 4, "int"),
            ("symbol", 18, 8, "alpha"),
            ("price", 26, 8, "int"),
            ("time_in_force", 34, 1, "alpha"),
            ("display", 35, 1, "alpha"),
            ("order", 36, 8, "int"),
            ("capacity", 44, 1, "alpha"),
            ("sweep", 45, 1, "alpha"),
            ("cross", 46, 1, "alpha"),
            ("state", 47, 1, "alpha"),
            ("client_id", 48, 14, "alpha"),
            ("appendage_length", 62, 2, "int"),
        ],
        appendage=True,
    ),
    "U": Layout(
        "Replaced",
        68,
        [
            ("timestamp", 1, 8, "int"),
            ("original_ref", 9, 4, "int"),
            ("user_ref", 13, 4, "int"),
            ("side", 17, 1, "alpha"),
            ("quantity", 18, 4, "int"),
            ("symbol", 22, 8, "alpha"),
            ("price", 30, 8, "int"),
            ("time_in_force", 38, 1, "alpha"),
            ("display", 39, 1, "alpha"),
            ("order", 40, 8, "int"),
            ("capacity", 48, 1, "alpha"),
            ("sweep", 49, 1, "alpha"),
            ("cross", 50, 1, "alpha"),
            ("state", 51, 1, "alpha"),
            ("client_id", 52, 14, "alpha"),
            ("appendage_length", 66, 2, "int"),
        ],
        appendage=True,
    ),
    "C": Layout(
        "Cancelled",
        18,
        [("timestamp", 1, 8, "int"), ("user_ref", 9, 4, "int"), ("quantity", 13, 4, "int"), ("reason", 17, 1, "alpha")],
    ),
    "D": Layout(
        "Prevented",
        32,
        [
            ("timestamp", 1, 8, "int"),
            ("user_ref", 9, 4, "int"),
            ("quantity", 13, 4, "int"),
            ("reason", 17, 1, "alpha"),
            ("prevented", 18, 4, "int"),
            ("price", 22, 8, "int"),
            ("liquidity", 30, 1, "alpha"),
            ("strategy", 31, 1, "alpha"),
        ],
    ),
    "E": Layout(
        "Executed",
        36,
        [
            ("timestamp", 1, 8, "int"),
            ("user_ref", 9, 4, "int"),
            ("quantity", 13, 4, "int"),
            ("price", 17, 8, "int"),
            ("liquidity", 25, 1, "alpha"),
            ("match", 26, 8, "int"),
            ("appendage_length", 34, 2, "int"),
        ],
        appendage=True,
    ),
    "B": Layout(
        "Broken",
        36,
        [
            ("timestamp", 1, 8, "int"),
            ("user_ref", 9, 4, "int"),
            ("match", 13, 8, "int"),
            ("reason", 21, 1, "alpha"),
            ("client_id", 22, 14, "alpha"),
        ],
    ),
    "J": Layout(
        "Rejected",
        29,
        [("timestamp", 1, 8, "int"), ("user_ref", 9, 4, "int"), ("reason", 13, 2, "int"), ("client_id", 15, 14, "alpha")],
    ),
    "P": Layout("CancelPending", 13, [("timestamp", 1, 8, "int"), ("user_ref", 9, 4, "int")]),
    "I": Layout("CancelReject", 13, [("timestamp", 1, 8, "int"), ("user_ref", 9, 4, "int")]),
    "T": Layout(
        "PriorityUpdate",
        30,
        [
            ("timestamp", 1, 8, "int"),
            ("user_ref", 9, 4, "int"),
            ("price", 13, 8, "int"),
            ("display", 21, 1, "alpha"),
            ("order", 22, 8, "int"),
        ],
    ),
    "M": Layout(
        "Modified",
        18,
        [("timestamp", 1, 8, "int"), ("user_ref", 9, 4, "int"), ("side", 13, 1, "alpha"), ("quantity", 14, 4, "int")],
    ),
    "R": Layout(
        "Restated",
        16,
        [("timestamp", 1, 8, "int"), ("user_ref", 9, 4, "int"), ("reason", 13, 1, "alpha"), ("appendage_length", 14, 2, "int")],
        appendage=True,
    ),
    "Q": Layout("QueryResponse", 13, [("timestamp", 1, 8, "int"), ("user_ref", 9, 4, "int")]),
}


def decode(payload):
    """A message of the venue, every field of the table by name."""
    layout = OUTBOUND.get(payload[:1].decode("latin-1"))
    if layout is None:
        raise Malformed(f"no outbound message has the type {payload[:1]!r}")
    return layout.decode(payload)


def option(tag, value):
    """One tag-value element; its length byte counts tag and value."""
    return bytes((len(value) + 1, tag)) + value


def options(min_quantity=None, max_floor=None, post_only=False, expire_seconds=None, group=None):
    """An appendage of the named options."""
    parts = []
    if min_quantity is not None:
        parts.append(option(MIN_QUANTITY, struct.pack(">I", min_quantity)))
    if max_floor is not None:
        parts.append(option(MAX_FLOOR, struct.pack(">I", max_floor)))
    if post_only:
        parts.append(option(POST_ONLY, b"P"))
    if expire_seconds is not None:
        parts.append(option(EXPIRE_TIME, struct.pack(">I", expire_seconds)))
    if group is not None:
        parts.append(option(GROUP_ID, struct.pack(">H", group)))
    return b"".join(parts)


def enter(user_ref, side, quantity, symbol, price, *, time_in_force="0", display="Y", capacity="P", sweep="N", cross="N",
          client_id="", appendage=b""):  # fmt: skip
    """Enter order; `price` counts ten-thousandths."""
    fields = (side, symbol.ljust(8), time_in_force, display, capacity, sweep, cross, client_id.ljust(14))
    side, symbol, time_in_force, display, capacity, sweep, cross, client_id = (field.encode() for field in fields)
    head = _ENTER.pack(b"O", user_ref, side, quantity, symbol, price, time_in_force, display, capacity, sweep, cross,
                       client_id, len(appendage))  # fmt: skip
    return head + appendage


def replace(original_ref, user_ref, quantity, price, *, time_in_force="0", display="Y", sweep="N", client_id="",
            appendage=b""):  # fmt: skip
    """Replace order; `quantity` is the total of the whole chain."""
    fields = (field.encode() for field in (time_in_force, display, sweep, client_id.ljust(14)))
    return _REPLACE.pack(b"U", original_ref, user_ref, quantity, price, *fields, len(appendage)) + appendage


def cancel(user_ref, quantity=0):
    """Cancel, or reduce to a new total `quantity`."""
    return _CANCEL.pack(b"X", user_ref, quantity)


def modify(user_ref, side, quantity):
    """Modify order."""
    return _MODIFY.pack(b"M", user_ref, side.encode(), quantity)


def query():
    """Account query: which user number comes next."""
    return b"Q"


def settle(client, seconds=None):
    """Asks and waits for the answer: what was sent before is then answered. All messages that were not taken yet.

    The stream must hold no answer to an earlier query that is still to come. Others may trade with the client's orders
    meanwhile, so the answer need not be the last message.
    """
    client.send(query())
    seen = client.next_sequence

    def answered(client):
        nonlocal seen
        new, seen = range(seen, client.next_sequence), client.next_sequence
        return any(client.received[number][:1] == b"Q" for number in new)

    client.read_until(answered, seconds)
    return [decode(payload) for payload in client.take()]
