"""Limits of the doors: each is configured, each says what happens at it."""

import time

import pytest
from judge import ouch
from judge.soup import CLIENT_HEARTBEAT, HEARTBEAT_SECONDS, Client, Closed, LoginRejected, frame, login

ABOVE_SECONDS = 5


def closes(client, seconds):
    """Whether the venue closes this connection within the time, without a heartbeat of ours."""
    client.heartbeats = False
    try:
        client.read_to_close(seconds)
    except TimeoutError:
        return False
    return True


def test_a_connection_that_does_not_log_in_is_closed(open_venue):
    venue = open_venue("log_in_s_max = 1\n")
    for door in ("ouch", "itch"):
        with Client(venue.endpoints[door]) as client:
            began = time.monotonic()
            assert closes(client, 1 + ABOVE_SECONDS)
            assert time.monotonic() - began > 0.9


def test_a_silent_client_is_closed_and_one_with_heartbeats_stays(open_venue):
    venue = open_venue("silence_s_max = 2\n")
    with venue.orders("demo01") as silent, venue.orders("demo02") as beating:
        deadline = time.monotonic() + 2 + ABOVE_SECONDS
        while not closes(silent, 0.2):
            assert time.monotonic() < deadline
            beating.send_raw(frame(CLIENT_HEARTBEAT))
        assert ouch.settle(beating)[-1].name == "QueryResponse"


@pytest.mark.parametrize("door", ["ouch", "itch"])
def test_an_idle_connection_gets_a_heartbeat_after_a_second(venue, door):
    client = venue.orders("demo01") if door == "ouch" else venue.feed()
    with client:
        while client.poll(0.2):
            pass
        before, began = client.heartbeats_received, time.monotonic()
        while client.heartbeats_received < before + 3:
            client.poll(0.1)
            assert time.monotonic() - began < 3 * HEARTBEAT_SECONDS + 2
        assert time.monotonic() - began > 1.5 * HEARTBEAT_SECONDS


def test_connections_above_the_limit_are_closed_and_the_others_stay(open_venue):
    venue = open_venue("connections_max = 3\n")
    clients = [venue.orders(f"demo0{number}") for number in (1, 2, 3)]
    with Client(venue.endpoints["itch"]) as fourth:
        assert closes(fourth, ABOVE_SECONDS)
    for client in clients:
        assert ouch.settle(client)[-1].name == "QueryResponse"
    clients.pop().close()
    deadline = time.monotonic() + ABOVE_SECONDS
    while True:
        try:
            venue.feed().close()
            return
        except (Closed, ConnectionError):
            assert time.monotonic() < deadline, "a place that is free again can be taken"


def test_passwords_cannot_be_guessed_fast(open_venue):
    venue = open_venue("failed_log_ins_max = 3\n")
    with venue.orders("demo02") as inside:
        for _ in range(3):
            with pytest.raises(LoginRejected):
                Client(venue.endpoints["ouch"]).login("demo01", "wrong")
        with pytest.raises(LoginRejected):
            Client(venue.endpoints["ouch"]).login("demo01", venue.passwords["demo01"])
        assert ouch.settle(inside)[-1].name == "QueryResponse", "who is inside stays"


def test_a_log_out_closes_at_once(venue):
    with venue.orders("demo01") as client:
        client.logout()
        assert closes(client, ABOVE_SECONDS)
    with venue.feed() as client:
        client.logout()
        assert closes(client, ABOVE_SECONDS)


def test_a_login_in_pieces_is_a_login(venue):
    with Client(venue.endpoints["ouch"]) as client:
        for byte in login("demo01", venue.passwords["demo01"]):
            client.send_raw(bytes((byte,)))
        client.read_until(lambda c: c.session is not None)
