"""The sink of JSON lines: every event once, in order, through kills; and a pipe that nobody reads holds up nobody."""

import json
import os
import time

from judge import ouch
from judge.load import MARKETS, Flow, batches
from judge.soup import Closed

USER = "demo01"
KILLS = 3
BURST = 2_000
PATIENCE_SECONDS = 30


def adapter(path):
    return f'[adapters]\njson_lines = [{{ name = "audit", path = "{path}" }}]\n'


def lines_until(path, last_report):
    """The file's lines, once the session's report `last_report` is in it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
        lines = [json.loads(line) for line in whole.splitlines()]
        if any(line["report"] >= last_report for line in lines if line["session"] == 1):
            return lines
        assert time.monotonic() < deadline, f"{path} has no report {last_report} of the session"
        time.sleep(0.1)


def test_each_event_is_in_the_file_once_through_kills(open_venue, tmp_path):
    path = tmp_path / "events.jsonl"
    venue, flow = open_venue(adapter(path)), Flow(3, MARKETS)
    for _ in range(KILLS):
        with venue.orders(USER, 0) as client:
            for chunk in batches(payload for _, payload in flow.messages(BURST)):
                client.send_raw(chunk)
                client.poll()
            venue.kill()
            try:
                while True:
                    client.poll(PATIENCE_SECONDS)
            except (Closed, ConnectionError):
                pass
        venue.start()
        with venue.orders(USER, 0) as client:
            flow.next_ref = ouch.settle(client)[-1].user_ref
    stream = [ouch.decode(payload) for payload in venue.stream(USER)]
    lines = lines_until(path, len(stream))
    venue.stop()

    addresses = [(line["sequence"], line["ordinal"]) for line in lines]
    assert addresses == sorted(set(addresses)), "an event is twice in the file, or out of order"
    reports = [line for line in lines if line["session"] == 1 and line["report"]]
    assert [line["report"] for line in reports] == list(range(1, len(stream) + 1))
    for line, message in zip(reports, stream):
        if message.name in ("Accepted", "Executed"):
            assert (line["kind"], line["user_ref"]) == (message.name, message.user_ref)
            assert line["quantity_lots"] == message.quantity


def test_a_pipe_that_nobody_reads_holds_up_nobody(open_venue, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    venue = open_venue(adapter(path))
    with venue.orders(USER, keep=False) as client:
        for chunk in batches(payload for _, payload in Flow(4, MARKETS).messages(10 * BURST)):
            client.send_raw(chunk)
            client.poll()
        client.send(ouch.query())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not any(payload[:1] == b"Q" for payload in client.poll(1)):
            assert time.monotonic() < deadline
    # Who comes to read it later gets all of it.
    with open(path) as pipe:
        assert json.loads(pipe.readline())["sequence"] >= 1
    venue.stop()
