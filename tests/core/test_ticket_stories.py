"""What no restart cures is handed to those who can change code: once, with what they need to know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.change import Change, ChangeKind
from opsagent.core.contract import incident as incident_json
from opsagent.core.fold import replay
from opsagent.core.policy import ChangePolicy, NotifierPolicy
from opsagent.core.report.daily import entries
from opsagent.core.report.tickets import ticket
from opsagent.core.state import State
from opsagent.memory.memory import Memory
from tests.core.live_host import LiveHost
from tests.core.test_stories import API, POLICY

if TYPE_CHECKING:
    from pathlib import Path

TRACE = ("Traceback (most recent call last):", '  File "/srv/api.py", line 3', "KeyError: 'vat_rate'")


def host_of(**more: object) -> LiveHost:
    host = LiveHost(replace(POLICY, **more))  # type: ignore[arg-type]
    host.serve("api.service")
    host.run(seconds=60)
    return host


def change(host: LiveHost, **ago: float) -> None:
    made = Change(
        kind=ChangeKind.DEPLOY,
        subject="api 2.3",
        what="",
        at=host.now - timedelta(**ago),
        units=("api.service",),
        diff=("-vat_rate: 19", "+rate: 19"),
        mark="1",
    )
    host.take(inbox.ChangesFound(changes=(made,)))


def fail(host: LiveHost, **how: object) -> None:
    """Let the service end by itself, as a program does that cannot go on."""
    died = {"result": "exit-code", "exec_main_code": 1, "exec_main_status": 1} | how
    host.change("api.service", active_state="failed", sub_state="failed", **died)


def evidence(host: LiveHost, lines: tuple[str, ...] = TRACE, source: str = "log") -> None:
    host.take(inbox.EvidenceSeen(incident=host.incident.seq, source=source, lines=lines))
    host.run(seconds=1)


def opened(host: LiveHost) -> list[str]:
    return [one.reason for one in host.events(ev.TicketOpened)]


def test_what_fails_after_its_own_change_is_a_ticket_with_the_change_and_its_own_words() -> None:
    host = host_of()
    change(host, minutes=4)
    fail(host)
    evidence(host, ("config error: key vat_rate missing",))

    assert opened(host) == ["it was bad 4 min after deploy api 2.3: what is new does not work here"]
    (recorded,) = (one for one in host.recorded if isinstance(one.event, ev.TicketOpened))
    label, made = ticket(host.agent.state, recorded, "web-1") or ("", None)
    assert label == host.incident.label
    assert made is not None
    for said in ("+rate: 19", "key vat_rate missing", "api.service failed: exit-code", "Status**: open", "Untrusted"):
        assert said in made.text
    assert incident_json(host.incident)["needs_code"] == opened(host)[0]
    assert entries(host.agent.state, host.agent.state, recorded)[0].text.startswith(
        "## 12:01 api needs a change of code"
    )


def test_a_traceback_in_its_own_log_is_a_ticket_without_any_change() -> None:
    host = host_of()
    fail(host)
    evidence(host)

    assert opened(host) == [f"its program shows a mistake of its own: {TRACE[-1]}"]


@pytest.mark.parametrize(("days", "tickets"), [(29, 0), (31, 1)])
def test_the_same_failure_is_a_ticket_again_after_a_month(days: int, tickets: int) -> None:
    host = host_of()
    first = host_of()
    fail(first)
    before = {first.incident.fingerprint: host.now - timedelta(days=days)}
    state = host.agent.state
    host.agent.state = replace(state, changes=replace(state.changes, tickets=before))
    fail(host)
    evidence(host)

    assert len(opened(host)) == tickets


@pytest.mark.parametrize(("lines", "source"), [(("all is well",), "log"), (TRACE, "kernel"), (TRACE, "processes")])
def test_other_words_and_the_words_of_others_are_none(lines: tuple[str, ...], source: str) -> None:
    host = host_of()
    fail(host)
    evidence(host, lines, source)
    host.run(minutes=1)

    assert opened(host) == []


@pytest.mark.parametrize("signal", [9, 15])
def test_what_somebody_killed_by_hand_says_nothing_of_what_is_new(signal: int) -> None:
    host = host_of()
    change(host, minutes=4)
    fail(host, result="signal", exec_main_code=2, exec_main_status=signal)
    host.run(minutes=2)

    assert opened(host) == []


def test_without_evidence_a_ticket_waits_only_ten_seconds() -> None:
    host = host_of()
    change(host, minutes=4)
    fail(host)
    early = opened(host)
    host.run(seconds=15)

    assert (early, len(opened(host))) == ([], 1)


def test_the_third_time_in_thirty_days_is_a_ticket() -> None:
    host = host_of()
    for _ in range(3):
        fail(host)
        host.run(hours=5)

    assert len(opened(host)) == 1
    assert "the same failure came 3 times in 30 days" in opened(host)[0]


def test_the_same_failure_is_one_ticket_however_often_it_comes() -> None:
    host = host_of()
    for _ in range(3):
        fail(host)
        evidence(host)
        host.run(hours=5)

    assert len(opened(host)) == 1


def test_the_developers_are_told_once_and_nobody_else() -> None:
    names = (NotifierPolicy(name="hook", kind="webhook"), NotifierPolicy(name="tracker", kind="webhook"))
    host = host_of(notifiers=names, changes=ChangePolicy(developers=("tracker",)))
    change(host, minutes=4)
    fail(host)
    evidence(host)

    (told,) = host.told("notice")
    assert (told.notifier, told.title) == ("tracker", "[NOTICE] web-1: api needs a change of code")
    assert told.incident == host.incident.seq
    assert f"tickets/{host.incident.label}.md" in told.body


def test_a_ticket_is_written_once_and_what_people_write_in_it_stays(tmp_path: Path) -> None:
    host = host_of()
    memory = Memory(tmp_path, layout="ai-memory", host="web-1", redact=str)
    change(host, minutes=4)
    fail(host)
    evidence(host)
    memory.rebuild(host.recorded)
    (file,) = (tmp_path / "ai-memory/tickets").iterdir()
    file.write_text(file.read_text() + "- **Status**: mine, Ann\n")
    memory.rebuild(host.recorded)

    assert file.name == f"{host.incident.label}.md"
    assert file.read_text().count("needs a change of code") == 1
    assert file.read_text().endswith("mine, Ann\n")
    assert (tmp_path / "ai-memory/decisions/ops-decisions.md").read_text().count("## Decision: ") == 1


def test_a_file_that_cannot_be_written_keeps_no_other_from_being_told(tmp_path: Path) -> None:
    host = host_of()
    memory = Memory(tmp_path, layout="ai-memory", host="web-1", redact=str)
    decisions = tmp_path / "ai-memory/decisions/ops-decisions.md"
    decisions.parent.mkdir(parents=True)
    decisions.symlink_to("/dev/null")
    change(host, minutes=4)
    fail(host)
    evidence(host)
    memory.rebuild(host.recorded)

    assert "ops-decisions.md" in memory.trouble
    assert list((tmp_path / "ai-memory/tickets").iterdir())

    decisions.unlink()
    memory.rebuild(host.recorded)

    assert memory.trouble == ""
    assert decisions.read_text().count("## Decision: ") == 1


def test_a_log_with_a_ticket_tells_the_same_story_again() -> None:
    host = host_of()
    change(host, minutes=4)
    fail(host)
    evidence(host)

    assert replay(State(), host.recorded) == (host.agent.state, 0)
    assert host.agent.policy.checks == (API,)
