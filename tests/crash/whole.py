"""The daemon's whole write path: spool, agent, event log, outbox, samples, and all that the memory writes.

One story: a service is killed, repaired, paged about, proven and resolved; a person writes into every file meanwhile.
`run` says aloud what is promised (`ack 7`: all up to 7), done (`repair 5`) and told; `check` starts again and lives the
story to its end, whatever the crash left of it.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.agent import Agent
from opsagent.core import codec, inbox
from opsagent.core import events as ev
from opsagent.core.fold import fold
from opsagent.core.log_row import StoreError, StoreTrouble
from opsagent.core.observation import Observation, ok
from opsagent.core.policy import CheckPolicy, Criticality, NotifierPolicy, Policy, RemedyRule
from opsagent.core.report.daily import entries
from opsagent.core.report.incident_file import BELOW
from opsagent.core.state import State
from opsagent.core.unit import HostConditions, JobOutcome, UnitSnapshot
from opsagent.core.world import Facts, FactsWanted
from opsagent.daemon import start
from opsagent.memory.memory import Memory
from opsagent.settings import Settings
from opsagent.settings.options import Layout, Scope
from opsagent.store import spool
from opsagent.store.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path, PurePosixPath

    from opsagent.core.codec import Recorded
    from opsagent.core.diagnosis.evidence import Evidence
    from opsagent.core.incident import Incident
    from opsagent.core.state import Owed

NOW = datetime(2026, 11, 21, 2, 14, 7, tzinfo=UTC)
ENDS_IN_DOUBT = 3
CANNOT_OPEN = 4
UNIT = "api.service"
API = CheckPolicy(
    name="api", kind="http", unit=UNIT, repair=(RemedyRule(do="restart"),), criticality=Criticality.CRITICAL
)
POLICY = Policy(host="web-1", checks=(API,), notifiers=(NotifierPolicy(name="hook", kind="webhook"),))
DAY, ARCHIVE, INCIDENT = "daily/2026-11-21.md", "failures/failure-archive.md", "incidents/2026/11/OPS-20261121-001.md"
DRAFT = "ops/runbooks/api-signal.md"
FILES = (DAY, ARCHIVE, INCIDENT, DRAFT)
"""What the memory writes, below its root."""
OURS_BY_HAND = "# Our own archive\n\nWritten by hand, long before.\n"
FINDING = "disk is nearly full"


def settings_of(directory: Path) -> Settings:
    return Settings(
        policy=POLICY,
        memory=directory / "memory",
        state=directory / "state",
        layout=Layout.STANDALONE,
        scope=Scope.SYSTEM,
    )


def prepare(directory: Path) -> None:
    """Leave a finding in the spool, and an archive that people began."""
    (directory / "state" / "spool").mkdir(parents=True)
    finding = {"v": 1, "kind": "healthcheck", "at": NOW.isoformat(), "by": "healthcheck", "findings": [FINDING]}
    spool.write(directory / "state" / "spool", json.dumps(finding))
    archive = directory / "memory" / ARCHIVE
    archive.parent.mkdir(parents=True)
    archive.write_text(OURS_BY_HAND)


def person_writes(directory: Path, line: str) -> None:
    """Append a line to every file of the memory that is there, as `echo >>` does; and keep what was written where."""
    for name in FILES:
        if (directory / "memory" / name).exists():
            with (directory / "memory" / name).open("a") as file, (directory / "person").open("a") as kept:
                file.write(line)
                kept.write(f"{name} {line}")


class Host:
    """The daemon on a host whose systemd restarts at once; `starts` counts how often it has."""

    def __init__(self, directory: Path, say: Callable[[str], None], now: datetime, starts: int = 0) -> None:
        self.say, self.now, self.starts = say, now, starts
        self.is_dead = False
        self.settings = settings_of(directory)
        self.ground = start.stand(self.settings, now)
        self.samples = Samples.open(self.settings.state / "samples.db", now)
        self.memory = Memory(self.settings.memory, layout="standalone", host="web-1", redact=str)
        self.agent = Agent(policy=POLICY, state=self.ground.state, log=self.ground.pending, effects=self, redact=str)
        self._news: deque[inbox.Arrival] = deque()

    @property
    def unit(self) -> UnitSnapshot:
        dead = {"active_state": "failed", "sub_state": "failed", "result": "signal", "exec_main_status": 9}
        alive = {"active_state": "active", "sub_state": "running", "inactive_exit_at": self.now}
        unit = UnitSnapshot(name=UNIT, read_at=self.now, type="simple", unit_file_state="enabled")
        return replace(unit, invocation_id=f"{self.starts:032x}", **(dead if self.is_dead else alive))

    def begin(self) -> None:
        """Do what the daemon does at its start, in its order."""
        rows = self.ground.opened.log.replay(self.ground.past.state.seq)
        self.memory.rebuild(codec.read_all(rows), since=NOW.date(), begin=self.ground.past)
        orphans = start.orphans(self.ground.state, POLICY)
        self.take(inbox.Started(version="1", pid=1), inbox.UnitSeen(snapshot=self.unit))
        for incident, action, _ in orphans:
            went = self.unit.invocation_id != action.before
            outcome = JobOutcome(result="done" if went else "unknown", after=self.unit)
            self.take(inbox.ActionDone(incident=incident, action=action.seq, outcome=outcome))
        start.take_spool(
            self.settings.state / "spool",
            self.ground,
            lambda command: self.take(inbox.Asked(command=command, reply=lambda _: None)),
        )

    def take(self, *arrivals: inbox.Arrival) -> None:
        """Let the agent have these and all that comes of them, as the main loop does, and promise what is recorded."""
        self.agent.handle(arrivals, self.now)
        while self._news:
            self.agent.handle([self._news.popleft()], self.now)
        if self.ground.pending.trouble is None:
            self.say(f"ack {self.ground.opened.log.last_seq}")
        else:
            self.say("held")
            self._catch_up()

    def _catch_up(self) -> None:
        try:
            self.ground.pending.flush(self.now)
        except StoreError as error:
            if error.kind is StoreTrouble.DOUBT:
                raise

    def act(self, incident: int, action: int, event: ev.ActionRequested) -> None:
        self.say(f"repair {action}")
        self.starts, self.is_dead = self.starts + 1, False
        outcome = JobOutcome(result="done", seconds=0.1, after=self.unit)
        self._news.append(inbox.ActionDone(incident=incident, action=action, outcome=outcome))

    def send(self, owed: Owed) -> None:
        self.say(f"tell {owed.key}")
        self._news.append(inbox.Tried(key=owed.key, delivered=True))

    def gather(self, wanted: FactsWanted) -> None:
        unit = wanted.unit
        facts = Facts(unit=unit, at=self.now, snapshot=self.unit)
        self._news.append(inbox.FactsSeen(unit=unit, facts=facts, conditions=HostConditions()))

    def investigate(self, incident: object, _unit: object, _since: object) -> None:
        seen = inbox.EvidenceSeen(incident=incident.seq, source="journal", lines=("Out of memory",))
        self._news.append(seen)

    def follow(self, incident: int, event: ev.PlaybookMatched) -> None:
        self.say(f"follow {incident} {event.section}")

    def compare(self, incident: Incident, evidence: Evidence) -> None:
        self.say(f"compare {incident.seq} {evidence.message}")

    def remember(self, steps: Sequence[tuple[State, State, Recorded]]) -> None:
        self.memory.remember(steps)

    def live(self) -> None:
        """Good looks until what began is over: the incident is resolved, and those who were paged know it."""
        for seconds in (1, 1, 35, 305):
            self.look(seconds)

    def look(self, seconds: int) -> None:
        """Look after so many seconds: it is good."""
        self.now += timedelta(seconds=seconds)
        seen = Observation(check="api", reading=ok("200 in 3 ms"), at=self.now)
        self.samples.add("api", self.now, seen.reading.status, 3.0, None)
        self.take(inbox.Looked(seen=seen))
        self.memory.catch_up(self.agent.state, self.now)

    def kill(self) -> None:
        self.is_dead = True
        self.take(inbox.UnitSeen(snapshot=self.unit))

    def end(self) -> None:
        self.samples.close()
        self.ground.opened.log.close()
        self.ground.held.release()


class CarelessHost(Host):
    """How one would write a file anew at first: open it, write it."""

    def __init__(self, directory: Path, say: Callable[[str], None], now: datetime, starts: int = 0) -> None:
        super().__init__(directory, say, now, starts)
        writer = self.memory._writer

        def replaced(path: PurePosixPath, change: Callable[[str], str]) -> bool:
            file = directory / "memory" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            text = file.read_text() if file.exists() else ""
            file.write_text(change(text))
            return True

        writer.replace = replaced


def run(directory: Path, say: Callable[[str], None], kind: type[Host] = Host) -> int:
    """Live until the end of the story. Return the exit status."""
    try:
        host = kind(directory, say, NOW)
        host.begin()
    except (StoreError, OSError):
        return CANNOT_OPEN
    try:
        host.look(60)
        host.kill()
        host.live()
        host.end()
    except StoreError as error:
        return ENDS_IN_DOUBT if error.kind is StoreTrouble.DOUBT else 0
    return 0


def check(directory: Path, lines: list[str], kind: type[Host] = Host) -> list[str]:
    """Start again on a healthy disk two hours later, live to the end, and return what is wrong then."""
    said = list(lines)
    repaired = sum(line.startswith("repair ") for line in lines)
    host = kind(directory, said.append, NOW + timedelta(hours=2), repaired)
    host.begin()
    if not repaired:
        host.kill()
    host.live()
    host.live()
    rows = list(codec.read_all(host.ground.opened.log.replay()))
    wrong = faults_in_log(host, rows, said) + faults_in_memory(directory, rows)
    if host.samples.set_aside is not None:
        wrong.append("the samples are damaged")
    host.end()
    return wrong


def words(said: list[str], first: str) -> list[str]:
    return [line.strip().partition(" ")[2] for line in said if line.startswith(f"{first} ")]


def faults_in_log(host: Host, rows: list[Recorded], said: list[str]) -> list[str]:
    """Compare the log with what was promised, done and told.

    Who ends before a full disk took what was held in memory has forgotten what was told: it is told again.
    """
    wrong = []
    promised = max(map(int, words(said, "ack")), default=0)
    if [one.seq for one in rows] != list(range(1, len(rows) + 1)) or promised > len(rows):
        wrong.append(f"acknowledged and lost: {promised} were promised, {len(rows)} are there")
    if host.ground.opened.log.unsound or host.ground.opened.set_aside:
        wrong.append("the log is damaged")
    ordered = [one.seq for one in rows if isinstance(one.event, ev.ActionRequested)]
    ended = [one.event.action for one in rows if isinstance(one.event, ev.ActionEnded)]
    repaired = [int(seq) for seq in words(said, "repair")]
    if len(repaired) != 1 or not set(repaired) <= set(ordered) or sorted(ended) != ordered:
        wrong.append(f"repaired {repaired}, ordered {ordered}, ended {ended}")
    queued = {one.event.key for one in rows if isinstance(one.event, ev.NotificationQueued)}
    told = words(said, "tell")
    twice = len(told) - len(set(told))
    if not queued or queued - set(told) or (twice > 1 and "held" not in {line.strip() for line in said}):
        wrong.append(f"told {told}, owed {queued}")
    findings = [one for one in rows if isinstance(one.event, ev.FindingReceived)]
    if len(findings) != 1 or spool.peek(host.settings.state / "spool") != spool.Spool():
        wrong.append(f"the finding of the spool became {len(findings)} events")
    return wrong


def faults_in_memory(directory: Path, rows: list[Recorded]) -> list[str]:
    """Every entry stands in the day once, every file is whole, and every line of a person is where it was written."""
    texts = {name: (directory / "memory" / name).read_text() for name in FILES}
    wrong = []
    before = State()
    for recorded in rows:
        after = fold(before, recorded)
        for entry in entries(before, after, recorded):
            times = texts[DAY].count(f"<!-- opsagent:{entry.seq} -->\n")
            if times != 1:
                wrong.append(f"entry {entry.seq} stands {times} times in the day")
        before = after
    heads = texts[DAY].count("<!-- opsagent:head ")
    if heads != 1 or not texts[DAY].startswith("# "):
        wrong.append(f"the day has {heads} heads and begins with {texts[DAY][:20]!r}")
    if texts[INCIDENT].count(BELOW) != 1 or not texts[INCIDENT].startswith("# OPS-20261121-001"):
        wrong.append(f"the incident's file begins with {texts[INCIDENT][:60]!r}")
    if not texts[ARCHIVE].startswith(OURS_BY_HAND) or texts[ARCHIVE].count("\n<!-- /opsagent:pattern ") != 1:
        wrong.append(f"the archive is not as it should be: {texts[ARCHIVE]!r}")
    if not texts[DRAFT].startswith("# Runbook: api signal\n") or texts[DRAFT].count("\n## Change Log\n") != 1:
        wrong.append(f"the draft of a runbook is not whole: {texts[DRAFT]!r}")
    written = directory / "person"
    for line in written.read_text().splitlines(keepends=True) if written.exists() else []:
        name, _, text = line.partition(" ")
        if texts[name].count(text) != 1:
            wrong.append(f"a person's line stands {texts[name].count(text)} times in {name}: {text}")
    return wrong
