"""`trust`: what a remedy may do without a question, by people's word."""

# no `annotations` from __future__ in the files of commands: typer reads them when the program runs
from typing import Annotated, Any

import typer

from opsagent.core.asking import TrustAsked
from opsagent.core.commands import Trust
from opsagent.interfaces.cli import daemon, past, place
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.place import Place
from opsagent.interfaces.cli.screen import USAGE, fail, say, say_json, table


def trust(
    check: Annotated[str, typer.Argument(metavar="[CHECK]", help="A check, or its unit; none lists all.")] = "",
    remedy: Annotated[
        list[str] | None, typer.Argument(metavar="[REMEDY]", help="One of its allowed remedies, such as restart.")
    ] = None,
    *,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; kept with the record.")] = "",
    revoke: Annotated[bool, typer.Option("--revoke", help="Ask a person again before it goes out.")] = False,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Let a remedy go out unasked. Lifts `suggest` for one unit and remedy, never `observe`; alone it lists all."""
    where = place.find(config)
    if not check:
        _list(where, as_json=json_)
        return
    if not remedy:
        fail(f"cannot trust everything, write: opsagent trust {check} restart", USAGE)
    command = Trust(by=daemon.who(), check=check, remedy=" ".join(remedy), because=because, revoke=revoke)
    daemon.change(where, command, as_json=json_)


def _list(where: Place, *, as_json: bool) -> None:
    found = daemon.question(where, TrustAsked())
    found = past.trusted(where) if found is None else found
    if as_json:
        say_json(found)
        return
    wall = daemon.wall(where)
    if not found:
        say("no remedies: no check has any in its `repair:`")
    else:
        table(("check", "remedy", "mode", "approved", "because"), [_row(one) for one in found], wide="because")
    daemon.remind(daemon.pending(where), wall)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    worked = f"worked {one['worked']} of {one['worked']}" if one["worked"] else "-"
    return (one["check"], one["remedy"], one["mode"], worked, one["because"])
