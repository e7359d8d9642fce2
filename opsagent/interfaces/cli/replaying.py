"""`replay`: what other settings would have made of the last month."""

# no `annotations` from __future__ in the files of commands: typer reads them when the program runs
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from opsagent.core.text import visible
from opsagent.core.timing import iso
from opsagent.interfaces.cli import clock, daemon, past, place
from opsagent.interfaces.cli.clock import Wall
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.place import Place
from opsagent.interfaces.cli.reading import span
from opsagent.interfaces.cli.screen import USAGE, fail, say, say_json, table, warn

A_SECOND = timedelta(seconds=1)


def replay(
    settings: Annotated[Path, typer.Option("--settings", metavar="FILE", help="The settings to try.")],
    *,
    since: Annotated[
        str, typer.Option(metavar="DURATION|DATE", help="How far back: 30d, 2h, or a date such as 2026-03-01.")
    ] = "30d",
    until: Annotated[str, typer.Option(metavar="DURATION|DATE", help="Up to when, as --since; default: now.")] = "",
    json_: Json = False,
    config: Config = None,
) -> None:
    """Try other settings on what was recorded. Tells which incidents, repairs and pages would differ."""
    from opsagent.interfaces import replaying  # noqa: PLC0415 - the whole core and its stores

    where = place.find(config)
    now = clock.now()
    end = now - span(until, where) if until else now
    wanted = place.load(Place(settings=settings, state=where.state, socket=where.socket), draft=True)
    begin = now - span(since, where)
    if end - begin < A_SECOND:
        fail("cannot replay less than a second, allowed: a --since that lies before now and before --until", USAGE)
    try:
        with _progress(begin, end) as tell:
            found = replaying.replayed(where, past.all_rows(where), wanted, (begin, end), tell)
    except FileNotFoundError as error:
        fail(str(error))
    if json_:
        say_json(found)
    else:
        _print(found, daemon.wall(where))


@contextmanager
def _progress(begin: datetime, end: datetime) -> Iterator[Callable[[datetime], object]]:
    """Yield what tells a person at a terminal how far it has come; the line is gone at the end."""
    if not sys.stderr.isatty():
        yield bool
        return

    def tell(at: datetime) -> None:
        write(f"{100 * ((at - begin) / (end - begin)):3.0f} % of the record, {iso(at)[:16]}")

    def write(text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    write("the record is read")
    try:
        yield tell
    finally:
        write("")


def _print(found: dict[str, Any], wall: Wall) -> None:
    rows = [(wall.shown(one["at"]), one["check"], _label(one), "; ".join(one["how"])) for one in found["differences"]]
    if rows:
        table(("at", "what", "incident", "how"), [tuple(map(visible, row)) for row in rows], wide="how")
    else:
        say("nothing would differ")
    before, after = found["before"], found["after"]
    counts = [f"{before[name]} {name} before, {after[name]} after" for name in ("incidents", "repairs", "pages")]
    say(f"{wall.shown(found['since'])} to {wall.shown(found['until'])} {wall.zone}: {'; '.join(counts)}")
    for note in found["notes"]:
        warn(visible(note["text"]))
    if found["assumed"]:
        warn(f"{found['assumed']} repairs are on no record: {found['rule']}")


def _label(one: dict[str, Any]) -> str:
    return one["before"]["label"] if one["before"] else "-"
