"""The command line: one file for each group of commands, each thin; the work is done elsewhere.

Only the file of the command that is asked for is imported, for `status` is asked often and must answer at once.
"""

import importlib
import os
import sqlite3
import sys
from collections.abc import Iterable
from keyword import iskeyword
from typing import Annotated

import typer

from opsagent import __version__
from opsagent.core.log_row import StoreError
from opsagent.interfaces.cli import place
from opsagent.interfaces.cli.screen import FAILED, say, warn

COMMANDS = {
    "run": "service",
    "check": "checking",
    "status": "reading",
    "why": "reading",
    "incidents": "reading",
    "show": "reading",
    "failures": "failures",
    "metrics": "measuring",
    "environment": "environment",
    "ack": "acting",
    "resolve": "acting",
    "pause": "acting",
    "repair": "acting",
    "approve": "acting",
    "trust": "trusting",
    "note": "acting",
    "raise": "reporting",
    "change": "changing",
    "changes": "changing",
    "jobs": "jobs",
    "ping": "jobs",
    "job": "jobs",
    "review": "reviewing",
    "rehearse": "rehearsing",
    "replay": "replaying",
    "init": "setting",
    "validate": "setting",
    "settings": "setting",
    "doctor": "doctoring",
    "backup": "backing",
    "notify": "notifying",
    "memory": "remembering",
    "install": "service",
    "version": "service",
}
"""Every command, in the order of the help, with the file it lives in; a group of commands is a `Typer` of its name."""
HELP = "The on-call engineer that lives on this host: watches, repairs inside guard rails, remembers, wakes people."


def build(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the program with these commands."""
    app = typer.Typer(
        name="opsagent",
        help=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # a wrong word is answered in lines, not in a box
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(instance)
    for name in names:
        found = getattr(
            importlib.import_module(f"{__name__}.{COMMANDS[name]}"), f"{name}_" if iskeyword(name) else name
        )
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def _version(value: bool) -> None:  # noqa: FBT001 - so typer calls it
    if value:
        say(f"opsagent {__version__}")
        raise typer.Exit


def instance(
    config: Annotated[str | None, typer.Option("--config", metavar="FILE", help="Settings of the instance.")] = None,
    *,
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_version, help="As `version`.")] = False,
) -> None:
    """Say once, before any command, which instance is meant."""
    del version
    if config:
        os.environ[place.ENVIRONMENT] = config


def main() -> None:
    """Run one command; its exit status is the program's."""
    try:
        _run(sys.argv[1:])
    except (StoreError, sqlite3.Error) as error:  # it is only just being made, its disk is full, or it is damaged
        warn(f"opsagent: cannot read the event log now: {error}")
        sys.exit(FAILED)
    except BrokenPipeError:  # whoever read this has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
        sys.exit(FAILED)


def _run(asked: list[str]) -> None:
    if asked in (["status"], ["status", "--json"]):
        _status(as_json=asked[1:] == ["--json"])
        return
    words = [word for word in asked if word in COMMANDS]
    complete = "_OPSAGENT_COMPLETE" in os.environ
    build(words[:1] if words and not complete else COMMANDS)()


def _status(*, as_json: bool) -> None:
    """Answer what is asked most without the tenth of a second that typer takes to read two words."""
    from opsagent.interfaces.cli import reading  # noqa: PLC0415 - imported only when asked for, as every command

    try:
        reading.status(json_=as_json)
    except typer.Exit as end:
        sys.exit(end.exit_code)
