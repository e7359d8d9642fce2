"""Are the runbooks still true? Old ones mislead at night, and those that name units which are not here any more.

So do drafts that nobody corrected, those that do not say how to verify, and a playbook that cannot be followed.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.denied import malformed
from opsagent.core.playbook import parsing
from opsagent.host.bus import BusError, BusLostError
from opsagent.interfaces.doctor.finding import Finding, ok, warn
from opsagent.memory import guides
from opsagent.memory.layout import PLACES, RUNBOOKS, Layout
from opsagent.memory.place import WriteError
from opsagent.memory.writer import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path, PurePosixPath

    from opsagent.host.systemd import Systemd

OLD = timedelta(days=180)
MOST = 100
MOST_UNITS = 20
"""Units that are asked for, of one runbook."""
_VERIFIES = re.compile(rb"^ {0,3}#{1,6} .*(?:verif|validat|proof|confirm)", re.IGNORECASE | re.MULTILINE)
_UNIT = re.compile(rb"(?<![\w@.:\\/-])[\w@.:\\-]+\.(?:service|timer|socket)(?![\w-])")


def examine(memory: Path, layout: str, systemd: Systemd, now: datetime) -> Iterator[Finding]:
    """Look at every runbook and the playbook; nothing where there are none."""
    found = sorted(_there(memory, layout))[:MOST]
    findings = [finding for path in found for finding in _stale(memory, path, systemd, now)]
    yield from findings
    if found and not findings:
        yield ok("runbooks", f"{len(found)} read: none is older than {OLD.days} days, none names a unit that is gone")


def _there(memory: Path, layout: str) -> Iterator[PurePosixPath]:
    playbook = PLACES[Layout(layout)].playbook
    with suppress(OSError):  # that the memory is closed to us is said elsewhere
        if (memory / playbook).exists():
            yield playbook
        yield from (RUNBOOKS / path.name for path in (memory / RUNBOOKS).iterdir() if path.suffix == ".md")


def _stale(memory: Path, path: PurePosixPath, systemd: Systemd, now: datetime) -> Iterator[Finding]:
    try:
        text = guides.content(memory, path, LARGEST) or b""
    except WriteError as error:
        yield warn(f"{path}", f"cannot be read: {error}", "look at it")
        return
    yield from _of_runbook(path, text) if path.parent == RUNBOOKS else _of_playbook(path, text)
    age = now - (guides.saved_at(memory / path) or now)
    if age > OLD:
        yield warn(f"{path}", f"nobody has touched it for {age.days} days", "read it, correct it, and save it anew")
    if gone := _gone(text, systemd):
        yield warn(f"{path}", f"names {', '.join(gone)}, which is not on this host", "correct it")


def _of_runbook(path: PurePosixPath, text: bytes) -> Iterator[Finding]:
    """Say what a person still has to do."""
    if parsing.runbook(path.name, text.decode("utf-8", "replace")).is_draft:
        yield warn(f"{path}", "is a draft that waits for somebody to correct it", "correct it, and change its Status")
    elif not _VERIFIES.search(text):
        yield warn(f"{path}", "does not say how one knows that it helped", "add a section Verification")


def _of_playbook(path: PurePosixPath, text: bytes) -> Iterator[Finding]:
    """Say why it is not followed, as the daemon does in its log alone."""
    if len(text) > parsing.LARGEST:
        yield warn(f"{path}", f"is not followed: more than {parsing.LARGEST >> 10} KiB", "leave what is used at night")
    elif not parsing.sections(text.decode("utf-8", "replace")):
        yield warn(f"{path}", "is not followed: no heading has steps below it", "## Problem, then 1. `command`")


def _gone(text: bytes, systemd: Systemd) -> list[str]:
    names = sorted({name.decode("ascii", "replace") for name in _UNIT.findall(text)})
    try:
        return [name for name in names[:MOST_UNITS] if not malformed(name) and systemd.snapshot(name) is None]
    except (BusError, BusLostError):
        return []  # that systemd does not answer is a finding of its own
