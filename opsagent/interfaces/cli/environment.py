"""`environment`: what this host is like beside its health."""

# no `annotations` from __future__ in the files of commands: typer reads them when the program runs
from typing import Any

from opsagent.core.asking import EnvironmentAsked
from opsagent.core.text import some
from opsagent.interfaces.cli import daemon, past, place
from opsagent.interfaces.cli.clock import Wall
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.screen import fail, say, say_json, table


def environment(*, json_: Json = False, config: Config = None) -> None:
    """Show what this host is like: who listens, versions, mounts, timers; and what listens unwatched."""
    where = place.find(config)
    found = daemon.question(where, EnvironmentAsked()) or past.environment(where)
    if found is None:
        fail(f"cannot read {where.log} as {daemon.who()}, and {daemon.DOWN}; allowed: members of the group opsagent")
    if json_:
        say_json(found)
        return
    if found["since"] is None:
        say("not looked at yet: the first heartbeat does")
        return
    _print(found, daemon.wall(where))


def _print(found: dict[str, Any], wall: Wall) -> None:
    say(f"{found['system']}, kernel {found['kernel']}; as it has been since {wall.shown(found['since'])} {wall.zone}")
    _table(("unit", "state", "ports", "version", "variables"), map(_unit, found["units"]), "variables")
    _table(("port", "who", "open to", "watched by", "addresses"), map(_listener, found["listeners"]), "addresses")
    _table(("check", "url"), ((one["check"], one["url"]) for one in found["urls"]), "url")
    _table(("mount", "type", "access", "source"), map(_mount, found["mounts"]), "source")
    timers = ((one["name"], one["starts"], ", ".join(one["when"])) for one in found["timers"])
    _table(("timer", "starts", "when"), timers, "when")
    certificates = ((one["ends_at"][:10], one["subject"], one["where"]) for one in found["certificates"])
    _table(("valid until", "certificate of", "where"), certificates, "where")
    for one in found["unmonitored"]:
        say(f"nobody watches {one['protocol']} port {one['port']} of {_who(one)}; to watch it: {one['add']}")
    for text in found["unread"]:
        say(f"could not be read: {text}")


def _table(columns: tuple[str, ...], rows: Any, wide: str) -> None:
    shown = list(rows)
    if shown:
        say("")
        table(columns, shown, wide=wide)


def _unit(one: dict[str, Any]) -> tuple[str, ...]:
    version = " ".join(filter(None, (one["package"], one["version"])))
    closed = [f"({path} is closed to opsagent)" for path in one["unread"]]
    return (one["name"], one["state"] or "-", some(one["ports"]), version, " ".join([*one["variables"], *closed]))


def _listener(one: dict[str, Any]) -> tuple[str, ...]:
    open_to = "the network" if one["public"] else "this host"
    watched = some(one["watched_by"]) or ("ignored" if one["ignored"] else "nothing")
    return (f"{one['protocol']} {one['port']}", _who(one), open_to, watched, some(one["addresses"]))


def _who(one: dict[str, Any]) -> str:
    return str(one["unit"] or one["process"] or "an unknown process")


def _mount(one: dict[str, Any]) -> tuple[str, ...]:
    return (one["path"], one["type"], "read-only" if one["read_only"] else "read-write", one["source"])
