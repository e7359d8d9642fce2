"""Two days of a real host's logs (recording/record.py tells how they were made), as journalctl and files gave them."""

from __future__ import annotations

import functools
import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = dict[str, Any]
DAY = timedelta(days=1)
BEGIN = datetime(2026, 11, 16, 6, 30, tzinfo=UTC)
"""07:30 in Berlin; the second day is the one with something new."""


@functools.cache
def everything() -> list[Row]:
    """Return everything, the oldest first: entries of the journal, and lines of files (`file`, `line`)."""
    with gzip.open(Path(__file__).with_name("days.jsonl.gz"), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def journal(arguments: Sequence[str], _: timedelta = DAY, rows: list[Row] | None = None) -> Iterator[dict[str, Any]]:
    """Answer as journalctl does, of what we ask it: a stretch, how bad, how many."""
    asked = dict(argument.lstrip("-").partition("=")[::2] for argument in arguments)
    since, until = (float(asked.get(name, "@inf")[1:]) for name in ("since", "until"))
    found = [
        {**row, "__REALTIME_TIMESTAMP": str(row["at"] * 10**6)}
        for row in rows or everything()
        if "file" not in row and since <= row["at"] <= until and _is_wanted(row, asked)
    ]
    return iter(found[: int(asked["lines"])])


def _is_wanted(row: Row, asked: dict[str, str]) -> bool:
    if asked.get("priority") == "warning":
        return int(row.get("PRIORITY", 8)) <= 4
    matches = (name for name in ("PRIORITY", "_TRANSPORT") if name in asked)
    found = re.search(asked.get("grep", ""), row.get("MESSAGE", ""), re.IGNORECASE)
    return found is not None and all(row.get(name) == asked[name] for name in matches)


def append_files(folder: Path, day: int, rows: list[Row] | None = None) -> None:
    """Write into a folder what the services wrote into their log files on that day."""
    begin, end = ((BEGIN + number * DAY).timestamp() for number in (day, day + 1))
    for row in rows or everything():
        if "file" in row and begin <= row["at"] < end:
            with (folder / Path(row["file"]).name).open("a", encoding="utf-8") as file:
                file.write(f"{row['line']}\n")
