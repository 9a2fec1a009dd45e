"""A venue as its own process: started, killed, asked."""

import functools
import json
import os
import signal
import subprocess
import time
import tomllib
from pathlib import Path

from . import ouch
from .soup import Client

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
RELEASE = TARGET / "release" / "rotunda"
DEBUG = TARGET / "debug" / "rotunda"
START_SECONDS = 60.0
COMMAND_SECONDS = 600.0
# `design/`: SIGTERM drains, syncs and exits within this time.
STOP_SECONDS = 5.0


# Laid over the defaults: no thresholds, for the disk that tests share may be as full as it likes; and free ports.
NO_THRESHOLDS = "disk.refuse_percent = 0\ndisk.stop_percent = 0\n"
FREE_PORTS = '[web]\naddress = "127.0.0.1:0"\n[doors]\nouch = "127.0.0.1:0"\nitch = "127.0.0.1:0"\n'
# Smaller files than the default's: a venue opens sooner, for tests that write little.
SMALL_FILES = "[journal]\nsegment_mib = 16\n[event_log]\nsegment_mib = 16\n"


@functools.cache
def defaults():
    """The default configuration, as `rotunda config` prints it."""
    done = subprocess.run([RELEASE, "config"], check=True, capture_output=True, text=True)
    return tomllib.loads(done.stdout)


class Venue:
    """`rotunda run` on a folder of its own; leaves no process.

    `config` goes on in the table [doors], behind free ports; `web` are settings of [web].
    """

    def __init__(self, folder, config="", binary=RELEASE, demo=False, web=None, environment=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.log = self.folder / "venue.log"
        self.file = self.folder / "rotunda.toml"
        settings = "".join(f"{name} = {value}\n" for name, value in (web or {}).items())
        thresholds = "" if "[disk]" in config else NO_THRESHOLDS
        self.file.write_text(thresholds + FREE_PORTS.replace("[doors]", f"{settings}[doors]") + config)
        self.binary = binary
        self.demo = demo
        self.prefix = []  # a program that runs the venue, such as strace
        self.environment = environment
        self.process = None
        self.endpoints = None
        self.passwords = {session["name"]: session["password"] for session in defaults()["seed"]["sessions"]}

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def spawn(self, keep_endpoints=False, **popen):
        """Starts the process without waiting until it is open."""
        if not keep_endpoints:
            (self.data / "endpoints.json").unlink(missing_ok=True)
        command = [*self.prefix, self.binary, "run", "--config", self.file, "--data", self.data]
        command += [] if self.demo else ["--no-demo"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment, **popen)
        return self.process

    def start(self):
        self.spawn()
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self.read_endpoints():
                return self
            if self.process.poll() is not None:
                raise AssertionError(f"the venue ended with {self.process.returncode}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"the venue is not open after {START_SECONDS} s:\n{self.tail()}")
            time.sleep(0.005)

    def read_endpoints(self):
        """Takes the addresses that the venue has open, if it has."""
        try:
            self.endpoints = json.loads((self.data / "endpoints.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return False
        return True

    def tail(self, size=4000):
        return self.log.read_text(errors="replace")[-size:]

    def wait_for(self, text, seconds=60.0, count=1):
        """Waits until the venue's log has `text` so many times."""
        deadline = time.monotonic() + seconds
        while self.log.read_text(errors="replace").count(text) < count:
            assert time.monotonic() < deadline, f"{text!r} is not said within {seconds} s:\n{self.tail()}"
            time.sleep(0.02)

    def ended(self, seconds=60.0):
        """Waits until the venue has ended by itself; its exit code and what it said last."""
        try:
            return self.process.wait(seconds), self.tail()
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s:\n{self.tail()}") from None

    def alive(self):
        assert self.process.poll() is None, f"the venue ended with {self.process.returncode}:\n{self.tail()}"
        return True

    def kill(self):
        """As a power button would: SIGKILL."""
        self.alive()
        self.process.kill()
        self.process.wait()

    def stop(self):
        """As a service manager would: SIGTERM, exit code 0 within five seconds."""
        self.alive()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running {STOP_SECONDS} s after SIGTERM:\n{self.tail()}") from None
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.tail()}"

    def command(self, *arguments, check=True, binary=None):
        """Another command of the binary, ended; its CompletedProcess."""
        done = subprocess.run([binary or self.binary, *map(str, arguments)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=COMMAND_SECONDS)  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"rotunda {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def json(self, *arguments, binary=None):
        """What a command prints as one JSON object."""
        return json.loads(self.command(*arguments, "--json", binary=binary).stdout)

    def admin(self, *arguments, check=True):
        return self.command("admin", "--data", self.data, *arguments, check=check)

    def orders(self, name="demo01", sequence=1, session="", **options):
        """A client logged in at the OUCH door."""
        return Client(self.endpoints["ouch"], **options).login(name, self.passwords[name], session, sequence)

    def stream(self, name, session=""):
        """All that a session was told in its day, payload by payload."""
        with self.orders(name, 0, session) as client:
            ouch.settle(client)
            last = client.next_sequence - 1
        with self.orders(name, 1, session) as client:
            return client.read_to(last)

    def published(self, session=""):
        """All that the feed has said in its day, read until more than a second of silence."""
        with self.feed(1, session) as client:
            while client.poll(1.2):
                pass
            return list(client.received.values())

    def feed(self, sequence=1, session="", name="itch01", **options):
        """A client logged in at the ITCH door."""
        return Client(self.endpoints["itch"], **options).login(name, self.passwords[name], session, sequence)
