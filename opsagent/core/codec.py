"""Events to JSON text and back. Strict in what it writes; what it cannot read it keeps as `UnknownEvent`."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from opsagent.core import events

if TYPE_CHECKING:
    from opsagent.core.log_row import Row

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


def read_all(rows: Iterable[Row]) -> Iterator[Recorded]:
    """Read rows of the log back."""
    for row in rows:
        yield Recorded(
            seq=row.seq,
            at=row.at,
            event=decode(row.type, row.data),
            incident=row.incident,
            actor=row.actor,
            because=row.because,
            boot=row.boot,
        )


def encode(event: events.Event) -> str:
    """Return the event's fields as JSON text with sorted keys; defaults are left out to keep rows small."""
    if isinstance(event, events.UnknownEvent):
        return event.data
    text = json.dumps(plain(event), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode()  # a name that is no UTF-8 must not keep an event out


def decode(kind: str, data: str) -> events.Event:
    """Read an event back; one that this version cannot read comes back as it is, in an `UnknownEvent`."""
    cls = events.EVENTS.get(kind)
    if cls is None:
        return events.UnknownEvent(type=kind, data=data)
    try:
        event = built(cls, json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError):
        return events.UnknownEvent(type=kind, data=data)
    return event if isinstance(event, events.Event) else events.UnknownEvent(type=kind, data=data)


def kind_of(event: events.Event) -> str:
    """Return the name under which the event is stored."""
    return event.type if isinstance(event, events.UnknownEvent) else type(event).__name__


def plain(value: object) -> Any:
    """Return a value of the core as JSON knows values; `built` reads it back."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if getattr(value, f.name) != f.default}
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return value


def built(hint: Any, value: Any) -> Any:
    """Read a value of the type `hint` back. Raises ValueError, TypeError, KeyError, AttributeError."""
    return _builder(hint)(value)


@cache
def _builder(hint: Any) -> Callable[[Any], Any]:
    """Return what reads values of this type; found once, for a log may hold a hundred thousand."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = _builder(next(one for one in get_args(hint) if one is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is not None:
        return _builder_of_many(origin, get_args(hint))
    if is_dataclass(hint) and isinstance(hint, type):
        return _builder_of_class(hint)
    if hint in _READ:
        return _READ[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return partial(_scalar, hint)


_READ: dict[Any, Callable[[Any], Any]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    timedelta: lambda value: timedelta(seconds=value),
}


def _builder_of_many(origin: Any, of: tuple[Any, ...]) -> Callable[[Any], Any]:
    inner = _builder(of[-1] if origin is Mapping else of[0])
    if origin is Mapping:
        key = of[0]
        return lambda value: {key(name): inner(item) for name, item in value.items()}
    return lambda value: origin(map(inner, value))


def _builder_of_class(cls: type) -> Callable[[Any], Any]:
    known = {name: (hint, _builder(hint)) for name, hint in get_type_hints(cls).items()}

    def read(value: Any) -> Any:
        found = {}
        for name, item in value.items():
            if name in known:
                hint, inner = known[name]
                found[name] = item if type(item) is hint else inner(item)  # most are what they should be already
        return cls(**found)

    return read


def _scalar(hint: Any, value: Any) -> Any:
    if hint is float and isinstance(value, (int, float)):
        return float(value)
    if isinstance(hint, type) and not isinstance(value, hint):
        message = f"expected {hint.__name__}, got {type(value).__name__}"
        raise TypeError(message)
    return value
