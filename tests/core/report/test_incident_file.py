from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core import events as ev
from opsagent.core.before import Before
from opsagent.core.report.incident_file import BELOW, incident_file, merged
from opsagent.core.report.links import below_incidents, has_file
from tests.core.report.telling import Telling

OURS = f"# OPS-20261118-001 · api is down · SEV2 · resolved\n\n{BELOW}\n"


def eventful() -> Telling:
    night = Telling()
    seq = night.incident(message="exit 78")
    night.take(ev.EvidenceGathered(source="journal", lines=("config error: key vat_rate missing", "```")), seq)
    night.end(seq, night.order(seq, also=("worker.service",)), "failed", "exit 78")
    night.page(seq)
    queued = ev.NotificationQueued(
        key="k",
        notifier="mail",
        level="oncall",
        kind="page",
        title="t",
        body="b",
        reason="r",
        expires_at=night.at + timedelta(days=1),
    )
    night.take(queued, seq)
    night.take(ev.NotificationSent(key="k"), seq, after=2)
    night.take(ev.IncidentAcknowledged(by="anna", until=night.at + timedelta(hours=5), note="rolling back"), seq)
    return night


def test_the_latest_rows_stay_in_a_table_of_many_and_the_rest_is_counted() -> None:
    night = Telling()
    seq = night.incident(message="exit 78")
    for number in range(130):
        queued = ev.NotificationQueued(
            key=f"k{number}", notifier=f"n{number}", level="oncall", kind="page", title="t", body="b", reason="r",
            expires_at=night.at,
        )  # fmt: skip
        night.take(queued, seq)

    text = incident_file(night.one(seq), "h", Before())

    assert "30 earlier ones: `opsagent show OPS-20261118-001`\n\n| at (UTC) |" in text
    assert "| n129 |" in text
    assert "| n29 |" not in text


def test_it_holds_what_happened_what_was_done_and_who_was_told_in_utc() -> None:
    night = eventful()

    text = incident_file(night.one(1), "web-1", Before())

    assert text.startswith("# OPS-20261118-001 · api is down · SEV2 · acknowledged\n\n- **Host** web-1\n")
    assert "first bad 2026-11-18T01:14:06.000Z" in text
    assert "| 2026-11-18T01:14:06.000Z | restart | api.service (and worker.service) | failed | 0.20 | exit 78 |" in text
    assert "| 2026-11-18T01:14:11.400Z | page | oncall | mail | sent |" in text
    assert "- **Taken by** anna" in text
    assert "````text\nconfig error: key vat_rate missing\n```\n````" in text
    assert "```text\nrolling back\n```" in text
    assert text.endswith(f"\n{BELOW}\n")


def test_without_actions_and_messages_it_says_so() -> None:
    night = Telling()
    night.incident()

    text = incident_file(night.one(1), "web-1", Before())

    assert "## Actions\n\nNone.\n" in text
    assert "## Told\n\nNobody.\n" in text
    assert "Evidence" not in text


def test_only_what_was_repaired_or_paged_has_a_file() -> None:
    night = Telling()
    watched, repaired, paged = night.incident(), night.incident("b", "b.service"), night.incident("c", "c.service")
    refused = ev.ActionRefused(remedy="restart", unit="api.service", guard="armed", reason="would have")
    night.take(refused, watched)
    night.order(repaired)
    night.page(paged)

    assert [has_file(night.one(seq)) for seq in (watched, repaired, paged)] == [False, True, True]
    assert below_incidents("OPS-20261118-002") == "2026/11/OPS-20261118-002.md"


@given(st.text(max_size=200))
def test_what_people_wrote_below_the_mark_stays_as_it_is(theirs: str) -> None:
    before = merged("", OURS) + theirs

    after = merged(before, OURS.replace("resolved", "closed"))

    assert after == OURS.replace("resolved", "closed") + theirs
    assert merged(after, OURS) == OURS + theirs


@pytest.mark.parametrize("mark", [f"{BELOW}\r\n", f"{BELOW}  \n", BELOW])
def test_the_mark_is_known_again_after_an_editor_touched_it(mark: str) -> None:
    assert merged(OURS.replace(f"{BELOW}\n", mark), OURS) == OURS


def test_a_file_that_is_not_ours_goes_below_the_mark() -> None:
    assert merged("my notes\n", OURS) == f"{OURS}my notes\n"


def test_a_line_of_evidence_cannot_play_the_mark() -> None:
    night = eventful()
    night.take(ev.EvidenceGathered(source="journal", lines=(BELOW, "spam")), 1)
    text = incident_file(night.one(1), "web-1", Before())

    assert merged(text + "mine\n", text) == text + "mine\n"
