"""Facts about the logs of the host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from opsagent.core.events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKind:
    """Lines that differ only in their figures and names: whose they are, and what they have in common.

    `priority` is syslog's number of the worst of them; `count` how many there were, `usual` how many there usually are
    in the same time. `text` was redacted before it became one; `<n>`, `<ip>` and so on stand for what varies.
    """

    source: str
    text: str
    priority: int
    count: int
    usual: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsReviewed(Event):
    """The warnings and errors of the logs from `since` to `until` were read and grouped.

    `new`, `more` (than usual) and `most` are the first of each; `new_kinds` counts the new ones. `is_first`: there was
    no past to compare with, so nothing is called new. `usual` is the usual number of lines, None while unknown.
    `missed` says what could not be read, `trouble` why there was no review at all.
    """

    since: datetime
    until: datetime
    errors: int = 0
    warnings: int = 0
    kinds: int = 0
    usual: int | None = None
    new_kinds: int = 0
    new: tuple[LogKind, ...] = ()
    more: tuple[LogKind, ...] = ()
    most: tuple[LogKind, ...] = ()
    missed: tuple[str, ...] = ()
    is_first: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOrdered(Event):
    """Somebody wants the logs reviewed now."""

    by: str
