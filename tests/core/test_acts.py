"""What root lets be done by name: the guards and the record are those of any remedy, the words are root's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from opsagent.core import events as ev
from opsagent.core.acts import is_act, name_for, unit_of
from opsagent.core.destructive import destructive
from opsagent.core.observation import Reading, Status, ok
from opsagent.core.phase import Outcome
from opsagent.core.policy import CheckPolicy, Policy, RemedyRule
from opsagent.host import root_acts
from tests.core.live_host import LiveHost

WEB = CheckPolicy(name="web", kind="http", repair=(RemedyRule(do="act", name="restart-web"),))


def failing(check: CheckPolicy = WEB) -> LiveHost:
    """Return a host whose check is bad until something is done."""
    host = LiveHost(Policy(host="web-1", checks=(check,)))
    bad = Reading(status=Status.CRITICAL, message="connection refused", failure_class="refused")
    host.answers[check.name] = lambda: ok("200") if host.orders.acted else bad
    if check.unit:
        host.serve(check.unit)
    host.run(minutes=3)
    return host


def test_an_act_is_ordered_by_its_name_and_proved_by_the_check_that_failed() -> None:
    host = failing()

    [(_, _, ordered)] = host.orders.acted
    assert (ordered.remedy, ordered.act, ordered.command, ordered.unit) == ("act", "restart-web", (), "web")
    assert "by opsagent-act-restart-web.service" in ordered.reason
    assert [action.outcome for action in host.incident.actions] == [Outcome.VERIFIED]


def test_a_container_is_waited_for_until_systemd_itself_has_ended_what_restarts_it() -> None:
    rule = RemedyRule(do="docker", name="web", timeout=timedelta(seconds=40))
    host = failing(replace(WEB, repair=(rule,)))

    [(_, _, ordered)] = host.orders.acted
    assert root_acts.act_of(rule, "").timeout == timedelta(seconds=40)
    assert ordered.timeout == timedelta(seconds=55)


@pytest.mark.parametrize("unit", ["docker.service", "ssh.service", "postgresql.service"])
def test_an_act_does_nothing_for_a_unit_that_is_never_touched(unit: str) -> None:
    host = failing(replace(WEB, unit=unit))

    assert host.orders.acted == []
    assert {event.guard for event in host.events(ev.ActionRefused)} == {"denied"}


def test_what_root_does_for_a_remedy_goes_by_one_name_for_the_same_words_and_by_another_for_others() -> None:
    units = ("api.service", "API.service", "api@1.service", "api-1.service", "api@1.x.service", f"{'x' * 200}.service")
    words = [("signal", name, unit) for name in ("SIGABRT", "SIGCONT") for unit in units]
    words += [("stop", "", unit) for unit in units]
    words += [("docker", name, "") for name in ("web", "Web", "web_1", "web.1")]

    names = [name_for(*each) for each in words]

    assert names == [name_for(*each) for each in words]
    assert len(set(names)) == len(words)
    assert all(is_act(unit_of(name)) for name in names)
    assert name_for("signal", "SIGABRT", "api.service") == "signal-sigabrt-api"


@pytest.mark.parametrize("name", ["web", "restart-web", "a" * 63])
def test_the_unit_of_an_act_is_one(name: str) -> None:
    assert is_act(unit_of(name))


@pytest.mark.parametrize("name", ["", "-web", "Web", "a b", "web@1", "../x", "a" * 64, "web\n"])
def test_what_is_no_name_is_no_act(name: str) -> None:
    assert not is_act(unit_of(name))


@pytest.mark.parametrize(
    "command",
    [
        ["/bin/rm", "-rf", "/srv"],
        ["/usr/bin/env", "rm", "x"],
        ["/usr/bin/docker", "rm", "-f", "web"],
        ["/bin/sh", "-c", "cd /srv && rm *"],
        ["/sbin/mkfs.ext4", "/dev/sdb"],
        ["/usr/bin/psql", "-c", "DROP  TABLE orders"],
        ["/usr/bin/mysql", "-e", "truncate table orders"],
        ["/usr/bin/redis-cli", "FLUSHALL"],
        ["/usr/bin/sqlite3", "x.db", "delete from users"],
        ["/bin/systemctl", "restart", "ssh"],
        ["/bin/systemctl", "--no-block", "stop", "dbus.service"],
        ["/usr/sbin/service", "docker", "restart"],
        ["/bin/systemctl", "isolate", "rescue.target"],
    ],
)
def test_a_command_that_destroys_or_takes_the_host_down_is_refused_in_words(command: list[str]) -> None:
    assert destructive(command).startswith("cannot ")


@pytest.mark.parametrize(
    "command",
    [
        ["/usr/bin/docker", "restart", "web"],
        ["/usr/local/bin/drop-caches"],
        ["/usr/bin/redis-cli", "ping"],
        ["/bin/systemctl", "restart", "nginx"],
        ["/bin/systemctl", "status", "ssh"],
        ["/usr/sbin/swapoff", "-a"],
        ["/usr/local/bin/form-a", "alarm"],
    ],
)
def test_a_command_that_repairs_is_let_through(command: list[str]) -> None:
    assert destructive(command) == ""
