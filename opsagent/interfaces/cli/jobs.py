"""`jobs`, `ping`, `job`: what runs by itself tells of its runs."""

# no `annotations` from __future__ in the files of commands: typer reads them when the program runs
import os
from datetime import timedelta
from typing import Annotated, Any
from uuid import uuid4

import typer

from opsagent.core.asking import JobsAsked, body
from opsagent.core.commands import Ping
from opsagent.core.text import readable
from opsagent.interfaces import client
from opsagent.interfaces.cli import clock, daemon, past, place
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.screen import say, say_json, table, warn

PATIENCE = 2.0
"""Seconds that a job may be kept waiting by a daemon that does not answer."""
Name = Annotated[str, typer.Argument(metavar="JOB", help="The name of a check of kind job.")]


def jobs(*, json_: Json = False, config: Config = None) -> None:
    """List the jobs. When each ran last, how that ended, and when it is due."""
    where = place.find(config)
    found = daemon.question(where, JobsAsked())
    found = past.jobs(where) if found is None else found
    if json_:
        say_json(found)
        return
    wall = daemon.wall(where)
    if not found:
        say("no jobs: checks of kind job are watched for runs that are left out, late, failed or never end")
    else:
        columns = ("job", "state", "schedule", "last run", "took", "due", "message")
        table(columns, [_row(one, wall) for one in found], wide="message")
        say(wall.said)
    daemon.remind(daemon.pending(where), wall)


def _row(one: dict[str, Any], wall: clock.Wall) -> tuple[str, ...]:
    took = "-" if one["seconds"] is None else f"{one['seconds']:.1f} s"
    elsewhere = one["zone"] != wall.zone and not one["schedule"].startswith("every ")
    schedule = f"{one['schedule']} {one['zone']}" if elsewhere else one["schedule"]
    started, due = wall.shown(one["started_at"]), wall.shown(one["due_at"])
    return (one["name"], one["state"], schedule, started, took, due, one["message"])


def ping(
    job: Name,
    state: Annotated[str, typer.Argument(metavar="start|ok|fail", help="It begins, has ended well, or has failed.")],
    *,
    text: Annotated[
        str, typer.Option(metavar="TEXT", help="Its last words; kept with the incident if it failed.")
    ] = "",
    run: Annotated[str, typer.Option(metavar="ID", help="Tells runs apart that overlap.")] = "",
    json_: Json = False,
    config: Config = None,
) -> None:
    """Tell of a run of a job: that it begins, that it ended well, that it failed."""
    told = Ping(by=daemon.who(), job=job, state=state, lines=readable(os.fsencode(text)), run=run)
    daemon.change(place.find(config), told, as_json=json_)


def job(
    name: Name,
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND…", help="The program and its arguments.")],
    *,
    config: Config = None,
) -> None:
    """Run a command and tell of it. In its crontab: opsagent job NAME -- COMMAND. It runs whatever becomes of us.

    Its output passes through, signals are passed on, and its exit status is this command's. Nothing is added to what
    it prints, save one line on stderr where nobody could be told how it ended: cron mails that to its owner.
    """
    from opsagent.host import wrapped  # noqa: PLC0415 - only this command runs a program

    signals, run, where = wrapped.Signals(), uuid4().hex[:12], _place(config)

    def ended(ran: wrapped.Ran) -> None:
        lasted = timedelta(seconds=ran.seconds)
        state, code = ("fail", ran.code) if ran.code else ("ok", None)
        told = Ping(by=daemon.who(), job=name, state=state, lines=ran.lines, lasted=lasted, exit_code=code, run=run)
        if trouble := _trouble(where, told):
            warn(f"opsagent: cannot tell that {name} {'failed' if ran.code else 'ended well'}: {trouble}")

    _trouble(where, Ping(by=daemon.who(), job=name, state="start", run=run))  # what is wrong is said at its end, once
    raise typer.Exit(wrapped.run(command, signals, ended))


def _place(config: str | None) -> place.Place | None:
    """Return the instance that is meant, or None where it is unclear: what was wrong has been said."""
    try:
        return place.find(config)
    except typer.Exit:
        return None


def _trouble(where: place.Place | None, told: Ping) -> str:
    """Tell the daemon, or leave word for it; return what is wrong where that fails, for it harms no job."""
    try:
        return _told(where, told) if where is not None else ""
    except Exception as error:  # noqa: BLE001 - the job is worth more than what is told of it
        return str(error)


def _told(where: place.Place, told: Ping) -> str:
    try:
        answer = client.ask(where.socket, body(told), PATIENCE)
    except client.DownError:
        return _left(where, told, daemon.DOWN)
    except client.NoAnswerError as error:
        return _left(where, told, str(error))
    return "" if answer.get("accepted") else str(answer.get("error") or answer.get("text"))


def _left(where: place.Place, told: Ping, why: str) -> str:
    try:
        daemon.put_down(where, told)
    except PermissionError:
        return f"{why}, and {told.by} cannot leave word for it, allowed: root and members of the group opsagent"
    return ""
