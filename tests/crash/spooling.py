"""Another thing to kill: commands put into the spool, and taken in from it as events, once each."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from opsagent.core.log_row import NewRow
from opsagent.store import spool
from opsagent.store.opening import open_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 11, 21, tzinfo=UTC)
COMMANDS = 3


def prepare(directory: Path) -> None:
    """Make the folders that are there before."""
    (directory / "state" / "spool").mkdir(parents=True)


def body(number: int) -> str:
    return json.dumps({"v": 1, "at": NOW.isoformat(), "number": number, "x": "y" * 300})


def put(directory: Path, say: Callable[[str], None]) -> int:
    """Put commands into the spool, each promised once it is there."""
    for number in range(COMMANDS):
        say(f"put {spool.write(directory / 'state' / 'spool', body(number)).stem}")
    return 0


def put_naively(directory: Path, say: Callable[[str], None]) -> int:
    """Put commands there by rename, and trust that a name lasts without a sync of its directory."""
    for number in range(COMMANDS):
        path = directory / "state" / "spool" / f"{uuid4()}.json"
        with path.with_suffix(".tmp").open("w") as file:
            file.write(body(number))
            file.flush()
            os.fsync(file.fileno())
        path.with_suffix(".tmp").rename(path)
        say(f"put {path.stem}")
    return 0


def prepare_full(directory: Path) -> None:
    """Put commands there that wait for the daemon."""
    prepare(directory)
    put(directory, lambda _: None)


def take_in(directory: Path, say: Callable[[str], None]) -> int:
    """Make an event of each waiting command, then take its file away."""
    log = open_log(directory / "state" / "events.db", host="h", boot="b", now=NOW).log
    for waiting in spool.read(directory / "state" / "spool").waiting:
        if not log.is_spooled(waiting.uuid):
            log.append([NewRow(at=NOW, type="commanded", v=1, data=waiting.body)], NOW, spooled=[waiting.uuid])
            say(f"took {waiting.uuid}")
        spool.remove(directory / "state" / "spool", waiting)
    log.close()
    return 0


def check_put(directory: Path, lines: list[str]) -> list[str]:
    """What was promised waits, and whole."""
    found = spool.peek(directory / "state" / "spool")
    lost = {line.split()[1] for line in lines} - {file.uuid for file in found.waiting}
    torn = [bad for bad in found.refused if not bad.name.endswith(".tmp")]
    return [f"put and lost: {lost}"] * bool(lost) + [f"torn: {torn}"] * bool(torn)


def check_taken(directory: Path, _lines: list[str]) -> list[str]:
    """After the next start every command is one event, and no file is left."""
    take_in(directory, lambda _: None)
    log = open_log(directory / "state" / "events.db", host="h", boot="b", now=NOW).log
    numbers = sorted(json.loads(row.data)["number"] for row in log.replay())
    log.close()
    left = spool.peek(directory / "state" / "spool")
    wrong = [] if numbers == list(range(COMMANDS)) else [f"events of commands {numbers}"]
    return wrong + ([f"left: {left}"] if left != spool.Spool() else [])
