"""Events to JSON text and back. Strict in what it writes; what it cannot read it keeps as `UnknownEvent`."""

from __future__ import annotations

import json
import types
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from opsagent.core import events

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event as the log holds it: its place, its time (UTC), whose incident, who caused it."""

    seq: int
    at: datetime
    event: events.Event
    incident: int | None = None
    actor: str = "opsagent"
    because: int | None = None
    boot: str = ""


def encode(event: events.Event) -> str:
    """Return the event's fields as JSON text with sorted keys; defaults are left out to keep rows small."""
    if isinstance(event, events.UnknownEvent):
        return event.data
    return json.dumps(_plain(event), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def decode(kind: str, data: str) -> events.Event:
    """Read an event back; one that this version cannot read comes back as it is, in an `UnknownEvent`."""
    cls = events.EVENTS.get(kind)
    if cls is None:
        return events.UnknownEvent(type=kind, data=data)
    try:
        event = _built(cls, json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError):
        return events.UnknownEvent(type=kind, data=data)
    return event if isinstance(event, events.Event) else events.UnknownEvent(type=kind, data=data)


def kind_of(event: events.Event) -> str:
    """Return the name under which the event is stored."""
    return event.type if isinstance(event, events.UnknownEvent) else type(event).__name__


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value) if getattr(value, f.name) != f.default}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _built(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _built(next(a for a in get_args(hint) if a is not type(None)), value)
    if origin is tuple:
        return tuple(_built(get_args(hint)[0], item) for item in value)
    if is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        return hint(**{name: _built(hints[name], item) for name, item in value.items() if name in hints})
    if hint is datetime:
        return datetime.fromisoformat(value)
    if hint is timedelta:
        return timedelta(seconds=value)
    return hint(value) if isinstance(hint, type) and issubclass(hint, Enum) else _scalar(hint, value)


def _scalar(hint: Any, value: Any) -> Any:
    if hint is float and isinstance(value, (int, float)):
        return float(value)
    if isinstance(hint, type) and not isinstance(value, hint):
        message = f"expected {hint.__name__}, got {type(value).__name__}"
        raise TypeError(message)
    return value
