from __future__ import annotations

from datetime import date

import pytest

from opsagent.memory.layout import LEARNINGS, PLACES, POSTMORTEMS, REPORTS, RUNBOOKS, Layout

DAY = date(2026, 11, 18)
EXPECTED = {
    Layout.STANDALONE: [
        "daily/2026-11-18.md",
        "daily/2026-11-18-2.md",
        "failures/failure-archive.md",
        "failures/debugging-notes.md",
        "decisions/ops-decisions.md",
        "knowledge/environment.md",
        "incidents",
        "failures/patterns",
        "status.html",
    ],
    Layout.AI_MEMORY: [
        "ai-memory/daily/2026-11-18.md",
        "ai-memory/daily/2026-11-18-2.md",
        "ai-memory/failures/failure-archive.md",
        "ai-memory/failures/debugging-notes.md",
        "ai-memory/decisions/ops-decisions.md",
        "ai-memory/knowledge/environment.md",
        "ai-memory/incidents",
        "ai-memory/failures/patterns",
        "ai-memory/status.html",
    ],
    Layout.OPENCLAW: [
        "memory/2026-11-18-opsagent.md",
        "memory/2026-11-18-opsagent-2.md",
        "memory/ops-failure-archive.md",
        "memory/ops-debugging-notes.md",
        "memory/ops-decisions.md",
        "memory/ops-environment.md",
        "incidents",
        "failures/patterns",
        "memory/ops-status.html",
    ],
}


@pytest.mark.parametrize("layout", Layout)
def test_every_record_has_its_place_in_every_layout(layout: Layout) -> None:
    at = PLACES[layout]

    paths = [at.daily(DAY), at.daily(DAY, 2), at.archive, at.playbook, at.decisions, at.environment]
    assert [str(path) for path in (*paths, at.incidents, at.patterns, at.page)] == EXPECTED[layout]


@pytest.mark.parametrize("layout", Layout)
def test_a_days_file_reaches_the_incidents_by_the_same_link_everywhere(layout: Layout) -> None:
    at = PLACES[layout]

    assert at.daily(DAY).parent.parent / "incidents" == at.incidents


def test_what_is_the_same_everywhere() -> None:
    assert [str(path) for path in (LEARNINGS, POSTMORTEMS, RUNBOOKS, REPORTS)] == [
        ".learnings",
        "ops/postmortems",
        "ops/runbooks",
        "ops/reports",
    ]
