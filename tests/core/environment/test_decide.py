"""A host's environment over time, as the agent records it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.change import Change, ChangeKind
from opsagent.core.commands import Resolve
from opsagent.core.environment import Environment, Listener, Page, UnitKnown
from opsagent.core.environment.belief import sightings
from opsagent.core.environment.shown import shown
from opsagent.core.observation import Severity
from opsagent.core.policy import ListenerPolicy, Policy
from opsagent.core.unit import HostConditions
from opsagent.core.wording import trouble
from tests.core.environment.hosts import host, listener, program
from tests.core.story_host import StoryHost

REDIS = listener(6379)
INTRUDER = program(8081, "python3", "0.0.0.0")


class Looking(StoryHost):
    """Looks as the daemon does: it keeps what listened at the look before."""

    def __init__(self, *, alert: bool = True) -> None:
        super().__init__(Policy(host="web-1", listeners=ListenerPolicy(alert=alert)))
        self.earlier: frozenset[str] = frozenset()

    def whole(self, environment: Environment) -> None:
        self.pass_(minutes=30)
        self.take(inbox.EnvironmentSeen(environment=environment, earlier=self.earlier))
        self.earlier = sightings(environment.listeners or ())

    def glance(self, *listeners: Listener) -> None:
        self.pass_(minutes=1)
        self.take(inbox.ListenersSeen(listeners=listeners, earlier=self.earlier))
        self.earlier = sightings(listeners)

    @property
    def lines(self) -> list[str]:
        return [line for event in self.events(ev.EnvironmentDrifted) for line in event.lines]

    @property
    def opened(self) -> list[str]:
        return [line for event in self.events(ev.ListenersOpened) for line in event.lines]


def looking(*listeners: Listener) -> Looking:
    found = Looking()
    found.whole(host(*listeners))
    return found


def test_the_first_look_is_learned_and_no_drift() -> None:
    web = looking(REDIS, INTRUDER)

    assert len(web.events(ev.EnvironmentLearned)) == 1
    assert web.lines == web.opened == []


def test_a_moved_port_is_a_drift_at_the_next_look_and_then_known() -> None:
    web = looking(REDIS)

    for _ in range(3):
        web.whole(host(listener(6380)))

    assert web.lines == ["redis-server: port 6379 → 6380"]


def test_nothing_is_recorded_when_nothing_changed() -> None:
    web = looking(REDIS)
    before = len(web.recorded)

    for _ in range(5):
        web.whole(host(REDIS))
        web.glance(REDIS)

    assert len(web.recorded) == before


def test_what_nobody_need_be_told_of_is_learned() -> None:
    web = looking(REDIS)

    web.whole(host(REDIS, pages=(Page(check="api", url="http://127.0.0.1/health"),)))

    assert len(web.events(ev.EnvironmentLearned)) == 2
    assert web.lines == []


def test_the_ports_of_a_failed_unit_are_its_incident_and_no_drift() -> None:
    web = looking(REDIS)
    web.unit("redis-server.service", active_state="failed", result="signal")

    for _ in range(3):
        web.whole(host())
    web.unit("redis-server.service", active_state="active")
    web.whole(host(REDIS))

    assert web.lines == []


def test_a_port_that_opens_to_the_network_is_told_at_the_second_look_in_a_row() -> None:
    web = looking(REDIS)

    web.glance(REDIS, INTRUDER)
    assert web.opened == []
    web.glance(REDIS, INTRUDER)
    web.glance(REDIS, INTRUDER)
    web.whole(host(REDIS, INTRUDER))

    assert web.opened == ["new listener 0.0.0.0:8081 (python3)"]


def test_that_the_heartbeat_has_recorded_it_already_hides_no_open_port() -> None:
    web = looking(REDIS)

    web.whole(host(REDIS, INTRUDER))
    assert web.opened == []
    web.glance(REDIS, INTRUDER)

    assert web.opened == web.lines == ["new listener 0.0.0.0:8081 (python3)"]


def test_a_port_that_is_open_for_a_moment_only_is_nothing() -> None:
    web = looking(REDIS)

    for _ in range(5):
        web.glance(REDIS, INTRUDER)
        web.glance(REDIS)

    assert web.opened == []


def test_a_port_that_is_open_again_within_a_month_is_nothing_new() -> None:
    web = looking(REDIS, INTRUDER)

    for _ in range(3):
        web.whole(host(REDIS))
    web.pass_(days=20)
    web.glance(REDIS, INTRUDER)
    web.glance(REDIS, INTRUDER)
    assert web.opened == []

    web.whole(host(REDIS))
    web.pass_(days=31)
    web.whole(host(REDIS, kernel="6.1.0-2"))
    web.glance(REDIS, INTRUDER)
    web.glance(REDIS, INTRUDER)
    assert web.opened == ["new listener 0.0.0.0:8081 (python3)"]


def test_a_port_that_was_opened_while_nobody_looked_is_told_after_the_start() -> None:
    web = looking(REDIS)
    web.earlier = frozenset()  # the daemon was started again

    web.glance(REDIS, INTRUDER)
    web.glance(REDIS, INTRUDER)

    assert web.opened == ["new listener 0.0.0.0:8081 (python3)"]


def test_before_the_first_whole_look_everything_would_be_new_and_nothing_is() -> None:
    web = Looking()

    web.glance(INTRUDER)
    web.glance(INTRUDER)

    assert web.opened == []


def test_a_package_manager_at_work_explains_a_new_port() -> None:
    web = looking(REDIS)
    web.take(inbox.HostSeen(conditions=HostConditions(busy="dpkg (pid 7) holds /var/lib/dpkg/lock")))

    web.glance(REDIS, INTRUDER)
    web.glance(REDIS, INTRUDER)

    (event,) = web.events(ev.ListenersOpened)
    assert event.expected == "dpkg (pid 7) holds /var/lib/dpkg/lock"


def test_programs_read_every_key_before_and_after_the_first_look() -> None:
    unit = UnitKnown(name="redis-server.service", package="redis-server", version="7", variables=("PORT",))
    web = Looking()
    web.unit(unit.name, active_state="active")
    web.whole(host(replace(REDIS, watched_by=("redis",)), INTRUDER, units=(unit,)))
    known = web.agent.state.environment

    told = shown(known.now, known.at, web.agent.state.units)

    assert shown(None, None, {}).keys() == told.keys()
    assert told["since"] == "2026-11-18T12:30:00.000Z"
    assert told["units"] == [
        {
            "name": "redis-server.service",
            "state": "active",
            "ports": ["tcp 6379"],
            "package": "redis-server",
            "version": "7",
            "variables": ["PORT"],
            "unread": [],
        }
    ]
    assert [(one["port"], one["check"], one["add"]) for one in told["unmonitored"]] == [
        (8081, "port-8081", "opsagent init --add port-8081")
    ]


def test_a_port_that_nobody_announced_is_an_incident_for_a_person_by_day_and_nothing_is_done() -> None:
    web = looking(REDIS)

    for _ in range(5):
        web.glance(REDIS, INTRUDER, program(8082, "nc", "::"))
    web.whole(host(REDIS, INTRUDER, program(8082, "nc", "::")))

    (incident,) = web.agent.state.open_incidents
    assert (incident.check, incident.severity, incident.unit) == ("listener-tcp-8081", Severity.SEV3, None)
    assert incident.reason == (
        "python3 opened 0.0.0.0:8081 and 1 more to the network, and no package or deploy explains it"
    )
    assert trouble(incident) == "listener-tcp-8081 may be an intrusion"
    assert web.orders.acted == []


def test_only_a_person_resolves_it() -> None:
    web = looking(REDIS)
    for _ in range(2):
        web.glance(REDIS, INTRUDER)
    (incident,) = web.agent.state.open_incidents
    assert incident.label is not None

    for _ in range(5):
        web.whole(host(REDIS))
    web.pass_(days=3)
    assert [one.label for one in web.agent.state.open_incidents] == [incident.label]

    assert web.ask(Resolve(by="ann", incident=incident.label, because="it was me")).accepted
    assert web.agent.state.open_incidents == ()


def test_a_port_that_a_package_manager_opened_is_no_incident() -> None:
    web = looking(REDIS)
    web.take(inbox.HostSeen(conditions=HostConditions(busy="dpkg (pid 7) holds /var/lib/dpkg/lock")))
    for _ in range(2):
        web.glance(REDIS, INTRUDER)

    assert web.agent.state.open_incidents == ()


@pytest.mark.parametrize(
    ("kind", "minutes", "incidents"),
    [
        (ChangeKind.PACKAGE, 1, 0),
        (ChangeKind.DEPLOY, 7, 0),
        (ChangeKind.ROLLBACK, 1, 0),
        (ChangeKind.DEPLOY, 9, 1),
        (ChangeKind.LOGIN, 1, 1),
        (ChangeKind.SUDO, 1, 1),
        (ChangeKind.UNIT_FILE, 1, 1),
    ],
)
def test_only_a_package_run_or_a_deploy_just_before_explains_a_new_port(
    kind: ChangeKind, minutes: int, incidents: int
) -> None:
    web = looking(REDIS)
    web.take(inbox.ChangesFound(changes=(Change(kind=kind, subject="api", what="1.5", at=web.now),)))
    web.pass_(minutes=minutes)

    for _ in range(2):
        web.glance(REDIS, INTRUDER)

    assert len(web.agent.state.open_incidents) == incidents


@pytest.mark.parametrize(("units", "incidents"), [(("api.service",), 0), (("other.service",), 1), ((), 0)])
def test_a_deploy_that_names_its_unit_explains_no_port_of_another(units: tuple[str, ...], incidents: int) -> None:
    web = looking(REDIS)
    deploy = Change(kind=ChangeKind.DEPLOY, subject="api", what="1.5", at=web.now, units=units)
    web.take(inbox.ChangesFound(changes=(deploy,)))

    for _ in range(2):
        web.glance(REDIS, listener(8081, "api", "0.0.0.0"))

    assert len(web.agent.state.open_incidents) == incidents


@pytest.mark.parametrize("more", [{"watched_by": ("web",)}, {"ignored": True}])
def test_a_port_that_a_check_watches_or_that_needs_none_is_no_incident(more: dict[str, Any]) -> None:
    web = looking(REDIS)
    for _ in range(2):
        web.glance(REDIS, replace(INTRUDER, **more))

    assert web.opened == []


def test_without_alert_a_new_port_is_only_a_line_of_the_day() -> None:
    web = Looking(alert=False)
    web.whole(host(REDIS))
    for _ in range(2):
        web.glance(REDIS, INTRUDER)

    assert web.opened == ["new listener 0.0.0.0:8081 (python3)"]
    assert web.agent.state.open_incidents == ()


def test_whoever_opens_one_port_after_the_other_fills_no_log_with_incidents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsagent.core.raising.MOST", 3)
    web = looking(REDIS)

    for port in range(8081, 8089):
        web.glance(REDIS, program(port, "python3", "0.0.0.0"))
        web.glance(REDIS, program(port, "python3", "0.0.0.0"))

    assert len(web.opened) == 8, "each is told"
    assert len(web.events(ev.IncidentConfirmed)) == 3


def test_the_package_of_a_watched_unit_and_a_new_kernel_are_told_once_as_changes() -> None:
    api, worker = (UnitKnown(name=f"{name}.service", package=name, version="1.4") for name in ("api", "worker"))
    found = Looking()
    found.whole(host(units=(api, worker)))
    run = Change(kind=ChangeKind.PACKAGE, subject="api", what="1.4 → 1.5", at=found.now, units=("api.service",))
    kernel = Change(kind=ChangeKind.KERNEL, subject="6.1.0-2", what="runs, 6.1.0-1 before", at=found.now)
    found.take(inbox.ChangesFound(changes=(run, kernel)))

    upgraded = host(units=(replace(api, version="1.5"), replace(worker, version="1.5")), kernel="6.1.0-2")
    found.whole(upgraded)

    assert found.lines == ["worker 1.4 → 1.5"]
    assert found.agent.state.environment.now == upgraded
