"""A container as its engine tells of it, and whether that is as it should be. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsagent.core.observation import Measure, Reading, Status
from opsagent.core.timing import elapsed, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", re.ASCII)
_LOOP = 3
"""Restarts within the window that make a loop, as with systemd's own."""
LOOP_WITHIN = timedelta(minutes=10)
_SIGNALLED = 128
"""An exit code above this is 128 and the number of the signal that ended it."""
_LATEST_SIGNAL = 64
_TEXT_LIMIT = 256
_NEVER = "0001-01-01"
"""What Go writes for a time that never was."""

Restarts = tuple[tuple[float, int], ...]
"""When (seconds since 1970) the engine's counter of restarts was first seen at which number, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What is asked of a container, and nothing more: no environment, no command, no mount.

    `state` and `health` are the engine's own words, `health` "" without a health check. `started_at` is in UTC.
    """

    engine: str
    name: str
    image: str
    state: str
    health: str
    exit_code: int
    restarts: int
    started_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a host's engines tell: their names, the containers asked for, those there are, and what went wrong."""

    engines: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    containers: tuple[Container, ...] = ()
    errors: tuple[str, ...] = ()


def is_container_name(name: str) -> bool:
    """Say whether a container may be called so."""
    return _NAME.fullmatch(name) is not None


def of_engine(engine: str, found: Mapping[str, Any]) -> Container:
    """Read an engine's answer to "inspect"; ValueError if it is not that."""
    try:
        state = found["State"]
        return Container(
            engine=engine,
            name=_text(found["Name"]).removeprefix("/"),
            image=_text(found["Config"]["Image"]),
            state=_text(state["Status"]),
            health=_health(_text((state.get("Health") or {}).get("Status") or "")),
            exit_code=int(state["ExitCode"]),
            restarts=int(found.get("RestartCount") or 0),
            started_at="" if _text(state["StartedAt"]).startswith(_NEVER) else _text(state["StartedAt"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{engine} answered in words that are not known: {error!r}") from error


def text_of(told: Told) -> str:
    """Write what engines tell as JSON, for whoever may not ask them."""
    return json.dumps({**asdict(told), "containers": [asdict(one) for one in told.containers]})


def told_in(text: str) -> Told:
    """Read what `text_of` wrote; ValueError if it is not that."""
    try:
        found = json.loads(text)
        return Told(
            engines=tuple(map(str, found["engines"])),
            asked=tuple(map(str, found["asked"])),
            containers=tuple(Container(**one) for one in found["containers"]),
            errors=tuple(map(str, found["errors"])),
        )
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("the reader of containers did not say what it should") from error


def judge(one: Container, seen: Restarts, now: datetime) -> Reading:
    """Return whether a container runs, is healthy, and is not restarted again and again."""
    lately = restarted(seen, now)
    restarts = Measure(name="restarts", value=lately)
    told = _told(one, now)
    status, failure_class = _verdict(one)
    if lately >= _LOOP:
        status, failure_class = Status.CRITICAL, "loop"
    if lately:
        told += f", restarted {lately} times within {spoken(LOOP_WITHIN)}"
    return Reading(status=status, message=told, failure_class=failure_class, measures=(restarts,))


def counted(seen: Restarts, one: Container, now: datetime) -> Restarts:
    """Return the engine's counter over time with one more look; a container that was made anew begins anew."""
    at, number = now.timestamp(), one.restarts
    if not seen or number < seen[-1][1] or at < seen[-1][0]:
        return ((at, number),)
    seen = seen if number == seen[-1][1] else (*seen, (at, number))
    begins = at - LOOP_WITHIN.total_seconds()
    first = max((place for place, (when, _) in enumerate(seen) if when <= begins), default=0)
    return seen[first:]


def restarted(seen: Restarts, now: datetime) -> int:
    """Return how often the engine restarted it within the last ten minutes, as far as we looked."""
    begins = (now - LOOP_WITHIN).timestamp()
    before = [number for when, number in seen if when <= begins] or [number for _, number in seen[:1]]
    return seen[-1][1] - before[-1] if seen else 0


def recalled(text: str) -> Restarts:
    """Read the counter over time as it was kept; what cannot be read is nothing."""
    try:
        return tuple((float(when), int(number)) for when, number in json.loads(text))
    except (ValueError, TypeError):
        return ()


def _verdict(one: Container) -> tuple[Status, str | None]:
    if one.state == "running":
        return (Status.CRITICAL, "unhealthy") if one.health == "unhealthy" else (Status.OK, None)
    if one.state == "restarting":
        return Status.WARNING, "restarting"
    known = {"exited": "ended", "stopped": "ended", "dead": "ended", "paused": "paused", "created": "created"}
    return Status.CRITICAL, known.get(one.state, "state")


def _told(one: Container, now: datetime) -> str:
    name = f"container {one.name} ({one.engine}, {one.image})"
    if one.state == "running":
        return f"{name} runs{_since(one, now)}" + (f" and is {one.health}" if one.health else "")
    if one.state in {"exited", "stopped", "dead", "restarting"}:
        does = "is restarted by its engine; it ended" if one.state == "restarting" else "ended"
        return f"{name} {does} with exit code {one.exit_code}{_signal(one.exit_code)}"
    return f"{name} is {one.state}" + (": it was never started" if one.state == "created" else "")


def _signal(code: int) -> str:
    return f" (signal {code - _SIGNALLED})" if _SIGNALLED < code <= _SIGNALLED + _LATEST_SIGNAL else ""


def _since(one: Container, now: datetime) -> str:
    try:
        # Go writes nine digits of a second, of which Python reads six
        began = datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", one.started_at))
    except ValueError:
        return ""
    ago = elapsed(began if began.tzinfo else began.replace(tzinfo=UTC), now)
    return f" for {spoken(ago)}" if ago != timedelta.max else ""


def _health(said: str) -> str:
    """Docker says "none" where Podman says nothing."""
    return "" if said == "none" else said


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError(f"{found!r} is no text")
    return found[:_TEXT_LIMIT]


def named(name: str, engine: str, containers: Iterable[Container]) -> Container | None:
    """Return the container that is meant; of two engines that have one of that name, the one that runs it."""
    found = [one for one in containers if one.name == name and engine in {"", one.engine}]
    return min(found, key=lambda one: one.state != "running", default=None)
