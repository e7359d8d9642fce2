"""How long work stood still for want of something, as the kernel counts it for the host and for each control group."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def average(path: Path, kind: str) -> float | None:
    """Return how much of the last 10 s, in percent, by the line `some` or `full` of a pressure file; None if unread."""
    try:
        lines = path.read_text().splitlines()
        line = next(line for line in lines if line.startswith(f"{kind} avg10="))
        return float(line.split()[1].removeprefix("avg10="))
    except (OSError, ValueError, StopIteration):
        return None
