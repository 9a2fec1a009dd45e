"""What an operator can do at run time, and what he is told: every change is a command in the log, every number adds up."""

import json
from decimal import Decimal

import pytest
from judge import ouch
from judge.soup import Client, LoginRejected

SYMBOL = "ETHUSD"  # tick 0.01, lot 0.0001, maker 1 and taker 2 basis points
WHO = ("--who", "alice", "--why", "test")


def rows(venue, *request):
    return json.loads(venue.admin(*request, "--json", *WHO).stdout)


def refused(venue, *request):
    done = venue.admin(*request, check=False)
    assert done.returncode == 1 and not done.stdout
    return done.stderr


def balances(venue, account):
    named = rows(venue, "balances", "--account", account)
    return {row["currency"]: {key: Decimal(row[key]) for key in ("total", "reserved", "available")} for row in named}


def enter(ref, side, lots, cents, symbol=SYMBOL):
    return ouch.enter(ref, side, lots, symbol, cents * 100)


def test_a_ledger_adds_up_through_orders_trades_and_fees(venue):
    before = {name: balances(venue, name) for name in ("demo09", "demo10")}
    with venue.orders("demo09") as maker, venue.orders("demo10") as taker:
        maker.send(enter(1, "S", 20_000, 340_000))  # 2 ETH at 3400.00
        ouch.settle(maker)
        resting = balances(venue, "demo09")["ETH"]
        assert resting["reserved"] == 2 and resting["total"] == before["demo09"]["ETH"]["total"]
        taker.send(enter(1, "B", 10_000, 340_100))
        ouch.settle(taker)
    maker_now, taker_now = balances(venue, "demo09"), balances(venue, "demo10")
    fees = {"maker": Decimal("0.34"), "taker": Decimal("0.68")}  # 1 and 2 basis points of 3400
    assert maker_now["ETH"]["total"] == before["demo09"]["ETH"]["total"] - 1 and maker_now["ETH"]["reserved"] == 1
    assert maker_now["USD"]["total"] == before["demo09"]["USD"]["total"] + 3400 - fees["maker"]
    assert taker_now["ETH"]["total"] == before["demo10"]["ETH"]["total"] + 1
    assert taker_now["USD"]["total"] == before["demo10"]["USD"]["total"] - 3400 - fees["taker"]
    assert taker_now["USD"]["reserved"] == 0, "the better price and the lower fee are given back"
    everyone = sum(Decimal(row["total"]) for row in rows(venue, "balances") if row["currency"] == "USD")
    deposited = 8 * Decimal(100_000_000)
    assert everyone == deposited, "what left the traders as fees is the venue's"


def test_an_order_beyond_the_balance_is_rejected_and_a_deposit_makes_room(venue):
    venue.admin("add-account", "poor", *WHO)
    made = rows(venue, "add-session", "poor", "--account", "poor")
    client = Client(venue.endpoints["ouch"]).login("poor", made[0]["password"], "", 1)
    client.send(enter(1, "B", 10_000, 340_000))
    said = [message for message in ouch.settle(client) if message.name == "Rejected"]
    assert [message.reason for message in said] == [0x0020]
    rows(venue, "deposit", "poor", "USD", "3400.68")
    client.send(enter(3, "B", 10_000, 340_000))
    assert [message.name for message in ouch.settle(client)][0] == "Accepted"
    assert balances(venue, "poor")["USD"] == {"total": Decimal("3400.68"), "reserved": Decimal("3400.68"), "available": 0}
    assert "3400.68000000 is reserved" in refused(venue, "withdraw", "poor", "USD", "0.01")
    client.close()


def test_orders_and_fills_are_told_by_account_and_symbol(venue):
    with venue.orders("demo01") as one, venue.orders("demo02") as two:
        one.send(enter(1, "B", 30, 339_900), enter(2, "B", 50, 340_000))
        ouch.settle(one)
        two.send(enter(1, "S", 20, 340_000))
        ouch.settle(two)
        told = [(row["user_ref"], row["price"], row["open"], row["executed"]) for row in rows(venue, "orders", "--account", "demo01")]
        assert told == [(1, "3399.00", "0.0030", "0.0000"), (2, "3400.00", "0.0030", "0.0020")]
        assert rows(venue, "orders", "--account", "demo02") == []
        fills = rows(venue, "fills", "--account", "demo02")
        assert [(fill["side"], fill["price"], fill["quantity"]) for fill in fills] == [("Sell", "3400.00", "0.0020")]


def test_mass_cancel_takes_what_fits_in_order_of_entry(venue):
    with venue.orders("demo01") as one, venue.orders("demo02") as two:
        one.send(enter(1, "B", 1, 100), enter(2, "S", 1, 500_000), enter(3, "B", 1, 200))
        two.send(enter(1, "B", 1, 100))
        ouch.settle(one), ouch.settle(two)
        assert rows(venue, "mass-cancel", "--account", "demo01", "--side", "buy") == [{"done": "orders cancelled", "count": 2}]
        said = [message for message in ouch.settle(one) if message.name == "Cancelled"]
        assert [(message.user_ref, message.reason) for message in said] == [(1, "S"), (3, "S")]
        assert len(rows(venue, "orders")) == 2


def test_the_kill_switch_cancels_and_closes(venue):
    with venue.orders("demo01") as killed, venue.orders("demo02") as spared:
        killed.send(enter(1, "B", 1, 100))
        spared.send(enter(1, "B", 1, 100))
        ouch.settle(killed), ouch.settle(spared)
        venue.admin("kill", "--account", "demo01", *WHO)
        killed.send(enter(2, "B", 1, 100))
        said = ouch.settle(killed)
        assert [message.name for message in said][:2] == ["Cancelled", "Rejected"]
        spared.send(enter(2, "B", 1, 100))
        assert [message.name for message in ouch.settle(spared)][0] == "Accepted"
        venue.admin("set-account", "demo01", "enabled", "1", *WHO)
        killed.send(enter(3, "B", 1, 100))
        assert [message.name for message in ouch.settle(killed)][0] == "Accepted"


def test_an_instrument_listed_at_run_time_trades_at_once(venue):
    venue.admin("list-instrument", "BTCEUR", "--base", "BTC", "--quote", "EUR", "--tick", "0.5", "--lot", "0.001",
                "--price-max", "400000", "--quantity-max", "1000", *WHO)  # fmt: skip
    with venue.orders("demo01") as client:
        client.send(ouch.enter(1, "B", 2, "BTCEUR", 600_005_000), ouch.enter(2, "S", 2, "BTCEUR", 600_005_000))
        names = [message.name for message in ouch.settle(client)]
        assert names.count("Executed") == 2
        client.send(ouch.enter(4, "B", 2, "BTCEUR", 600_002_500))
        assert [message.reason for message in ouch.settle(client) if message.name == "Rejected"] == [0x001D]
        assert "BookNotEmpty" not in venue.admin("delist", "BTCEUR", *WHO).stderr
        client.send(ouch.enter(6, "B", 2, "BTCEUR", 600_000_000))
        assert [message.reason for message in ouch.settle(client) if message.name == "Rejected"] == [0x0017]


def test_changes_survive_a_restart(venue):
    password = rows(venue, "add-session", "late", "--account", "demo01", "--cancel-on-disconnect")[0]["password"]
    venue.admin("set-instrument", SYMBOL, "quantity-max", "5", *WHO)
    venue.admin("set-account", "demo02", "enabled", "0", *WHO)
    venue.kill()
    venue.start()
    assert [row["enabled"] for row in rows(venue, "accounts") if row["name"] == "demo02"] == [False]
    with Client(venue.endpoints["ouch"]).login("late", password, "", 1) as client:
        client.send(enter(1, "B", 6, 100), enter(2, "B", 5, 100))
        assert [message.name for message in ouch.settle(client)][-3:-1] == ["Rejected", "Accepted"]
    with pytest.raises(LoginRejected):
        Client(venue.endpoints["ouch"]).login("late", password[::-1], "", 1)


def test_who_and_why_are_in_the_log(venue):
    venue.admin("halt", SYMBOL, "--who", "bob", "--why", "news pending")
    done = venue.command("inspect", "event-log", "--data", venue.data, "--json")
    notes = [json.loads(line) for line in done.stdout.splitlines() if '"bob"' in line]
    assert [(note["who"], note["why"]) for note in notes] == [("bob", "news pending")]


LISTING = ("--base", "BTC", "--quote", "USD", "--tick", "1", "--lot", "1", "--price-max", "9", "--quantity-max", "9")
# What is asked, the code that scripts rely on, and words that say what was wrong or what to do.
REFUSED = {
    "an unknown instrument": (("halt", "NOPE"), "unknown", "BTCUSD"),
    "no name at all": (("halt", ""), "unknown", "BTCUSD"),
    "an unknown account": (("deposit", "nobody", "USD", "1"), "unknown", "rotunda admin accounts"),
    "an unknown session": (("kill", "--session", "nobody"), "unknown", "rotunda admin sessions"),
    "an unknown currency": (("deposit", "demo09", "XAU", "1"), "unknown", "add-currency"),
    "an amount that is none": (("deposit", "demo09", "USD", "1e3"), "value", "1e3"),
    "too fine an amount": (("deposit", "demo09", "USD", "0.000000001"), "value", "smallest step"),
    "a negative amount": (("deposit", "demo09", "USD", "--", "-1"), "value", "above 0"),
    "an amount beyond all money": (("deposit", "demo09", "USD", "9" * 20), "balance", "take less"),
    "a deposit to an external account": (("deposit", "demo01", "USD", "1"), "value", "ledger account"),
    "a withdrawal of more than there is": (("withdraw", "demo09", "USD", "100000001"), "balance", "is available"),
    "an account without a name": (("add-account", ""), "value", "1 to 16"),
    "an account whose name has a space": (("add-account", "a b"), "value", "without a space"),
    "an account that is there": (("add-account", "DEMO01"), "exists", "take another name"),
    "a currency that is there": (("add-currency", "usd"), "exists", "take another name"),
    "a currency of too many digits": (("add-currency", "FINE", "--digits", "19"), "value", "at most 18"),
    "a session name that is too long": (("add-session", "abcdefg", "--account", "demo01"), "value", "six"),
    "a session without a name": (("add-session", "", "--account", "demo01"), "value", "one to six"),
    "a session that is there": (("add-session", "demo01", "--account", "demo01"), "exists", "take another name"),
    "a reason that is too long": (("halt", "BTCUSD", "--why", "x" * 65), "value", "64"),
    "a reason as long as a book": (("halt", "BTCUSD", "--why", "x" * 100_000), "request", "shorten"),
    "a name that is no ASCII": (("halt", "BTCUSD", "--who", "Jürgen"), "value", "--who"),
    "a day in the past": (("day", "20200101"), "date", "is open already"),
    "a day that the calendar has not": (("day", "20260231"), "date", "no date of the calendar"),
    "a day that would never end": (("day", "20991231"), "date", "no earlier day"),
    "a setting of a session that is none": (("set-session", "demo02", "enabled", "2"), "value", "0 or 1"),
    "self-trade prevention that is none": (("set-session", "demo02", "self-trade", "9"), "value", "cancel-newest"),
    "a setting of an account that is none": (("set-account", "demo02", "enabled", "7"), "value", "0 or 1"),
    "a fee of more than all": (("set-instrument", "BTCUSD", "taker-fee", "1000001"), "value", "100 %"),
    "a price above what the doors carry": (("set-instrument", "BTCUSD", "price-max", "429497"), "value", "429496"),
    "a quantity above what the doors carry": (("set-instrument", "RAIN", "quantity-max", str(2**32)), "value", "4294967295"),
    "an instrument that is listed": (("list-instrument", "btcusd", *LISTING), "exists", "in use"),
    "a symbol that is too long": (("list-instrument", "BITCOINUSD", *LISTING), "value", "1 to 8"),
    "a listing of a price above what the doors carry": (
        ("list-instrument", "HIGH", *LISTING[:-4], "--price-max", "500000", "--quantity-max", "9"), "value", "429496"),
    "a tick that the doors do not carry": (
        ("list-instrument", "FINE", "--base", "BTC", "--quote", "USD", "--tick", "0.00001", "--lot", "1",
         "--price-max", "9", "--quantity-max", "9"), "value", "four decimals"),
    "a scale that is not whole": (
        ("list-instrument", "ODD", "--base", "BTC", "--quote", "MWH", "--tick", "0.1", "--lot", "0.1",
         "--price-max", "9", "--quantity-max", "9"), "scale", "whole number"),
    "values beyond what can be counted": (
        ("list-instrument", "HUGE", *LISTING[:-4], "--price-max", "429496", "--quantity-max", "4294967295"),
        "scale", "63 bits"),
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    from judge.venue import Venue

    with Venue(tmp_path_factory.mktemp("operators")) as venue:
        yield venue


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_with_what_is_wrong(shared, name):
    request, code, said = REFUSED[name]
    dashes = request.index("--") if "--" in request else len(request)
    done = shared.admin(*request[:dashes], "--json", *request[dashes:], check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"code": code, "error": done.stderr.removeprefix("rotunda: ").removesuffix("\n")}
    assert said in done.stderr, done.stderr


def test_a_book_that_is_not_empty_is_not_delisted_and_a_symbol_can_come_again(venue):
    with venue.orders("demo01") as client:
        client.send(enter(1, "B", 1, 100))
        ouch.settle(client)
        for request in (("delist", SYMBOL), ("set-instrument", SYMBOL, "lot", "2")):
            assert f"holds 1 orders; halt it and cancel them: `rotunda admin halt {SYMBOL}`" in refused(venue, *request)
    venue.admin("mass-cancel", "--symbol", SYMBOL)
    venue.admin("delist", SYMBOL)
    assert "delisted" in refused(venue, "halt", SYMBOL)
    venue.admin("list-instrument", SYMBOL, "--base", "ETH", "--quote", "USD", "--tick", "0.5", "--lot", "0.01",
                "--price-max", "9000", "--quantity-max", "100")  # fmt: skip
    assert [row["phase"] for row in rows(venue, "halt", SYMBOL)] == ["Halted"], "the one that is listed is meant"
    assert [row["phase"] for row in rows(venue, "instruments") if row["symbol"] == SYMBOL] == ["Delisted", "Halted"]


@pytest.mark.parametrize("how", ["set-session", "kill"])
def test_a_session_that_is_disabled_is_closed_and_told_why(venue, how):
    client, reader, other = venue.orders("demo01"), venue.feed(name="demo01"), venue.orders("demo02")
    client.send(enter(1, "B", 1, 100))
    ouch.settle(client)
    venue.admin(*(("kill", "--session", "demo01") if how == "kill" else ("set-session", "demo01", "enabled", "0")))
    for cut in (client, reader):
        assert any("disabled" in text for text in cut.read_to_close(60)), cut.debug
    last = ouch.decode(list(client.received.values())[-1]).name
    assert last == ("Cancelled" if how == "kill" else "QueryResponse"), "what a kill cancels is still told"
    with pytest.raises(LoginRejected):
        venue.orders("demo01")
    other.send(enter(1, "B", 1, 100))
    assert "Accepted" in [message.name for message in ouch.settle(other)]
    venue.admin("set-session", "demo01", "enabled", "1")
    venue.orders("demo01").close()


def test_garbage_on_the_socket_is_answered_and_harms_nobody(shared):
    import socket

    for garbage in (b"\n", b"{}\n", b'{"who":"x"}\n', b"\xff\xfe\n", b'{"request":' + b"[" * 1000 + b"\n"):
        with socket.socket(socket.AF_UNIX) as operator:
            operator.connect(shared.endpoints["admin"])
            operator.sendall(garbage)
            answer = json.loads(operator.makefile().readline())
            assert answer["ok"] is False and answer["error"]
    assert rows(shared, "status")[0]["instruments"] == 5


def test_two_operators_at_once_are_both_served(shared):
    import socket

    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(shared.endpoints["admin"])
        assert rows(shared, "status")


def test_no_venue_no_hang(tmp_path):
    from judge.venue import RELEASE
    import subprocess

    done = subprocess.run([RELEASE, "admin", "--data", tmp_path, "status"], capture_output=True, text=True, timeout=10)
    assert done.returncode == 1 and "rotunda run" in done.stderr


def test_a_venue_that_ends_in_mid_command_is_told(tmp_path):
    """An admin socket whose venue takes the request and goes."""
    import socket
    import threading

    from judge.venue import Venue

    venue = Venue(tmp_path)
    venue.data.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(venue.data / "admin.sock"))
        listener.listen()

        def goes():
            operator, _ = listener.accept()
            operator.recv(10)
            operator.close()

        venue_end = threading.Thread(target=goes)
        venue_end.start()
        said = refused(venue, "halt", "BTCUSD")
        venue_end.join()
    assert "whether it was carried out" in said, said


PIPED = [("config",), ("admin", "instruments"), ("admin", "status", "--json"), ("inspect", "journal"), ("inspect", "sessions"),
         ("inspect", "event-log", "--json"), ("inspect", "book", "--symbol", "BTCUSD"), ("replay",), ("watch", "BTCUSD")]  # fmt: skip


@pytest.mark.parametrize("command", PIPED, ids=" ".join)
def test_a_reader_that_has_seen_enough_is_no_fault(shared, command):
    import os
    import subprocess

    reads, writes = os.pipe()
    os.close(reads)
    data = () if command == ("config",) else ("--data", shared.data)
    try:
        done = subprocess.run([shared.binary, *command, *data], stdout=writes, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(writes)
    assert (done.returncode, done.stderr) == (0, b"")
