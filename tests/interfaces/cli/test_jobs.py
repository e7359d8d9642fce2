"""`jobs`, `ping`, `job` and `raise`: what runs by itself, and people, tell a daemon, also one that is down."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.core.asking import JobsAsked
from opsagent.core.commands import Answer, Ping, Raise
from tests.interfaces.cli.test_program import running, wait_for

if TYPE_CHECKING:
    from tests.interfaces.instance import Daemon, Instance

SETTINGS = """\
state: {state}
zone: Europe/Berlin
checks:
  - {{name: backup, kind: job, every: 1h}}
  - {{name: nightly, kind: job, cron: 0 3 * * *}}
"""


def job(instance: Instance, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("opsagent")), "--config", str(instance.settings), "job", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


@pytest.fixture
def with_jobs(instance: Instance) -> Instance:
    instance.settings.write_text(SETTINGS.format(state=instance.state))
    return instance


def test_a_job_tells_when_it_begins_and_how_it_ended(instance: Instance, daemon: Daemon) -> None:
    ran = job(instance, "backup", "--", "sh", "-c", "echo reading; echo broken >&2; exit 3")

    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "reading\n", "broken\n")
    start, end = daemon.asked
    assert isinstance(start, Ping)
    assert isinstance(end, Ping)
    assert (start.state, end.state, end.exit_code) == ("start", "fail", 3)
    assert set(end.lines) == {"reading", "broken"}
    assert start.run == end.run != ""
    assert end.lasted is not None


def test_of_words_that_are_no_text_only_their_length_is_told(instance: Instance, daemon: Daemon) -> None:
    job(instance, "backup", "--", "sh", "-c", "head -c 3000 /dev/zero; exit 3")
    instance.run("ping", "backup", "fail", "--text", os.fsdecode(b"\xff\x9f\x80" * 100))

    told = [one.lines for one in daemon.asked if isinstance(one, Ping) and one.state == "fail"]
    assert told == [("3000 bytes that are not text",), ("300 bytes that are not text",)]


def test_a_job_runs_although_nobody_can_be_told_and_leaves_word_where_it_can(with_jobs: Instance) -> None:
    told = job(with_jobs, "backup", "--", "echo", "done")
    assert (told.returncode, told.stdout, told.stderr) == (0, "done\n", "")
    left = sorted(with_jobs.spooled(), key=lambda one: one["at"])
    assert [(one["kind"], one["state"]) for one in left] == [("ping", "start"), ("ping", "ok")]

    for words in (["--config", "/no/such/file", "backup"], ["no-such-job"]):
        ran = job(with_jobs, *words, "--", "echo", "done")
        assert (ran.returncode, ran.stdout) == (0, "done\n")
        assert len(ran.stderr.splitlines()) == (1 if "/no/such/file" in words else 0)


def test_a_daemon_that_refuses_is_said_once_on_stderr_and_harms_no_job(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: Answer(accepted=False, text="cannot find job 'other'")

    ran = job(instance, "other", "--", "echo", "done")

    assert (ran.returncode, ran.stdout) == (0, "done\n")
    assert ran.stderr == "opsagent: cannot tell that other ended well: cannot find job 'other'\n"


def test_ping_and_raise_ask_what_they_say(instance: Instance, daemon: Daemon) -> None:
    assert instance.run("ping", "backup", "fail", "--text", "disk full\nno space").exit_code == 0
    assert instance.run("raise", "checkout hangs", "--service", "shop", "--sev", "sev2", "--paying").exit_code == 0

    ping, raised = daemon.asked
    assert isinstance(ping, Ping)
    assert isinstance(raised, Raise)
    assert (ping.job, ping.state, ping.lines) == ("backup", "fail", ("disk full", "no space"))
    assert (raised.text, raised.service, raised.sev, raised.paying) == ("checkout hangs", "shop", "SEV2", True)


def test_the_list_of_jobs_is_the_daemons(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda request: [] if isinstance(request, JobsAsked) else Answer(accepted=True, text="")

    assert instance.json("jobs") == []
    assert "no jobs" in instance.run("jobs").stdout


def test_with_a_real_daemon_a_job_is_heard_judged_and_listed(with_jobs: Instance) -> None:
    job(with_jobs, "nightly", "--", "sh", "-c", "echo no disk; exit 5")
    with running(with_jobs):
        job(with_jobs, "backup", "--", "true")
        raised = with_jobs.json("raise", "checkout hangs", "--service", "shop")
        (reported,) = with_jobs.json("incidents", "--check", "shop")
        assert raised["text"] == f"{reported['id']} SEV3 is open: shop"
        wait_for(lambda: with_jobs.json("incidents", "--check", "nightly"), "the failure from the spool", with_jobs)
        jobs = {one["name"]: one for one in with_jobs.json("jobs")}
        (incident,) = with_jobs.json("incidents", "--check", "nightly")
        checked = with_jobs.run("check", "backup", "nightly", "--json")

        assert (jobs["backup"]["state"], jobs["nightly"]["state"]) == ("ok", "failed")
        assert jobs["nightly"]["zone"] == "Europe/Berlin"
        assert "with exit status 5" in incident["reason"]
        assert incident["reason"].endswith(": no disk")
        assert checked.exit_code == 2

    assert {one["name"]: one["state"] for one in with_jobs.json("jobs")} == {"backup": "ok", "nightly": "failed"}
