from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from opsagent.core import events as ev
from opsagent.core import wording
from opsagent.core.archive.entry import Entry
from opsagent.core.archive.pattern import Match, Pattern
from opsagent.core.before import Before, Cure, before
from opsagent.core.incident import By
from opsagent.core.phase import Phase
from opsagent.core.policy import Policy
from opsagent.core.task import Task, items, tickets
from tests.core.report.telling import Telling

POLICY = Policy(host="web-1", zone="Europe/Berlin")


def over(night: Telling, seq: int) -> None:
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    night.take(ev.IncidentClosed(), seq, after=1800)


def healed(night: Telling, check: str = "api") -> int:
    seq = night.incident(check, f"{check}.service")
    night.end(seq, night.order(seq), "verified")
    over(night, seq)
    return seq


def seen(night: Telling, seq: int) -> Before:
    return before(night.state, night.one(seq))


def test_what_never_failed_was_never_seen() -> None:
    night = Telling()

    assert seen(night, night.incident()) == Before()


def test_what_people_wrote_under_a_title_that_speaks_of_it_is_told() -> None:
    night = Telling()
    entry = Entry(where="failures/bug-patterns.md", line=3, title="API is down", resolution="clear the queue")
    night.take(ev.GuidesRead(sections=(), runbooks=(), entries=(replace(entry, title="DNS is slow"), entry)))
    seq = night.incident()

    assert seen(night, seq).entry == entry
    _, body = wording.page(night.state, night.one(seq), POLICY, night.at)
    assert "Written down: API is down (failures/bug-patterns.md:3): clear the queue\n" in f"{body}\n"


def test_the_same_failure_is_counted_with_what_ended_it_and_how_long_that_took() -> None:
    night = Telling()
    healed(night, "other")
    for _ in range(3):
        healed(night)
    taken = night.incident()
    night.take(ev.IncidentAcknowledged(by="marta", until=night.at + timedelta(hours=1), keep_repairing=False), taken)
    night.take(ev.RecoverySeen(mitigated_at=night.at + timedelta(minutes=41), message="200"), taken, after=2460)
    over(night, taken)

    found = seen(night, night.incident())

    assert (found.occurrences, found.last) == (4, f"OPS-20261118-{taken:03d}")
    assert found.cures == (
        Cure(by=By.REMEDY, name="restart", times=3, median_seconds=0.4),
        Cure(by=By.PERSON, name="marta", times=1, median_seconds=2460.0),
    )
    assert found.median_seconds == pytest.approx(0.4)


def test_what_was_healed_earlier_in_the_same_incident_was_seen_before() -> None:
    night = Telling()
    seq = night.incident()
    night.end(seq, night.order(seq), "verified")
    night.take(ev.Relapsed(to=Phase.REPAIRING, message="api: dead once more"), seq, after=60)
    night.end(seq, night.order(seq), "verified")
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    night.take(ev.IncidentReopened(to=Phase.REPAIRING, message="api: dead again"), seq, after=60)

    _, body = wording.page(night.state, night.one(seq), POLICY, night.at)

    assert (
        "Seen before: 2 times in 30 days, last 2026-11-18 (earlier in this incident).\n"
        "What helped: restart 2x (median 0.4 s).\n"
    ) in body


def test_what_was_good_for_a_moment_only_is_still_the_same_spell() -> None:
    night = Telling()
    seq = night.incident()
    night.good(seq)
    night.take(ev.Relapsed(to=Phase.REPAIRING, message="api: dead once more"), seq, after=60)

    assert seen(night, seq).occurrences == 0


def test_what_a_person_closed_while_it_failed_was_ended_by_nothing() -> None:
    night = Telling()
    seq = night.incident()
    night.take(ev.IncidentResolved(reason="not ours", by="ann", forced=True), seq)
    night.take(ev.IncidentClosed(), seq, after=1800)

    found = seen(night, night.incident())

    assert (found.occurrences, found.cures, found.median_seconds) == (1, (), None)


def test_what_is_older_than_thirty_days_is_not_counted() -> None:
    night = Telling()
    healed(night)
    night.at += timedelta(days=31)

    assert seen(night, night.incident()) == Before()


def test_an_incident_of_another_kind_was_not_seen_before() -> None:
    night = Telling()
    healed(night)
    seq = night.suspect()
    night.confirm(seq, fingerprint="api.service|http|slow")

    assert seen(night, seq) == Before()


def test_every_message_about_an_incident_says_what_is_known_of_earlier_ones() -> None:
    night = Telling()
    old = healed(night)
    label = f"OPS-20261118-{old:03d}"
    night.take(ev.TasksRead(tasks=(Task(text="raise the limit", where=f"tickets/{label}.md", incident=label),)))
    seq = night.incident()
    incident = replace(night.one(seq), pattern="api-dead", mitigated_at=night.at, acknowledged_by="ann")
    lines = (
        f"Seen before: once in 30 days, last 2026-11-18 ({label}).\n"
        "What helped: restart once (0.4 s).\n"
        f"Still to be done: raise the limit (tickets/{label}.md).\n"
        "Pattern: failures/patterns/api-dead.md\n"
    )
    said = (
        wording.page(night.state, incident, POLICY, night.at),
        wording.reminder(night.state, incident, POLICY, night.at),
        wording.recovery(night.state, incident, POLICY, night.at),
        wording.withdrawal(night.state, incident, POLICY, "gone", night.at),
    )

    assert all(lines in f"{body}\n" for _, body in said), said


def test_a_task_is_open_until_it_is_ticked_off_and_nothing_in_a_fence_is_one() -> None:
    text = "- [ ] raise the limit\n  * [ ] ask ann\n- [x] done\n```\n- [ ] said a log\n```\n- [ ]\n1. [ ] no\n"

    assert items(text) == ("raise the limit", "ask ann")


def test_a_ticket_is_open_until_somebody_writes_another_status() -> None:
    text = "# Ticket OPS-1\n\n## api needs a change of code\n\n- **Status**: {}\n"

    assert tickets(text.format("open; whoever takes it writes here")) == ("ticket: api needs a change of code",)
    assert tickets(text.format("done in 1.25")) == ()


@pytest.mark.parametrize(("cause", "times"), [("", 1), ("killed", 1), ("disk-full", 0)])
def test_what_had_another_cause_was_another_failure(cause: str, times: int) -> None:
    night = Telling()
    old = night.incident()
    night.take(ev.CauseFound(cause="killed", reason="somebody sent it SIGKILL"), old)
    night.end(old, night.order(old), "verified")
    over(night, old)
    seq = night.incident()
    if cause:
        night.take(ev.CauseFound(cause=cause, reason="so it seems"), seq)

    assert seen(night, seq).occurrences == times


def test_what_the_pattern_leaves_to_be_done_comes_first() -> None:
    night = Telling()
    seq = night.incident()
    pattern = Pattern(slug="api-dead", title="It dies", match=Match(unit=("api",)), tasks=("ask the vendor",))
    night.take(ev.ArchiveRead(patterns=(pattern,)))
    night.take(ev.PatternMatched(slug="api-dead", title="It dies", because="unit api.service"), seq)

    found = seen(night, seq)

    assert found.pattern == "failures/patterns/api-dead.md"
    assert found.tasks == (Task(text="ask the vendor", where=found.pattern),)
