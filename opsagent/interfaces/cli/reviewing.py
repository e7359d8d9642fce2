"""`review`: what the last daily review of the logs found, or one now."""

from typing import Annotated, Any

import typer

from opsagent.core.commands import ReviewNow
from opsagent.core.text import visible
from opsagent.interfaces.cli import daemon, past, place
from opsagent.interfaces.cli.clock import Wall
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.screen import say, say_json, table, warn


def review(
    *,
    now: Annotated[bool, typer.Option("--now", help="Review what came since the last one; it takes a moment.")] = False,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Show the last review of the logs. Warnings and errors by kind: new ones, more than usual, the most frequent."""
    where = place.find(config)
    if now:
        daemon.change(where, ReviewNow(by=daemon.who()), as_json=json_)
        return
    found = past.review(where)
    if json_:
        say_json(found)
        return
    wall = daemon.wall(where)
    if found is None:
        say("the logs were not reviewed yet; that is done once a day, or now by: opsagent review --now")
    else:
        _print(found, wall)
    daemon.remind(daemon.pending(where), wall)


def _print(found: dict[str, Any], wall: Wall) -> None:
    if found["trouble"]:
        warn(f"{wall.shown(found['at'])} {wall.zone}: the logs could not be reviewed: {visible(found['trouble'], 300)}")
        return
    usual = f", {found['usual']} lines are usual" if found["usual"] is not None else ""
    new = "first review, nothing to compare with" if found["first"] else f"{found['new_kinds']} new"
    counts = f"{found['errors']} errors, {found['warnings']} warnings{usual}; {found['kinds']} kinds, {new}"
    say(f"{wall.shown(found['since'])} to {wall.shown(found['until'])} {wall.zone}: {counts}")
    rows = [(name, *_row(one)) for name in ("new", "more", "most") for one in found[name]]
    if rows:
        table(("", "source", "priority", "count", "usual", "text"), rows, wide="text")
    for one in found["missed"]:
        warn(f"not read: {visible(one, 300)}")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return visible(one["source"], 60), one["priority"], str(one["count"]), str(one["usual"]), visible(one["text"], 300)
