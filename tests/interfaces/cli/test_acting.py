"""What people tell the daemon: the words become one request; without a daemon it waits in the spool."""

from __future__ import annotations

import json
import socket
import stat
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core import asking
from opsagent.core.commands import Acknowledge, Answer, Approve, Command, Note, Pause, RepairNow, Resolve, Resume, Trust
from opsagent.interfaces import client

if TYPE_CHECKING:
    from datetime import datetime

    from tests.interfaces.instance import Daemon, Instance, Log

ID = "OPS-20260301-001"
CASES: list[tuple[list[str], Command]] = [
    (["ack", ID], Acknowledge(by="root", incident=ID)),
    (
        ["ack", ID, "--for", "5h", "--keep-repairing", "--note", "on it"],
        Acknowledge(by="root", incident=ID, lasts=timedelta(hours=5), keep_repairing=True, note="on it"),
    ),
    (["resolve", ID], Resolve(by="root", incident=ID)),
    (["resolve", ID, "--because", "new disk"], Resolve(by="root", incident=ID, because="new disk")),
    (
        ["resolve", ID, "--because", "new disk", "--force"],
        Resolve(by="root", incident=ID, because="new disk", force=True),
    ),
    (
        ["pause", "api", "--for", "2h", "--because", "deploy"],
        Pause(by="root", target="api", lasts=timedelta(hours=2), because="deploy"),
    ),
    (
        ["pause", "all", "--for", "1h30m", "--because", "deploy", "--pages"],
        Pause(by="root", target="all", lasts=timedelta(minutes=90), because="deploy", repairs=False),
    ),
    (
        ["pause", ID.lower(), "--for", "2h", "--because", "deploy", "--repairs"],
        Pause(by="root", target=ID, lasts=timedelta(hours=2), because="deploy", pages=False),
    ),
    (["pause", "api", "--end"], Resume(by="root", target="api")),
    (["repair", "api"], RepairNow(by="root", check="api")),
    (
        ["repair", "api", "--with", "restart", "--because", "it hangs"],
        RepairNow(by="root", check="api", remedy="restart", because="it hangs"),
    ),
    (["approve", ID], Approve(by="root", incident=ID)),
    (["approve", ID, "act", "renew"], Approve(by="root", incident=ID, remedy="act renew")),
    (
        ["trust", "api", "restart", "--because", "it is stateless"],
        Trust(by="root", check="api", remedy="restart", because="it is stateless"),
    ),
    (["trust", "api", "restart", "--revoke"], Trust(by="root", check="api", remedy="restart", revoke=True)),
    (["note", ID, "seen before"], Note(by="root", incident=ID, text="seen before")),
]


@pytest.fixture(autouse=True)
def nobody_called_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)


@pytest.mark.parametrize(("words", "request_"), CASES, ids=lambda value: " ".join(value) if type(value) is list else "")
def test_words_become_one_request(instance: Instance, daemon: Daemon, words: list[str], request_: Command) -> None:
    result = instance.run(*words)

    assert (result.exit_code, result.stdout) == (0, "done\n")
    assert daemon.asked == [request_]


@pytest.mark.parametrize(("words", "request_"), CASES, ids=lambda value: " ".join(value) if type(value) is list else "")
def test_without_the_daemon_the_same_request_waits(instance: Instance, words: list[str], request_: Command) -> None:
    result = instance.run(*words)

    assert result.exit_code == 0
    assert "the daemon is down; waits in the spool, carried out at its start: " in result.stdout
    (body,) = instance.spooled()
    assert asking.read(body, by="root") == request_


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["ping", "nightly", "maybe"], "cannot use 'maybe' as the state of a job, allowed: start, ok, fail"),
        (["raise", "x", "--sev", "SEV9"], "cannot use 'SEV9' as a severity"),
        (["raise", " "], "cannot raise an incident without a word of what is wrong"),
        (["change", "shop 2.3", "--kind", "party"], "cannot take a change of kind 'party', allowed: deploy"),
    ],
)
def test_what_every_daemon_would_refuse_does_not_wait_for_one(instance: Instance, words: list[str], why: str) -> None:
    result = instance.run(*words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert why in result.stderr
    assert instance.spooled() == []


def test_the_spool_is_made_for_the_whole_group_where_it_is_missing(instance: Instance) -> None:
    instance.run("repair", "api")

    assert stat.S_IMODE((instance.state / "spool").stat().st_mode) == 0o2770


def test_before_anything_ran_there_is_no_place_to_wait(instance: Instance) -> None:
    instance.state.rmdir()

    result = instance.run("repair", "api")

    assert result.exit_code == 1
    assert result.stderr.startswith("opsagent: the daemon is down, and ")
    assert "once opsagent has run here" in result.stderr


def test_a_refusal_is_told_on_stderr_and_by_the_exit_status(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: Answer(accepted=False, text="cannot resolve it: api still fails")

    result = instance.run("resolve", ID, "--because", "x")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "opsagent: cannot resolve it: api still fails\n"
    assert instance.spooled() == []


def test_a_daemon_that_hangs_is_not_sent_the_same_again(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object) -> None:
        raise client.NoAnswerError("cannot get an answer from the daemon within 10 s")

    monkeypatch.setattr(client, "ask", hang)

    result = instance.run("repair", "api")

    assert result.exit_code == 1
    assert "within 10 s; it may still carry this out, see: opsagent status" in result.stderr
    assert instance.spooled() == []


def test_a_socket_that_a_killed_daemon_left_is_a_daemon_that_is_down(instance: Instance) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(instance.state / "control.sock"))

    assert "waits in the spool" in instance.run("repair", "api").stdout


def test_behind_sudo_the_user_who_called_it_is_the_author(
    instance: Instance, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "ann")

    instance.run("pause", "api", "--end")

    assert daemon.asked == [Resume(by="ann (root)", target="api")]


def test_short_names_of_incidents_work_everywhere(instance: Instance, daemon: Daemon, log: Log, now: datetime) -> None:
    label = log.incident(at=now)

    instance.run("ack", "001")
    instance.run("note", "001", "hm")

    assert daemon.asked == [Acknowledge(by="root", incident=label), Note(by="root", incident=label, text="hm")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pause", "api"], "cannot pause without an end and a reason, write: --for 2h --because"),
        (["pause", "api", "--for", "2h"], "cannot pause without an end and a reason"),
        (["pause", "api", "--because", "x"], "cannot pause without an end and a reason"),
        (["pause", "api", "--for", "2", "--because", "x"], "cannot read '2' as a duration, write 2s"),
        (["pause", "api", "--for", "0s", "--because", "x"], "cannot use --for 0s, allowed: longer than nothing"),
        (["ack", ID, "--for", "soon"], "cannot read 'soon' as a duration, allowed: 500ms, 30s"),
        (["resolve", ID, "--force"], "cannot resolve by force without a reason, write: --force --because"),
        (["note", ID], "TEXT"),
        (["ack"], "INCIDENT"),
    ],
)
def test_what_is_missing_or_wrong_is_an_error_of_use(
    instance: Instance, daemon: Daemon, words: list[str], said: str
) -> None:
    result = instance.run(*words)

    assert result.exit_code == 2
    assert said in result.stderr
    assert daemon.asked == []


def test_the_spooled_request_says_when_it_was_asked(instance: Instance) -> None:
    instance.run("repair", "api")

    (path,) = (instance.state / "spool").glob("*.json")
    assert json.loads(path.read_text())["at"].endswith("Z")
