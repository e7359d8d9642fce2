"""Checks observe: one file per kind, the file name is the kind, the fields of its `Check` are its YAML keys."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from opsagent.core.observation import Reading, Status, unknown
from opsagent.core.text import visible

KINDS: tuple[str, ...] = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg))
"""Every kind of check there is, by name."""

MESSAGE_LIMIT = 500
"""Characters of a message that are kept: enough for one sentence, too few for a flood."""
KEPT_LIMIT = 128 * 1024
"""Characters that a check may keep from one look to the next."""


class Check(Protocol):
    """What every kind offers: one look at the host."""

    def observe(self) -> Reading:
        """Look once, within the check's own bounds."""


@runtime_checkable
class Comparing(Protocol):
    """What a kind offers instead if it must know what it saw before: a cursor, counters, what is usual."""

    def observe_since(self, kept: str) -> tuple[Reading, str]:
        """Look once; `kept` is the text that the last look returned, "" at first or when it was lost."""


@runtime_checkable
class Grading(Protocol):
    """What a kind offers besides if one number decides: the answer to a number on record, and what is asked at all."""

    def graded(self, value: float, at: float) -> Reading:
        """Judge the first measure of a look that was made then (seconds since 1970), by the limits of this check."""

    def question(self) -> object:
        """Return this check without its limits: two that ask the same differ only in how they judge."""


@runtime_checkable
class Quoting(Protocol):
    """What a kind offers besides if it read other people's words: those that its answer is about."""

    def evidence(self) -> tuple[str, ...]:
        """Return the lines, the last ones last. Raises JournalError, OSError."""


@dataclass(frozen=True, slots=True)
class Remembering:
    """A check that compares, made one like all others: recalls what its last look kept, keeps what this one says.

    A look that raises has kept nothing new.
    """

    check: Comparing
    recall: Callable[[], str]
    keep: Callable[[str], None]

    def observe(self) -> Reading:
        """Look once, knowing the last look."""
        reading, kept = self.check.observe_since(self.recall())
        if len(kept) <= KEPT_LIMIT:
            self.keep(kept)
        elif reading.status is not Status.CRITICAL:  # bad news is told all the same, if need be again and again
            return unknown(f"cannot keep {len(kept)} characters until the next look, {KEPT_LIMIT} are allowed", "error")
        return reading


def remembering(check: Check | Comparing, recall: Callable[[], str], keep: Callable[[str], None]) -> Check:
    """Return a check that can be looked at like all others, also where its kind compares."""
    return Remembering(check, recall, keep) if isinstance(check, Comparing) else check


def kind(name: str) -> type[Check | Comparing]:
    """Return the options class of a kind, importing only that file; ValueError names the kinds there are."""
    if name not in KINDS:
        message = f"cannot find check kind {name!r}, known kinds: {', '.join(KINDS)}"
        raise ValueError(message)
    found: type[Check | Comparing] = importlib.import_module(f"{__name__}.{name}").Check
    return found


def observe(check: Check) -> Reading:
    """Look once, and never raise: a look that goes wrong is `unknown`, and its text is safe to show."""
    try:
        reading = check.observe()
    except Exception as error:  # noqa: BLE001 - one bad check must never stop the others
        reading = unknown(f"cannot look: {type(error).__name__}: {error}", "error")
    measures = tuple(measure for measure in reading.measures if math.isfinite(measure.value))
    return replace(reading, message=visible(reading.message, MESSAGE_LIMIT), measures=measures)
