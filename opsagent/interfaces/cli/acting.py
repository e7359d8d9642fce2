"""`ack`, `resolve`, `pause`, `repair`, `approve`, `note`: what people tell the daemon to do."""

from datetime import timedelta
from typing import Annotated

import typer

from opsagent.core.commands import Acknowledge, Approve, Note, Pause, RepairNow, Resolve, Resume
from opsagent.core.quantity import duration
from opsagent.interfaces.cli import daemon, place
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.reading import resolved
from opsagent.interfaces.cli.screen import USAGE, fail

Incident = Annotated[str, typer.Argument(metavar="INCIDENT", help="OPS-20260301-001, or 001 for today's.")]


def ack(
    incident: Incident,
    *,
    lasts: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="How long you hold it, such as 5h; default by severity.")
    ] = "",
    keep_repairing: Annotated[
        bool, typer.Option("--keep-repairing", help="Repairs go on; without it they stop.")
    ] = False,
    note: Annotated[str, typer.Option(metavar="TEXT", help="A word for those who look.")] = "",
    json_: Json = False,
    config: Config = None,
) -> None:
    """Take an incident. Nobody else is told, and repairs stop. A lease: it ends, and any act of yours renews it."""
    where = place.find(config)
    command = Acknowledge(
        by=daemon.who(),
        incident=resolved(where, incident),
        lasts=_span(lasts) if lasts else None,
        keep_repairing=keep_repairing,
        note=note,
    )
    daemon.change(where, command, as_json=json_)


def resolve(
    incident: Incident,
    *,
    because: Annotated[
        str, typer.Option("--because", metavar="TEXT", help="Why; kept with the record. --force needs it.")
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Although the check still fails; it reopens at the next bad look.")
    ] = False,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Say that an incident is over. Refused while its check fails: only an observation resolves."""
    if force and not because:
        fail(
            "cannot resolve by force without a reason, write: --force --because 'the check looks at an old port'", USAGE
        )
    where = place.find(config)
    command = Resolve(by=daemon.who(), incident=resolved(where, incident), because=because, force=force)
    daemon.change(where, command, as_json=json_)


def pause(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A check, a unit, an incident's id, or `all`.")],
    *,
    lasts: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="How long, such as 2h: a pause always has an end.")
    ] = "",
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; a pause always has a reason.")] = "",
    pages: Annotated[bool, typer.Option("--pages", help="Only no pages.")] = False,
    repairs: Annotated[bool, typer.Option("--repairs", help="Only no repairs.")] = False,
    end: Annotated[bool, typer.Option("--end", help="Lift the pause now.")] = False,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Ask for quiet. No pages, no repairs, or (without either flag) neither. Watched and recorded all the same."""
    where = place.find(config)
    target = resolved(where, target) if target.upper().startswith("OPS-") else target
    if end:
        daemon.change(where, Resume(by=daemon.who(), target=target), as_json=json_)
        return
    if not lasts or not because:
        fail("cannot pause without an end and a reason, write: --for 2h --because 'moving disks'", USAGE)
    both = pages == repairs
    command = Pause(
        by=daemon.who(),
        target=target,
        lasts=_span(lasts),
        because=because,
        pages=pages or both,
        repairs=repairs or both,
    )
    daemon.change(where, command, as_json=json_)


def repair(
    check: Annotated[str, typer.Argument(metavar="CHECK", help="A check that is armed, or its unit.")],
    *,
    remedy: Annotated[
        str, typer.Option("--with", metavar="REMEDY", help="One of its allowed remedies; default the first.")
    ] = "",
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; kept with the record.")] = "",
    json_: Json = False,
    config: Config = None,
) -> None:
    """Repair now. Skips the wait between attempts; every guard and every limit still speaks."""
    where = place.find(config)
    command = RepairNow(by=daemon.who(), check=check, remedy=remedy, because=because)
    daemon.change(where, command, as_json=json_)


def approve(
    incident: Incident,
    remedy: Annotated[
        list[str] | None, typer.Argument(metavar="[REMEDY]", help="What you mean to approve; refused if it is another.")
    ] = None,
    *,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Let a suggested repair go out. Skips the wait between attempts; every guard and every limit still speaks."""
    where = place.find(config)
    command = Approve(by=daemon.who(), incident=resolved(where, incident), remedy=" ".join(remedy or ()))
    daemon.change(where, command, as_json=json_)


def note(
    incident: Incident,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What you saw or did.")],
    *,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Keep your words with an incident."""
    where = place.find(config)
    daemon.change(where, Note(by=daemon.who(), incident=resolved(where, incident), text=text), as_json=json_)


def _span(text: str) -> timedelta:
    try:
        span = duration(text)
    except ValueError as error:
        fail(f"{error} (--for)", USAGE)
    if not span:
        fail("cannot use --for 0s, allowed: longer than nothing", USAGE)
    return span
