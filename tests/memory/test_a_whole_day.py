"""A whole day of a busy host in a few seconds: what an operator finds in the morning is short, and says what was."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from opsagent.checks import journal as journal_check
from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core import inbox, review
from opsagent.core.change import Change, ChangeKind
from opsagent.core.job import Plan
from opsagent.core.jobs import reading, standing
from opsagent.core.observation import Measure, Reading, ok
from opsagent.core.policy import (
    CheckPolicy,
    Confirm,
    Criticality,
    Escalation,
    Level,
    NotifierPolicy,
    Policy,
    RemedyRule,
)
from opsagent.host import journal
from opsagent.memory.memory import Memory
from opsagent.redact import Redactor
from opsagent.review.child import Asked, Reviewing
from tests.core.live_host import LiveHost
from tests.review import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from opsagent.core.codec import Recorded
    from opsagent.core.state import State

MIDNIGHT = datetime(2026, 11, 17, 23, 0, tzinfo=UTC)  # 00:00 in Berlin
SERVICES = tuple(f"svc-{number:02}" for number in range(1, 31))
RESOURCES = tuple(f"disk-{number}" for number in range(1, 11))
ZONE = "Europe/Berlin"
PACE = timedelta(minutes=1)
BURST = "limiting requests"
JOBS = {
    "db-backup": "0 2 * * *",
    "rotate": "30 0 * * *",
    "report": "0 6 * * *",
    "sync": "*/30 * * * *",
    "prune": "15 4 * * *",
    "invoices": "0 8 * * *",
}
STORY = [
    "00:00 opsagent 1.0 looks after this host",
    "02:14 svc-01 healed in 0 s",
    "03:39 configuration /etc/billing/config.yml 1 line removed, by deploy",
    "03:41 svc-12 is down, **needs you**",
    "03:41 svc-12 needs a change of code",
    "03:49 svc-12 taken by ann",
    "04:15 prune failed",
    "04:30 svc-20.service stopped by root",
    "04:36 svc-20.service runs again, 6 min after it was stopped",
    "06:10 report did not run",
    "06:14 package lib0 1.0 → 1.1 and 311 more",
    "06:50 report good since 06:45",
    "07:30 logs reviewed since Tue 07:30",
    "04:15 prune failed, **needs you**",
    "08:10 invoices did not run, **needs you**",
    "09:23 svc-12 good since 09:18",
    "09:45 prune good since 09:40",
    "09:45 invoices good since 09:40",
    "11:20 web-errors counts too many errors, **needs you**",
    "11:34 web-errors good since 11:29",
    "14:07 svc-02 healed in 0 s",
    "16:00 svc-01 healed in 0.2 s",
]
DAY = "daily/2026-11-18.md"


def check(name: str) -> CheckPolicy:
    unit = None if name in RESOURCES else f"{name}.service"
    repair = (RemedyRule(do="restart"),) if unit and name <= "svc-10" else ()
    kind = "http" if unit else "disk"
    return CheckPolicy(name=name, kind=kind, unit=unit, every=PACE, repair=repair, criticality=Criticality.IMPORTANT)


ERRORS = CheckPolicy(
    name="web-errors",
    kind="journal",
    every=PACE,
    criticality=Criticality.NORMAL,
    confirm=Confirm(failures=1, retry=timedelta(seconds=30)),  # the kind's own
)


def job(name: str, cron: str) -> CheckPolicy:
    plan = Plan(cron=cron, zone=ZONE, said_in=ZONE, grace=timedelta(minutes=10))
    return CheckPolicy(name=name, kind="job", job=plan, criticality=Criticality.NORMAL)


POLICY = Policy(
    host="web-1",
    zone=ZONE,
    checks=(*map(check, (*SERVICES, *RESOURCES)), ERRORS, *(job(*one) for one in JOBS.items())),
    notifiers=(NotifierPolicy(name="mail", kind="apprise"),),
    escalation=Escalation(levels=(Level(name="on-call", after=timedelta(), notify=("mail",)),)),
)


class Log:
    """nginx's error log: the recorded lines of that day, but those of its burst all at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        rows = [row for row in recorded.everything() if row.get("file", "").endswith("/nginx/error.log")]
        self._calm = [row for row in rows if BURST not in row["line"]]
        self._burst = [row["line"] for row in rows if BURST in row["line"]]
        self._check, self._kept = journal_check.Check(file=str(path)), ""
        path.touch()

    def burst(self) -> None:
        with self.path.open("a") as file:
            file.writelines(f"{line}\n" for line in self._burst)

    def look(self, now: datetime) -> Reading:
        due = [row for row in self._calm if row["at"] <= now.timestamp()]
        del self._calm[: len(due)]
        with self.path.open("a") as file:
            file.writelines(f"{row['line']}\n" for row in due if row["at"] >= MIDNIGHT.timestamp())
        reading, self._kept = self._check.observe_since(self._kept)
        return reading


def reviewed(folder: Path, since: datetime, day: int) -> ev.LogsReviewed:
    """Review a recorded day's journal and files, as the daemon's child does."""
    (folder / "log").mkdir(exist_ok=True)
    recorded.append_files(folder / "log", day)
    asked = Asked(since=since, until=since + recorded.DAY, directory=folder, files=(str(folder / "log" / "*.log"),))
    return Reviewing(asked, Redactor().redact).review()


class RememberingHost(LiveHost):
    """A live host whose memory is written to a real disk."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.memory = Memory(root, layout="standalone", host="web-1", redact=lambda text: text)
        self.root, self.scratch, self.nginx = root, scratch, Log(scratch / "error.log")
        super().__init__(POLICY, MIDNIGHT)
        self.orders.remember = self._remember

    def _remember(self, steps: Sequence[tuple[State, State, Recorded]]) -> None:
        self.memory.remember(steps)

    def beat(self) -> None:
        self.take(inbox.Beat(late=0.1, seconds=1.5))
        if review.due(self.agent.state, self.agent.policy, self.now):
            since = review.since(self.agent.state, self.now)
            self.take(inbox.LogsRead(review=reviewed(self.scratch, since, 1)))
        self.memory.catch_up(self.agent.state, self.now)

    def pass_to(self, clock: str) -> None:
        """Let the day go on to that time, with a heartbeat each half hour."""
        hour, minute = map(int, clock.split(":"))
        end = MIDNIGHT + timedelta(hours=hour, minutes=minute)
        while self.now < end:
            half_hour = timedelta(minutes=30) - (self.now - MIDNIGHT) % timedelta(minutes=30)
            step = min(half_hour, end - self.now)
            self.run(seconds=step.total_seconds())
            if step == half_hour:
                self.beat()
                self.ping("sync")

    def heard(self, job: str) -> Reading:
        plan, state = self.agent.policy.check(job).job, self.agent.state
        return reading(standing(plan, state.jobs[job], self.now, state))

    def ping(self, job: str, code: int = 0, *lines: str) -> None:
        """One run of a job, from its first word to its last."""
        run = f"{job} {self.now}"
        self.ask(cmd.Ping(by="root", job=job, state="start", run=run))
        self.run(seconds=20)
        state = "fail" if code else "ok"
        self.ask(cmd.Ping(by="root", job=job, state=state, run=run, exit_code=code, lines=lines))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RememberingHost]:
    host = RememberingHost(tmp_path_factory.mktemp("memory"), tmp_path_factory.mktemp("scratch"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "answered", recorded.journal)
        patch.setattr(journal_check, "utc_now", lambda: host.now)
        begin(host)
        live_through(host)
        host.memory.catch_up(host.agent.state, host.now)
        yield host


@pytest.fixture
def memory(lived: RememberingHost) -> Path:
    return lived.root


def begin(host: RememberingHost) -> None:
    reviewed(host.scratch, recorded.BEGIN, 0)  # the day before, from which it is known what is usual
    for name in SERVICES:
        host.serve(f"{name}.service")
    for name in JOBS:
        host.answers[name] = partial(host.heard, name)
    for name in RESOURCES:
        host.answers[name] = lambda: ok("41 % used", Measure(name="used", value=41, unit="%"))
    host.answers[ERRORS.name] = lambda: host.nginx.look(host.now)
    host.take(inbox.Started(version="1.0", pid=1), inbox.SettingsRead(policy=POLICY, digest="d", text="checks: …"))


def live_through(host: RememberingHost) -> None:
    host.beat()
    host.pass_to("00:30")
    host.ping("rotate")
    host.pass_to("02:00")
    host.ping("db-backup")
    host.pass_to("02:14")
    host.kill("svc-01.service")
    host.pass_to("03:39")
    host.take(inbox.ChangesFound(changes=(config(host.now),)))
    host.pass_to("03:41")
    host.services["svc-12.service"].sick = "status"
    host.pass_to("03:49")
    host.ask(cmd.Acknowledge(by="ann", incident="002", lasts=timedelta(hours=6), note="rolling back"))
    host.pass_to("04:15")
    host.ping("prune", 1, "cannot open /var/lib/prune.db: disk quota exceeded")
    host.pass_to("04:30")
    host.stop("svc-20.service", by="root")
    host.pass_to("04:36")
    host.start("svc-20.service")
    host.pass_to("06:14")
    host.take(inbox.ChangesFound(changes=(packages(host.now),)))
    blips(host)
    host.pass_to("06:45")
    host.ping("report")
    host.pass_to("09:18")
    host.services["svc-12.service"].sick = ""
    host.pass_to("09:40")
    host.ping("prune")
    host.ping("invoices")
    host.pass_to("11:20")
    host.nginx.burst()
    host.pass_to("14:07")
    host.kill("svc-02.service")
    host.pass_to("16:00")
    host.kill("svc-01.service")
    host.pass_to("24:00")


def blips(host: RememberingHost) -> None:
    for number in range(14, 30):
        host.services[f"svc-{number}.service"].sick = "timeout"
        host.run(until=lambda: bool(host.agent.state.suspects), seconds=61)
        host.services[f"svc-{number}.service"].sick = ""
        host.run(seconds=30)


def config(at: datetime) -> Change:
    name, units = "/etc/billing/config.yml", ("svc-12.service",)
    diff = ("-vat_rate: 19",)
    return Change(
        kind=ChangeKind.CONFIG,
        subject=name,
        what="1 line removed",
        at=at,
        units=units,
        by="deploy",
        diff=diff,
        mark="a",
    )


def packages(at: datetime) -> Change:
    names = tuple(f"lib{number} 1.{number} → 1.{number + 1}" for number in range(20))
    what = "1.0 → 1.1 and 311 more"
    return Change(kind=ChangeKind.PACKAGE, subject="lib0", what=what, at=at, items=names, count=312, mark="b")


def test_the_day_is_short_and_its_head_is_shorter(memory: Path) -> None:
    text = (memory / DAY).read_bytes()
    head, end, _ = text.partition(b"<!-- /opsagent:head -->\n")

    assert end
    assert len(head + end) <= 1100
    assert len(text) < 16 * 1024
    assert len(text.splitlines()) < 200


def test_the_head_says_how_it_stands(memory: Path) -> None:
    title, _, *lines = (memory / DAY).read_text().splitlines()
    head = lines[: lines.index("<!-- /opsagent:head -->")]

    assert title == "# Wed 2026-11-18 · web-1 · nothing needs you"
    assert [line for line in head if line.startswith("Heartbeats 48 of 48, last 23:30 · checks 47 good, 0 blind")]
    assert [line for line in head if "**healed alone** 3" in line and "**blips** 16" in line]
    assert [line for line in head if line.startswith("**Changed:** ")]


def test_the_story_is_told_once_each_in_the_order_of_the_day(memory: Path) -> None:
    headings = [line for line in (memory / DAY).read_text().splitlines() if line.startswith("## ")]

    assert [heading.partition(" · ")[0].removeprefix("## ") for heading in headings] == STORY


def test_what_was_repaired_or_paged_about_has_a_file_that_the_day_leads_to(memory: Path) -> None:
    links = re.findall(r"\]\(\.\./(incidents/[^)]+)\)", (memory / DAY).read_text())

    assert len(set(links)) == 7
    assert [link for link in links if not (memory / link).is_file()] == []
    assert "vat_rate" in (memory / links[1]).read_text()


def test_the_logs_of_the_day_are_reviewed_once_and_its_head_names_the_one_new_kind(lived: RememberingHost) -> None:
    (line,) = [one for one in (lived.root / DAY).read_text().splitlines() if one.startswith("**Logs:**")]
    counts, new = line.split(", 1 new kind: ")

    assert re.fullmatch(r"\*\*Logs:\*\* [0-9]+ errors, [0-9]+ warnings", counts)
    assert re.fullmatch(r"….*/postgresql-15-main\.log `postgres@shop FATAL: sorry, too many clients already`", new)
    assert len(lived.events(ev.LogsReviewed)) == 1


def test_a_burst_of_recorded_errors_is_one_incident_that_says_so_and_clears(lived: RememberingHost) -> None:
    (file,) = [path for path in (lived.root / "incidents").rglob("*.md") if ERRORS.name in path.read_text("utf-8")]
    title, *lines = file.read_text("utf-8").splitlines()

    assert f"· {ERRORS.name} counts too many errors · SEV3 · closed" in title
    assert [line for line in lines if re.match(r"- \*\*Saw\*\* [0-9]+ errors of .*error.* in 10 min", line)]
