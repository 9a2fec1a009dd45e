"""What a venue tells of itself while it runs: numbers that Prometheus reads, and whether it is alive."""

import re
import subprocess
import time
import urllib.error
import urllib.request

from judge import ouch

PATIENCE_SECONDS = 60
SAMPLE = re.compile(r'rotunda_(\w+?)(?:\{(\w+)="([^"]+)"\})? ([0-9.]+)')


def get(venue, path):
    """(status, text) of a request to the web door."""
    try:
        with urllib.request.urlopen(f"http://{venue.endpoints['web']}{path}", timeout=PATIENCE_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metrics(venue):
    """(name, label) -> value of all samples."""
    status, text = get(venue, "/metrics")
    assert status == 200
    samples = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, label, value = SAMPLE.fullmatch(line).groups()
            assert (name, label) not in samples, f"{line} is there twice"
            samples[name, label] = float(value)
    return samples


def metrics_when(venue, settled):
    """The metrics once `settled` holds for them: stages tell what they did a moment later."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not settled(samples := metrics(venue)):
        assert time.monotonic() < deadline, samples
        time.sleep(0.02)
    return samples


def test_the_numbers_are_those_of_what_was_sent(open_venue):
    venue = open_venue()
    first = metrics(venue)
    with venue.orders("demo01") as client:
        client.send(*[ouch.enter(ref, "B", 1, "BTCUSD", 10_000) for ref in range(1, 101)])
        client.send(*[ouch.enter(ref, "B", 1, "NOSUCH", 10_000) for ref in range(101, 111)])
        ouch.settle(client)
        # A log-in, 110 orders, a query.
        sent = first["commands_total", None] + 112
        samples = metrics_when(venue, lambda now: now["commands_total", None] == sent and now["sessions_connected", None] == 1)
        assert samples["connections", None] == 1
        assert samples["rejects_total", "UnknownInstrument"] == 10
        assert samples["rejects_total", "Credit"] == 0
        told = samples["latency_seconds_count", None] - first["latency_seconds_count", None]
        assert 112 <= told <= 120
        assert samples["latency_seconds_sum", None] > 0 and samples["commit_seconds_count", None] > 0
        buckets = [value for (name, _), value in samples.items() if name == "latency_seconds_bucket"]
        assert buckets == sorted(buckets) and buckets[-1] == samples["latency_seconds_count", None]

    def is_idle(now):
        lags = [value for (name, _), value in now.items() if name == "stage_lag_commands"]
        return len(lags) == 7 and not any(lags) and now["sessions_connected", None] == 0

    samples = metrics_when(venue, is_idle)
    assert samples["ring_used_slots", "input"] == 0 < samples["ring_slots", "input"]
    venue.stop()
    assert venue.json("replay", "--data", venue.data)["sequence"] == samples["commands_total", None]


def test_prometheus_finds_nothing_to_complain_about(open_venue):
    venue = open_venue()
    text = get(venue, "/metrics")[1]
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    broken = subprocess.run(["promtool", "check", "metrics"], input=text.replace(" gauge", " gouge"), capture_output=True, text=True)
    assert broken.returncode != 0


def test_an_open_venue_is_alive_and_ready(open_venue):
    venue = open_venue()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while get(venue, "/readyz") != (200, "ready\n"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert get(venue, "/healthz") == (200, "ok\n")
