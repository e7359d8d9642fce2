"""Writes events.md beside this file from the code: `.venv/bin/python docs/reference/write_events.py`."""  # noqa: INP001 - a program, not a module of a package

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
import types
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from opsagent.core.codec import plain  # noqa: E402 - the tree this file stands in, not an installed one
from opsagent.core.events import EVENTS, UnknownEvent  # noqa: E402 - as above

HEAD = """\
# Events

<!-- written by docs/reference/write_events.py from the code; change the docstrings there, not this file -->

`events.db` in the state directory is the truth; incidents, pages, Markdown and figures are made from it. It is SQLite:
read it with `sqlite3 "file:/var/lib/opsagent/events.db?mode=ro"` as a member of the group `opsagent`, and never write
to it. One row is one fact:

| column | meaning |
|---|---|
| `seq` | counts up by one; the order of facts is this, never their time |
| `at` | when it was recorded: microseconds since 1970, UTC |
| `host`, `boot` | where, and in which boot of it |
| `type`, `v` | one of the names below, and the version of its form |
| `incident` | the `seq` of the event that opened the incident it belongs to, or null |
| `actor` | who caused it: `opsagent`, or a person's name |
| `because` | the `seq` of the event that led to it, or null |
| `data` | the fields below, as JSON; a field that has its usual value is left out |
| `crc` | CRC-32 of the row, so that a flipped bit is noticed |

Events are only ever added, and no name is reused. The one exception is `opsagent memory purge SEQ --because …`, which
puts a hash in the place of one payload when a secret got in. Text in `data` was cut and redacted before it got here;
it is other people's words all the same. A time span is in seconds, a time is ISO 8601 in UTC.
"""
WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    timedelta: "seconds",
    datetime: "time",
}
SUBJECTS = {
    "incidents": "Incidents",
    "repairs": "Repairs",
    "trust": "How far a remedy may go",
    "reports": "What others report",
    "logs": "Logs",
    "guides": "Playbook and runbooks",
    "archive": "The failure archive",
    "changes": "What others change",
    "backups": "Backups",
    "people": "People, and what is remembered for them",
    "host": "The daemon, its settings and its host",
    "environment": "What a host is like beside its health",
}


def text() -> str:
    """Return the reference of every event, by subject and in the order of the code."""
    parts = [HEAD]
    for module, subject in SUBJECTS.items():
        of_it = [event for event in EVENTS.values() if _subject(event) == module]
        parts += [f"## {subject}\n", *("\n".join(_event(event)) for event in of_it)]
    parts += ["## Values with parts of their own\n", *("\n".join(_event(part)) for part in _parts())]
    return "\n".join(parts).rstrip() + "\n"


def _subject(event: type) -> str:
    """Return the file of an event; one that this version cannot read is written as it was, so it has no form."""
    return "" if event is UnknownEvent else event.__module__.rpartition(".")[2]


def _event(event: type) -> Iterator[str]:
    yield f"### {event.__name__}\n"
    yield f"{inspect.getdoc(event)}\n"
    fields, types_ = dataclasses.fields(event), get_type_hints(event)
    if fields:
        yield "| field | value | usual value |"
        yield "|---|---|---|"
        yield from (f"| `{field.name}` | {_said(types_[field.name])} | {_usual(field)} |" for field in fields)
        yield ""


def _usual(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING:
        return ""
    return f"`{json.dumps(plain(field.default))}`"


def _said(kind: Any) -> str:
    """Say in words what a field holds."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind in WORDS:
        return WORDS[kind]
    if origin in {Union, types.UnionType}:
        return " or ".join("null" if one is type(None) else _said(one) for one in inner)
    if origin is tuple:
        return f"list of {_said(inner[0])}"
    if issubclass(kind, StrEnum):
        return " or ".join(f"`{member.value}`" for member in kind)
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def _parts() -> list[type]:
    """Return the values with parts of their own that any event holds."""
    found: dict[type, None] = {}
    waiting: list[type] = list(EVENTS.values())
    while waiting:
        kinds = get_type_hints(waiting.pop(0)).values()
        new = [part for kind in kinds for part in _inside(kind) if part not in found]
        found |= dict.fromkeys(new)
        waiting += new
    return list(found)


def _inside(kind: Any) -> list[type]:
    """Return the dataclasses that a type names, also in a list of them that may be null."""
    inner = [part for one in get_args(kind) for part in _inside(one)]
    return [kind, *inner] if dataclasses.is_dataclass(kind) and isinstance(kind, type) else inner


if __name__ == "__main__":
    (HERE / "events.md").write_text(text(), encoding="utf-8")
