"""The remedy `reclaim`: root's unit takes away what the settings allow, and tells what it freed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsagent.core import reclaim
from opsagent.core.acts import RECLAIM
from opsagent.host import act_reports
from opsagent.remedies.guard.by_root import ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsagent.core.order import Order
    from opsagent.core.unit import JobOutcome

REPORTS = Path("/run/opsagent-acts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Ask for `opsagent-act-reclaim.service`; how much it freed is told with its outcome."""

    def act(self, order: Order) -> JobOutcome:
        """Do it once: `done` when something was freed, `failed` when nothing was."""
        before = act_reports.stamp(REPORTS / "reclaim.json")
        outcome = ask(order, RECLAIM)
        report = act_reports.read(REPORTS / "reclaim.json", before)
        return outcome if report is None else told(outcome, report)


def told(outcome: JobOutcome, report: Mapping[str, Any]) -> JobOutcome:
    """Return the outcome in the words of the report; of a run that was cut short, what it had freed until then."""
    try:
        freed = reclaim.reported(report)
    except (ValueError, TypeError, KeyError):
        return outcome
    if outcome.result != "done":
        return replace(outcome, error=f"{reclaim.sentence(freed)}; then {outcome.error}")
    return replace(outcome, result="done" if reclaim.total(freed) else "failed", error=reclaim.sentence(freed))
