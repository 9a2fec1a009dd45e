"""A wall clock that jumps under a running venue: engine time never goes back, nothing expires early, and the step is told.

`libfaketime` gives the venue a clock of its own; a file says by how much it is off.
"""

import glob
import os
import time

import pytest
from judge import ouch
from judge.load import MARKETS

MARKET = MARKETS[0]
DAY_NS = 86_400 * 1_000_000_000
STEP_SECONDS = 3_600
# The venue may lean towards the wall clock by 500 ppm; the rest is what a slow machine takes between two calls.
SLEW = 0.0005
SLACK_SECONDS = 30
LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"


@pytest.fixture
def off(open_venue, tmp_path):
    """off(monotonic_too): a venue whose clocks are set by the returned function, in seconds from the truth."""

    def made(monotonic_too):
        found = glob.glob(LIBRARIES)
        assert found, f"no {LIBRARIES}: `tests/run` installs the package faketime"
        file = tmp_path / "off"

        def step(seconds):
            # Replaced whole: the venue reads it at any moment.
            new = tmp_path / "off.new"
            new.write_text(f"{seconds:+d}\n")
            new.rename(file)

        step(0)
        environment = {**os.environ, "LD_PRELOAD": found[0], "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1"}
        if not monotonic_too:
            environment |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        return open_venue("[journal]\nsegment_mib = 4\n", environment=environment), step

    return made


class Stamps:
    """The venue's time as its reports tell it: it never goes back."""

    def __init__(self, client):
        self.client = client
        self.ref = 0
        self.last = None
        self.gone_ns = 0

    def enter(self, **terms):
        """Enters an order far from the market; its acceptance."""
        self.ref += 1
        self.client.send(ouch.enter(self.ref, "B", 1, MARKET.symbol, MARKET.tick, **terms))
        while True:
            told = self.read()
            if told.name == "Accepted" and told.user_ref == self.ref:
                return told

    def read(self):
        told = ouch.decode(self.client.read(1, 60)[0])
        # Wire times begin anew at midnight.
        moved = 0 if self.last is None else (told.timestamp - self.last + DAY_NS // 2) % DAY_NS - DAY_NS // 2
        assert moved >= 0, f"venue time went back by {-moved} ns: {told}"
        self.last, self.gone_ns = told.timestamp, self.gone_ns + moved
        return told


def good_for(seconds):
    return {"time_in_force": "6", "appendage": ouch.options(expire_seconds=seconds)}


def test_a_step_of_the_wall_clock_moves_nothing_and_is_told(off):
    venue, step = off(monotonic_too=False)
    alarms = 0
    with venue.orders("demo01", timeout=60) as client:
        stamps = Stamps(client)
        stamps.enter(**good_for(STEP_SECONDS // 2))
        began = time.monotonic()
        gone_before = stamps.gone_ns
        for seconds in (STEP_SECONDS, 0, -STEP_SECONDS):
            step(seconds)
            if seconds:
                alarms += 1
                venue.wait_for("the wall clock stepped away", count=alarms)
            entered = time.monotonic()
            short = stamps.enter(**good_for(2)).user_ref
            while True:
                told = stamps.read()
                assert told.name != "Cancelled" or told.user_ref == short, f"expired early: {told}"
                if told.name == "Cancelled":
                    break
            assert time.monotonic() - entered >= 2 * (1 - SLEW), "it lived for less than its two seconds"
        stamps.enter()
        ours, venues = time.monotonic() - began, (stamps.gone_ns - gone_before) / 1e9
        assert abs(venues - ours) <= ours * SLEW + SLACK_SECONDS, f"{venues} s of venue time in {ours} s"
        session, following = client.session, client.next_sequence
    # The wall clock is still an hour behind: a start goes on at the engine's time.
    venue.stop()
    venue.start()
    with venue.orders("demo01", following, session, timeout=60) as client:
        stamps.client = client
        stamps.enter()
        client.send(ouch.cancel(1))
        told = stamps.read()
        assert (told.name, told.user_ref) == ("Cancelled", 1), "the order that was good for half an hour was still there"
    venue.stop()


def test_a_monotonic_clock_that_goes_back_stops_time_and_nothing_else(off):
    """No kernel does that; a broken hypervisor might. Time stands until the clock is where it was; the market goes on."""
    venue, step = off(monotonic_too=True)
    with venue.orders("demo01", timeout=60) as client:
        stamps = Stamps(client)
        stamps.enter(**good_for(STEP_SECONDS // 2))
        step(-STEP_SECONDS)
        for _ in range(20):
            stamps.enter()
        client.send(ouch.cancel(1))
        assert stamps.read().name == "Cancelled"
        client.send(ouch.query())
        assert stamps.read().user_ref == stamps.ref + 1, "no order expired"
    venue.stop()
