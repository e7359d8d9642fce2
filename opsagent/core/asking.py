"""What can be asked of the daemon, as JSON and back: over the control socket, and as files in the spool."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from opsagent.core import commands
from opsagent.core.quantity import Bytes, duration, spell
from opsagent.core.text import visible
from opsagent.core.timing import iso

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

VERSION = 1
LONGEST_TEXT = 2000
"""Characters of one text in a request: a long note, and too few for a flood."""
MOST_FINDINGS = 100
MOST_BYTES = 2**60
"""Bytes, or files, that a report may speak of."""
MOST_ASKED = 10_000
"""Incidents in one answer."""
_OURS = {"by", "uuid", "asked_at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The mark of a question: it changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusAsked(Question):
    """How does everything stand? Answered as `contract.status` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyAsked(Question):
    """Why is this check treated as it is? Answered by `{"lines": […]}`."""

    check: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsAsked(Question):
    """Which incidents were there? Answered by a list as `contract.incident` shows each, oldest first.

    `since` is how far back to look; `check` is a check or a unit, "" for all.
    """

    open_only: bool = False
    since: timedelta = timedelta(days=30)
    check: str = ""
    limit: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentAsked(Question):
    """What happened in this incident, with the evidence? Answered by `{"incident": {…}, "timeline": […]}`."""

    incident: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsAsked(Question):
    """What are the daemon's own figures? Answered by a list of families as `metrics.family.shown` shows each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesAsked(Question):
    """What was changed on this host? Answered by a list as `contract.change` shows each, oldest first.

    `since` is how far back to look.
    """

    since: timedelta = timedelta(hours=24)
    limit: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentAsked(Question):
    """What is this host like beside its health? Answered as `environment.shown` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsAsked(Question):
    """How do the jobs stand? Answered by a list as `jobs.shown` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustAsked(Question):
    """How far may each remedy go? Answered by a list as `trust.shown` says."""


QUESTIONS: dict[str, type[Question]] = {
    "status": StatusAsked,
    "why": WhyAsked,
    "incidents": IncidentsAsked,
    "show": IncidentAsked,
    "jobs": JobsAsked,
    "trusted": TrustAsked,
    "metrics": MetricsAsked,
    "changes": ChangesAsked,
    "environment": EnvironmentAsked,
}
COMMANDS: dict[str, type[commands.Command]] = {
    "ack": commands.Acknowledge,
    "resolve": commands.Resolve,
    "pause": commands.Pause,
    "resume": commands.Resume,
    "repair": commands.RepairNow,
    "approve": commands.Approve,
    "trust": commands.Trust,
    "note": commands.Note,
    "raise": commands.Raise,
    "change": commands.ReportChange,
    "ping": commands.Ping,
    "alert": commands.Alert,
    "backup": commands.ReportBackup,
    "notify": commands.TestNotifier,
    "review": commands.ReviewNow,
    "healthcheck": commands.Finding,
}
KINDS: Mapping[str, type[Any]] = {**QUESTIONS, **COMMANDS}


class RequestError(ValueError):
    """A request that nobody can carry out; the text says what is allowed."""


def body(request: commands.Command | Question, at: datetime | None = None) -> dict[str, Any]:
    """Return a request as JSON. `at` (UTC) is when it was asked: what waits in the spool must say so."""
    kind = next(name for name, cls in KINDS.items() if cls is type(request))
    told = {field.name: _plain(getattr(request, field.name)) for field in fields(request) if field.name not in _OURS}
    claimed = {"by": request.by} if isinstance(request, commands.Command) else {}
    stamp = {} if at is None else {"at": iso(at)}
    return {"v": VERSION, "kind": kind, **stamp, **claimed, **{name: v for name, v in told.items() if v is not None}}


def read(body: object, *, by: str, uuid: str = "", asked_at: datetime | None = None) -> commands.Command | Question:
    """Return the request that a JSON value is. Text is made safe to show; `by` is who really asked.

    RequestError names what is wrong and what is allowed.
    """
    if not isinstance(body, dict) or body.get("v", VERSION) != VERSION:
        raise RequestError(f"cannot read this request, allowed: a JSON object with v {VERSION} and a kind")
    kind = body.get("kind")
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise RequestError(f"cannot find a request of kind {_shown(kind)}, allowed: {', '.join(KINDS)}")
    given = _given(cls, {name: value for name, value in body.items() if name not in {"v", "kind", "at", *_OURS}})
    ours = {"by": by, "uuid": uuid, "asked_at": asked_at} if issubclass(cls, commands.Command) else {}
    made: commands.Command | Question = cls(**given, **ours)
    return made


def summary(request: commands.Command | Question) -> str:
    """Return a request in a few words, as it is shown while it waits: `pause api for 2h`."""
    kind = next(name for name, cls in KINDS.items() if cls is type(request))
    names = ("incident", "target", "check", "notifier", "job", "service", "name", "text")
    target = next((found for name in names if (found := getattr(request, name, ""))), "")
    lasts = getattr(request, "lasts", None) if not isinstance(request, commands.Ping) else None
    return " ".join(filter(None, (kind, target, getattr(request, "state", ""), f"for {spell(lasts)}" if lasts else "")))


def _given(cls: type[Any], body: Mapping[str, Any]) -> dict[str, Any]:
    hints = _hints(cls)
    unknown = sorted(set(body) - set(hints))
    if unknown:
        raise RequestError(f"cannot use {_shown(unknown[0])} here, allowed: {', '.join(hints) or 'nothing'}")
    missing = [field.name for field in fields(cls) if _is_needed(field, hints) and field.name not in body]
    if missing:
        raise RequestError(f"cannot do this without {missing[0]}, needed: {', '.join(missing)}")
    return {name: _value(name, hints[name], value) for name, value in body.items()}


def _is_needed(field: Any, hints: Mapping[str, Any]) -> bool:
    return field.name in hints and field.default is MISSING


def _hints(cls: type[Any]) -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(cls).items() if name not in _OURS}


def _value(name: str, hint: Any, value: object) -> object:
    wanted = next((part for part in get_args(hint) if part not in {NoneType, Ellipsis}), hint)
    if get_args(hint) and ... in get_args(hint):
        return _texts(name, value)
    if wanted is timedelta and isinstance(value, str):
        return _duration(name, value)
    if wanted is str and isinstance(value, str):
        return visible(value, LONGEST_TEXT)
    if wanted is bool and isinstance(value, bool):
        return value
    if wanted is Bytes and type(value) is int and 0 <= value <= MOST_BYTES:
        return value
    if wanted is int and type(value) is int and 1 <= value <= MOST_ASKED:
        return value
    raise RequestError(f"cannot use {_shown(value)} as {name}, allowed: {_ALLOWED.get(wanted, 'text')}")


_ALLOWED = {
    timedelta: "a duration such as 2h",
    bool: "true or false",
    Bytes: "a whole number",
    int: f"a whole number from 1 to {MOST_ASKED}",
}


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RequestError(f"cannot use {_shown(value)} as {name}, allowed: a list of texts")
    return tuple(visible(item, LONGEST_TEXT) for item in value[:MOST_FINDINGS])


def _duration(name: str, value: str) -> timedelta:
    try:
        return duration(value)
    except ValueError as error:
        raise RequestError(f"{error} ({name})") from error


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return spell(value)
    return list(value) if isinstance(value, tuple) else value


def _shown(value: object) -> str:
    return visible(repr(value), 60)
