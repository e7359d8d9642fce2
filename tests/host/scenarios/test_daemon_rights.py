"""What the daemon may do, by polkit itself, and what people learn when the rights and the settings differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.scenarios.stage import HOOK
from tests.host.scenarios.watched import Watched, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.harness import Host

COPY = "/etc/opsagent/polkit.json"
RULE = "/etc/polkit-1/rules.d/50-opsagent.rules"
REFRESH = "opsagent install --refresh"


@pytest.fixture
def watched(stage_host: Host) -> Iterator[Watched]:
    """Yield a stage for the daemon."""
    stage = Watched(stage_host)
    yield stage
    stage.end()


def asked(watched: Watched, verb: str, unit: str) -> str:
    """Ask systemd as the daemon's user; return the D-Bus error, "" when it agreed."""
    manager = ["org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"]
    argv = ["busctl", "call", *manager, f"{verb}Unit", "ss", unit, "fail"]
    return watched.host.run(argv, check=False, user="opsagent").stderr.strip()


def test_polkit_itself_refuses_everything_but_the_armed_unit_and_verb(watched: Watched) -> None:
    watched.worker("listed")
    watched.worker("unlisted")
    watched.begin(check("listed"))

    watched.wait(lambda: asked(watched, "Restart", "listed.service") == "", what="polkit to read its rule")
    for verb, unit in (("Restart", "unlisted.service"), ("Stop", "listed.service"), ("Start", "listed.service")):
        assert "Access denied" in asked(watched, verb, unit), (verb, unit)
    assert watched.host.run(["ps", "-o", "user=", "-p", str(watched.pid())]).stdout.strip() == "opsagent"


def test_a_missing_rule_is_a_loud_page_and_no_storm(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check())
    watched.forget_rights()
    watched.host.run(["rm", RULE, COPY])
    watched.host.run(["systemctl", "restart", "polkit"])

    watched.signal(unit)

    paged = watched.incident("worker", lambda one: one["state"] == "paged", what="paged")
    assert [(one["remedy"], one["outcome"]) for one in paged["actions"]] == [("restart", "refused")]
    assert paged["repair"] == "exhausted"
    watched.wait(lambda: watched.got("page"), what="the page")
    (page,) = watched.got("page")
    assert "restart was refused" in page["body"]["title"]
    assert REFRESH in page["body"]["body"]
    red = watched.host.run(["opsagent", "doctor"], check=False)
    assert red.returncode != 0
    assert REFRESH in red.stdout
    assert watched.restarts(unit) == 0

    watched.host.run(["opsagent", "install", "--refresh"])
    watched.host.run(["systemctl", "reload", "opsagent"])

    watched.healed("worker")
    assert watched.acted("worker") == [("restart", "refused"), ("restart", "verified")]
    watched.wait(lambda: watched.got("recovery"), what="the recovery to be told")


def test_a_rule_that_somebody_removed_is_said_from_the_first_refusal_on_and_asked_again_once_it_is_back(
    watched: Watched,
) -> None:
    unit = watched.worker()
    watched.begin(check())
    watched.forget_rights()
    watched.host.run(["rm", RULE])  # the readable copy stays, and still says that all is well
    watched.host.run(["systemctl", "restart", "polkit"])

    watched.signal(unit)

    watched.incident("worker", lambda one: one["repair"] == "exhausted", what="given up")
    said = f"polkit refused restart {unit}, which its rule should allow; run as root: {REFRESH}"
    watched.wait(lambda: watched.json("status")["troubles"] == [said], what="the status to say it")

    watched.host.run(["opsagent", "install", "--refresh"])
    watched.host.run(["systemctl", "kill", "-s", "HUP", "opsagent"])

    watched.healed("worker")
    assert watched.acted("worker") == [("restart", "refused"), ("restart", "verified")]
    assert watched.json("status")["troubles"] == []


def test_new_settings_that_need_a_right_say_so_and_what_to_run(watched: Watched) -> None:
    watched.worker("first")
    unit = watched.worker("second")
    watched.begin(check("first"))
    watched.forget_rights()
    watched.write_settings(f"notifiers: [{HOOK}]\nchecks:\n{check('first')}\n{check('second')}\n")

    watched.host.run(["systemctl", "reload", "opsagent"])

    watched.wait(lambda: REFRESH in watched.host.show("opsagent", "StatusText"), what="the status line to say it")
    watched.wait(lambda: watched.got("notice"), what="the notice")
    (notice,) = watched.got("notice")
    assert unit in notice["body"]["body"]
    assert REFRESH in notice["body"]["body"]
    assert REFRESH in watched.log()
    assert watched.status("second")["armed"]


def test_bad_settings_change_nothing_and_are_told_once(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check())
    watched.write_settings("checks:\n- {name: worker, kind: dsik}\n- {nmae: other, kind: disk}\n")

    watched.host.run(["systemctl", "reload", "opsagent"])
    watched.wait(lambda: "refused" in watched.host.show("opsagent", "StatusText"), what="the status line to say it")
    watched.wait(lambda: watched.got("notice"), what="the notice")
    watched.host.run(["systemctl", "reload", "opsagent"])
    watched.signal(unit)

    watched.healed("worker")
    assert "refused" in watched.host.show("opsagent", "StatusText")
    (notice,) = watched.got("notice")
    assert "opsagent.yaml:2" in notice["body"]["body"]
    assert "opsagent.yaml:3" in notice["body"]["body"]
    assert "Traceback" not in watched.log()
    assert "the old ones stay in force" in watched.log()


def test_everybody_may_look_and_only_operators_may_act(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check(repair="[]"))
    watched.signal(unit)
    label = watched.incident("worker", lambda one: one["state"] == "paged", what="paged")["id"]

    looked = watched.host.run(["opsagent", "status"], user="nobody").stdout
    refused = watched.host.run(["opsagent", "ack", label], user="nobody", check=False)

    assert label in looked
    assert refused.returncode != 0
    assert "allowed: root" in refused.stderr + refused.stdout
    assert watched.incident("worker")["acknowledged_at"] is None

    watched.host.run(["opsagent", "ack", label, "--note", "mine"])

    assert watched.incident("worker")["acknowledged_at"] is not None


def test_a_second_instance_ends_with_a_clear_word(watched: Watched) -> None:
    watched.worker()
    watched.begin(check())

    second = watched.host.run(["opsagent", "run"], user="opsagent", check=False)

    assert second.returncode != 0
    assert "one opsagent per state directory" in second.stderr
    assert "Traceback" not in second.stderr
    assert watched.json("status")["daemon"]["running"]
