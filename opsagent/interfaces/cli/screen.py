"""What the commands print: tables and lines for people, JSON for programs, one clear line for an error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from opsagent.core.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FAILED = 1
USAGE = 2
WIDE = 220
"""Columns where the output is no terminal: a table in a pipe is not folded."""
STYLES = {
    "ok": "green",
    "warning": "yellow",
    "warn": "yellow",
    "critical": "bold red",
    "red": "bold red",
    "unknown": "magenta",
    "resolved": "green",
    "closed": "dim",
    "verifying": "cyan",
    "repairing": "yellow",
    "paged": "bold red",
    "SEV1": "bold red",
}
"""The colours of words that say how bad it is; any other word has none."""


def say(text: str) -> None:
    """Print one line or several."""
    typer.echo(text)


def say_json(value: Any) -> None:
    """Print JSON; ASCII, so that no terminal and no locale can spoil it."""
    typer.echo(json.dumps(value, indent=2))


def warn(text: str) -> None:
    """Print a remark for people, beside the answer."""
    typer.echo(text, err=True)


def fail(text: str, code: int = FAILED) -> NoReturn:
    """End with one clear line on stderr."""
    typer.echo(f"opsagent: {text}", err=True)
    raise typer.Exit(code)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], wide: str = "") -> None:
    """Print a table; `wide` is the column that may be folded. Colours only on a terminal, words are never markup."""
    from rich import box  # noqa: PLC0415 - half of the time `status --json` takes
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        made.add_column(name, no_wrap=name != wide, overflow="fold" if name == wide else "ellipsis")
    for row in rows:
        made.add_row(*(Text(visible(cell), style=STYLES.get(cell, "")) for cell in row))
    width = None if sys.stdout.isatty() else WIDE
    Console(highlight=False, markup=False, emoji=False, width=width).print(made)
