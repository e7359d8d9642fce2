"""Stories of jobs: what they tell of their runs, what they do not tell, and what follows from both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core import inbox, jobs
from opsagent.core.job import Job, Plan
from opsagent.core.observation import Reading, Severity, Status
from opsagent.core.phase import Phase
from opsagent.core.policy import CheckPolicy, Criticality, NotifierPolicy, Policy
from tests.core.live_host import LiveHost
from tests.core.story_host import NOON

if TYPE_CHECKING:
    from opsagent.core.incident import Incident

MAIL = NotifierPolicy(name="mail", kind="webhook")
HOURLY = Plan(every=timedelta(hours=1), grace=timedelta(minutes=5), max_runtime=timedelta(minutes=20))
NIGHTLY = Plan(cron="0 3 * * *", zone="Europe/Berlin", said_in="Europe/Berlin")


class JobHost(LiveHost):
    """A host with one job, that is judged as the daemon does it."""

    def __init__(self, plan: Plan, now: datetime = NOON) -> None:
        super().__init__(self.policy_of(plan), now=now)
        self.plan = plan
        self.use(plan)

    @staticmethod
    def policy_of(plan: Plan) -> Policy:
        check = CheckPolicy(name="backup", kind="job", criticality=Criticality.NORMAL, job=plan)
        return Policy(host="web-1", checks=(check,), notifiers=(MAIL,))

    def use(self, plan: Plan) -> None:
        self.plan = plan
        self.answers["backup"] = lambda: jobs.reading(self.standing)
        self.take(inbox.SettingsRead(policy=self.policy_of(plan), digest=plan.spelled(), text=""))
        self.run(seconds=1)

    @property
    def standing(self) -> jobs.Standing:
        return jobs.standing(self.plan, self.agent.state.jobs["backup"], self.now, self.agent.state)

    def ping(self, state: str, *lines: str, **more: object) -> cmd.Answer:
        answer = self.ask(cmd.Ping(by="root", job="backup", state=state, lines=lines, **more))
        self.run(seconds=1)
        return answer

    @property
    def trouble(self) -> Incident | None:
        return next(iter(self.agent.state.open_incidents), None)


def test_a_job_that_runs_in_time_and_ends_well_is_good() -> None:
    host = JobHost(HOURLY)

    for _ in range(3):
        host.ping("start")
        host.run(minutes=4)
        host.ping("ok")
        host.run(minutes=56)

    assert host.standing.word == "due"
    assert host.agent.state.incidents == {}
    assert [event.seconds for event in host.events(ev.JobPinged) if event.state == "ok"] == pytest.approx([241] * 3)


def test_a_job_that_does_not_begin_is_late_once_its_grace_is_over_and_told_of() -> None:
    host = JobHost(HOURLY)
    host.ping("ok")

    host.run(minutes=64)
    assert host.trouble is None
    host.run(minutes=2)

    assert host.trouble is not None
    assert host.trouble.failure_class == "late"
    assert host.trouble.severity is Severity.SEV3
    assert host.trouble.reason == "did not run: was due 13:00, with 5m of grace; last run ended well 12:00"
    assert [owed.kind for _, owed in host.delivered] == ["page"]


def test_the_moment_at_which_it_becomes_late_is_not_waited_past() -> None:
    host = JobHost(HOURLY)
    host.ping("ok")

    assert host.run(minutes=70, until=lambda: host.trouble is not None)

    assert host.now - host.agent.state.jobs["backup"].begun_at < timedelta(minutes=65, seconds=1)  # type: ignore[operator]


def test_a_job_of_which_whole_runs_are_left_out_is_missing() -> None:
    host = JobHost(HOURLY)
    host.ping("ok")

    host.sleep(minutes=200)

    assert host.standing.word == "missing"
    assert host.standing.message.startswith("did not run 3 times in a row: the first was due 13:00")


def test_a_job_that_was_never_heard_of_has_its_first_deadline_from_when_it_is_watched() -> None:
    host = JobHost(NIGHTLY)

    host.pass_(hours=13)
    assert host.standing.word == "new"
    host.run(hours=1, minutes=15)

    assert host.trouble is not None
    assert host.trouble.failure_class == "missing"
    assert host.trouble.reason == ("has never run since it is watched (Wed 13:00): was due 03:00, with 10m of grace")


def test_a_job_that_fails_is_an_incident_at_once_with_its_last_words() -> None:
    host = JobHost(HOURLY)
    host.ping("start", run="a")
    host.run(minutes=2)

    host.ping("fail", "reading /srv", "tar: /srv: no such file", exit_code=2, lasted=timedelta(seconds=121), run="a")

    assert host.trouble is not None
    assert host.trouble.reason == "failed 12:02 with exit status 2 after 2 min: tar: /srv: no such file"
    assert host.trouble.failure_class == "failed"
    quoted = [moment.quoted for moment in host.trouble.timeline if moment.quoted]
    assert quoted == [("reading /srv", "tar: /srv: no such file")]
    assert host.agent.state.jobs["backup"].lines == ()


def test_only_a_good_end_ends_it_and_not_that_it_begins_again() -> None:
    host = JobHost(HOURLY)
    host.ping("fail")
    host.run(minutes=10)
    host.ping("start")
    host.run(minutes=10)
    assert host.trouble is not None
    assert host.trouble.state is Phase.PAGED
    assert host.standing.message.startswith("runs again since 12:10 (10 min); before that: failed 12:00")

    host.ping("ok")
    host.run(minutes=6)

    assert host.incident.state is Phase.RESOLVED


def test_what_began_too_late_stays_late_until_it_has_ended_well() -> None:
    host = JobHost(HOURLY)
    host.ping("ok")
    host.run(minutes=80)

    host.ping("start")
    assert host.standing.word == "late"
    host.ping("ok")

    assert host.standing.word == "ok"


def test_a_job_that_runs_longer_than_it_may_hangs() -> None:
    host = JobHost(HOURLY)
    host.ping("start")

    host.run(minutes=21)

    assert host.trouble is not None
    assert host.trouble.failure_class == "too_long"
    assert host.trouble.reason == "has been running since 12:00 (20 min), longer than max_runtime 20m"


def test_without_a_longest_time_it_may_run_until_it_is_due_again() -> None:
    host = JobHost(Plan(every=timedelta(hours=1), grace=timedelta(minutes=5)))
    host.ping("start")

    host.run(minutes=64)
    assert host.trouble is None
    host.run(minutes=2)

    assert host.trouble is not None
    assert host.trouble.reason == "has been running since 12:00 (65 min), and is due again".replace(
        "65 min", "1 h 5 min"
    )


def test_the_end_of_another_run_does_not_end_the_one_that_hangs() -> None:
    host = JobHost(HOURLY)
    host.ping("start", run="a")
    host.ping("start", run="b")
    host.ping("ok", run="a")

    host.run(minutes=21)

    assert host.standing.word == "too_long"


def test_a_job_whose_plan_changes_is_not_late_by_the_new_plan_for_what_it_did_by_the_old_one() -> None:
    host = JobHost(Plan(every=timedelta(days=1)))
    host.ping("ok")
    host.sleep(hours=9)

    host.use(HOURLY)

    assert host.standing.word == "new"
    host.run(minutes=66)
    assert host.standing.word == "missing"


def test_what_waited_in_the_spool_counts_from_when_it_was_sent() -> None:
    host = JobHost(HOURLY)
    host.ping("ok")
    host.sleep(minutes=90)

    host.take(
        inbox.Asked(
            command=cmd.Ping(by="root", uuid="u1", job="backup", state="ok", asked_at=NOON + timedelta(minutes=60)),
            reply=lambda _: None,
        )
    )
    host.run(seconds=1)

    assert host.agent.state.incidents == {}
    assert host.standing.due_at == NOON + timedelta(minutes=120)


def test_of_a_job_that_runs_every_few_minutes_times_are_told_to_the_second() -> None:
    host = JobHost(Plan(every=timedelta(minutes=1), grace=timedelta(seconds=5)))
    host.ping("ok")
    host.run(minutes=1, seconds=10)

    assert host.standing.message == "did not run: was due 12:01:01, with 5s of grace; last run ended well 12:00:01"


def test_jobs_that_fail_at_the_same_hour_are_told_one_by_one_and_stop_no_repair() -> None:
    names = ("one", "two", "three", "four")
    checks = tuple(CheckPolicy(name=name, kind="job", criticality=Criticality.NORMAL, job=HOURLY) for name in names)
    host = LiveHost(Policy(host="web-1", checks=checks, notifiers=(MAIL,)))
    host.take(inbox.SettingsRead(policy=host.agent.policy, digest="d", text=""))
    for name in names:
        host.ask(cmd.Ping(by="root", job=name, state="fail"))
        failed = host.agent.state.jobs[name]
        host.answers[name] = lambda job=failed: jobs.reading(jobs.standing(HOURLY, job, host.now))  # type: ignore[misc]

    host.run(minutes=1)

    assert len(host.agent.state.open_incidents) == len(names)
    assert host.agent.state.breaker is None


def test_backups_that_are_late_at_the_same_hour_stop_no_repair_either() -> None:
    names = ("db", "keys", "mail", "wiki")
    checks = tuple(CheckPolicy(name=f"backup-{name}", kind="backup", criticality=Criticality.NORMAL) for name in names)
    host = LiveHost(Policy(host="web-1", checks=checks, notifiers=(MAIL,)))
    late = Reading(status=Status.CRITICAL, message="is late", failure_class="late", conclusive=True)
    host.answers |= {check.name: lambda: late for check in checks}

    host.run(minutes=1)

    assert len(host.agent.state.open_incidents) == len(names)
    assert host.agent.state.breaker is None


def spooled(host: JobHost, state: str, at: datetime) -> None:
    ping = cmd.Ping(by="root", uuid=f"{state}-{at}", job="backup", state=state, asked_at=at)
    host.take(inbox.Asked(command=ping, reply=lambda _: None))


def test_of_many_that_wait_in_the_spool_an_older_one_that_comes_later_changes_nothing() -> None:
    host = JobHost(HOURLY)
    host.sleep(minutes=50)

    spooled(host, "fail", NOON + timedelta(minutes=40))
    spooled(host, "ok", NOON + timedelta(minutes=20))

    assert host.standing.word == "failed"


def test_a_whole_days_pings_in_the_spool_are_no_flood() -> None:
    host = JobHost(Plan(every=timedelta(minutes=1)))
    host.sleep(hours=3)

    for minute in range(1, 180):
        spooled(host, "ok", NOON + timedelta(minutes=minute))

    assert len(host.events(ev.JobPinged)) == 179
    assert host.standing.word in {"ok", "due"}


def test_a_ping_that_names_no_job_or_no_state_is_refused_and_leaves_no_trace() -> None:
    host = JobHost(HOURLY)
    before = len(host.log.rows)

    assert "known: backup" in host.ask(cmd.Ping(by="eve", job="other", state="ok")).text
    assert "start, ok, fail" in host.ask(cmd.Ping(by="eve", job="backup", state="fine")).text
    assert len(host.log.rows) == before


def test_a_flood_of_pings_is_cut_off_before_it_fills_the_log() -> None:
    host = JobHost(HOURLY)

    answers = [host.ask(cmd.Ping(by="eve", job="backup", state="ok")) for _ in range(100)]

    assert sum(answer.accepted for answer in answers) == jobs.MOST_PINGS
    host.run(minutes=2)
    assert host.ping("ok").accepted


def test_while_we_were_down_a_user_who_could_leave_no_word_is_not_called_late() -> None:
    plan = Plan(every=timedelta(hours=1), grace=timedelta(minutes=5), user="deploy")
    for mine, word in ((plan, "ok"), (HOURLY, "late")):
        host = JobHost(mine)
        host.ping("ok")
        host.sleep(minutes=70)
        host.take(inbox.Started(version="1", pid=1, missed=timedelta(minutes=69)))

        assert host.standing.word == word


def test_a_run_whose_end_its_user_may_have_told_in_vain_is_not_said_to_hang() -> None:
    plan = Plan(every=timedelta(hours=1), grace=timedelta(minutes=5), max_runtime=timedelta(minutes=20), user="deploy")
    for mine, up_to, word in ((plan, 10, "running"), (HOURLY, 10, "too_long"), (plan, 25, "too_long")):
        host = JobHost(mine)
        host.ping("start")
        host.run(minutes=up_to)
        host.sleep(minutes=2)
        host.take(inbox.Started(version="1", pid=1, missed=timedelta(minutes=2)))
        host.run(minutes=20)

        assert host.standing.word == word
        host.run(minutes=60)
        assert host.standing.word == "too_long"


def test_the_list_of_jobs_shows_when_each_ran_and_is_due() -> None:
    host = JobHost(HOURLY)
    host.ping("start")
    host.run(seconds=59)
    host.ping("fail", exit_code=3)

    (shown,) = jobs.shown(host.agent.state, host.agent.policy.jobs, host.now)

    assert shown | {"message": ""} == {
        "name": "backup",
        "state": "failed",
        "message": "",
        "schedule": "every 1h",
        "zone": "UTC",
        "grace": "5m",
        "max_runtime": "20m",
        "user": None,
        "started_at": "2026-11-18T12:00:01.000Z",
        "ended_at": "2026-11-18T12:01:01.000Z",
        "ok_at": None,
        "seconds": 60.0,
        "exit_code": 3,
        "due_at": "2026-11-18T13:00:01.000Z",
    }


MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
PLANS = st.sampled_from([HOURLY, NIGHTLY, Plan(cron="*/20 * * * *", zone="America/New_York"), Plan(cron="@weekly")])


@given(PLANS, MOMENTS, st.timedeltas(timedelta(), timedelta(days=20)))
def test_a_job_that_is_never_heard_of_again_is_found_missing_and_stays_so(
    plan: Plan, since: datetime, later: timedelta
) -> None:
    job = Job(since=since, begun_at=since, ended_at=since, ok=True)
    at = jobs.standing(plan, job, since + later)
    after = jobs.standing(plan, job, since + later + timedelta(days=8))

    assert after.word == "missing" or (plan.cron == "@weekly" and after.word == "late")
    assert (at.word in jobs.BAD) == (since + later >= at.due_at + plan.grace)


@given(PLANS, MOMENTS, st.timedeltas(timedelta(), timedelta(days=3)))
def test_nothing_changes_before_the_moment_that_is_named_for_it(plan: Plan, since: datetime, later: timedelta) -> None:
    job, now = Job(since=since), since + later
    at = jobs.standing(plan, job, now)

    assert at.until is None or at.until > now
    if at.until is not None:
        before = at.until - timedelta(microseconds=1)
        assert jobs.standing(plan, job, before).word == at.word
