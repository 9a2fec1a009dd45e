"""One journal, two builds: debug and release replay it to the same events, hashes and books."""

from judge import ouch
from judge.load import MARKETS, Flow, batches
from judge.venue import DEBUG, RELEASE

USERS = ("demo01", "demo09")
MESSAGES = 5_000


def trade(venue, flows):
    for user, flow in flows.items():
        with venue.orders(user, keep=False) as client:
            for chunk in batches(payload for _, payload in flow.messages(MESSAGES)):
                client.send_raw(chunk)
                client.poll()
            client.send(ouch.query())
            while not any(payload[:1] == b"Q" for payload in client.poll(10)):
                pass


def test_debug_and_release_replay_one_journal_alike(open_venue, record):
    assert DEBUG.exists(), f"{DEBUG} is missing: cargo build"
    venue = open_venue("[journal]\nsegment_mib = 16\n")
    flows = {user: Flow(seed, MARKETS) for seed, user in enumerate(USERS)}
    trade(venue, flows)
    venue.kill()
    venue.start()
    trade(venue, flows)
    venue.stop()
    replays = [venue.json("replay", "--data", venue.data, binary=binary) for binary in (RELEASE, DEBUG, RELEASE)]
    first = replays[0]
    for replay in replays:
        for key in ("sequence", "events", "event_hash", "state_hash"):
            assert replay[key] == first[key], key
    assert first["events"] > 2 * MESSAGES
    for market in MARKETS:
        arguments = ("inspect", "book", "--data", venue.data, "--symbol", market.symbol)
        assert venue.json(*arguments, binary=DEBUG) == venue.json(*arguments)
    record("two_builds", **{key: first[key] for key in ("sequence", "events", "event_hash", "state_hash")})
