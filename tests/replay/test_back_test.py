"""A replay of a made week: with the settings of then it tells what happened, with others what would differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core import events as ev
from opsagent.core.observation import Severity
from opsagent.core.policy import Criticality, Mode
from opsagent.core.sampled import reading_of
from opsagent.replay import record
from opsagent.replay.back_test import Result, Settled, back_test
from opsagent.replay.course import Course, Looks
from opsagent.replay.facts import DECIDED
from opsagent.store import chunks
from tests.replay.recorded_host import RecordedHost, lived, policy

if TYPE_CHECKING:
    from opsagent.core.policy import CheckPolicy, Policy

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def week() -> RecordedHost:
    return lived(policy(), NOON, days=7, seed=4)


def replayed(host: RecordedHost, settings: Policy, digest: str = "one", since: datetime = NOON) -> Result:
    found = record.read(host.log.rows, since, host.now)
    return back_test(
        found, {name: course(name, host) for name in host.samples}, Settled(policy=settings, digest=digest)
    )


def course(name: str, host: RecordedHost) -> Course:
    columns = chunks.columns_of(host.samples[name])

    def reading(place: int):
        sample = columns.sample(place)
        return reading_of(sample.status, sample.failure_class)

    return Course(name, Looks(times=columns.times, statuses=columns.statuses, reading=reading))


def with_check(settings: Policy, name: str, **more: object) -> Policy:
    def changed(check: CheckPolicy) -> CheckPolicy:
        return replace(check, **more) if check.name == name else check  # type: ignore[arg-type]

    return replace(settings, checks=tuple(map(changed, settings.checks)))


def test_with_the_settings_of_then_a_week_is_as_it_was(week: RecordedHost) -> None:
    found = replayed(week, policy())

    assert len(found.before) >= 10
    assert sum(len(one.repairs) for one in found.before) >= 5
    assert sum(len(one.pages) for one in found.before) >= 5
    assert [(one.key, one.how) for one in found.different] == []
    assert found.lost == 0


def test_so_is_what_begins_in_the_midst_of_it(week: RecordedHost) -> None:
    found = replayed(week, policy(), since=NOON + timedelta(hours=101))

    assert len(found.before) >= 5
    assert [(one.key, one.how) for one in found.different] == []


def test_more_patience_keeps_short_failures_from_being_believed(week: RecordedHost) -> None:
    patient = replace(policy().checks[1].confirm, failures=12)
    found = replayed(week, with_check(policy(), "db", confirm=patient), "two")

    gone = [one for one in found.different if one.after is None]
    assert gone
    assert {one.key for one in gone} == {"db.service"}
    assert all(one.how == ("would not have been",) for one in gone)


def test_another_criticality_is_another_severity_and_other_pages(week: RecordedHost) -> None:
    found = replayed(week, with_check(policy(), "www", criticality=Criticality.CRITICAL), "two")

    assert {one.key for one in found.different} == {"www.service"}
    assert all(one.after is not None and one.after.severity is Severity.SEV1 for one in found.different)


def test_in_observe_mode_nothing_is_repaired_and_people_are_told_instead(week: RecordedHost) -> None:
    found = replayed(week, policy(mode=Mode.OBSERVE), "two")

    assert sum(len(one.repairs) for one in found.after) == 0
    assert sum(len(one.pages) for one in found.after) > sum(len(one.pages) for one in found.before)


def test_a_repair_that_is_on_no_record_is_marked(week: RecordedHost) -> None:
    armed = with_check(policy(), "www", repair=policy().checks[0].repair)
    found = replayed(week, armed, "two")

    ours = [one for incident in found.after if incident.key == "www.service" for one in incident.repairs]
    others = [one for incident in found.after if incident.key != "www.service" for one in incident.repairs]
    assert ours
    assert all(one.assumed for one in ours)
    assert not any(one.assumed for one in others)


def test_every_event_is_either_decided_anew_or_a_fact() -> None:
    """Whoever adds an event says here which it is: one that is both decided and recalled would count twice."""
    facts = """
        ActionEnded ArchiveRead BackupMade BackupRestored CauseFound ChangeSeen ClockJumped CommandTaken
        DaemonStarted DaemonStopped DeadManHeard EnvironmentDrifted EnvironmentLearned EvidenceGathered
        FindingReceived GuidesRead HeartbeatDone HostObserved IncidentAcknowledged IncidentSnoozed JobPinged
        ListenersOpened LogSalvaged LogsReviewed MemoryPurged NoCauseFound NoteAdded NotificationExpired
        NotificationFailed NotificationSent OperatorStopped PatternMatched PauseSet RepairApproved
        RepairAsked ReportJoined RestoreDrilled ReviewOrdered RightsCompared SettingsRefused TasksRead TrustGiven
        TrustRevoked UnitObserved UnknownEvent
    """

    assert set(ev.EVENTS) - {one.__name__ for one in DECIDED} == set(facts.split())
