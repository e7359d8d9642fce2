"""Acts: what only root may do. Each is a oneshot unit of root's with a fixed command; systemd is asked to run it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsagent.core.policy import RemedyRule

_UNIT = re.compile(r"opsagent-act-[a-z0-9][a-z0-9-]{0,62}\.service", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_ODD = re.compile(r"[^a-z0-9-]")

OF_ROOT = frozenset({"docker", "restore", "signal", "stop"})
"""Remedies that are acts too, which nobody writes down: they are made from what the check's `repair` says."""
RECLAIM = "reclaim"
"""The act that every `reclaim` asks for: there is one list of what may be taken away."""
RESTORE = "restore"
KEEP = "keep"
"""The act that keeps the copies which `restore` needs."""
STORE = "/var/lib/opsagent-kept"
"""Where root keeps them."""
TELLING = (RECLAIM, RESTORE)
"""Remedies that say in words of their own what they did."""
SIGNALS = ("SIGABRT", "SIGCONT", "SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")
"""What may be sent: signals that a program can heed, and the one that wakes it. SIGKILL leaves no trace of why it hung,
and a restart ends in it anyway when nothing else helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that root allows opsagent to have done, by its name and never with other words.

    name: how a repair names it: `{do: act, name: …}`.
    command: program with its full path and its arguments, as a list; never a shell.
    timeout: the longest it may run; then systemd ends it and all it started.
    writes: directories it may write to, whoever owns what is in them; the rest of the file system is read-only for it.
    capabilities: which more of root's rights it keeps, such as `CAP_KILL`; none are enough for whoever only talks to a
    socket, as `docker` does.
    sandbox: false leaves all of root's rights and the whole host to it, for programs such as `podman` that make
    containers themselves.
    backup_first: a job of `backups` that is run right before it; when that fails, nothing is done.
    """

    name: str
    command: tuple[str, ...]
    timeout: timedelta = timedelta(seconds=60)
    writes: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    sandbox: bool = True
    backup_first: str = ""

    @property
    def unit(self) -> str:
        """The unit that does it."""
        return unit_of(self.name)


def unit_of(name: str) -> str:
    """Return the name of an act's unit."""
    return f"opsagent-act-{name}.service"


def name_for(do: str, name: str, unit: str) -> str:
    """Return the name of the act that a remedy of `OF_ROOT` asks for: always the same one for the same words.

    Words that are no name keep the letters that fit, and are told apart by a hash.
    """
    words = (do, name) if do == "docker" else (do, name.lower(), unit.removesuffix(".service"))
    whole = "-".join(filter(None, words))
    if _NAME.fullmatch(whole):
        return whole
    return f"{_ODD.sub('-', whole.lower())[:54]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def act_unit(rule: RemedyRule, unit: str) -> str:
    """Return the unit of root's by which a remedy works, "" for one that needs none."""
    if rule.do in ("act", RECLAIM):
        return unit_of(rule.name or RECLAIM)
    return unit_of(name_for(rule.do, rule.name, unit)) if rule.do in OF_ROOT else ""


def is_act(unit: str) -> bool:
    """Whether this is the unit of an act: the only units of ours that may be asked for, and only as a whole."""
    return _UNIT.fullmatch(unit) is not None
