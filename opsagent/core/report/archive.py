"""The failure archive: every kind of failure once, what helped, how often it came. People write in it too."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.report.markdown import inline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsagent.core.codec import Recorded
    from opsagent.core.state import State

NOT_YET = "not known yet"
TITLE = "# Failure archive"
_REMEMBERED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One kind of failure on this host. `incidents` are the latest that showed it, by their seq; times UTC."""

    fingerprint: str
    title: str
    symptom: str
    cause: str
    resolution: str
    verified: bool
    count: int
    first_at: datetime
    last_at: datetime
    incidents: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()


def seen(patterns: Mapping[str, Pattern], recorded: Recorded, label: str | None = None) -> Mapping[str, Pattern]:
    """Return the patterns after one recorded event; only `PatternSeen` changes them.

    An incident that is told of twice (when believed, when over) counts once. `label` is the incident's.
    """
    event = recorded.event
    if not isinstance(event, ev.PatternSeen):
        return patterns
    known = patterns.get(event.fingerprint)
    changed = _again(known, event, recorded, label) if known else _first(event, recorded, label)
    return {**patterns, event.fingerprint: changed}


def noted(patterns: Mapping[str, Pattern], before: State, after: State, recorded: Recorded) -> Mapping[str, Pattern]:
    """Return the patterns after one event, told with the state before and after it."""
    seq = recorded.incident or 0
    incident = after.incidents.get(seq) or before.incidents.get(seq)
    return seen(patterns, recorded, incident.label if incident else None)


def _first(event: ev.PatternSeen, recorded: Recorded, label: str | None) -> Pattern:
    return Pattern(
        fingerprint=event.fingerprint,
        title=event.title,
        symptom=event.symptom,
        cause=event.cause,
        resolution=event.resolution,
        verified=event.healed,
        count=1,
        first_at=recorded.at,
        last_at=recorded.at,
        incidents=(recorded.incident or recorded.seq,),
        labels=(label,) if label else (),
    )


def _again(known: Pattern, event: ev.PatternSeen, recorded: Recorded, label: str | None) -> Pattern:
    incident = recorded.incident or recorded.seq
    new = incident not in known.incidents
    better = event.healed or (not known.verified and event.resolution != NOT_YET)
    return replace(
        known,
        symptom=event.symptom,
        cause=event.cause or known.cause,
        resolution=event.resolution if better else known.resolution,
        verified=known.verified or event.healed,
        count=known.count + new,
        last_at=recorded.at,
        incidents=(*known.incidents, incident)[-_REMEMBERED:] if new else known.incidents,
        labels=tuple(dict.fromkeys((*known.labels, label)))[-3:] if label else known.labels,
    )


def archived(found: str, patterns: Mapping[str, Pattern]) -> str:
    """Return the archive with our entries renewed and added. What people wrote, wherever it stands, stays as it is."""
    text = found if found.strip() else f"{TITLE}\n{found}"
    for pattern in patterns.values():
        text = _with(text, pattern)
    return text


def _with(text: str, pattern: Pattern) -> str:
    begin, end = _marks(pattern.fingerprint)
    ours = f"{begin}\n{_entry(pattern)}\n{end}"
    block = re.compile(rf"^{re.escape(begin)}\r?\n.*?^{re.escape(end)}$", re.DOTALL | re.MULTILINE)
    if block.search(text):
        return block.sub(lambda _: ours, text, count=1)
    line_end = "" if text.endswith("\n") else "\n"
    return f"{text}{line_end}\n{ours}\n"


def _marks(fingerprint: str) -> tuple[str, str]:
    short = hashlib.sha256(fingerprint.encode(errors="replace")).hexdigest()[:12]
    return f"<!-- opsagent:pattern {short} -->", f"<!-- /opsagent:pattern {short} -->"


def _entry(pattern: Pattern) -> str:
    lines = [
        ("Symptom", inline(pattern.symptom)),
        ("Cause", inline(pattern.cause)),
        ("Resolution", inline(pattern.resolution)),
        ("Detected", f"{pattern.first_at:%Y-%m-%d}"),
        ("Fingerprint", inline(pattern.fingerprint, 200)),
        ("Pattern-Key", pattern_key(pattern.fingerprint)),
        ("Recurrence-Count", str(pattern.count)),
        ("First-Seen", f"{pattern.first_at:%Y-%m-%d}"),
        ("Last-Seen", f"{pattern.last_at:%Y-%m-%d}"),
        ("Verified", "yes" if pattern.verified else "no"),
        ("See Also", ", ".join(inline(label, 40) for label in pattern.labels) or "none"),
    ]
    heading = f"## Failure: {inline(pattern.title, 80)} – {pattern.first_at:%Y-%m-%d}"  # noqa: RUF001 - the form that archives have
    return "\n".join([heading, "", *(f"- **{name}**: {value}" for name, value in lines)])


def pattern_key(fingerprint: str) -> str:
    """Return the two levels that sort failures of all hosts, kind and cause: `http.refused`."""
    parts = fingerprint.lower().split("|")[1:] or [fingerprint.lower()]
    return ".".join(re.sub(r"[^a-z0-9]+", "-", part).strip("-")[:60] or "unknown" for part in parts[:2])
