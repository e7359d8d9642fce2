"""Messages that cannot be delivered, people who answer, and what they say while the daemon is down."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING

import pytest

from tests.host.scenarios.watched import Watched, quiet_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.harness import Host

QUICK = "every: 1s, confirm: {failures: 2, retry: 500ms, successes: 2, stable_for: 1s, resolve_after: 1s}"
SIGNED = "{name: signed, kind: webhook, url: 'http://127.0.0.1:9009/', secret_file: /etc/opsagent/secret, timeout: 1s}"


@pytest.fixture
def watched(stage_host: Host) -> Iterator[Watched]:
    """Yield a stage for the daemon."""
    stage = Watched(stage_host)
    yield stage
    stage.end()


def worker(watched: Watched, name: str) -> str:
    """Run a service that does nothing, enabled."""
    text = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
    unit = watched.service(f"{name}.service", text, start=False)
    watched.host.run(["systemctl", "enable", "-q", "--now", unit])
    return unit


def check(name: str, repair: str = "[]") -> str:
    return f"- {{name: {name}, kind: unit, unit: {name}.service, {QUICK}, repair: {repair}}}"


def delivered(watched: Watched) -> list[str]:
    """Return the keys of what the receiver took, in the order in which it came."""
    return [one["key"] for one in watched.got() if one["answer"] == "ok"]


def test_a_receiver_that_was_down_gets_the_page_once_and_the_recovery_after_it(watched: Watched) -> None:
    unit = worker(watched, "away")
    watched.begin(check("away"))
    watched.host.run(["systemctl", "stop", "hook"])
    watched.signal(unit)
    watched.incident("away", lambda one: one["state"] == "paged", what="paged")
    watched.host.run(["systemctl", "start", unit])
    watched.healed("away")

    watched.host.run(["systemctl", "start", "hook"])

    watched.wait(lambda: len(watched.got()) == 2, what="both messages", within=30)
    page, recovery = watched.got()
    assert [page["body"]["event"], recovery["body"]["event"]] == ["page", "recovery"]
    assert page["body"]["incident"]["id"] == recovery["body"]["incident"]["id"]
    assert page["key"] != recovery["key"]


def test_a_receiver_that_fails_or_hangs_gets_the_same_key_until_it_takes_it(watched: Watched) -> None:
    unit = worker(watched, "ill")
    watched.host.write("/etc/opsagent/secret", "s3cret-of-the-hook\n", mode=0o640)
    watched.host.run(["chgrp", "opsagent", "/etc/opsagent/secret"])
    watched.begin(check("ill"), "escalation: {levels: [{name: oncall, after: 0m, notify: [signed]}]}", notifiers=SIGNED)
    watched.answer("hang")

    watched.signal(unit)

    watched.wait(watched.got, what="the first try")
    watched.answer("500")
    watched.wait(lambda: len(watched.got()) == 2, what="the second try")
    watched.answer("ok")
    watched.wait(lambda: delivered(watched), what="the third try", within=30)
    tries = watched.got()
    assert [one["answer"] for one in tries] == ["hang", "500", "ok"]
    assert len({one["key"] for one in tries}) == 1
    stamp, _, seal = tries[-1]["signature"].removeprefix("t=").partition(",v1=")
    body = f"{stamp}.{tries[-1]['raw']}".encode()
    assert hmac.compare_digest(seal, hmac.digest(b"s3cret-of-the-hook", body, "sha256").hex())


def test_when_the_first_notifier_fails_for_good_the_next_is_told_at_once(watched: Watched) -> None:
    unit = worker(watched, "handed")
    first = "{name: first, kind: command, command: [/srv/no-such-program]}"
    watched.begin(
        check("handed"), "escalation: {levels: [{name: oncall, after: 0m, notify: [first]}]}", notifiers=first
    )

    watched.signal(unit)

    watched.wait(lambda: watched.got("page"), what="the second to be told", within=3)
    watched.incident("handed", lambda one: len(one["notifications"]) == 2, what="two notifications")
    told = watched.incident("handed")["notifications"]
    assert [(one["notifier"], one["state"]) for one in told] == [("first", "failed"), ("hook", "sent")]


def test_what_people_say_is_done_at_once(watched: Watched) -> None:
    unit = worker(watched, "talked")
    watched.begin(check("talked", "[restart]"))
    watched.host.run(["opsagent", "pause", "talked", "--for", "1h", "--repairs", "--because", "moving disks"])
    watched.signal(unit)
    label = watched.incident("talked", lambda one: one["repair"] == "held", what="held by the pause")["id"]

    refused = watched.host.run(["opsagent", "resolve", label, "--because", "looks fine"], check=False)
    watched.host.run(["opsagent", "note", label, "the cable was loose"])
    watched.host.run(["opsagent", "pause", "talked", "--end"])

    assert refused.returncode != 0
    assert "fails" in refused.stderr
    watched.healed("talked")
    assert watched.acted("talked") == [("restart", "verified")]
    assert "the cable was loose" in watched.markdown()
    assert "moving disks" in watched.daily()


def test_a_person_need_not_wait_between_two_attempts(watched: Watched) -> None:
    unit = worker(watched, "patient")
    watched.begin(check("patient", "[restart]"), "repair: {per_unit: {waits: [10m]}}")
    watched.signal(unit)
    watched.healed("patient")
    watched.signal(unit)
    watched.incident("patient", lambda one: one["repair"] == "waiting", what="waiting for its second attempt")

    watched.host.run(["opsagent", "repair", "patient", "--because", "customers wait"])

    watched.healed("patient")
    assert watched.acted("patient") == [("restart", "verified"), ("restart", "verified")]
    assert "customers wait" in watched.daily()


def test_what_they_say_while_the_daemon_is_down_is_carried_out_once_at_its_start(watched: Watched) -> None:
    unit = worker(watched, "spooled")
    watched.begin(check("spooled"))
    watched.signal(unit)
    label = watched.incident("spooled", lambda one: one["state"] == "paged", what="paged")["id"]
    watched.host.run(["systemctl", "stop", "opsagent"])

    watched.host.run(["opsagent", "ack", label, "--note", "on my way"])
    watched.host.run(["opsagent", "note", label, "seen from the train"])
    pending = json.loads(watched.host.run(["opsagent", "status", "--json"]).stdout)
    watched.host.run(["systemctl", "start", "opsagent"])

    assert [one["command"] for one in pending["pending_commands"]] == [f"ack {label}", f"note {label}"]
    assert pending["daemon"]["running"] is False
    watched.incident("spooled", lambda one: one["state"] == "acknowledged", what="taken")
    watched.kill()
    watched.wait(lambda: watched.json("status")["daemon"]["last_heartbeat_at"], what="a heartbeat")
    assert watched.markdown().count("seen from the train") == 2  # the story of the day, and the incident's own file
    assert watched.host.run(["ls", "/var/lib/opsagent/spool"]).stdout == ""


def test_a_finding_of_the_health_check_becomes_part_of_the_day(watched: Watched) -> None:
    unit = worker(watched, "unseen")
    watched.begin(check("unseen"))
    watched.signal_daemon("STOP")
    old = json.dumps({"v": 1, "at": "2026-01-01T00:00:00+00:00", "fast_loop_at": "2026-01-01T00:00:00+00:00"})
    watched.host.write("/var/lib/opsagent/heartbeat.json", old)
    watched.signal(unit)
    watched.host.run(["systemctl", "start", "opsagent-healthcheck"])

    watched.kill()

    watched.wait(lambda: "the health check looked while opsagent did not" in watched.daily(), what="the finding")
    quiet_for(0.5)
    assert "unit unseen.service is failed" in watched.daily()
    assert watched.daily().count("the health check looked") == 1
    assert [one["body"]["event"] for one in watched.got()].count("watcher_down") == 1
