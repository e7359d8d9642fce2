"""What happens on disks that are really full, out of inodes or read-only: run inside a mount of its own.

`python -m tests.crash.disks full /mnt` prints what was found as JSON; each scenario names what must have struck.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from opsagent.core.log_row import Batch, NewRow, StoreError
from opsagent.core.observation import Status
from opsagent.memory.writer import WriteError, Writer
from opsagent.store import spool
from opsagent.store.opening import open_log
from opsagent.store.pending import Pending
from opsagent.store.reader import Reader
from opsagent.store.samples import Samples

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = PurePosixPath("2026-11-21.md")
BODY = '{"v": 1, "at": "2026-11-21T00:00:00Z"}'


def turn(number: int) -> Batch:
    return Batch(at=NOW, rows=(NewRow(at=NOW + timedelta(seconds=number), type="seen", v=1, data=f'"{"x" * 2000}"'),))


def fill(place: Path) -> Path:
    """Take every byte that is left."""
    filler = place / "filler"
    handle = os.open(filler, os.O_CREAT | os.O_WRONLY, 0o600)
    for size in (1 << 16, 1 << 12, 1):
        try:
            while os.write(handle, b"x" * size):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    os.close(handle)
    return filler


def full(place: Path) -> dict[str, Any]:
    """Run on while the disk is full, and go on when it is not."""
    (place / "memory").mkdir()
    log = open_log(place / "events.db", host="h", boot="b", now=NOW).log
    pending, memory = Pending(log), Writer(place / "memory")
    given = pending.commit_or_hold(turn(0))
    memory.append(DAY, 1, "first")
    had_ballast = log.has_ballast()
    filler = fill(place)
    for number in range(1, 1500):
        given += pending.commit_or_hold(turn(number))
    on_ballast = len(tuple(log.replay())) - 1
    markdown = refusal(lambda: memory.append(DAY, 2, "second " * 1000))
    spooled = refusal(lambda: spool.write(place, BODY))
    held, dropped, trouble = len(pending), pending.dropped, pending.trouble
    filler.unlink()
    flushed = pending.flush(NOW)
    memory.append(DAY, 2, "second " * 1000)
    same = tuple(log.replay()) == given
    restored = log.restore_ballast()
    log.close()
    return {
        "had_ballast": had_ballast,
        "recorded_on_ballast": on_ballast,
        "held": held,
        "dropped": dropped,
        "trouble": trouble and trouble.kind,
        "markdown": markdown,
        "spooled": spooled,
        "flushed": flushed,
        "same": same,
        "restored": restored,
        "entries": (place / "memory" / DAY).read_text().count("<!-- opsagent:"),
        "whole": (place / "memory" / DAY).read_text().count("second ") == 1000,
    }


def inodes(place: Path) -> dict[str, Any]:
    """Events go on when no file can be made; new files are made when they can be."""
    (place / "memory").mkdir()
    log = open_log(place / "events.db", host="h", boot="b", now=NOW).log
    pending, memory = Pending(log), Writer(place / "memory")
    files = []
    try:
        for number in range(1000):
            files.append(place / f"file-{number}")
            files[-1].touch()
    except OSError as error:
        struck = error.errno == errno.ENOSPC
    rows = [row for number in range(200) for row in pending.commit_or_hold(turn(number))]
    markdown = refusal(lambda: memory.append(DAY, 1, "first"))
    spooled = refusal(lambda: spool.write(place, BODY))
    for file in files:
        file.unlink(missing_ok=True)
    memory.append(DAY, 1, "first")
    spool.write(place, BODY)
    same = list(log.replay()) == rows
    log.close()
    return {"struck": struck, "held": len(pending), "same": same, "markdown": markdown, "spooled": spooled}


def readonly(place: Path) -> dict[str, Any]:
    """A state directory that became read-only: it can be read, says clearly that it cannot be written, and heals."""
    log = open_log(place / "events.db", host="h", boot="b", now=NOW).log
    rows = log.append(turn(0).rows, NOW)
    log.close()
    Samples.open(place / "samples.db", NOW).close()
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    written = refusal(lambda: write(place))
    kept = refusal(lambda: look(place))
    spooled = refusal(lambda: spool.write(place, BODY))
    with Reader.open(place / "events.db") as reader:
        read = reader.events() == rows
    subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
    again = open_log(place / "events.db", host="h", boot="b", now=NOW)
    same = tuple(again.log.replay()) == rows and again.set_aside is None
    again.log.close()
    return {"written": written, "samples": kept, "spooled": spooled, "read": read, "same": same}


def write(place: Path) -> None:
    log = open_log(place / "events.db", host="h", boot="b", now=NOW).log
    try:
        log.append(turn(1).rows, NOW)
    finally:
        log.close()


def look(place: Path) -> None:
    samples = Samples.open(place / "samples.db", NOW)
    samples.add("api", NOW, Status.OK, None, None)
    samples.flush(NOW)


def refusal(act: Any) -> str:
    """Return how an act was refused: the kind of trouble, or "refused" for Markdown; nothing when it was not."""
    try:
        act()
    except StoreError as error:
        return error.kind
    except WriteError:
        return "refused"
    return ""


if __name__ == "__main__":
    scenario = {"full": full, "inodes": inodes, "readonly": readonly}[sys.argv[1]]
    sys.stdout.write(json.dumps(scenario(Path(sys.argv[2]))) + "\n")
