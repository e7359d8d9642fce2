"""What the commands print: tables and lines for people, JSON for programs, one clear line for an error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from opsagent.core.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

FAILED = 1
USAGE = 2
WIDE = 220
"""Columns where the output is no terminal: a table in a pipe is not folded."""
GAP = 3
LEAST = 24
"""Columns between two cells, and those that the cell which may be folded needs at least."""
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


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], wide: str) -> None:
    """Print a table; `wide` is the column that may be folded. Colours only on a terminal, words are never markup.

    On a terminal too narrow for the table each row is a few lines: what stands before `wide`, then the rest, indented.
    """
    from rich.console import Console  # noqa: PLC0415 - half of the time `status --json` takes
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else WIDE)
    shown = [[Text(visible(cell), style=STYLES.get(cell, "")) for cell in row] for row in rows]
    if _fits(columns, shown, wide, console.width):
        console.print(_grid(columns, shown, wide))
        return
    for row in shown:
        console.print(*_lines(row, list(columns).index(wide)), sep="\n")


def _fits(columns: Sequence[str], rows: Sequence[Sequence[Text]], wide: str, width: int) -> bool:
    longest = [max([len(name), *(len(row[at]) for row in rows)]) for at, name in enumerate(columns)]
    fixed = sum(GAP + length for name, length in zip(columns, longest, strict=True) if name != wide)
    return fixed + min(LEAST, longest[list(columns).index(wide)]) <= width


def _grid(columns: Sequence[str], rows: Iterable[Sequence[Text]], wide: str) -> Table:
    from rich import box  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        made.add_column(name, no_wrap=name != wide, overflow="fold" if name == wide else "ellipsis")
    for row in rows:
        made.add_row(*row)
    return made


def _lines(row: Sequence[Text], wide: int) -> list[RenderableType]:
    from rich.padding import Padding  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415

    return [Text("  ").join(row[:wide]), *(Padding(cell, (0, 0, 0, 4)) for cell in row[wide:] if cell)]
