"""`doctor`: everything that keeps opsagent from keeping its promises on this host, each with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.host.systemd import connection
from opsagent.interfaces.doctor import archive, backups, ground, reclaim, runbooks, service
from opsagent.interfaces.doctor.finding import EXIT, Finding, Level, ok, red, warn

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from opsagent.settings import Settings, SettingsError

__all__ = ["EXIT", "Finding", "Level", "examine", "of_settings", "worst"]

SYSTEM_ACCOUNT = "opsagent"


def of_settings(path: Path | None, settings: Settings | SettingsError) -> list[Finding]:
    """Say whether the settings can be used."""
    if isinstance(settings, Exception):
        return [red("settings", str(one), f"opsagent validate {path}") for one in settings.problems]
    if path is None:
        return [warn("settings", "there are none: only watching what was found here", "opsagent init")]
    armed = [check.name for check in settings.policy.checks if check.repair]
    told = f"{path} is good: {len(settings.watched)} checks, armed: {', '.join(armed) or 'none'}"
    return [ok("settings", f"{told}, mode {settings.policy.mode}")]


def examine(settings: Settings, socket: Path, now: datetime, *, is_system: bool) -> list[Finding]:
    """Look at everything but the settings' own text."""
    systemd = connection(settings.scope.value)
    found = [*service.watching(socket, systemd, now, is_system=is_system), *service.people(settings)]
    found += service.hold()
    found += service.acting(settings, systemd, is_system=is_system)
    found += service.listening(settings)
    found += backups.examine(settings.backups)
    found += reclaim.examine(settings.reclaim)
    found += runbooks.examine(settings.memory, settings.layout, systemd, now)
    found += archive.examine(settings.memory, settings.layout, settings.policy)
    who = ground.account(SYSTEM_ACCOUNT if is_system else None)
    if who is None:
        missing = f"there is no user {SYSTEM_ACCOUNT}" if is_system else "this user has no name"
        found.append(red("account", missing, "make install"))
    else:
        found += ground.directories(settings.state, settings.memory, who, is_system=is_system)
        found += ground.textfile(settings.metrics.textfile, who, is_system=is_system)
        found.append(ground.journal(who, is_system=is_system))
    found += ground.damaged(settings.state)
    return [*found, ground.clock(), ground.sqlite()]


def worst(findings: list[Finding]) -> Level:
    """Return the worst level there is."""
    return max((finding.level for finding in findings), key=EXIT.__getitem__, default=Level.OK)
