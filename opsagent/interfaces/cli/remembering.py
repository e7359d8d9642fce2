"""`memory`: write again what is missing of the Markdown; take a secret out of the log."""

from datetime import date
from typing import Annotated

import typer

from opsagent.core.codec import Recorded, decode
from opsagent.core.log_row import StoreError
from opsagent.interfaces.cli import clock, daemon, place
from opsagent.interfaces.cli.options import Because, Config, Json
from opsagent.interfaces.cli.past import all_rows
from opsagent.interfaces.cli.screen import FAILED, USAGE, fail, say, say_json
from opsagent.store.lock import LockedError

memory = typer.Typer(help="The Markdown memory and the log behind it.", no_args_is_help=True)


@memory.callback()
def what() -> None:
    """The Markdown memory and the log behind it."""


@memory.command()
def rebuild(
    *,
    day: Annotated[str, typer.Option("--date", metavar="YYYY-MM-DD", help="Only this local day; default: all.")] = "",
    json_: Json = False,
    config: Config = None,
) -> None:
    """Write again what is missing of the memory, from the log. What is there, people's words too, stays untouched."""
    from opsagent.memory.memory import Memory  # noqa: PLC0415 - the whole of the reports
    from opsagent.redact import Redactor  # noqa: PLC0415

    where = place.find(config)
    only = _date(day) if day else None
    settings = place.load(where)
    rows = all_rows(where)
    recorded = (
        Recorded(seq=row.seq, at=row.at, event=decode(row.type, row.data), incident=row.incident) for row in rows
    )
    redact = Redactor(settings.secrets).redact
    kept = Memory(settings.memory, layout=settings.layout, host=settings.host, redact=redact)
    done = kept.rebuild(recorded, date=only)
    if json_:
        counts = {"written": done.written, "present": done.present}
        say_json({"memory": str(settings.memory), **counts, "trouble": done.trouble or None})
        raise typer.Exit(FAILED if done.trouble else 0)
    say(f"{settings.memory}: {done.written} entries written again, {done.present} were there")
    if done.trouble:
        fail(f"some could not be written: {done.trouble}")


@memory.command()
def purge(
    seq: Annotated[
        int, typer.Argument(min=1, metavar="SEQ", help="The event's number: <!-- opsagent:NUMBER --> in the memory.")
    ],
    *,
    because: Because,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Take a secret out of the log: an event's content is replaced by its hash. The daemon must be stopped."""
    from opsagent.interfaces import purging  # noqa: PLC0415 - the writing store, which only this command needs

    where = place.find(config)
    settings = place.load(where)
    try:
        done = purging.purge(where.state, settings.memory, seq, because, by=daemon.who(), at=clock.now())
    except (LookupError, LockedError, StoreError, OSError) as error:
        fail(str(error.args[0] if isinstance(error, LookupError) else error))
    suspects = (*done.copies, *done.markdown)
    if json_:
        say_json({"event": seq, "sha256": done.sha256, "may_hold_it_too": [str(path) for path in suspects]})
        return
    say(f"event {seq} is purged; what is kept of it: sha256 {done.sha256}")
    for path in suspects:
        say(f"may still hold it, look yourself: {path}")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"cannot read --date {text!r}, allowed: a day such as 2026-03-01", USAGE)
