"""A pattern of the failure archive as values: what it matches, what it says, which remedies it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

TELL = "tell"
"""The remedy that is none: a person is told, and nothing is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """When a pattern speaks of a failure: all keys that are given must agree, of a key's items one.

    `unit` are globs for the unit, or for the check where it names none; `result` is systemd's Result, `exit` the exit
    status or signal as text (`1`, `SIGKILL`), `cause` a slug of diagnosis or a failure class; `log` are expressions for
    RE2, of which one must be found in a line of the evidence.
    """

    unit: tuple[str, ...] = ()
    result: tuple[str, ...] = ()
    exit: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A line in which an expression of a pattern was found."""

    expression: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One remedy that a pattern names, as `repair:` would: `restart`, `act renew-certificate`, or `tell`."""

    do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One kind of failure. `slug` is its file's name without `.md`; only `title` and `match` are required of people.

    `remedies` are in the order in which the file names them. `ours`: nobody has changed its match or remedies since we
    wrote them. `status` is `active` or `retired`: a retired one matches nothing. `saved_at` (UTC) is when what it means
    was last changed. `tasks` are the open items of its prose. Counters and dates are from the log: what a file says of
    them is not read.
    """

    slug: str
    title: str
    match: Match
    fingerprint: str = ""
    cause: str = ""
    remedies: tuple[Named, ...] = ()
    verified: bool = False
    see_also: tuple[str, ...] = ()
    pattern_key: str = ""
    status: str = "active"
    ours: bool = False
    saved_at: datetime | None = None
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Refused:
    """What of the archive cannot be used: where (`failures/patterns/api.md:4`), why, and what is allowed."""

    path: str
    why: str

    def __str__(self) -> str:
        """Write it as editors understand it."""
        return f"{self.path}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """The `number`-th spell (from 0) of an incident, by its seq and by its label."""

    incident: int
    number: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How often one pattern spoke of a failure, when that began (UTC), the latest spells, the kinds by fingerprint.

    An incident that reopens fails once more: `count` is of spells, as in "seen before".
    """

    count: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    spells: tuple[Spell, ...] = ()
    kinds: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The incidents of these spells, each once."""
        return tuple(dict.fromkeys(one.label for one in self.spells if one.label))


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What was read of the pattern files: the patterns by their slugs, and what could not be used.

    `records` is what the log knows of them, also of some that are gone; `written` are the slugs that we wrote.
    """

    patterns: tuple[Pattern, ...] = ()
    refused: tuple[Refused, ...] = ()
    records: Mapping[str, Record] = field(default_factory=dict)
    written: tuple[str, ...] = ()

    def pattern(self, slug: str) -> Pattern | None:
        """Return the pattern of that slug, or None."""
        return next((one for one in self.patterns if one.slug == slug), None)
