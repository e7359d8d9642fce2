"""The reference of the settings, written from the types themselves so that it cannot be out of date."""

from __future__ import annotations

import dataclasses
import enum
import types
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from opsagent.core.acts import SIGNALS
from opsagent.core.backup.job import BackupOptions
from opsagent.core.quantity import Bytes, spell
from opsagent.settings.meaning import summary
from opsagent.settings.named import keys_of_kind
from opsagent.settings.options import BACKUP_KINDS, CheckOptions, Document, NotifierOptions
from opsagent.settings.reading import Key, keys_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from opsagent.settings.named import Kinds

INTRODUCTION = """\
# Settings

<!-- written by docs/reference/write_settings.py from the code; change the docstrings there, not this file -->

opsagent reads one YAML file and every `*.yaml` of the directory `conf.d` beside it, sorted by name. The file is the
first of: `--config FILE`, `$OPSAGENT_CONFIG`, `/etc/opsagent/opsagent.yaml`, `~/.config/opsagent/opsagent.yaml`.
`checks`, `backups`, `acts`, `notifiers` and `maintenance` of all files are one list each; any other value may be set
only once.
`opsagent validate FILE` tells every mistake at once with its file and line; `opsagent settings schema` prints a JSON
Schema for editors. Anchors, aliases, tags and repeated keys are refused. Files the system's instance reads must belong
to root and be writable by root alone, as must the directories above them.

A **duration** is written `500ms`, `30s`, `5m`, `2h`, `1d` or `1h30m`; a **size** `512B`, `64KiB`, `5GiB` (powers of
1024) or `5GB` (powers of 1000). A **name** has small letters, digits and hyphens, begins with a letter or digit, and is
at most 63 long. A **unit** is written by its full name: `nginx.service`.
"""

REMEDIES = """\
## Remedies

`repair` is the list of what may be done for a check, in the order it is tried; an item is a remedy's name or a mapping
`{{do: …}}`. Known remedies: {remedies}. All but `command`, `act`, `docker`
and `reclaim` need the check's `unit`.

`restore` (`{{do: restore, files: [/etc/app/app.conf]}}`) puts files back as they were when the unit was good.

`signal` (`{{do: signal, name: SIGABRT}}`), `restore`, `stop` and `docker` (`{{do: docker, name: web}}`) are done by
root: `install --refresh` makes a unit `opsagent-act-….service` of each, with one fixed command for one unit or
container, and lets opsagent ask for exactly that unit. Signals: {signals}.

A check's `playbook` stands in place of its `repair`: steps that are done strictly in their order, whatever was learned.
After each step the checks are looked at. When they are good, that is the end; else the next step follows after the
step's `wait`, and a step with `verify` ends the playbook unless that check is good then. After the last step in vain a
person is told, and the playbook begins anew after 1, 2, 4, then every 8 hours. It is not the playbook of the memory
(`playbook: {{run: …}}` of the file), which people write in `debugging-notes.md` and which only looks.

Only services are acted on. Units the host or its people depend on (the message bus, systemd's own, ssh, logins, the
network, container engines, opsagent itself) are never touched. A unit that holds data (PostgreSQL, MySQL, MongoDB,
etcd, Kafka, Elasticsearch and the like) is restarted only with `{{do: restart, holds_data: true}}`. A command that
destroys data (`rm`, `mkfs`, `DROP TABLE` and the like) is refused.
"""


def reference(kinds: Kinds, remedies: Collection[str], notifier_kinds: Kinds) -> str:
    """Return the reference as Markdown."""
    told = ", ".join(f"`{remedy}`" for remedy in sorted(remedies))
    parts = [
        INTRODUCTION,
        *_section("## The file", "", keys_of(Document)),
        *_section("## Every check", "", keys_of(CheckOptions)),
        REMEDIES.format(remedies=told, signals=", ".join(f"`{one}`" for one in SIGNALS)),
        *_kinds("## Kinds of checks", "check", CheckOptions, kinds),
        *_section("## Every backup", "", keys_of(BackupOptions)),
        *_kinds("## Kinds of backups", "backup", BackupOptions, BACKUP_KINDS),
        *_section("## Every notifier", "", keys_of(NotifierOptions)),
        *_kinds("## Kinds of notifiers", "notifier", NotifierOptions, notifier_kinds),
    ]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _kinds(heading: str, what: str, common: type, kinds: Kinds) -> Iterator[str]:
    yield heading
    usual = {key.field: key for key in keys_of(common)}
    for name, cls in sorted(kinds.items()):
        keys = tuple(
            key
            for key in keys_of_kind(common, cls)
            if key.field not in usual or _given(key) != _given(usual[key.field])
        )
        yield from _section(f"### {what} `{name}`", summary(cls), keys, depth=4)


def _given(key: Key) -> tuple[bool, Any, str]:
    return key.required, key.default, key.meaning


def _section(
    heading: str, text: str, keys: tuple[Key, ...], depth: int = 3, told: frozenset[type] = frozenset()
) -> Iterator[str]:
    """Write one mapping as a table, and after it each mapping inside it that was not told yet."""
    yield f"{heading}\n\n{text}" if text else heading
    if keys:
        rows = [f"| `{key.key}` | {_type(key.annotation)} | {_default(key)} | {_cell(key.meaning)} |" for key in keys]
        yield "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows])
    for key in keys:
        inner = _inner(key.annotation)
        if inner is not None and inner not in told:
            told |= {inner}
            yield from _section(f"{'#' * depth} `{key.key}`", "", _filled(keys_of(inner), key), depth + 1, told)


def _filled(keys: tuple[Key, ...], outer: Key) -> tuple[Key, ...]:
    """A kind's own default for a whole mapping says what each key in it is when nothing is written."""
    if not dataclasses.is_dataclass(outer.default):
        return keys
    return tuple(dataclasses.replace(key, default=getattr(outer.default, key.field)) for key in keys)


def _inner(annotation: Any) -> type | None:
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inner(part)) is not None), None)


_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", timedelta: "duration"}


def _type(annotation: Any) -> str:
    """Say in words what may be written."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if annotation is Bytes:
        return "size"
    if annotation in _WORDS:
        return _WORDS[annotation]
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if isinstance(annotation, type) and issubclass(annotation, enum.StrEnum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    if origin in {Union, types.UnionType}:
        return " or ".join(_type(part) for part in parts if part is not type(None))
    if origin is tuple:
        return f"list of {_many(parts[0])}"
    return "mapping" if dataclasses.is_dataclass(annotation) or origin is not None else "path"


def _many(annotation: Any) -> str:
    if annotation is Any or _inner(annotation) is not None:
        return "mappings"
    return {str: "texts", int: "whole numbers", timedelta: "durations"}.get(annotation, _type(annotation))


def _default(key: Key) -> str:
    """Write the default as YAML does; what depends on other settings is told in the meaning."""
    if key.required:
        return "required"
    if key.default is None or key.default == "" or dataclasses.is_dataclass(key.default):
        return ""
    return f"`{_yaml(key.default)}`"


def _yaml(value: Any) -> str:
    if isinstance(value, timedelta):
        return spell(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_yaml(item) for item in value)}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
