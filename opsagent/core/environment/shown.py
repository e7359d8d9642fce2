"""The environment as programs read it: the JSON of `opsagent environment --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsagent.core.environment import check_name, unmonitored
from opsagent.core.timing import iso

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from opsagent.core.environment import Environment, Listener, UnitKnown
    from opsagent.core.unit import UnitSnapshot


def shown(environment: Environment | None, at: datetime | None, units: Mapping[str, UnitSnapshot]) -> dict[str, Any]:
    """Return the environment as it has been since `at`; every key is there, also before the first look."""
    found = environment
    listeners = (found.listeners if found else None) or ()
    return {
        "since": iso(at) if at is not None else None,
        "system": found.system if found else "",
        "kernel": found.kernel if found else "",
        "units": [_unit(one, listeners, units.get(one.name)) for one in (found.units if found else None) or ()],
        "listeners": [_listener(one) for one in listeners],
        "unmonitored": [unwatched(one) for one in (unmonitored(found) if found else ())],
        "urls": [{"check": one.check, "url": one.url} for one in (found.pages if found else ())],
        "mounts": [
            {"path": one.path, "source": one.source, "type": one.fs_type, "read_only": one.read_only}
            for one in (found.mounts if found else None) or ()
        ],
        "timers": [
            {"name": one.name, "starts": one.starts, "when": list(one.when)}
            for one in (found.timers if found else None) or ()
        ],
        "certificates": [
            {"where": one.where, "subject": one.subject, "ends_at": iso(one.ends)}
            for one in (found.certificates if found else ())
        ],
        "unread": list(found.unread) if found else [],
    }


def _unit(one: UnitKnown, listeners: tuple[Listener, ...], snapshot: UnitSnapshot | None) -> dict[str, Any]:
    return {
        "name": one.name,
        "state": state_of(snapshot) or None,
        "ports": ports_of(one.name, listeners),
        "package": one.package or None,
        "version": one.version or None,
        "variables": list(one.variables),
        "unread": list(one.unread),
    }


def state_of(snapshot: UnitSnapshot | None) -> str:
    """Return systemd's word for how a unit stands, also where there is none of that name; "" before it was read."""
    if snapshot is None:
        return ""
    return snapshot.active_state if snapshot.load_state == "loaded" else snapshot.load_state


def ports_of(unit: str, listeners: tuple[Listener, ...]) -> list[str]:
    """Return the ports that a unit holds, as `tcp 6379`."""
    return [f"{one.protocol} {one.port}" for one in listeners if one.unit == unit]


def _listener(one: Listener) -> dict[str, Any]:
    return {
        "protocol": one.protocol,
        "port": one.port,
        "addresses": list(one.addresses),
        "public": one.is_public,
        "unit": one.unit,
        "process": one.process,
        "watched_by": list(one.watched_by),
        "ignored": one.ignored,
    }


def unwatched(one: Listener) -> dict[str, Any]:
    """Return a listener that nobody watches, with the check that would."""
    name = check_name(one.unit, one.port)
    return {**_listener(one), "check": name, "add": f"opsagent init --add {name}"}
