"""What the pages tell a new user to do, done."""

import re
import subprocess
import sys
import time

from judge.market_data import Rest
from judge.venue import ROOT, SMALL_FILES
from judge.websocket import PATIENCE_SECONDS


def blocks(page, language):
    """The fenced blocks of one language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)


def run(script, venue):
    """Runs the page's script in the folder that has the venue's `data`."""
    done = subprocess.run([sys.executable, "-c", script], cwd=venue.folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_five_minute_page_trades_and_prints_what_it_says(venue):
    script, _ = blocks("connect-in-five-minutes.md", "python")
    (said,) = blocks("connect-in-five-minutes.md", "text")
    without_day = re.compile(r"session \d{8}")
    assert without_day.sub("session", run(script, venue)) == without_day.sub("session", said)
    again = run(script, venue)
    assert again.count("executed") == 2 and "accepted   order 4" in again, "a second run takes the next numbers"


def test_the_five_minute_page_follows_a_book_with_ccxt(open_venue):
    _, script = blocks("connect-in-five-minutes.md", "python")
    venue = open_venue(SMALL_FILES, demo=True)
    rest = Rest(venue).ready()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not all(rest("depth", symbol="BTCUSD", limit=5)[side] for side in ("bids", "asks")):
        assert time.monotonic() < deadline, "the demo participants do not quote"
        time.sleep(0.1)
    lines = run(script, venue).splitlines()
    assert len(lines) == 5 and all(re.fullmatch(r"[\d.]+ at [\d,]+  \|  [\d,]+ for [\d.]+", line) for line in lines), lines


def test_the_pages_link_to_what_is_there():
    missing = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                missing.append(f"{page.relative_to(ROOT)}: {target}")
    assert not missing, "\n" + "\n".join(missing)


SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i32": 4, "Nanoseconds48": 6}


def size(kind):
    text = re.match(r"\[u8; (\d+)\]", kind)
    return int(text[1]) if text else SIZES[kind]


def test_the_protocol_page_has_every_field_of_the_codecs():
    page, missing = (ROOT / "docs" / "protocols.md").read_text() + "\n", []
    for source in ("ouch/inbound.rs", "ouch/outbound.rs", "itch/mod.rs"):
        code = (ROOT / "net" / "src" / source).read_text()
        messages = re.findall(r"(\w+) = b'(.)', (\d+) \{(.*?)\}", code, re.DOTALL)
        assert len(messages) > 4, source
        for name, letter, total, fields in messages:
            heading = re.search(rf"^### `{letter}` {name}: [^\n]*\({total} bytes\)\n\n(.*?)\n\n", page, re.MULTILINE | re.DOTALL)
            if not heading:
                missing.append(f"{source}: {name} of {total} bytes")
                continue
            for offset, field, kind in re.findall(r"(\d+) (\w+): ([^=]+?) = ", fields):
                if f"| {offset} | {size(kind)} | {field} |" not in heading[1]:
                    missing.append(f"{source}: {name}.{field} at {offset}")
    options = re.findall(r"^    (\d+) (\w+)\((.*?)\) \"", (ROOT / "net/src/ouch/appendage.rs").read_text(), re.MULTILINE)
    missing += [name for tag, name, kind in options if f"| {tag} | {name} | {size(kind)} |" not in page]
    assert len(options) > 15 and not missing, "\n" + "\n".join(missing)


def test_the_reasons_page_has_every_reason_and_its_code():
    page = (ROOT / "docs" / "reject-reasons.md").read_text()
    reasons = (ROOT / "engine/src/reason.rs").read_text()
    door = (ROOT / "net/src/doors/reports.rs").read_text()
    missing = []
    for name in ("Reject", "CancelReason"):
        (body,) = re.findall(rf"pub enum {name} \{{(.*?)\n\}}", reasons, re.DOTALL)
        codes = {}
        for arms, code in re.findall(rf"((?:{name}::\w+\s*\|?\s*)+)=> (0x[0-9A-F]+|b'.')", door):
            codes |= dict.fromkeys(re.findall(rf"{name}::(\w+)", arms), code.strip("b'"))
        numbered = [pair for pair in re.findall(r"(\w+) = (\d+),", body) if pair[0] != "None"]
        assert len(numbered) > 10 and set(dict(numbered)) <= set(codes)
        for reason, number in numbered:
            rows = (f"| {number} | {reason} | `{codes[reason]}` |", f"| {number} | {reason} | operator |")
            if not any(row in page for row in rows):
                missing.append(f"{name}.{reason}: {number}, {codes[reason]}")
    assert not missing, "\n" + "\n".join(missing)
