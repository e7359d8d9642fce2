"""Which texts of an event are other people's words: they pass the one door where secrets are taken out."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from opsagent.core.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.commands import Command
    from opsagent.core.events import Event
    from opsagent.core.observation import Observation

T = TypeVar("T")
Told = TypeVar("Told", bound="Event | Command")
LONGEST_LINE = 8192
"""Characters; a line of a log or of a program's output is cut to far less before it gets here."""
_TEXTS = frozenset(
    {
        "answer",
        "because",
        "body",
        "cause",
        "diff",
        "errors",
        "findings",
        "items",
        "lines",
        "message",
        "note",
        "others",
        "proven_by",
        "reason",
        "resolution",
        "subject",
        "symptom",
        "text",
        "title",
        "what",
    }
)


def clean_event(event: Told, redact: Callable[[str], str]) -> Told:
    """Return the event with every text that may hold a secret redacted, and in lists of lines nothing invisible.

    A command too: what is made of its words, such as a name, must be made of clean ones.
    """
    changes: dict[str, object] = {}
    for field in fields(event):
        value = getattr(event, field.name) if field.name in _TEXTS else None
        if isinstance(value, str) and value:
            changes[field.name] = redact(value)
        elif isinstance(value, tuple) and value:
            # joined: a private key spread over several lines is still one secret
            clean = redact("\n".join(value)).split("\n")
            # after that: an escape in the middle of a secret must not hide it from the patterns
            changes[field.name] = tuple(visible(line, LONGEST_LINE) for line in clean)
    return replace(event, **changes) if changes else event  # type: ignore[arg-type]  # of the fields it has


def clean_observation(seen: Observation, redact: Callable[[str], str]) -> Observation:
    """Return the observation with its sentence redacted: it is shown long before it becomes an event."""
    return replace(seen, reading=replace(seen.reading, message=redact(seen.reading.message)))


def clean_value(value: T, redact: Callable[[str], str]) -> T:
    """Return a value made of dataclasses, tuples and texts with every text redacted."""
    if isinstance(value, str):
        return redact(value)  # type: ignore[return-value]  # the same type goes out as came in, here and below
    if isinstance(value, tuple):
        return tuple(clean_value(one, redact) for one in value)  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        clean = {one.name: clean_value(getattr(value, one.name), redact) for one in fields(value)}
        return replace(value, **clean)
    return value
