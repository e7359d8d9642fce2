"""The document with its defaults filled in → settings and the core's policy."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.observation import Severity
from opsagent.core.policy import (
    ChangePolicy,
    CheckPolicy,
    Escalation,
    Level,
    ListenerPolicy,
    Maintenance,
    PlaybookPolicy,
    Policy,
)
from opsagent.settings import source
from opsagent.settings.model import Channel, Settings, Watched
from opsagent.settings.named import scoped
from opsagent.settings.options import Document, Ladder, Metrics, Scope, Step

if TYPE_CHECKING:
    from pathlib import Path

    from opsagent.settings.named import Kinds
    from opsagent.settings.source import Account

FAILED_UNITS = "failed-units"
"""The check of kind `units` that every host gets unless its settings have one."""


def with_failed_units(checks: tuple[Watched, ...], document: Document, kinds: Kinds) -> tuple[Watched, ...]:
    """Add the check of the host's failed units unless there is one."""
    if "units" not in kinds or any(each.policy.kind == "units" for each in checks):
        return checks
    taken = {each.policy.name for each in checks}
    name = FAILED_UNITS if FAILED_UNITS not in taken else f"{FAILED_UNITS}-of-host"
    policy = CheckPolicy(name=name, kind="units", every=document.fast_loop, scope=document.scope.value)
    return (*checks, Watched(policy=policy, check=scoped(kinds["units"](), policy.scope)))


def settings_of(
    document: Document,
    checks: tuple[Watched, ...],
    channels: tuple[Channel, ...],
    account: Account,
    path: Path | None,
) -> Settings:
    """Fill in the defaults that depend on the host and on who asks."""
    state = _at_home(document.state, account) or state_of(document.scope, account, path)
    return Settings(
        policy=_policy(document, checks, channels),
        memory=_at_home(document.memory, account) or state / "memory",
        state=state,
        layout=document.layout,
        scope=document.scope,
        deadman=document.deadman,
        changed_files=document.changes.files,
        metrics=Metrics(textfile=_at_home(document.metrics.textfile, account)),
        http=document.http,
        watched=checks,
        channels=channels,
        acts=document.acts,
        reclaim=document.reclaim,
        path=path,
    )


def _policy(document: Document, checks: tuple[Watched, ...], channels: tuple[Channel, ...]) -> Policy:
    zone = document.zone or source.host_zone()
    return Policy(
        host=document.host or socket.gethostname(),
        zone=zone,
        mode=document.repair.mode,
        heartbeat=document.heartbeat,
        fast_loop=document.fast_loop,
        checks=tuple(each.policy for each in checks),
        per_unit=document.repair.per_unit,
        per_host=document.repair.per_host,
        notifiers=tuple(each.policy for each in channels),
        escalation=_escalation(document, channels),
        maintenance=_maintenance(document, zone),
        listeners=ListenerPolicy(ignore=document.listeners.ignore, alert=document.listeners.alert),
        changes=_changes(document),
        review=document.review,
        playbook=PlaybookPolicy(run=document.playbook.run, urls=_urls(checks)),
    )


def _urls(checks: tuple[Watched, ...]) -> tuple[str, ...]:
    """What the checks ask, root lets be asked."""
    return tuple(url for one in checks if isinstance(url := getattr(one.check, "url", None), str))


def state_of(scope: Scope, account: Account, path: Path | None) -> Path:
    """The system's instance keeps its state under /var/lib, a user's own under the user's home."""
    system = path is not None and (account.is_system or source.is_system_path(path))
    return source.SYSTEM_STATE if system and scope is Scope.SYSTEM else account.home / ".local/state/opsagent"


def _at_home(path: Path | None, account: Account) -> Path | None:
    if path is None or path.parts[:1] != ("~",):
        return path
    return account.home.joinpath(*path.parts[1:])


def _escalation(document: Document, channels: tuple[Channel, ...]) -> Escalation:
    """Without levels everybody is told at once."""
    everyone = tuple(each.policy.name for each in channels)
    steps = document.escalation
    default = (Level(name="everyone", after=timedelta(), notify=everyone),) if everyone else ()
    ladders: list[tuple[Severity, Ladder | None]] = [(each, getattr(steps, each.value)) for each in Severity]
    return Escalation(
        levels=_levels(steps.levels) or default,
        by_severity=tuple((severity, _levels(ladder.levels)) for severity, ladder in ladders if ladder is not None),
    )


def _levels(steps: tuple[Step, ...]) -> tuple[Level, ...]:
    return tuple(Level(name=step.name, after=step.after, notify=step.notify) for step in steps)


def _changes(document: Document) -> ChangePolicy:
    said = document.changes
    return ChangePolicy(hold=said.hold, suspect_for=said.suspect_for, developers=said.developers)


def _maintenance(document: Document, zone: str) -> tuple[Maintenance, ...]:
    return tuple(
        Maintenance(
            checks=window.checks,
            begins=window.begins,
            lasts=window.lasts,
            zone=window.zone or zone,
            repairs=window.also == "repairs",
        )
        for window in document.maintenance
    )
