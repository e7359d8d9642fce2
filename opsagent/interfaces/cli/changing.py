"""`change`, `changes`: what people and their tools report of their changes, and what was found to be changed."""

from typing import Annotated, Any

import typer

from opsagent.core.asking import ChangesAsked
from opsagent.core.commands import ReportChange
from opsagent.core.text import visible
from opsagent.interfaces.cli import daemon, past, place
from opsagent.interfaces.cli.clock import Wall
from opsagent.interfaces.cli.options import Config, Json, Limit
from opsagent.interfaces.cli.reading import span
from opsagent.interfaces.cli.screen import fail, say, say_json, table


def change(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is changed, such as 'api 2.3'.")],
    *,
    unit: Annotated[
        str, typer.Option(metavar="UNIT", help="The unit, or a check of it: no repair of it for a while.")
    ] = "",
    kind: Annotated[str, typer.Option(metavar="KIND", help="deploy, config, migration or rollback.")] = "deploy",
    json_: Json = False,
    config: Config = None,
) -> None:
    """Report a change before or after you make it. It is remembered, and its unit is not repaired while you work."""
    where = place.find(config)
    daemon.change(where, ReportChange(by=daemon.who(), text=text, unit=unit, change=kind), as_json=json_)


def changes(
    *,
    since: Annotated[
        str, typer.Option(metavar="DURATION|DATE", help="How far back: 24h, 7d, or a date such as 2026-03-01.")
    ] = "24h",
    limit: Limit = 1000,
    json_: Json = False,
    config: Config = None,
) -> None:
    """List what others changed on this host, oldest first: packages, files, reboots, logins, reported changes."""
    where = place.find(config)
    asked = ChangesAsked(since=span(since, where), limit=limit)
    found = past.changes(where, asked)
    if found is None:
        found = daemon.question(where, asked)
    if found is None:
        fail(f"cannot read {where.log} as {daemon.who()}, and {daemon.DOWN}; allowed: members of the group opsagent")
    if json_:
        say_json(found)
        return
    wall = daemon.wall(where)
    if found:
        table(("at", "kind", "subject", "what", "by", "units"), [_row(one, wall) for one in found], wide="what")
        say(wall.said)
    else:
        say(f"no changes in {since}")
    daemon.remind(daemon.pending(where), wall)


def _row(one: dict[str, Any], wall: Wall) -> tuple[str, ...]:
    subject, what = visible(one["subject"], 80), visible(one["what"], 200) or "-"
    return (wall.shown(one["at"]), one["kind"], subject, what, one["by"] or "-", ", ".join(one["units"]) or "-")
