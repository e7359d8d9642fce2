"""Which pattern of the archive speaks of a failure, and by which of its keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from opsagent.core.archive.pattern import Pattern
from opsagent.core.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opsagent.core.archive.failure import Failure
    from opsagent.core.archive.pattern import Match

ACTIVE = "active"
_LONGEST = 200
_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """A pattern that speaks of a failure, with each key that agreed and what it agreed with."""

    pattern: Pattern
    keys: tuple[tuple[str, str], ...]

    @property
    def because(self) -> str:
        """Say by what: `unit shop.service, cause disk-full, log "No space left on device"`."""
        return ", ".join(f"{key} {what}" for key, what in self.keys)


def matching(patterns: Iterable[Pattern], failure: Failure) -> Agreed | None:
    """Return the pattern that speaks of a failure, None where none does.

    All keys of its `match` must agree, of a key's items one. Of several patterns the one with most keys, of those
    one that is verified, of those the one that was changed last. One without a key, or retired, matches nothing.
    """
    found = [one for pattern in patterns if (one := _agreed(pattern, failure)) is not None]
    return max(found, key=_rank, default=None)


def expressions_for(patterns: Iterable[Pattern], name: str) -> tuple[str, ...]:
    """Return the expressions that may matter for a failure of this unit or check."""
    meant = (one.match.log for one in patterns if one.status == ACTIVE and speaks_of(one.match, name))
    return tuple(dict.fromkeys(expression for log in meant for expression in log))


def speaks_of(match: Match, name: str) -> bool:
    """Whether the `unit` of a match means this unit or check; every one where it says nothing of units.

    `.service` may be left out.
    """
    return not match.unit or bool(_glob(match.unit, name))


def _rank(found: Agreed) -> tuple[int, bool, datetime, str]:
    pattern = found.pattern
    return len(found.keys), pattern.verified, pattern.saved_at or _BEGINNING, pattern.slug


def _agreed(pattern: Pattern, failure: Failure) -> Agreed | None:
    agreed = tuple(keys(pattern, failure)) if pattern.status == ACTIVE else ()
    return Agreed(pattern=pattern, keys=agreed) if agreed and all(what for _, what in agreed) else None


def keys(pattern: Pattern, failure: Failure) -> Iterator[tuple[str, str]]:
    """Yield each key that is given with what it agreed with, "" for what did not."""
    match = pattern.match
    if match.unit:
        yield "unit", _glob(match.unit, failure.name)
    if match.result:
        yield "result", _one(match.result, failure.results)
    if match.exit:
        yield "exit", _one(map(_signal, match.exit), failure.exits)
    if match.cause:
        yield "cause", _one(match.cause, _causes(pattern, failure))
    if match.log:
        yield "log", _said(match.log, failure)


def _glob(globs: tuple[str, ...], name: str) -> str:
    names = (name, name.removesuffix(".service"))
    return name if any(_fits(one, glob) for glob in globs for one in names) else ""


def _fits(name: str, glob: str) -> bool:
    """Whether a name is like a glob of `*` and `?`: no expression is made of it, for that may take milliseconds."""
    here = at = back = 0
    star = -1
    while here < len(name):
        sign = glob[at : at + 1]
        if sign == "*":
            star, back, at = at, here, at + 1
        elif sign in ("?", name[here]):
            here, at = here + 1, at + 1
        elif star >= 0:
            back, at = back + 1, star + 1
            here = back
        else:
            return False
    return not glob[at:].strip("*")


def _one(items: Iterable[str], known: frozenset[str]) -> str:
    return next((item for item in items if item in known), "")


def _signal(item: str) -> str:
    """Return `SIGKILL` for `KILL`, `sigkill` and systemd's own `9/KILL`; of `203/EXEC` the number."""
    number, _, name = item.upper().partition("/")
    word = name or number
    if number.isdecimal() and (not name or int(number) >= _OF_SYSTEMD):
        return number
    return word if word.startswith("SIG") else f"SIG{word}"


_OF_SYSTEMD = 64
"""Exit statuses with a name begin here (sysexits.h, systemd.exec(5)); below are signals."""


def _causes(pattern: Pattern, failure: Failure) -> frozenset[str]:
    """A pattern with a fingerprint speaks of that kind alone: the class of a check is no cause beside a known one."""
    if failure.cause and pattern.fingerprint:
        return frozenset((failure.cause,))
    return frozenset((failure.cause, failure.failure_class))


def _said(expressions: tuple[str, ...], failure: Failure) -> str:
    line = next((failure.said[one] for one in expressions if one in failure.said), "")
    return f'"{visible(line.strip(), _LONGEST)}"' if line else ""
