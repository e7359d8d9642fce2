"""`check`: one look each, side by side, with the exit status of monitoring-plugins; nothing is recorded."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core.observation import Measure, Reading, Status, ok
from opsagent.core.policy import CheckPolicy
from opsagent.interfaces.cli import checking
from opsagent.interfaces.cli.checking import look, worst
from opsagent.settings import Watched

if TYPE_CHECKING:
    from tests.interfaces.instance import Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    status: Status

    def observe(self) -> Reading:
        return Reading(status=self.status, message=f"it is {self.status}", measures=(Measure(name="n", value=1.0),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hangs:
    released: threading.Event = field(default_factory=threading.Event)

    def observe(self) -> Reading:
        self.released.wait(60)
        return ok("late")


class Raises:
    def observe(self) -> Reading:
        raise RuntimeError("a bug")


def watched(name: str, check: Says | Hangs | Raises, timeout: float = 5.0) -> Watched:
    policy = CheckPolicy(name=name, kind="test", timeout=timedelta(seconds=timeout))
    return Watched(policy=policy, check=check)


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ("ok ok", 0),
        ("ok warning", 1),
        ("warning unknown ok", 3),
        ("warning unknown critical", 2),
        ("unknown", 3),
        ("", 3),
    ],
)
def test_critical_goes_over_unknown_over_warning_over_ok(statuses: str, code: int) -> None:
    looks = look(tuple(watched(f"c{n}", Says(status=Status(word))) for n, word in enumerate(statuses.split())))

    assert checking.EXIT[worst(looks)] == code


def test_one_stuck_check_is_unknown_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "GRACE", timedelta(seconds=0.1))
    stuck = Hangs()

    looks = look((watched("stuck", stuck, timeout=0.1), watched("good", Says(status=Status.OK), timeout=0.1)))
    stuck.released.set()

    assert [(one.watched.policy.name, one.reading.status) for one in looks] == [
        ("stuck", Status.UNKNOWN),
        ("good", Status.OK),
    ]
    assert looks[0].reading.message == "no answer within 0.2 s"


def test_a_check_that_breaks_is_unknown() -> None:
    (broken,) = look((watched("broken", Raises()),))

    assert broken.reading.status is Status.UNKNOWN
    assert "a bug" in broken.reading.message


def test_checks_look_side_by_side() -> None:
    together = threading.Barrier(3, timeout=10)

    class Meets:
        def observe(self) -> Reading:
            together.wait()
            return ok("met")

    looks = look(tuple(watched(f"c{n}", Meets()) for n in range(3)))  # type: ignore[arg-type]

    assert {one.reading.message for one in looks} == {"met"}


def test_a_bad_check_is_told_in_a_table_and_by_the_exit_status(instance: Instance) -> None:
    result = instance.run("check", "api", "ram", "hostname")

    assert result.exit_code == 2
    assert result.stdout.splitlines()[0] == "CRITICAL: 1 critical, 2 ok"
    assert "cannot connect to 127.0.0.1:1: refused" in result.stdout


def test_only_the_named_checks_are_looked_at(instance: Instance) -> None:
    result = instance.run("check", "ram", "hostname")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "OK: 2 ok"


def test_a_check_is_known_by_its_unit_too_and_looked_at_once(instance: Instance) -> None:
    result = instance.run("check", "api.service", "api")

    assert result.stdout.splitlines()[0] == "CRITICAL: 1 critical"


def test_an_unknown_name_is_unknown_to_monitoring_too(instance: Instance) -> None:
    result = instance.run("check", "apu")

    assert result.exit_code == 3
    assert "cannot find check 'apu', known: api, ram, hostname, failed-units" in result.stderr


def test_broken_settings_are_unknown_to_monitoring_too(instance: Instance) -> None:
    instance.settings.write_text("checks: [{name: a, kind: nonsense}]\n")

    result = instance.run("check", "api", "ram", "hostname")

    assert result.exit_code == 3
    assert f"{instance.settings}:1: " in result.stderr


def test_for_programs_every_look_is_a_record(instance: Instance) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        instance.settings.write_text(
            f"checks: [{{name: api, kind: tcp, host: 127.0.0.1, port: {port}, unit: a.service}}]"
        )

        (found, *others) = instance.json("check", "api")

    assert others == []
    assert list(found) == ["name", "kind", "unit", "status", "failure_class", "message", "seconds", "measures"]
    assert (found["name"], found["kind"], found["unit"], found["status"]) == ("api", "tcp", "a.service", "ok")


def test_nothing_is_recorded(instance: Instance) -> None:
    instance.run("check", "api", "ram", "hostname")

    assert list(instance.state.iterdir()) == []
