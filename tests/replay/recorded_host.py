"""A host that lives for days: what its agent decided and what its checks saw is kept as the stores keep it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core import inbox
from opsagent.core.commands import Acknowledge
from opsagent.core.observation import ok, unknown
from opsagent.core.policy import CheckPolicy, Confirm, Criticality, NotifierPolicy, Policy, RemedyRule
from opsagent.core.sampled import class_of
from opsagent.store.chunks import Sample
from tests.core.live_host import LiveHost

if TYPE_CHECKING:
    from opsagent.core.state import State

EVERY = timedelta(minutes=5)
CONFIRM = Confirm(failures=3, retry=timedelta(seconds=10))


def policy(**more: object) -> Policy:
    restart = (RemedyRule(do="restart"),)
    checks = (
        CheckPolicy(
            name="api",
            kind="http",
            unit="api.service",
            every=EVERY,
            repair=restart,
            confirm=CONFIRM,
            criticality=Criticality.IMPORTANT,
        ),
        CheckPolicy(
            name="db",
            kind="tcp",
            unit="db.service",
            every=EVERY,
            repair=restart,
            confirm=CONFIRM,
            criticality=Criticality.CRITICAL,
        ),
        CheckPolicy(
            name="www",
            kind="http",
            unit="www.service",
            every=EVERY,
            confirm=CONFIRM,
            depends_on=("api",),
            criticality=Criticality.NORMAL,
        ),
        CheckPolicy(name="mail", kind="tcp", every=EVERY, confirm=CONFIRM, criticality=Criticality.LOW),
    )
    values = {"host": "web-1", "checks": checks, "notifiers": (NotifierPolicy(name="ops", kind="webhook"),)}
    return Policy(**(values | more))  # type: ignore[arg-type]


class RecordedHost(LiveHost):
    """Keeps each look as a sample; `until` then is lived through with troubles drawn from a seed."""

    def __init__(self, policy: Policy, now: datetime, state: State | None = None) -> None:
        self.samples: dict[str, list[Sample]] = {}
        super().__init__(policy, now, state)

    def _soonest(self) -> datetime:
        """While all is quiet nothing happens between two looks."""
        if self.agent.state.incidents or not self._next:
            return super()._soonest()
        return min(self._next.values())

    def take(self, *arrivals: inbox.Arrival) -> None:
        for one in arrivals:
            if isinstance(one, inbox.Looked):
                seen = one.seen
                first = next(iter(seen.reading.measures), None)
                at = seen.at.replace(microsecond=seen.at.microsecond // 1000 * 1000)
                sample = Sample(
                    at=at,
                    status=seen.reading.status,
                    value=first.value if first else None,
                    failure_class=class_of(seen.reading),
                )
                self.samples.setdefault(seen.check, []).append(sample)
        super().take(*arrivals)


def began(policy_: Policy, now: datetime) -> RecordedHost:
    host = RecordedHost(policy_, now)
    host.take(inbox.Started(version="1", pid=1), inbox.SettingsRead(policy=policy_, digest="one", text=""))
    for name in ("api.service", "db.service", "www.service"):
        host.serve(name)
    host.answers["mail"] = lambda: ok("220")
    return host


def lived(policy_: Policy, now: datetime, *, days: int, seed: int) -> RecordedHost:
    """Return a host after so many days of troubles."""
    host, dice = began(policy_, now), random.Random(seed)
    end = now + timedelta(days=days)
    while host.now < end:
        host.run(minutes=dice.randint(120, 900))
        dice.choice(TROUBLES)(host, dice)
        host.run(minutes=dice.randint(1, 50))
    return host


def _killed(host: RecordedHost, dice: random.Random) -> None:
    host.kill(dice.choice(["api.service", "db.service"]))


def _sick(host: RecordedHost, dice: random.Random) -> None:
    service = host.services[dice.choice(["api.service", "db.service", "www.service"])]
    service.sick = dice.choice(["status", "timeout"])
    host.run(seconds=dice.randint(10, 900))
    service.sick = ""


def _hopeless(host: RecordedHost, dice: random.Random) -> None:
    service = host.services["api.service"]
    service.can_start = False
    host.kill("api.service")
    host.run(minutes=dice.randint(2, 60))
    service.can_start = True
    host.start("api.service")


def _stopped(host: RecordedHost, dice: random.Random) -> None:
    host.stop("api.service", by="root")
    host.run(minutes=dice.randint(2, 30))
    host.start("api.service")


def _blind(host: RecordedHost, dice: random.Random) -> None:
    host.answers["mail"] = lambda: unknown("cannot look")
    host.run(minutes=dice.randint(1, 12))
    host.answers["mail"] = lambda: ok("220")


def _acknowledged(host: RecordedHost, dice: random.Random) -> None:
    host.services["www.service"].sick = "status"
    host.run(minutes=10)
    found = host.agent.state.open_incidents
    if found:
        host.ask(Acknowledge(incident=found[-1].label or "", by="ann"))
    host.run(minutes=dice.randint(5, 60))
    host.services["www.service"].sick = ""


TROUBLES = (_killed, _sick, _sick, _hopeless, _stopped, _blind, _acknowledged)
