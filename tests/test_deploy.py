"""The systemd unit: it names what exists, and keeps the service within its bounds."""

import configparser
import re
import shutil
import subprocess

import pytest
from judge.venue import RELEASE, ROOT

UNIT = ROOT / "deploy/systemd/rotunda.service"
# systemd's own measure, from 0 (nothing is left to attack) to 10.
EXPOSURE_MAX = 2.5

analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here")


def settings():
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str
    parser.read_string(UNIT.read_text())
    return parser["Service"]


def test_its_commands_are_commands_of_the_binary():
    for name in ("ExecStartPre", "ExecStart"):
        _, command, *arguments = settings()[name].split()
        known = subprocess.run([RELEASE, command, "--help"], capture_output=True, text=True, check=True).stdout
        for option in (argument for argument in arguments if argument.startswith("--")):
            assert re.search(rf"^\s+(-\w, )?{option}\b", known, re.MULTILINE), f"{command} has no {option}"


def test_what_keeps_it_in_is_there():
    expected = {
        "DynamicUser": "yes", "StateDirectory": "rotunda", "ProtectSystem": "strict", "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "", "MemoryDenyWriteExecute": "yes", "Restart": "on-failure",
    }
    assert {name: settings()[name] for name in expected} == expected
    # The venue promises to end within 5 s of SIGTERM.
    assert int(settings()["TimeoutStopSec"]) > 5
    assert "io_uring_enter" in UNIT.read_text(), "the journal needs io_uring"


@analyze
def test_systemd_accepts_the_unit(tmp_path):
    # The binary is not installed where the tests run; everything else is verified as it is.
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/bin/rotunda", "/bin/true"))
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
    ours = [line for line in verified.stderr.splitlines() if UNIT.name in line]
    assert not ours, "\n".join(ours)


@analyze
def test_its_exposure_is_small():
    threshold = str(int(EXPOSURE_MAX * 10))
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={threshold}", UNIT]
    measured = subprocess.run(command, capture_output=True, text=True)
    assert measured.returncode == 0, measured.stdout[-2000:] + measured.stderr
