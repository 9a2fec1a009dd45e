"""`inspect` and `watch`: what people and programs read of a venue, and what is said where there is none."""

import json
import re
import subprocess

import pytest
from judge import ouch
from judge.venue import RELEASE, Venue

SYMBOL = "ETHUSD"  # tick 0.01, lot 0.0001


@pytest.fixture(scope="module")
def traded(tmp_path_factory):
    """A venue with two orders, one trade and a cancel in ETHUSD, and an operator's commands."""
    with Venue(tmp_path_factory.mktemp("looking")) as venue:
        with venue.orders("demo01") as one, venue.orders("demo02") as two:
            one.send(ouch.enter(1, "B", 25_000, SYMBOL, 340_000 * 100), ouch.enter(2, "B", 10, SYMBOL, 100))
            ouch.settle(one)
            two.send(ouch.enter(1, "S", 5_000, SYMBOL, 340_000 * 100))
            ouch.settle(two)
            one.send(ouch.cancel(2))
            ouch.settle(one)
        venue.admin("deposit", "demo09", "USD", "1.5", "--who", "alice", "--why", "a gift")
        venue.admin("set-session", "demo03", "rate", "77")
        yield venue


def commands(venue, *options):
    done = venue.command("inspect", "journal", "--data", venue.data, "--json", *options)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_journal_is_told_in_names_and_decimals(traded):
    told = commands(traded)
    assert [command["sequence"] for command in told] == list(range(1, len(told) + 1))
    kinds = {command["kind"] for command in told}
    assert kinds >= {"Note", "NewDay", "AddCurrency", "ListInstrument", "AddAccount", "AddSession", "LogIn", "Enter", "Cancel",
                     "Query", "Deposit", "SetSession"}  # fmt: skip
    enter = next(command for command in told if command["kind"] == "Enter")
    expected = {"symbol": SYMBOL, "side": "Buy", "price": "3400.00", "price_ticks": 340_000, "quantity": "2.5000", "quantity_lots": 25_000,
                "order_type": "Limit", "time_in_force": "Day", "user_ref": 1, "conditions": [], "door_reject": "None"}  # fmt: skip
    assert {key: enter[key] for key in expected} == expected
    cancel = next(command for command in told if command["kind"] == "Cancel")
    assert (cancel["target"], cancel["session"]) == (2, enter["session"])
    listed = next(command for command in told if command.get("symbol") == SYMBOL)
    assert (listed["kind"], listed["tick"], listed["lot"]) == ("ListInstrument", "0.01", "0.0001")
    setting = next(command for command in told if command["kind"] == "SetSession")
    assert (setting["setting"], setting["value"]) == ("Rate", 77)
    note = next(command for command in told if command.get("who") == "alice")
    assert note["why"] == "a gift" and told[note["sequence"]]["minor_units"] == 150_000_000
    of_kind = {}
    for command in told:
        assert of_kind.setdefault(command["kind"], list(command)) == list(command), "the fields of a kind are always the same"
    text = traded.command("inspect", "journal", "--data", traded.data).stdout
    assert not re.search(r"[{(\[]|Command|password|salt", text), "words, not the program's own structures"
    alone = commands(traded, "--from", enter["sequence"], "--to", enter["sequence"])
    assert alone == [enter], "a part is told like the whole, scales included"


def columns(text):
    """Where each column of a table begins, line by line."""
    return [[found.start() for found in re.finditer(r"(?<!\S)\S", line)] for line in text.splitlines()]


@pytest.mark.parametrize("command", [("inspect", "sessions"), ("admin", "sessions"), ("admin", "fills"), ("admin", "instruments")], ids=" ".join)
def test_tables_are_aligned(traded, command):
    text = traded.command(*command, "--data", traded.data).stdout
    head, *lines = columns(text)
    assert lines and all(line == head for line in lines), text


def test_the_journals_and_the_event_logs_lines_are_aligned(traded):
    text = traded.command("inspect", "journal", "--data", traded.data).stdout
    assert len({tuple(line[:4]) for line in columns(text)}) == 1, text
    text = traded.command("inspect", "event-log", "--data", traded.data).stdout
    assert len({tuple(line[:3]) for line in columns(text)}) == 1, text


def test_watch_shows_quantities_in_the_instruments_own_units(traded):
    picture = traded.command("watch", SYMBOL, "--data", traded.data, "--once").stdout
    assert re.search(r"3400 +2\.0000 +1 ", picture) and "sold   0.5000 at 3400" in picture, picture
    address = traded.endpoints["itch"]
    by_hand = traded.command("watch", SYMBOL, "--itch", address, "--lot", "0.5", "--once").stdout
    assert re.search(r"3400 +10000\.0 +1 ", by_hand), by_hand
    in_lots = traded.command("watch", SYMBOL, "--itch", address, "--once").stdout
    assert re.search(r"lots +orders", in_lots) and re.search(r"3400 +20000 +1 ", in_lots), in_lots


@pytest.mark.parametrize("what", [("inspect", "journal"), ("inspect", "event-log"), ("inspect", "sessions"), ("inspect", "book", "--symbol", "X"),
                                  ("inspect", "session-stream", "--session", "demo01"), ("replay",), ("watch", "BTCUSD"), ("admin", "status")],
                         ids=" ".join)  # fmt: skip
def test_where_there_is_no_venue_it_is_said_what_to_do(tmp_path, what):
    for folder in (tmp_path / "nothing", tmp_path):
        done = subprocess.run([RELEASE, *what, "--data", folder], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (1, "")
        assert str(folder) in done.stderr and "--data" in done.stderr, done.stderr


def test_flow_without_a_venue_says_what_to_do(tmp_path):
    orders, trades = tmp_path / "orders.csv", tmp_path / "trades.csv"
    orders.write_text("id,timestamp,price,volume,action,direction\n1,1430438400000,100,1,created,bid\n")
    trades.write_text("price,amount,buy_order_id,sell_order_id,side\n100,1,1,2,sell\n")
    for options in (("--data", tmp_path), ("--ouch", "127.0.0.1:1")):
        done = subprocess.run([RELEASE, "flow", orders, trades, *options], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "rotunda run" in done.stderr and "--data" in done.stderr, done.stderr


WRONG = {
    "a door that is closed": (("watch", "BTCUSD", "--itch", "127.0.0.1:1"), "rotunda run"),
    "a lot that is none": (("watch", "BTCUSD", "--lot", "0"), "--lot 0"),
    "an instrument that is not listed": (("watch", "NOPE"), "BTCUSD"),
    "a symbol that is too long": (("watch", "BITCOINUSD"), "1 to 8"),
    "a password that is wrong": (("watch", "BTCUSD", "--password", "no"), "--password"),
    "a book of an unknown instrument": (("inspect", "book", "--symbol", "NOPE"), "BTCUSD"),
    "a book beyond the end": (("inspect", "book", "--symbol", "BTCUSD", "--sequence", "99999999"), "the journal ends with command"),
    "a message beyond the end": (("inspect", "book", "--symbol", "BTCUSD", "--itch-sequence", "99999999"), "messages 1 to"),
    "an unknown session": (("inspect", "session-stream", "--session", "nobody"), "rotunda inspect sessions"),
    "an unknown day": (("inspect", "session-stream", "--session", "demo01", "--day", "tomorrow"), "its days are"),
    "a time that is none": (("replay", "--to-time", "noon"), "2026"),
    "a number that is too large": (("inspect", "journal", "--from", "9" * 30), "--from"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_what_to_do(traded, name):
    request, said = WRONG[name]
    done = traded.command(*request, "--data", traded.data, check=False)
    assert done.returncode in (1, 2) and not done.stdout
    assert said in done.stderr and "panicked" not in done.stderr, done.stderr


def test_bytes_that_are_no_text_are_refused(traded):
    for request in ((b"admin", b"halt", b"\xff\xfe"), (b"watch", b"\xff"), (b"inspect", b"book", b"--symbol", b"\xff")):
        done = subprocess.run([str(RELEASE).encode(), *request], capture_output=True, timeout=60)
        assert done.returncode == 2 and b"panicked" not in done.stderr, done.stderr
