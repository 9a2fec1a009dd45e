"""A client that survives its venue: the judge of what was acknowledged."""

import time

from . import ouch
from .blotter import Blotter
from .load import MARKETS, Flow, batches
from .soup import Closed

PATIENCE_SECONDS = 60
BURST = 40
# What a session sends in one call of `load`, at most.
ROUND_MESSAGES = 4_000
# Numbers that were answered long ago and are sent again after each restart.
RESENT = 20


class Trader:
    """A client that survives its venue: its log is what was sent and what was told."""

    def __init__(self, user, seed):
        self.user = user
        self.flow = Flow(seed, MARKETS)
        self.blotter = Blotter()
        self.session = ""
        self.sent = {}  # user number -> payload
        self.failure = None

    def connect(self, venue):
        client = venue.orders(self.user, self.blotter.last_sequence + 1, self.session, timeout=PATIENCE_SECONDS, keep=False)
        assert self.session in ("", client.session), "the day's session has another name after the restart"
        assert client.first_sequence == self.blotter.last_sequence + 1, (
            f"{self.user} was told {self.blotter.last_sequence} reports, the venue goes on with {client.first_sequence}"
        )
        self.session = client.session
        return client

    def answer(self, client):
        """Waits for a query's answer: all reports of what was sent before it are then here."""
        self.blotter.next_ref = None
        client.send(ouch.query())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.blotter.next_ref is None:
            assert time.monotonic() < deadline, f"{self.user} waits for an answer"
            # A poll may bring nothing but a heartbeat.
            self.blotter.apply(client.poll(1.0))
        return self.blotter.next_ref

    def resume(self, venue):
        """Logs in at the next report and sends again what may not have arrived, and some of what surely did."""
        client = self.connect(venue)
        following = self.answer(client)
        assert following <= self.flow.next_ref, f"{self.user}: number {following} was never used"
        for ref in self.sent:
            if ref < following:
                assert self.blotter.answered(ref) or self.sent[ref][:1] == b"U", f"{self.user}: {ref} has no answer"
        before = self.blotter.last_sequence
        client.send(*[self.sent[ref] for ref in sorted(self.sent) if ref < following][-RESENT:])
        assert self.answer(client) == following and self.blotter.last_sequence == before + 1, "a resend was taken twice"
        client.send(*[self.sent[ref] for ref in sorted(self.sent) if ref >= following])
        self.answer(client)
        return client

    def load(self, client, stop):
        """Sends bursts until the venue dies or the round is over."""
        try:
            for _ in range(ROUND_MESSAGES // BURST):
                if stop.is_set():
                    break
                messages = self.flow.messages(BURST)
                self.sent.update({ref: payload for ref, payload in messages if ref})
                for chunk in batches(payload for _, payload in messages):
                    client.send_raw(chunk)
                self.blotter.apply(client.poll(0.0005))
            while not stop.is_set():
                self.blotter.apply(client.poll(0.05))
        except (Closed, ConnectionError):
            pass
        except BaseException as failure:
            self.failure = failure
        finally:
            self._last_words(client)
            client.close()

    def _last_words(self, client):
        """What the kernel still hands over of the dead venue was acknowledged too."""
        try:
            while True:
                self.blotter.apply(client.poll(PATIENCE_SECONDS))
        except (Closed, ConnectionError):
            pass

    def check_whole_stream(self, venue):
        """The stream from 1 is byte for byte what was told over all the venue's lives."""
        with venue.orders(self.user, 1, self.session, timeout=PATIENCE_SECONDS) as client:
            last = self.blotter.last_sequence
            assert client.read_to(last) == self.blotter.stream
