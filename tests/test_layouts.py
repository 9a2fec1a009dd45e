"""The same market whatever shares a thread, however threads wait, and whichever way the disk is written."""

import json

import pytest
from judge import ouch
from judge.blotter import Blotter, check_trades
from judge.load import MARKETS, Flow, batches

SETTINGS = {
    "inline, parks": '[venue]\nlayout = "inline"\n',
    "inline, yields": '[venue]\nlayout = "inline"\nidle = "yield"\n',
    "inline, pinned": '[venue]\nlayout = "inline"\ncores = [0]\n',
    "compact, parks": '[venue]\nlayout = "compact"\n',
    "compact, yields": '[venue]\nlayout = "compact"\nidle = "yield"\n',
    "compact, pinned to a core that is not there": '[venue]\nlayout = "compact"\ncores = [0, 4000]\n',
    "compact, smallest rings": '[venue]\nlayout = "compact"\n[rings]\ninput = 64\noutput = 64\n',
    "dedicated, parks": '[venue]\nlayout = "dedicated"\n',
    "dedicated, yields": '[venue]\nlayout = "dedicated"\nidle = "yield"\n',
    "dedicated, smallest rings, pinned": '[venue]\nlayout = "dedicated"\ncores = [0, 1, 0, 1]\n[rings]\ninput = 64\noutput = 64\n',
    "blocking disk": '[venue]\nlayout = "inline"\n[journal]\nbackend = "blocking"\n',
    "does not wait for the disk": '[venue]\nlayout = "inline"\ndurable = false\n',
}


@pytest.mark.parametrize("name", SETTINGS)
def test_each_layout_trades_stops_and_replays_alike(open_venue, name):
    venue = open_venue(SETTINGS[name])
    names = ("demo01", "demo02", "demo03")
    clients = [venue.orders(name, timeout=30) for name in names]
    blotters = [Blotter() for _ in names]
    for number, client in enumerate(clients):
        for chunk in batches(Flow(number, MARKETS[:2]).orders(1_000)):
            client.send_raw(chunk)
    for client, blotter in zip(clients, blotters):
        ouch.settle(client)
    for name, client, blotter in zip(names, clients, blotters):
        client.close()
        blotter.apply(venue.stream(name))
    check_trades(blotters)
    venue.stop()
    replayed = json.loads(venue.command("replay", "--data", venue.data, "--json").stdout)
    venue.start()
    venue.stop()
    again = json.loads(venue.command("replay", "--data", venue.data, "--json").stdout)
    assert again["sequence"] > replayed["sequence"] > 3_000
    first = json.loads(venue.command("replay", "--data", venue.data, "--to-sequence", replayed["sequence"], "--json").stdout)
    assert first["event_hash"] == replayed["event_hash"] and first["state_hash"] == replayed["state_hash"]


def test_one_order_at_a_time_is_answered_in_every_rhythm(open_venue):
    """Neither a thread that sleeps nor one that is about to may miss a call."""
    import time

    for layout in ("inline", "compact", "dedicated"):
        venue = open_venue(f'[venue]\nlayout = "{layout}"\n', name=layout)
        with venue.orders("demo01") as client:
            for ref, pause in enumerate((0, 0, 0.0005, 0.001, 0.002, 0.005, 0.02, 0.15, 0.3, 0) * 4, 1):
                time.sleep(pause)
                client.send(ouch.enter(ref, "B", 1, "BTCUSD", 10_000))
                sent = time.monotonic()
                client.read(2 if ref == 1 else 1, 5)
                assert time.monotonic() - sent < 5
        venue.stop()
