"""What a bench found: tables for the screen and for docs/performance.md, and promises with the figure that was met."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


PROMISE = ("promise", "figure", "measured", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise: what was promised, what was measured, whether that is met, and why not."""

    what: str
    promised: str
    measured: str
    met: bool
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one bench found. `how` says in a few sentences what was done, so that others can do it again."""

    name: str
    how: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    promises: tuple[Promise, ...] = ()
    notes: tuple[str, ...] = field(default=())


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns also line up on a screen."""
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (head, *rows)
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def section(result: Result) -> str:
    """Return a bench's part of the document."""
    notes = "".join(f"\n- {note}" for note in result.notes)
    return f"## {result.name}\n\n{result.how}\n\n{table(result.head, result.rows)}\n" + (f"{notes}\n" if notes else "")


def promises(results: Sequence[Result]) -> str:
    """Return the promises as one table."""
    return table(PROMISE, list(_kept(results).values()))


def _kept(results: Sequence[Result]) -> dict[str, tuple[str, ...]]:
    every = [promise for result in results for promise in result.promises]
    return {
        one.what: (one.what, one.promised, one.measured, "met" if one.met else f"missed: {one.because}")
        for one in every
    }


def document(results: Sequence[Result], at: datetime, versions: str, old: str = "") -> str:
    """Return docs/performance.md: these results, and from the old page what was not measured again."""
    parts = dict(part.split("\n", 1) for part in old.split("\n## ")[1:])
    found = (line.strip("| ").split(" | ") for line in parts.pop("Promises", "").splitlines()[3:] if line)
    rows = {cells[0].strip(): tuple(cell.strip() for cell in cells) for cells in found} | _kept(results)
    for result in results:
        measured = f"Measured on {at:%Y-%m-%d} at {at:%H:%M} UTC, load {os.getloadavg()[1]:.1f}."
        parts[result.name] = section(result).partition("\n")[2].rstrip("\n") + f"\n\n{measured}\n"
    return "\n".join(
        [
            "# Performance\n",
            "Measured by `make bench`; `python -m bench --write` renews this page, with a NAME that part of it.",
            f"Machine: {machine()}. {versions}\n",
            "Wall times depend on what else the machine does. A peer did the same in the same run: look at ratios.\n",
            "## Promises\n",
            table(PROMISE, list(rows.values())) + "\n",
            *(f"## {name}\n{text}" for name, text in parts.items()),
        ]
    )


def machine() -> str:
    """Return what this machine is."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    memory = next((int(line.split()[1]) >> 20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    debian = Path("/etc/debian_version").read_text().strip() if Path("/etc/debian_version").exists() else "?"
    kernel = platform.release()
    return f"{os.cpu_count()} cores ({model}), {memory} GiB, Debian {debian}, Linux {kernel}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    """Return the value that 95 of 100 do not pass; of few values the largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-95 * len(ordered) // 100) - 1)]


def millis(seconds: float) -> str:
    """Return seconds as a short text."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def spread(values: Sequence[float]) -> str:
    """Return median and 95th percentile."""
    return f"{millis(median(values))} / {millis(p95(values))}"


def progress(text: str) -> None:
    """Say on the screen what is being done, on one line that the next replaces."""
    print(f"\r\x1b[K  {text}", end="", flush=True)


def clear() -> None:
    """Remove the line of progress."""
    print("\r\x1b[K", end="", flush=True)
