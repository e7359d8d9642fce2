"""The whole of it: read the record, run the core over it, tell what differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.core.policy import Policy
from opsagent.replay import record as records
from opsagent.replay.differences import Difference, differences
from opsagent.replay.facts import Facts
from opsagent.replay.hands import Hands
from opsagent.replay.incidents import Outline, outlines
from opsagent.replay.running import Run, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from opsagent.replay.course import Course
    from opsagent.replay.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What happened, what would have, and how they differ. `lost` are turns whose facts fitted nowhere."""

    before: tuple[Outline, ...]
    after: tuple[Outline, ...]
    different: tuple[Difference, ...]
    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The settings of a back-test, as far as there is a record of what they watch."""

    policy: Policy
    digest: str
    text: str = ""


def back_test(
    record: Record,
    courses: Mapping[str, Course],
    settled: Settled,
    tell: Callable[[datetime], object] = bool,
    *,
    every_look: bool = False,
) -> Result:
    """Run other settings over a record. `tell` hears how far it has come; with `every_look` nothing is passed over."""
    hands = Hands(
        orders=records.orders(record.rows),
        sent=records.delivered(record.rows),
        asked=records.asked(record.rows),
        now=record.since,
    )
    script = Script(
        since=record.since,
        until=record.until,
        state=record.state,
        rows=record.rows,
        courses=courses,
        facts=Facts(record.keys, frozenset(record.reported)),
        policy=settled.policy,
        digest=settled.digest,
        text=settled.text,
    )
    run = Run(script, hands, tell, every_look=every_look)
    run.run()
    before = outlines(record.state, record.rows)
    after = outlines(record.state, hands.recorded, hands.assumed)
    return Result(before=tuple(before), after=tuple(after), different=tuple(differences(before, after)), lost=run.lost)
