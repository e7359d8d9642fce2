"""Writes patterns.md beside this file from the code: `.venv/bin/python docs/reference/write_patterns.py`."""  # noqa: INP001 - a program, not a module of a package

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from opsagent.archive import expressions, fields, files, front  # noqa: E402 - this tree

INTRODUCTION = f"""\
# Pattern files

<!-- written by docs/reference/write_patterns.py from the code; change it there, not this file -->

The front matter of `failures/patterns/NAME.md`, a YAML mapping between two lines `---`. Only `title` and `match` must
be there. A text may stand where a list is meant. How to use it: [teach it a failure](../how-to/teach-it-a-failure.md).

Limits: {files.MOST} files of {files.LARGEST // 1024} KiB, a front matter of {front.LARGEST_FRONT // 1024} KiB;
a text of {fields.LONGEST} characters, a title of {front.LONGEST_TITLE}; {fields.MOST_ITEMS} items of a list,
{front.MOST_UNITS} units, {front.MOST_REMEDIES} remedies. All expressions together have
{expressions.WITHIN * 1000:.0f} ms for a failure: what is not found by then is not found. No anchors, aliases or tags.

| key | whose | meaning |
|---|---|---|
"""
MEANINGS = {
    "fingerprint": ("yours", "the kind of failure as `incidents` counts it; opsagent writes it in its own files"),
    "title": ("yours", "one line that says what it is"),
    "match": ("yours", "of which failures it speaks, see below"),
    "cause": ("yours", "what is behind it, in a word"),
    "remedies": ("yours", "what to try in this order, as in `repair:`, or `tell`: `restart`, `{do: act, name: renew}`"),
    "occurrences": ("the log's", "how often it came"),
    "first_seen": ("the log's", "when it came first (UTC)"),
    "last_seen": ("the log's", "when it came last (UTC)"),
    "verified": ("yours", "`true`: a person says that this is right; it goes before others"),
    "see_also": ("yours", "where more is written of it"),
    "pattern_key": ("yours", "kind and cause, by which failures of several hosts are sorted"),
    "status": ("yours", f"{', '.join(f'`{one}`' for one in front.STATUS)}: a retired one speaks of nothing"),
}
"""What each key means, and who decides it: what is the log's is never read, and renewed."""
MATCHES = {
    "unit": "the unit, or the check where it names none; `*` and `?` stand for anything, `.service` may be left out",
    "result": "systemd's Result: `exit-code`, `signal`, `oom-kill`, `timeout` …",
    "exit": "the exit status or the signal of its main process: `1`, `203`, `SIGKILL`",
    "cause": "a [cause](causes.md), or the failure class of the check: `disk-full`, `refused`",
    "log": "an expression ([RE2](https://github.com/google/re2/wiki/Syntax)) that is found in a line of the evidence",
}
_OF_REMEDIES = """
Each remedy may have the keys `do` and `name`; `tried`, `worked`, `last` and `median_seconds` are the log's. The list
itself is opsagent's to renew only in a file of its own, until somebody changes `match` or `remedies`.

All keys of `match` that are given must agree, of a key's items one:

| key of `match` | agrees with |
|---|---|
"""


def text() -> str:
    """Return the page."""
    keys = (f"| `{key}` | {MEANINGS[key][0]} | {MEANINGS[key][1]} |\n" for key in fields.KEYS)
    matches = (f"| `{key}` | {MATCHES[key]} |\n" for key in front.MATCH)
    return f"{INTRODUCTION}{''.join(keys)}{_OF_REMEDIES}{''.join(matches)}"


if __name__ == "__main__":
    (HERE / "patterns.md").write_text(text(), encoding="utf-8")
