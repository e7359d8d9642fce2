"""Writes cli.md beside this file from the code: `.venv/bin/python docs/reference/write_cli.py`."""  # noqa: INP001 - a program, not a module of a package

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

import typer  # noqa: E402 - found like the tree this file stands in

from opsagent.interfaces.cli import COMMANDS, build  # noqa: E402 - the tree this file stands in, not an installed one

HEAD = """\
# The command line

Every command but `run` takes `--json` ([what it prints](json.md); `settings schema` prints nothing else); times on the
screen are of one zone, that of the settings, and say which. `--config FILE` or `$OPSAGENT_CONFIG` names the instance;
without either it is the host's own (`/etc/opsagent`), else this user's.
Exit status 0: done; 1: refused or failed, one line on stderr says why; 2: wrong words. `check` and `doctor` have
their own.

While the daemon is down, commands that change something wait in the spool and are carried out once, at its start.
"""


def text() -> str:
    """Return the reference of all commands, in the order of the help."""
    program: Any = typer.main.get_command(build(COMMANDS))
    parts = [HEAD]
    for name in COMMANDS:
        command = program.commands[name]
        inner = getattr(command, "commands", None)
        parts += [_section(f"{name} {one}", inner[one]) for one in inner] if inner else [_section(name, command)]
    return "\n".join(parts)


def _section(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "config"]
    usage = " ".join([f"opsagent {name}", *(_argument(one) for one in arguments), *(["[OPTIONS]"] if options else [])])
    rows = [_row(_argument(one), _help(one)) for one in arguments]
    rows += [_row(_option(one), _help(one)) for one in options]
    table = ["| | |", "|---|---|", *rows] if rows else []
    return "\n".join(
        [f"## {usage.partition(' [OPTIONS]')[0]}", "", str(command.help), "", *table, *([""] if rows else [])]
    )


def _row(name: str, text: str) -> str:
    """Return a row of a table, in which a bar would begin the next cell, even within code."""
    return "| `{}` | {} |".format(name.replace("|", "\\|"), text.replace("|", "\\|"))


def _argument(one: Any) -> str:
    name = one.metavar or one.name.upper()
    return name if one.required else f"[{name}]{'…' if one.nargs < 0 else ''}"


def _option(one: Any) -> str:
    names = "/".join([*one.opts, *one.secondary_opts])
    return names if one.is_flag else f"{names} {one.metavar or 'TEXT'}"


def _help(one: Any) -> str:
    needed = " Required." if one.required and one.param_type_name == "option" else ""
    return f"{one.help or ''}{needed}"


if __name__ == "__main__":
    (HERE / "cli.md").write_text(text(), encoding="utf-8")
