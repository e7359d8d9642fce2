"""The file of one kind of failure: written once, then only its counters, its dates and our part of it are renewed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from opsagent.core.archive import mark
from opsagent.core.report.archive import pattern_key
from opsagent.core.report.markdown import inline
from opsagent.core.report.pattern_part import part
from opsagent.core.text import visible
from opsagent.core.timing import iso

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from opsagent.core.archive.pattern import Pattern, Record
    from opsagent.core.experience import Tally
    from opsagent.core.report.pattern_part import Seen

_HEAD = (
    "# Change what you like: opsagent reads this file within a second of being saved, and heeds it the next time.",
    "# It renews only the counters, the dates and its own part below; all else is yours (`status: retired` ends it).",
)
_BODY = """\

# {title}

Write here what you know of it: what is really behind it, what helped, what must not be done. What you write stays.

"""
_ITEM = re.compile(r"(?P<dent>\s*)-\s+do:\s*(?P<do>[^#\n]*?)\s*(?:#.*)?\r?\n?")
_OF_ITEM = re.compile(
    r"(?P<head>\s+(?P<key>tried|worked|last|median_seconds):[ \t]*)(?P<old>[^#\r\n]*?)(?P<tail>[ \t]*(?:#.*)?\r?\n?)"
)
_VALUE = re.compile(r"(?P<head>[a-z_]+:[ \t]*)(?P<old>[^#\r\n]*?)(?P<tail>[ \t]*(?:#.*)?\r?\n?)")


def pattern_file(pattern: Pattern, seen: Seen, redact: Callable[[str], str]) -> str:
    """Return the whole file of a failure that was not known before.

    The front matter holds no words of others, and `pattern_key: …` reads like a secret to who looks for some.
    """
    record = seen.record
    match = (f"  {key}: {_texts(said)}" for key in ("unit", "cause") if (said := getattr(pattern.match, key)))
    lines = [
        *_HEAD,
        f"title: {_text(pattern.title)}",
        *("match:", *match),
        f"cause: {_text(pattern.cause)}",
        *_remedies(seen.tried),
        f"occurrences: {record.count}",
        f"first_seen: {_when(record.first_at)}",
        f"last_seen: {_when(record.last_at)}",
        *("verified: false", "see_also: []"),
        f"fingerprint: {_text(pattern.fingerprint)}",
        f"pattern_key: {_text(pattern_key(pattern.fingerprint))}",
        "status: active",
    ]
    front = [f"{line}\n" for line in lines]
    ours = f"{mark.begin(front)}\n{redact(part(seen))}\n{mark.END}"
    return f"---\n{''.join(front)}---\n{_BODY.format(title=inline(pattern.title, 200))}{ours}\n"


def folded(text: str, seen: Seen, redact: Callable[[str], str]) -> str:
    """Return a file with its counters, dates and our part renewed; every other byte stays as a person wrote it.

    The list of remedies is ours to renew while nobody changed it, or the match, since we wrote it.
    """
    parts = mark.parted(text)
    if parts is None:
        return text
    front, rest = parts
    begins = text[: len(text) - len("".join(front)) - len(rest)]
    ours = mark.is_ours(front, rest)
    front = (_with_remedies if ours else _with_counts)(_counted(front, seen.record), seen.tried)
    begin = mark.begin(front) if ours else mark.line_of(rest)
    return begins + "".join(front) + mark.replaced(rest, f"{begin}\n{redact(part(seen))}\n{mark.END}")


def _counted(front: list[str], record: Record) -> list[str]:
    values = {
        "occurrences": str(record.count),
        "first_seen": _when(record.first_at),
        "last_seen": _when(record.last_at),
    }
    return [_renewed(line, values) for line in front]


def _renewed(line: str, values: dict[str, str]) -> str:
    """A value that is more than a plain word is not ours: it stays."""
    found = _VALUE.fullmatch(line)
    key = line.partition(":")[0]
    if found is None or key not in values or found["old"][:1] in ("[", "{", "|", ">", "&", "*", "!"):
        return line
    head = found["head"] if found["head"].endswith((" ", "\t")) else f"{found['head']} "
    return f"{head}{values[key]}{found['tail']}"


def _with_remedies(front: list[str], tried: tuple[Tally, ...]) -> list[str]:
    """Put what was tried in the place of the list that we wrote."""
    place = mark.place_of(front, "remedies")
    if not place:
        return front
    return [*front[: place.start], *(f"{line}\n" for line in _remedies(tried)), *front[place.stop :]]


def _with_counts(front: list[str], tried: tuple[Tally, ...]) -> list[str]:
    """Renew the counters that stand below a remedy in a list of a person's; none is added."""
    known = {one.label: one for one in tried}
    current: Tally | None = None
    made = list(front)
    for number in mark.place_of(front, "remedies"):
        if (item := _ITEM.fullmatch(front[number])) is not None:
            current = known.get(item["do"].strip("\"'"))
        made[number] = _with_count(front[number], current)
    return made


def _with_count(line: str, tried: Tally | None) -> str:
    found = _OF_ITEM.fullmatch(line)
    if found is None or tried is None:
        return line
    head = found["head"] if found["head"].endswith((" ", "\t")) else f"{found['head']} "
    return f"{head}{_counts(tried)[found['key']]}{found['tail']}"


def _remedies(tried: tuple[Tally, ...]) -> list[str]:
    if not tried:
        return ["remedies: []"]
    lines = ["remedies:"]
    for one in tried:
        lines.append(f"  - do: {_text(one.label)}")
        lines += [f"    {key}: {value}" for key, value in _counts(one).items()]
    return lines


def _counts(tried: Tally) -> dict[str, str]:
    return {
        "tried": str(tried.tried),
        "worked": str(tried.worked),
        "last": _when(tried.last),
        "median_seconds": "null" if tried.median is None else f"{tried.median:.1f}",
    }


def _when(at: datetime | None) -> str:
    return "null" if at is None else iso(at)


def _text(text: str) -> str:
    """Return a text as YAML and JSON both quote it."""
    return json.dumps(visible(" ".join(text.split()), 300), ensure_ascii=False)


def _texts(texts: tuple[str, ...]) -> str:
    return _text(texts[0]) if len(texts) == 1 else "[" + ", ".join(map(_text, texts)) + "]"
