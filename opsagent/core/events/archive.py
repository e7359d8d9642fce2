"""Facts about the failure archive: what its files say, and which pattern speaks of an incident."""

from __future__ import annotations

from dataclasses import dataclass

from opsagent.core.archive.pattern import Match, Pattern, Refused
from opsagent.core.events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRead(Event):
    """Pattern files of the failure archive are not as they were; redacted before.

    `patterns` are those that are new or mean something else now, `gone` the slugs of those that are no more;
    `refused` is all that cannot be used of the archive as it is now.
    """

    patterns: tuple[Pattern, ...] = ()
    gone: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternWritten(Event):
    """A failure that no pattern spoke of was written down as one, a file of this name, for people to correct."""

    slug: str
    title: str
    fingerprint: str
    match: Match


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternMatched(Event):
    """A pattern of the failure archive speaks of an incident; `because` says by which of its keys.

    `refused` are remedies that it names and the settings do not allow there. An empty `slug`: the one that spoke of it
    does so no more.
    """

    slug: str
    title: str
    because: str
    refused: tuple[str, ...] = ()
