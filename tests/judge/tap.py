"""Wireshark's view of the wire: tshark captures the loopback ports and dissects SoupBinTCP."""

import signal
import subprocess
import threading

START_SECONDS = 20
# Kernel buffer of the capture; a lost packet would look like a malformed one.
BUFFER_MIB = 64


class Tap:
    """Captures TCP on some loopback ports while in its context; needs the right to capture (root)."""

    def __init__(self, ports, file):
        self.ports, self.file = ports, file

    def __enter__(self):
        expression = " or ".join(f"tcp port {port}" for port in self.ports)
        command = ["tshark", "-i", "lo", "-f", expression, "-w", self.file, "-B", str(BUFFER_MIB), "-q"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.said = []
        started = threading.Event()

        def listen():
            for line in self.process.stderr:
                self.said.append(line)
                if "Capture started" in line:
                    started.set()
            started.set()

        self.listener = threading.Thread(target=listen, daemon=True)
        self.listener.start()
        if not started.wait(START_SECONDS) or self.process.poll() is not None:
            self.process.kill()
            raise AssertionError(f"tshark does not capture: {''.join(self.said)}")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self.listener.join()

    def _read(self, *arguments):
        decode = [argument for port in self.ports for argument in ("-d", f"tcp.port=={port},soupbintcp")]
        # Bytes after an abort come out of order or twice: that is TCP, not the venue.
        command = ["tshark", "-r", self.file, *decode, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    def judge(self):
        """How many SoupBinTCP packets there were; an AssertionError names those that tshark calls malformed."""
        lost = [line for line in self.said if "dropped" in line and " 0 packets" not in line]
        assert not lost, f"the capture lost packets: {lost}"
        malformed = self._read("-Y", "soupbintcp && (_ws.malformed || soupbintcp.req_seq_num.invalid || "
                               "soupbintcp.next_seq_num.invalid)")  # fmt: skip
        assert not malformed, f"tshark finds malformed packets: {malformed[:5]}"
        lines = self._read("-Y", "soupbintcp", "-T", "fields", "-e", "soupbintcp.packet_type")
        packets = sum(len(line.split(",")) for line in lines)
        assert packets, "tshark saw no SoupBinTCP packet at all"
        return packets
