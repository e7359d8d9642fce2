"""`metrics`: what the daemon answers is printed as Prometheus reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.asking import MetricsAsked
from opsagent.core.metrics.family import shown
from opsagent.core.metrics.text import text
from tests.core.metrics.telling import figures
from tests.core.metrics.test_figures import repaired_host

if TYPE_CHECKING:
    from tests.interfaces.instance import Daemon, Instance


def test_the_figures_come_through_the_socket_unchanged(instance: Instance, daemon: Daemon) -> None:
    told = figures(repaired_host())
    daemon.answer = lambda _: [shown(family) for family in told]

    assert instance.run("metrics").stdout == text(told)
    assert instance.json("metrics") == [shown(family) for family in told]
    assert daemon.asked == [MetricsAsked(), MetricsAsked()]


def test_a_daemon_that_is_down_has_no_figures(instance: Instance) -> None:
    found = instance.run("metrics")

    assert found.exit_code == 1
    assert "cannot measure: the daemon is down" in found.stderr
    assert found.stdout == ""
