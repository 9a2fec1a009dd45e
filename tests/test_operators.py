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
    assert "Balance" in refused(venue, "withdraw", "poor", "USD", "0.01")
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


REFUSED = {
    "an unknown instrument": (("halt", "NOPE"), "BTCUSD"),
    "an unknown account": (("deposit", "nobody", "USD", "1"), "nobody"),
    "an unknown currency": (("deposit", "demo09", "XAU", "1"), "USD"),
    "an amount that is none": (("deposit", "demo09", "USD", "1e3"), "1e3"),
    "too fine an amount": (("deposit", "demo09", "USD", "0.000000001"), "smallest step"),
    "a negative amount": (("deposit", "demo09", "USD", "--", "-1"), "above 0"),
    "a session name that is too long": (("add-session", "abcdefg", "--account", "demo01"), "six"),
    "a reason that is too long": (("halt", "BTCUSD", "--why", "x" * 65), "64"),
    "a day in the past": (("day", "20200101"), "Date"),
    "an instrument that is listed": (
        ("list-instrument", "BTCUSD", "--base", "BTC", "--quote", "USD", "--tick", "1", "--lot", "1",
         "--price-max", "9", "--quantity-max", "9"), "Exists"),
    "a scale that is not whole": (
        ("list-instrument", "ODD", "--base", "BTC", "--quote", "MWH", "--tick", "0.1", "--lot", "0.1",
         "--price-max", "9", "--quantity-max", "9"), "Scale"),
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    from judge.venue import Venue

    with Venue(tmp_path_factory.mktemp("operators")) as venue:
        yield venue


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_with_what_is_wrong(shared, name):
    request, said = REFUSED[name]
    assert said in refused(shared, *request)


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
