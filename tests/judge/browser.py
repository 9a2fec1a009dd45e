"""A real Chromium, driven over its DevTools protocol."""

import json
import shutil
import subprocess
import time
import urllib.request

from .websocket import PATIENCE_SECONDS, WebSocket

# No sandbox: the tests may run as root. The rest keeps the browser from calling home.
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-port=0"
).split()


def find():
    """The browser's path, None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One process with one tab at a time; leaves no process."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        command = [find(), *FLAGS, f"--user-data-dir={self.folder}", "about:blank"]
        log = self.folder.with_suffix(".log")
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_SECONDS
        told = self.folder / "DevToolsActivePort"
        while not told.exists() or not told.read_text().strip():
            assert self.process.poll() is None and time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
            time.sleep(0.05)
        self.address = f"127.0.0.1:{told.read_text().split()[0]}"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def tab(self, **looks):
        return Tab(self.address, **looks)


class Tab:
    """A tab with a screen of its own. `errors` are what its console complains of, `requests` the addresses it asked."""

    def __init__(self, address, width, height, scheme="light", phone=False, calm=False):
        request = urllib.request.Request(f"http://{address}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            target = json.load(answer)
        self.address, self.id = address, target["id"]
        self.socket = WebSocket(address, target["webSocketDebuggerUrl"].split(address, 1)[1], headers={"Origin": None}.items())
        self.number = 0
        self.errors, self.requests = [], []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce" if calm else "no-preference"}
        self.call("Emulation.setEmulatedMedia", features=[{"name": name, "value": value} for name, value in features.items()])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        with urllib.request.urlopen(f"http://{self.address}/json/close/{self.id}", timeout=PATIENCE_SECONDS):
            pass

    def call(self, method, **params):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            message = self.socket.receive(deadline - time.monotonic())
            assert message is not None, f"the browser does not answer {method}"
            if message.get("id") == self.number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self._event(message["method"], message["params"])

    def _event(self, method, params):
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(json.dumps(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(params["url"])

    def open(self, url):
        self.call("Page.navigate", url=url)
        return self

    def run(self, script):
        """The value of an expression."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, f"{script}: {result['exceptionDetails']}"
        return result["result"].get("value")

    def wait(self, script, what=None):
        """Waits until an expression holds; its value."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            value = self.run(script)
            if value:
                return value
            shown = self.run("document.body ? document.body.innerText.slice(0, 600) : ''")
            assert time.monotonic() < deadline, f"never so: {what or script}; the page says:\n{shown}\nerrors: {self.errors}"
            time.sleep(0.1)

    def press(self, key, code):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)
