"""Turns the lines that the fuzz targets wrote into tests/results/fuzz.json: `fuzz_result.py REPORT [OUT]`."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path


def main(report, out=None):
    targets = sorted((json.loads(line) for line in Path(report).read_text().splitlines()), key=lambda one: one["target"])
    for one in targets:
        print("{target:22} {executions:>13,} executions, {taken:>13,} taken, {seconds:>7} s".format(**one))
    if out:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        machine = {"system": platform.platform(), "cores": os.cpu_count()}
        result = {"test": "fuzz", "targets": targets, "commit": commit, "machine": machine}
        Path(out).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
