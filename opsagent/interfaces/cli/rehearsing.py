"""`rehearse`: what would happen if a check failed now."""

# no `annotations` from __future__ in the files of commands: typer reads them when the program runs
from typing import Annotated

import typer

from opsagent.interfaces.cli import past, place
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.screen import USAGE, fail, say, say_json

TALES = {"nothing helps": False, "the first repair works": True}


def rehearse(
    check: Annotated[str, typer.Argument(metavar="CHECK", help="A check's name, or its unit.")],
    *,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Tell what would happen if a check failed now, second by second, and act on nothing. By the log as it stands."""
    from opsagent.replay.rehearsing import folded, rehearsed  # noqa: PLC0415 - the whole core

    world = past.world(place.find(config))
    found = world.policy.named(check)
    if not found:
        fail(f"cannot find check {check!r}; known: {', '.join(one.name for one in world.policy.checks)}", USAGE)
    one = next((each for each in found if each.repair), found[0])
    tales = {name: rehearsed(world, one, helps=helps) for name, helps in TALES.items() if one.repair or not helps}
    if json_:
        told = {
            name: [{"after_seconds": round(line.after.total_seconds(), 3), "text": line.text} for line in lines]
            for name, lines in tales.items()
        }
        say_json({"check": one.name, "mode": str(world.policy.mode), "tales": told})
        return
    for name, lines in tales.items():
        say(f"If {name}:")
        for line in folded(lines):
            say(f"  {_clock(line.after.total_seconds()):>9}  {line.text}")


def _clock(seconds: float) -> str:
    """Return `+0:05`, `+12:30`, minutes and seconds."""
    return f"+{int(seconds) // 60}:{int(seconds) % 60:02d}"
