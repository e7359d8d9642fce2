"""Messages that cannot be delivered, people who answer, and what they say while the daemon is down."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING

import pytest

from tests.host.scenarios.watched import Watched, check, quiet_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.harness import Host

SIGNED = "kind: webhook, url: 'http://127.0.0.1:9009/{}', secret_file: /etc/opsagent/secret, timeout: 1s"


@pytest.fixture
def watched(stage_host: Host) -> Iterator[Watched]:
    """Yield a stage for the daemon."""
    stage = Watched(stage_host)
    yield stage
    stage.end()


def delivered(watched: Watched) -> list[str]:
    """Return the keys of what the receiver took, in the order in which it came."""
    return [one["key"] for one in watched.got() if one["answer"] == "ok"]


def test_a_receiver_that_was_down_gets_the_page_once_and_the_recovery_after_it(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check(repair="[]"))
    watched.host.run(["systemctl", "stop", "hook"])
    watched.signal(unit)
    watched.incident("worker", lambda one: one["state"] == "paged", what="paged")
    watched.host.run(["systemctl", "start", unit])
    watched.healed("worker")

    watched.host.run(["systemctl", "start", "hook"])

    watched.wait(lambda: len(watched.got()) == 2, what="both messages", within=30)
    page, recovery = watched.got()
    assert [page["body"]["event"], recovery["body"]["event"]] == ["page", "recovery"]
    assert page["body"]["incident"]["id"] == recovery["body"]["incident"]["id"]
    assert page["key"] != recovery["key"]


def test_receivers_that_fail_or_hang_get_the_same_key_until_they_take_it(watched: Watched) -> None:
    unit = watched.worker()
    watched.host.write("/etc/opsagent/secret", "s3cret-of-the-hook\n", mode=0o640)
    watched.host.run(["chgrp", "opsagent", "/etc/opsagent/secret"])
    two = f"{{name: ill, {SIGNED.format('ill')}}}, {{name: stuck, {SIGNED.format('stuck')}}}"
    levels = "escalation: {levels: [{name: oncall, after: 0m, notify: [ill, stuck]}]}"
    watched.begin(check(repair="[]"), levels, notifiers=two)
    watched.answer("500", "/ill")
    watched.answer("hang", "/stuck")

    watched.signal(unit)

    watched.wait(lambda: len(watched.got()) == 2, what="the first tries")
    watched.answer("ok", "/ill")
    watched.answer("ok", "/stuck")
    watched.wait(lambda: len(delivered(watched)) == 2, what="the second tries", within=30)
    for path, first in (("/ill", "500"), ("/stuck", "hang")):
        tries = [one for one in watched.got() if one["path"] == path]
        assert [one["answer"] for one in tries] == [first, "ok"]
        assert len({one["key"] for one in tries}) == 1
        stamp, _, seal = tries[-1]["signature"].removeprefix("t=").partition(",v1=")
        body = f"{stamp}.{tries[-1]['raw']}".encode()
        assert hmac.compare_digest(seal, hmac.digest(b"s3cret-of-the-hook", body, "sha256").hex())


def test_when_the_first_notifier_fails_for_good_the_next_is_told_at_once(watched: Watched) -> None:
    unit = watched.worker()
    first = "{name: first, kind: command, command: [/srv/no-such-program]}"
    watched.begin(
        check(repair="[]"), "escalation: {levels: [{name: oncall, after: 0m, notify: [first]}]}", notifiers=first
    )

    watched.signal(unit)

    watched.wait(lambda: watched.got("page"), what="the second to be told", within=3)
    watched.incident("worker", lambda one: len(one["notifications"]) == 2, what="two notifications")
    told = watched.incident("worker")["notifications"]
    assert [(one["notifier"], one["state"]) for one in told] == [("first", "failed"), ("hook", "sent")]


def test_what_people_say_is_done_at_once(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check())
    watched.host.run(["opsagent", "pause", "worker", "--for", "1h", "--repairs", "--because", "moving disks"])
    watched.signal(unit)
    label = watched.incident("worker", lambda one: one["repair"] == "held", what="held by the pause")["id"]

    refused = watched.host.run(["opsagent", "resolve", label, "--because", "looks fine"], check=False)
    watched.host.run(["opsagent", "note", label, "the cable was loose"])
    watched.host.run(["opsagent", "pause", "worker", "--end"])

    assert refused.returncode != 0
    assert "fails" in refused.stderr
    watched.healed("worker")
    assert watched.acted("worker") == [("restart", "verified")]
    assert "the cable was loose" in watched.markdown()
    assert "moving disks" in watched.daily()


def test_a_person_need_not_wait_between_two_attempts(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check(), "repair: {per_unit: {waits: [10m]}}")
    watched.signal(unit)
    watched.healed("worker")
    watched.signal(unit)
    watched.incident("worker", lambda one: one["repair"] == "waiting", what="waiting for its second attempt")

    watched.host.run(["opsagent", "repair", "worker", "--because", "customers wait"])

    watched.healed("worker")
    assert watched.acted("worker") == [("restart", "verified"), ("restart", "verified")]
    assert "customers wait" in watched.markdown()


def test_what_they_say_while_the_daemon_is_down_is_carried_out_once_at_its_start(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check(repair="[]"))
    watched.signal(unit)
    label = watched.incident("worker", lambda one: one["state"] == "paged", what="paged")["id"]
    watched.host.run(["systemctl", "stop", "opsagent"])

    watched.host.run(["opsagent", "ack", label, "--note", "on my way"])
    watched.host.run(["opsagent", "note", label, "seen from the train"])
    pending = json.loads(watched.host.run(["opsagent", "status", "--json"]).stdout)
    watched.host.run(["systemctl", "start", "opsagent"])

    assert [one["command"] for one in pending["pending_commands"]] == [f"ack {label}", f"note {label}"]
    assert pending["daemon"]["running"] is False
    watched.incident("worker", lambda one: one["state"] == "acknowledged", what="taken")
    watched.kill()
    watched.wait(lambda: watched.json("status")["daemon"]["last_heartbeat_at"], what="a heartbeat")
    assert watched.markdown().count("seen from the train") == 2  # the story of the day, and the incident's own file
    assert watched.host.run(["ls", "/var/lib/opsagent/spool"]).stdout == ""


def test_a_finding_of_the_health_check_becomes_part_of_the_day(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check(repair="[]"))
    watched.signal_daemon("STOP")
    old = json.dumps({"v": 1, "at": "2026-01-01T00:00:00+00:00", "fast_loop_at": "2026-01-01T00:00:00+00:00"})
    watched.host.write("/var/lib/opsagent/heartbeat.json", old)
    watched.signal(unit)
    watched.host.run(["systemctl", "start", "opsagent-healthcheck"])

    watched.kill()

    watched.wait(lambda: "the health check looked while opsagent did not" in watched.daily(), what="the finding")
    quiet_for(0.5)
    assert "unit worker.service is failed" in watched.daily()
    assert watched.daily().count("the health check looked") == 1
    assert [one["body"]["event"] for one in watched.got()].count("watcher_down") == 1


def test_a_repair_that_is_suggested_waits_for_a_person_across_a_restart_and_goes_out_unasked_once_it_is_trusted(
    watched: Watched,
) -> None:
    unit = watched.worker()
    watched.begin(check(repair="[{do: restart, mode: suggest}]"))
    watched.signal(unit)
    asked = watched.incident("worker", lambda one: one["suggestion"], what="a question")
    watched.wait(lambda: watched.got("suggestion"), what="people to be asked")
    assert asked["actions"] == []
    assert f"opsagent approve {asked['id']}" in watched.got("suggestion")[0]["body"]["body"]

    watched.host.run(["systemctl", "restart", "opsagent"])
    watched.host.run(["opsagent", "approve", asked["id"].rpartition("-")[2]])
    watched.healed("worker")
    assert [(one["by"], one["mode"]) for one in watched.incident("worker")["actions"]] == [("root", "suggest")]

    watched.host.run(["opsagent", "trust", "worker", "restart", "--because", "it is stateless"])
    watched.signal(unit)
    watched.wait(lambda: len(watched.acted("worker")) == 2, what="a repair without a question")
    watched.healed("worker")
    assert watched.incident("worker")["actions"][-1]["mode"] == "auto"
    assert len(watched.got("suggestion")) == 1
    [row] = json.loads(watched.host.run(["opsagent", "trust", "--json"]).stdout)
    assert (row["mode"], row["trusted_by"], row["worked"]) == ("auto", "root", 1)
    assert "is trusted by root" in watched.daily()
