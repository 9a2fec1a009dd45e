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
        command = ["tshark", "-r", self.file, *decode, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    def judge(self):
        """How many SoupBinTCP packets there were; an AssertionError names those that tshark calls malformed."""
        lost = [line for line in self.said if "dropped" in line and " 0 packets" not in line]
        assert not lost, f"the capture lost packets: {lost}"
        # Nasdaq's client pads the number it asks for on the right, which tshark calls malformed; nothing else may be.
        from_venue = " || ".join(f"tcp.srcport == {port}" for port in self.ports)
        malformed = self._read("-Y", f"_ws.malformed && (({from_venue}) || !(soupbintcp.packet_type == 0x4c))")
        assert not malformed, f"tshark finds malformed packets: {malformed[:5]}"
        lines = self._read("-Y", "soupbintcp", "-T", "fields", "-e", "soupbintcp.packet_type")
        packets = sum(len(line.split(",")) for line in lines)
        assert packets, "tshark saw no SoupBinTCP packet at all"
        return packets
