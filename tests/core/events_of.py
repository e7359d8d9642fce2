"""Instances of every event, made from its type hints: with plain values, or as a hypothesis strategy."""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from opsagent.core import events as ev

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
_PLAIN = {str: "text", int: 1, float: 1.0, bool: False, datetime: NOON, timedelta: timedelta(minutes=1)}
_MOMENTS = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_SPANS = st.timedeltas(min_value=timedelta(days=-4000), max_value=timedelta(days=4000))
_ANY = {
    str: st.text(max_size=20),
    int: st.integers(min_value=-(2**53), max_value=2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    datetime: _MOMENTS,
    timedelta: _SPANS,
}


def event_of(kind: str, **given: Any) -> ev.Event:
    """Return an event of that type: the fields that have no default get plain values, unless they are `given`."""
    cls = ev.EVENTS[kind]
    hints = get_type_hints(cls)
    needed = [one.name for one in fields(cls) if one.default is MISSING and one.default_factory is MISSING]
    known = {name: value for name, value in given.items() if name in hints}
    return cls(**{name: _plain(hints[name]) for name in needed if name not in known} | known)


def _plain(hint: Any) -> Any:
    if hint in _PLAIN:
        return _PLAIN[hint]
    if _is_optional(hint):
        return None
    if get_origin(hint) is tuple:
        return ()
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        needed = [one.name for one in fields(hint) if one.default is MISSING and one.default_factory is MISSING]
        return hint(**{name: _plain(hints[name]) for name in needed})
    return next(iter(hint))


def any_event() -> st.SearchStrategy[ev.Event]:
    """Return a strategy for every event there is, every field of it with any value that its type allows."""
    known = [cls for name, cls in sorted(ev.EVENTS.items()) if name != "UnknownEvent"]
    return st.sampled_from(known).flatmap(_any)


def _any(hint: Any) -> st.SearchStrategy[Any]:
    if hint in _ANY:
        return _ANY[hint]
    if _is_optional(hint):
        return st.none() | _any(next(one for one in get_args(hint) if one is not type(None)))
    if get_origin(hint) is tuple:
        return st.lists(_any(get_args(hint)[0]), max_size=2).map(tuple)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    hints = get_type_hints(hint)
    return st.fixed_dictionaries({one.name: _any(hints[one.name]) for one in fields(hint)}).map(lambda v: hint(**v))


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)
