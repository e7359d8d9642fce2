"""What each key means, in one sentence, for the reference and for editors."""

from __future__ import annotations

import inspect
import re

from opsagent.core.policy import Confirm, HostBudget, RemedyRule, ReviewPolicy, UnitBudget

_LINE = re.compile(r"(?P<key>[A-Za-z_][A-Za-z0-9_]*): (?P<text>\S.*)")

_OF_THE_CORE: dict[type, dict[str, str]] = {
    Confirm: {
        "failures": "bad looks in a row that make an incident; a single bad look is noise more often than not.",
        "retry": "how soon to look again while it is bad.",
        "successes": "good looks in a row that make a recovery.",
        "stable_for": "how long those good looks must last.",
        "resolve_after": "how long it must stay good before the incident is resolved.",
        "start_within": "how long a start may take: until then a bad look does not count, unless the process dies. "
        "Without it that is learned from the unit's own starts: between 5s and 5m, and 1m until three are known.",
    },
    RemedyRule: {
        "do": "the remedy.",
        "command": "program with its full path and its arguments, as a list; only for `command`, and never a shell.",
        "name": "for `act` which of the file's `acts`, for `signal` which signal, for `docker` which container.",
        "timeout": "the longest a command may run; an act has its own.",
        "mode": "observe, suggest or auto for this remedy of this check; never more than the file's `repair.mode`.",
        "holds_data": "true confirms that a unit which holds data may be restarted.",
        "wait": "in a `playbook`, how long its effect is waited for; default: none after what only prepares, else the "
        "budget's wait.",
        "verify": "in a `playbook`, a check that must be good after it, or the playbook ends there.",
        "files": "for `restore`, configuration files by their full paths.",
    },
    UnitBudget: {
        "attempts": "most attempts on one unit within `within`.",
        "within": "the window of `attempts`.",
        "per_day": "most attempts on one unit in 24 hours.",
        "waits": "wait from the end of each attempt to the next one; the first attempt is immediate.",
    },
    ReviewPolicy: {
        "at": "local time of day, in `zone`; a daemon that was down then does it at its next start of the same day.",
        "enabled": "false reads no logs by itself; `opsagent review --now` still does.",
        "files": "log files beside the journal and those of checks of kind `journal`: full paths or patterns.",
    },
    HostBudget: {
        "actions": "most actions on the whole host within `within`; one unit takes at most half of them.",
        "within": "the window of `actions`.",
    },
}


def summary(cls: type) -> str:
    """Return what a class says of itself before its keys."""
    doc = inspect.cleandoc(cls.__doc__ or "")
    lines = [line for line in doc.splitlines() if not _LINE.match(line)]
    return "\n".join(lines).strip() if cls not in _OF_THE_CORE else lines[0]


def meanings(cls: type) -> dict[str, str]:
    """Return the sentence of each key: the `key: sentence` lines of its docstring, or ours for the core's classes."""
    if cls in _OF_THE_CORE:
        return _OF_THE_CORE[cls]
    found: dict[str, str] = {}
    last = ""
    for line in inspect.cleandoc(cls.__doc__ or "").splitlines():
        match = _LINE.match(line)
        if match:
            last = match["key"]
            found[last] = match["text"]
        elif last and line:
            found[last] += " " + line.strip()
        else:
            last = ""
    return found
