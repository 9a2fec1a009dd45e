"""What the pages tell a new user to do, done."""

import re
import subprocess
import sys

from judge.venue import ROOT


def blocks(page, language):
    """The fenced blocks of one language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)


def run(script, venue):
    """Runs the page's script in the folder that has the venue's `data`."""
    done = subprocess.run([sys.executable, "-c", script], cwd=venue.folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_five_minute_page_trades_and_prints_what_it_says(venue):
    (script,) = blocks("connect-in-five-minutes.md", "python")
    (said,) = blocks("connect-in-five-minutes.md", "text")
    without_day = re.compile(r"session \d{8}")
    assert without_day.sub("session", run(script, venue)) == without_day.sub("session", said)
    again = run(script, venue)
    assert again.count("executed") == 2 and "accepted   order 4" in again, "a second run takes the next numbers"


def test_the_pages_link_to_what_is_there():
    missing = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                missing.append(f"{page.relative_to(ROOT)}: {target}")
    assert not missing, "\n" + "\n".join(missing)
