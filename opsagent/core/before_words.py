"""What is known of earlier failures like this one, in words: for a message, and for the story of the day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.incident import By
from opsagent.core.text import some
from opsagent.core.timing import local_date, spoken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.before import Before, Cure

NEVER = "never on this host in 30 days"
HELPED = "What helped: "
OPEN = "Still to be done: "
PATTERN = "Pattern: "
ENTRY = "Written down: "
_MOST = 3
_WITHOUT = {By.ROOT: "the recovery of what it needs", By.UNKNOWN: "a person or by itself"}


def times(count: int) -> str:
    """Return `never`, `once`, `2 times`."""
    return ("never", "once")[count] if count < 2 else f"{count} times"  # noqa: PLR2004 - words end there


def how_often(before: Before, label: str, zone: str) -> str:
    """Return `4 times in 30 days, last 2026-11-20 (OPS-20261120-002)`; `label` is the present incident's."""
    if before.last_at is None:
        return NEVER
    last = "earlier in this incident" if before.last == label else before.last
    return f"{times(before.occurrences)} in 30 days, last {local_date(before.last_at, zone)} ({last})"


def helped(before: Before) -> str:
    """Return `restart 3x (median 2.1 s), marta once (41 min)`; "" where it never failed before."""
    if not before.occurrences:
        return ""
    return some((_cure(one) for one in before.cures), _MOST) or "nothing that is known"


def _cure(one: Cure) -> str:
    name = by(one.by, one.name)
    seconds = "" if one.median_seconds is None else spoken(timedelta(seconds=one.median_seconds))
    if one.times == 1:
        return f"{name} once ({seconds})" if seconds else f"{name} once"
    return f"{name} {one.times}x (median {seconds})" if seconds else f"{name} {one.times}x"


def by(who: By, name: str) -> str:
    """Return who or what ended a failure: a remedy, a person, or what is known where nobody is."""
    return name or _WITHOUT.get(who, "a person")


def tasks(before: Before) -> str:
    """Return what people left to be done, each with the record that says so; "" for nothing."""
    said = "; ".join(f"{one.text} ({one.where})" for one in before.tasks[:_MOST])
    more = len(before.tasks) - _MOST
    return f"{said} and {more} more" if more > 0 else said


def lines(before: Before, label: str, zone: str) -> Iterator[str]:
    """Yield what a message says of it, a line each; `label` is the present incident's."""
    yield f"Seen before: {how_often(before, label, zone)}."
    if said := helped(before):
        yield f"{HELPED}{said}."
    if said := tasks(before):
        yield f"{OPEN}{said}."
    if before.pattern:
        yield f"{PATTERN}{before.pattern}"
    if one := before.entry:
        what = one.resolution or one.cause
        yield f"{ENTRY}{one.title} ({one.where}:{one.line}){f': {what}' if what else ''}"


def sentence(before: Before, label: str, zone: str) -> str:
    """Return the same in one sentence, without the file of the pattern."""
    parts = (
        how_often(before, label, zone),
        f"what helped: {said}" if (said := helped(before)) else "",
        f"still to be done: {said}" if (said := tasks(before)) else "",
    )
    return "; ".join(part for part in parts if part)
