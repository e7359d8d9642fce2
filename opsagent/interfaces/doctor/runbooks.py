"""Are the runbooks still true? Old ones, and those that name units which are not here any more, mislead at night."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.denied import malformed
from opsagent.host.bus import BusError, BusLostError
from opsagent.interfaces.doctor.finding import Finding, ok, warn
from opsagent.memory.layout import PLACES, RUNBOOKS, Layout
from opsagent.memory.writer import WriteError, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path, PurePosixPath

    from opsagent.host.systemd import Systemd

OLD = timedelta(days=180)
MOST = 100
MOST_UNITS = 20
"""Units that are asked for, of one runbook."""
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
        text = Writer(memory).read(path) or b""
        age = now - datetime.fromtimestamp((memory / path).lstat().st_mtime, UTC)
    except (WriteError, OSError) as error:
        yield warn(f"{path}", f"cannot be read: {error}", "look at it")
        return
    if age > OLD:
        yield warn(f"{path}", f"nobody has touched it for {age.days} days", "read it, correct it, and save it anew")
    if gone := _gone(text, systemd):
        yield warn(f"{path}", f"names {', '.join(gone)}, which is not on this host", "correct it")


def _gone(text: bytes, systemd: Systemd) -> list[str]:
    names = sorted({name.decode("ascii", "replace") for name in _UNIT.findall(text)})
    try:
        return [name for name in names[:MOST_UNITS] if not malformed(name) and systemd.snapshot(name) is None]
    except (BusError, BusLostError):
        return []  # that systemd does not answer is a finding of its own
