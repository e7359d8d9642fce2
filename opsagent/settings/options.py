"""The shape of the YAML: what may be written, with its default. What the core knows already is not repeated here."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from opsagent.core.acts import Act
from opsagent.core.backup.job import Paths, Sqlite
from opsagent.core.policy import Confirm, Criticality, HostBudget, Mode, RemedyRule, ReviewPolicy, UnitBudget
from opsagent.core.reclaim import Reclaim

BACKUP_KINDS: dict[str, type] = {"paths": Paths, "sqlite": Sqlite}
NAME = r"[a-z0-9][a-z0-9-]{0,62}"


class Layout(StrEnum):
    """How the memory's files are arranged, and for whom."""

    STANDALONE = "standalone"
    AI_MEMORY = "ai-memory"
    OPENCLAW = "openclaw"


class Scope(StrEnum):
    """Whose manager a unit belongs to: the system's or the user's own."""

    SYSTEM = "system"
    USER = "user"


class Audience(StrEnum):
    """Who reads a notifier's messages; a public one gets aliases instead of names."""

    PRIVATE = "private"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadman:
    """A signal of life to somebody outside, who misses it when this host is gone.

    url: asked with GET while all is well, with /fail behind it when the fast loop is late or a page is stuck.
    every: how often; the other side should wait at least twice as long.
    """

    url: str
    every: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Our own figures for Prometheus.

    textfile: written for node_exporter's textfile collector, such as /var/lib/prometheus/node-exporter/opsagent.prom.
    """

    textfile: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """A door for programs that speak HTTP: ping URLs of jobs, alerts of an Alertmanager, reports, `/metrics`.

    listen: address and port; a loopback address, unless `everywhere` is true.
    token_file: a file with the token that must be shown, 16 characters or more; default: `http.token` in the state
        directory, made at the first start.
    everywhere: true lets other hosts in. Put TLS in front of it: whoever listens on the way learns the token.
    """

    listen: str = "127.0.0.1:9645"
    token_file: str = ""
    everywhere: bool = False

    def __post_init__(self) -> None:
        """Refuse an address that is none, or that more can reach than was said (ValueError)."""
        host, _ = self.address
        if not self.everywhere and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"cannot listen on {host}, allowed: a loopback address, or any with everywhere: true")

    @property
    def address(self) -> tuple[str, int]:
        """The address and the port of `listen`. ValueError when it is neither."""
        host, _, port = self.listen.rpartition(":")
        host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
        try:
            ipaddress.ip_address(host)
            number = int(port) if port.isascii() and port.isdigit() else 0
        except ValueError:
            number = 0
        if not 0 < number < 65536:  # noqa: PLR2004 - ports have 16 bits
            raise ValueError(f"cannot listen on {self.listen[:60]!r}, allowed: such as 127.0.0.1:9645 or [::1]:9645")
        return host, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who may listen on this host.

    ignore: what needs no check and raises no alarm: units or programs by name, or a port such as `tcp 8081`.
    alert: a port that opens to the network, without a package run or deploy, is an incident for a person (SEV3).
    """

    ignore: tuple[str, ...] = ()
    alert: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What opsagent may do, and how often, to any unit and to the host.

    mode: auto acts where a check is armed; suggest asks a person before each repair; observe only records what it
        would have done.
    per_unit: the budget of one unit.
    per_host: the budget of all units together.
    """

    mode: Mode = Mode.AUTO
    per_unit: UnitBudget = field(default_factory=UnitBudget)
    per_host: HostBudget = field(default_factory=HostBudget)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One level of the escalation.

    name: shown in messages and in the incident.
    after: how long after the first page; each level later than the one before.
    notify: names of notifiers.
    """

    name: str
    after: timedelta = timedelta()
    notify: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The levels of one severity.

    levels: in order.
    """

    levels: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Who is told, and when somebody else is.

    levels: for every severity without levels of its own; without any, all notifiers are told at once.
    SEV1: levels for the worst incidents only.
    SEV2: levels for these only, written like those of SEV1.
    SEV3: levels for these only, written like those of SEV1.
    SEV4: levels for these only, written like those of SEV1.
    """

    levels: tuple[Step, ...] = ()
    SEV1: Ladder | None = None
    SEV2: Ladder | None = None
    SEV3: Ladder | None = None
    SEV4: Ladder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A planned maintenance: no pages, and no repairs either if you say so.

    checks: names of checks.
    from: `Sun 02:00` every week, `02:00` every day, or one ISO date-time such as `2026-03-01T02:00`.
    for: how long it lasts.
    zone: the time zone of `from`; default: the settings' zone.
    also: `repairs` stops repairs too.
    """

    checks: tuple[str, ...]
    begins: str = field(metadata={"key": "from"})
    lasts: timedelta = field(metadata={"key": "for"})
    zone: str | None = None
    also: Literal["repairs"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is noticed of changes that others make, and what follows from them.

    files: files to watch beside those of the watched units, by full path or pattern; `**` means any depth.
    hold: so long after a change of its own a unit is not repaired: whoever made it is at work there.
    suspect_for: what goes bad so soon after a change of its own is told as a consequence of it.
    developers: notifiers that hear of a failure that needs a change of code; default: those of the first level.
    """

    files: tuple[str, ...] = ()
    hold: timedelta = timedelta(minutes=10)
    suspect_for: timedelta = timedelta(minutes=30)
    developers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """What is done with the debugging playbook of the memory, `failures/debugging-notes.md`.

    run: false runs none of its steps; the section that speaks of an incident is named all the same.
    """

    run: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The whole document.

    host: this host's name in every record; default: the machine's own.
    memory: where people and agents read what was learned; default: `memory` in the state directory.
    layout: standalone for opsagent alone, ai-memory or openclaw inside a workspace that has such files already.
    zone: dates the daily files and gives the times in them and on screens; default: the host's.
    state: where the event log is kept; default: /var/lib/opsagent, for a user's own instance ~/.local/state/opsagent.
    scope: whose units are meant where a check does not say; `user` runs opsagent for one user's services.
    heartbeat: the full round of every check, what events missed, and the head of the daily memory.
    fast_loop: how often a check is looked at that has no `every` of its own.
    deadman: a signal of life to somebody outside this host; default: none.
    review: warnings and errors of the logs, once a day, against what is usual.
    playbook: what is done with the debugging playbook that people keep in the memory.
    metrics: our own figures for Prometheus; default: none are written.
    http: a door for programs that speak HTTP; default: none.
    checks: what is watched; every check has a name and a kind.
    backups: what is backed up, and proven by rehearsed restores; each gets a check of kind `backup` unless it has one.
    acts: what root allows to be done in its name, each as a unit of its own; only for the host's own instance.
    reclaim: what the remedy `reclaim` may take away when disk is needed; default: nothing.
    repair: what may be done, and how often.
    notifiers: the ways to people.
    escalation: who is told, and when somebody else is; default: all notifiers at once.
    maintenance: planned windows.
    listeners: who may listen on this host.
    changes: what is noticed of changes that others make, and what follows from them.
    """

    host: str | None = None
    memory: Path | None = None
    layout: Layout = Layout.STANDALONE
    zone: str | None = None
    state: Path | None = None
    scope: Scope = Scope.SYSTEM
    heartbeat: timedelta = timedelta(minutes=30)
    fast_loop: timedelta = timedelta(seconds=60)
    deadman: Deadman | None = None
    review: ReviewPolicy = field(default_factory=ReviewPolicy)
    playbook: Playbook = field(default_factory=Playbook)
    metrics: Metrics = field(default_factory=Metrics)
    http: Http | None = None
    checks: tuple[Any, ...] = ()
    backups: tuple[Any, ...] = ()
    acts: tuple[Act, ...] = ()
    reclaim: Reclaim = field(default_factory=Reclaim)
    repair: Repair = field(default_factory=Repair)
    notifiers: tuple[Any, ...] = ()
    escalation: Steps = field(default_factory=Steps)
    maintenance: tuple[Window, ...] = ()
    listeners: Listeners = field(default_factory=Listeners)
    changes: Changes = field(default_factory=Changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """The keys that every check has.

    name: its identity, in every record and command: small letters, digits and hyphens.
    kind: which question is asked.
    every: how often; default: what the kind says, 10s for an http check with a repair, else `fast_loop`.
    timeout: the longest one look may take.
    confirm: how many looks it takes to believe a failure, and a recovery.
    unit: the systemd unit whose failure this is, by its full name; evidence is taken from it.
    scope: whose manager has that unit; default: the settings' `scope`.
    repair: remedies allowed, in this order; the default only watches.
    playbook: in place of `repair`, a list that is done strictly in its order, with a look after each step.
    criticality: how much this host's owner needs it; default: important if it names a unit, else low.
    depends_on: checks that must be good for this one to be; the first broken one is repaired first.
    for: how long a bad status must last before it counts.
    """

    name: str
    kind: str
    every: timedelta | None = None
    timeout: timedelta = timedelta(seconds=10)
    confirm: Confirm = field(default_factory=Confirm)
    unit: str | None = None
    scope: Scope | None = None
    repair: tuple[RemedyRule, ...] = ()
    playbook: tuple[RemedyRule, ...] = ()
    criticality: Criticality | None = None
    depends_on: tuple[str, ...] = ()
    hold: timedelta = field(default=timedelta(), metadata={"key": "for"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierOptions:
    """The keys that every notifier has.

    name: its identity, in the escalation and in records.
    kind: how it reaches people.
    audience: who reads it; public gives aliases instead of names of hosts, checks and units.
    """

    name: str
    kind: str
    audience: Audience = Audience.PRIVATE
