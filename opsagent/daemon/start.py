"""Coming up: the lock, the log and what it tells, the units by their real names, orders that nobody saw the end of."""

from __future__ import annotations

import json
import os
import pwd
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from opsagent.core import asking, batch, codec, inbox
from opsagent.core.commands import Answer, Command
from opsagent.core.snapshot import Snapshot
from opsagent.core.state import State
from opsagent.core.text import visible
from opsagent.core.unit import JobOutcome, UnitSnapshot
from opsagent.daemon import shortcut
from opsagent.host import systemd
from opsagent.host.bus import BusError, BusLostError
from opsagent.settings import Settings, Watched
from opsagent.store import lock, opening, spool
from opsagent.store.pending import Pending
from opsagent.store.schema import LISTS_LOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.incident import Action
    from opsagent.core.policy import CheckPolicy, Policy

log = structlog.get_logger("opsagent")
LONGEST_JOB = timedelta(minutes=5)
A_MOMENT = 0.2  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the daemon stands on: the lock it holds, the open log, the door to it, and the replayed state.

    `past` is how things stood some days ago: what came after it, the memory tells again where it was not told.
    """

    held: lock.InstanceLock
    opened: opening.Opened
    pending: Pending
    past: Snapshot
    state: State


def boot_id() -> str:
    """Return the kernel's id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def stand(settings: Settings, now: datetime, tell: Callable[[str], object] = bool) -> Ground:
    """Take the lock, open the log, replay it; `tell` hears of it. Raises LockedError, StoreError, OSError."""
    settings.state.mkdir(mode=0o2770, parents=True, exist_ok=True)
    held = lock.take(settings.state)
    opened = opening.open_log(settings.state / opening.NAME, host=settings.host, boot=boot_id(), now=now)
    if opened.set_aside is not None:
        log.error(
            "the event log was damaged and is set aside",
            kept_at=str(opened.set_aside),
            damage=opened.damage,
            salvaged=opened.salvaged,
            lost=opened.lost,
        )
    begin = shortcut.found(settings.state, opened.log, now)
    past, present, skipped = shortcut.brought_up(begin, codec.read_all(opened.log.replay(begin.state.seq)), now, tell)
    if past.state.seq - begin.state.seq >= shortcut.WORTH:
        shortcut.keep(settings.state, past, opened.log)
    if skipped:
        log.warning("some events do not fit what went before them and were left out", events=skipped)
    if opened.log.unsound:
        log.error("some rows of the event log are not as they were written and were left out", rows=opened.log.unsound)
    if opened.set_aside is not None or opened.log.meta(LISTS_LOST):
        rows = batch.projections(codec.read_all(opened.log.replay()))
        opened.log.append((), now, incidents=rows, meta=((LISTS_LOST, ""),))
    return Ground(held=held, opened=opened, pending=Pending(opened.log), past=past, state=present.state)


def salvaged(opened: opening.Opened) -> list[inbox.Arrival]:
    """Return the news that the log was damaged, if it was: people must hear of it."""
    if opened.set_aside is None:
        return []
    kept_at = str(opened.set_aside)
    return [inbox.Salvaged(kept_at=kept_at, damage=opened.damage, salvaged=opened.salvaged, lost=opened.lost)]


def snapshot_of(unit: str, scope: str) -> UnitSnapshot | None:
    """Read a unit; None when there is none, or nobody to ask."""
    try:
        return systemd.connection(scope).snapshot(unit)
    except (BusError, BusLostError) as error:
        log.warning("cannot ask systemd", unit=unit, error=str(error))
        return None


def with_real_names(settings: Settings) -> tuple[Settings, dict[str, UnitSnapshot]]:
    """Return the settings with each unit by its primary name, and the snapshots that told it.

    Signals and rights go by the primary name; people may write an alias.
    """
    found: dict[str, UnitSnapshot] = {}
    names: dict[str, str] = {}
    for check in settings.policy.checks:
        if check.unit is not None and check.unit not in names:
            snapshot = snapshot_of(check.unit, check.scope)
            names[check.unit] = snapshot.name if snapshot is not None else check.unit
            if snapshot is not None:
                found[snapshot.name] = snapshot
    checks = {check.name: replace(check, unit=names.get(check.unit or "")) for check in settings.policy.checks}
    told = (*found, *settings.backup_units())
    watched = tuple(_renamed(one, checks[one.policy.name], told) for one in settings.watched)
    policy = replace(settings.policy, checks=tuple(checks.values()))
    return replace(settings, policy=policy, watched=watched), found


def _renamed(one: Watched, policy: CheckPolicy, told: tuple[str, ...]) -> Watched:
    """The check of all failed units leaves those alone that have a check of their own: one failure, one incident.

    The journal knows units by their primary names only.
    """
    if policy.kind == "journal" and policy.unit is not None:
        return Watched(policy=policy, check=replace(one.check, unit=policy.unit))  # type: ignore[type-var]
    if policy.kind != "units":
        return replace(one, policy=policy)
    ignored = (*getattr(one.check, "ignore", ()), *told)
    return Watched(policy=policy, check=replace(one.check, ignore=ignored))  # type: ignore[type-var]


def orphans(state: State, policy: Policy) -> list[tuple[int, Action, str]]:
    """Return the orders whose end nobody saw: the incident, the action, and the scope of its unit."""
    scopes = {check.unit: check.scope for check in policy.checks}
    running = [(one.seq, one.running) for one in state.incidents.values()]
    return [
        (seq, action, scopes.get(action.unit, "system"))
        for seq, action in running
        if action is not None and action.ended_at is None
    ]


def fate(action: Action, scope: str) -> JobOutcome:
    """Find out what became of such an order: a new invocation says that it went through.

    Waits until systemd is through with the unit: while its job still stops what hangs, the invocation is the old one,
    and whoever ordered again then would restart it twice.
    """
    deadline = time.monotonic() + LONGEST_JOB.total_seconds()
    while _is_busy(action.unit, scope) and time.monotonic() < deadline:
        time.sleep(A_MOMENT)
    after = snapshot_of(action.unit, scope)  # anew: a job may end between two questions of one reading
    went = after is not None and after.invocation_id not in {"", action.before}
    said = "a new invocation shows that it went through" if went else "the invocation is the same as before"
    return JobOutcome(
        result="done" if went else "unknown",
        error=f"opsagent ended before the answer; {said}",
        after=after,
    )


def _is_busy(unit: str, scope: str) -> bool:
    snapshot = snapshot_of(unit, scope)
    return snapshot is not None and bool(snapshot.job)


def missed(state: State, now: datetime) -> timedelta:
    """Return for how long nobody looked: since the last event of the run before this one."""
    return max(timedelta(), now - state.at) if state.at is not None else timedelta()


def take_spool(directory: Path, ground: Ground, carry_out: Callable[[Command], None]) -> None:
    """Carry out the commands that wait; each file goes once its event is recorded.

    While the log cannot be written they wait on: one that is only held in memory would be carried out again.
    """
    known = ground.opened.log.is_spooled
    for one, command in spooled(directory, known):
        if ground.pending.trouble is not None:
            return
        carry_out(command)
        if known(one.uuid):
            spool.remove(directory, one)


def spooled(directory: Path, is_known: Callable[[str], bool]) -> list[tuple[spool.Spooled, Command]]:
    """Return the commands that wait in the spool, each with the name of the file's owner as its author.

    Whatever lies there: what is no command is set aside and named, and a spool that cannot be read stops nobody.
    """
    commands: list[tuple[spool.Spooled, Command]] = []
    for one in _waiting(directory):
        if is_known(one.uuid):
            spool.remove(directory, one)
            continue
        command = _command(one)
        if command is None:
            spool.set_aside(directory, (spool.Refused(name=f"{one.uuid}.json", reason="no-command"),))
        else:
            commands.append((one, command))
    return commands


def _waiting(directory: Path) -> tuple[spool.Spooled, ...]:
    try:
        found = spool.read(directory)
    except OSError as error:
        log.error("cannot read what waits in the spool", directory=str(directory), error=error.strerror)  # noqa: TRY400 - not ours
        return ()
    for bad in found.refused:
        log.warning("refused in the spool", file=visible(bad.name), reason=bad.reason)
    return found.waiting


def _command(one: spool.Spooled) -> Command | None:
    """Return the command that a file is, None when it is none."""
    try:
        request = asking.read(json.loads(one.body), by=user_name(one.uid), uuid=one.uuid, asked_at=one.at)
    except asking.RequestError as error:
        log.warning("cannot carry out what waits in the spool", file=one.uuid, error=str(error))
        return None
    return request if isinstance(request, Command) else None


def user_name(uid: int) -> str:
    """Return the name of a user, or the number where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def ignore_answer(answer: Answer) -> None:
    """Nobody waits for the answer to a spooled command; it is in the log."""
    log.info("from the spool", accepted=answer.accepted, answer=answer.text)


def own_pid() -> int:
    """Return our process id."""
    return os.getpid()
