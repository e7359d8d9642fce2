"""The acts that nobody writes down: what the remedies of `OF_ROOT` have root do. Pure.

Each is one fixed command for one unit or container. That nothing odd is in their names was seen to by the settings.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opsagent.core.acts import KEEP, RESTORE, STORE, Act, name_for

if TYPE_CHECKING:
    from opsagent.core.policy import RemedyRule

SYSTEMCTL = "/usr/bin/systemctl"
LONGEST_STOP = timedelta(minutes=15)
"""The unit's own TimeoutStopSec ends a stop long before; one without any must not keep the act for ever."""
A_MOMENT = timedelta(seconds=10)
HALF_A_MINUTE = timedelta(seconds=30)


def act_of(rule: RemedyRule, unit: str, python: str = f"{sys.prefix}/bin/python") -> Act:
    """Return the act of a rule whose remedy is one of `OF_ROOT`, for this unit. Its command needs no right but root.

    What a person has ordered of systemd is never replaced by a stop.
    """
    name = name_for(rule.do, rule.name, unit)
    match rule.do:
        case "signal":
            # so it was called before systemd 252; since then it is taken for the beginning of --kill-whom
            command = (SYSTEMCTL, "kill", "--kill-who=main", f"--signal={rule.name}", unit)
            return Act(name=name, command=command, timeout=A_MOMENT)
        case "stop":
            return Act(name=name, command=(SYSTEMCTL, "stop", "--job-mode=fail", unit), timeout=LONGEST_STOP)
        case "restore" | "keep":
            return _of_files(rule, unit, python)
        case "docker":
            command = (python, "-I", "-m", "opsagent.host.container_restart", rule.name)
            return Act(name=name, command=command, timeout=rule.timeout)
        case _:
            raise ValueError(f"cannot make an act of {rule.do!r}")


def _of_files(rule: RemedyRule, unit: str, python: str) -> Act:
    """Keeping writes beside the copies alone; restoring writes where the files are, with their owners and modes."""
    asked = (unit,) if rule.do == KEEP else ()
    folders = [str(PurePosixPath(path).parent) for path in rule.files] if rule.do == RESTORE else []
    return Act(
        name=name_for(rule.do, "", unit),
        command=(python, "-I", "-m", f"opsagent.acts.{rule.do}", *asked, *rule.files),
        timeout=HALF_A_MINUTE,
        writes=tuple(dict.fromkeys((STORE, *folders))),
        capabilities=("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"),
    )
