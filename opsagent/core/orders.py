"""Operators' commands: what each becomes, and what is refused, with the reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import singledispatch
from typing import TYPE_CHECKING

from opsagent.core import alerting, earning, jobs, raising, suggesting
from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core.backup.telling import WHAT
from opsagent.core.backup.telling import event_of as event_of_backup
from opsagent.core.change import MARKERS, Change, ChangeKind
from opsagent.core.changes import event_of
from opsagent.core.escalation import called_off
from opsagent.core.message import MessageKind
from opsagent.core.notices import notice
from opsagent.core.observation import Severity
from opsagent.core.phase import Phase
from opsagent.core.quantity import spell
from opsagent.core.recovery import judges, still_bad
from opsagent.core.remediation import allowed, failing
from opsagent.core.report.clock import moment
from opsagent.core.severity import LEASE
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from opsagent.core.incident import Incident
    from opsagent.core.policy import CheckPolicy

LONGEST_LEASE = timedelta(hours=24)
LONGEST_SNOOZE = timedelta(hours=24)
LONGEST_SNOOZE_SEV1 = timedelta(hours=1)
_HELD = (Phase.ACKNOWLEDGED, Phase.VERIFYING)
_DECIDES = (ev.IncidentAcknowledged, ev.IncidentResolved, ev.IncidentSnoozed)  # says itself who owns it from now on


def carried_out(world: World, command: cmd.Command) -> tuple[list[Draft], cmd.Answer]:
    """Return the events that a command becomes and the answer its author gets; the command itself is recorded too."""
    if isinstance(command, cmd.Ping):
        return _pinged(world, command)
    if isinstance(command, cmd.Alert):
        return alerting.alerted(world, command)
    command = _meant(world, command)
    drafts, answer = _done(command, world)
    told = ev.CommandTaken(
        command=type(command).__name__,
        by=command.by,
        accepted=answer.accepted,
        answer=answer.text,
        uuid=command.uuid,
    )
    about = next((draft.incident for draft in drafts if draft.incident is not None and draft.incident >= 0), None)
    renewed = [] if any(isinstance(one.event, _DECIDES) for one in drafts) else _renewed(world, command)
    return [Draft(event=told, incident=about, actor=command.by), *drafts, *renewed], answer


def _meant(world: World, command: cmd.Command) -> cmd.Command:
    """Return the command with the name that we know what a person called: `api` may be a unit, or what watches it."""
    match command:
        case cmd.Pause(target=name) | cmd.Resume(target=name) if unit := next(
            (one.unit for one in _by_unit(world, name)), None
        ):
            return replace(command, target=unit)
        case cmd.RepairNow(check=name) if found := _by_unit(world, name):
            return replace(command, check=next((one for one in found if one.repair), found[0]).name)
        case _:
            return command


def _by_unit(world: World, name: str) -> tuple[CheckPolicy, ...]:
    return tuple(one for one in world.policy.named(name) if one.unit and one.name != name)


def unfit(command: cmd.Command) -> str:
    """Say why no daemon would carry a command out, however things stand, or "": asked before it waits in the spool."""
    match command:
        case cmd.Ping():
            return jobs.unfit(command)
        case cmd.Raise():
            return raising.refused(command)
        case cmd.ReportChange(change=kind) if kind not in MARKERS:
            return f"cannot take a change of kind {kind!r}, allowed: {', '.join(MARKERS)}"
        case cmd.ReportChange(text=text) if not text.strip():
            return "cannot keep a change without a word about it"
        case _:
            return ""


def _pinged(world: World, ping: cmd.Ping) -> tuple[list[Draft], cmd.Answer]:
    """A ping says itself who sent it; one that is refused leaves no trace, for its sender may be anybody."""
    event, text = jobs.pinged(world, ping)
    drafts = [] if event is None else [Draft(event=event, actor=ping.by)]
    return drafts, cmd.Answer(accepted=event is not None, text=text)


def _yes(text: str) -> cmd.Answer:
    return cmd.Answer(accepted=True, text=text)


def _no(text: str) -> tuple[list[Draft], cmd.Answer]:
    return [], cmd.Answer(accepted=False, text=text)


def find(world: World, label: str) -> Incident | None:
    """Return the incident with this label, or whose label ends in it (`001`), the newest first."""
    wanted = label.upper()
    known = sorted((i for i in world.state.incidents.values() if i.label), key=lambda i: -i.seq)
    return next((i for i in known if i.label == wanted or (i.label or "").endswith(f"-{wanted}")), None)


def _not_found(world: World, label: str) -> tuple[list[Draft], cmd.Answer]:
    known = ", ".join(i.label for i in world.state.incidents.values() if i.label) or "none"
    return _no(f"cannot find incident {label!r}; open or just resolved: {known}")


@singledispatch
def _done(command: cmd.Command, world: World) -> tuple[list[Draft], cmd.Answer]:
    del world
    return _no(f"cannot carry out {type(command).__name__}")


@_done.register(cmd.Acknowledge)
def _(command: cmd.Acknowledge, world: World) -> tuple[list[Draft], cmd.Answer]:
    incident = find(world, command.incident)
    if incident is None:
        return _not_found(world, command.incident)
    if not incident.is_open:
        return _no(f"cannot take {incident.label}: it is {incident.state}")
    usual = LEASE[incident.severity or Severity.SEV2]
    lasts = min(usual if command.lasts is None else command.lasts, LONGEST_LEASE)
    if lasts <= timedelta():
        return _no("cannot take it for no time at all: --for wants a span such as 2h")
    event = ev.IncidentAcknowledged(
        by=command.by, until=world.now + lasts, keep_repairing=command.keep_repairing, note=command.note
    )
    hands = "repairs go on" if command.keep_repairing else "hands off: nothing is repaired"
    until = moment(world.now + lasts, world.policy.zone)
    text = f"{incident.label} is yours until {until}{_taken_from(command, incident)}; {hands}"
    return [
        Draft(event=event, incident=incident.seq, actor=command.by),
        *called_off(world, incident, f"taken by {command.by} before it was delivered"),
    ], _yes(text)


def _taken_from(command: cmd.Acknowledge, incident: Incident) -> str:
    holder = incident.acknowledged_by if incident.state is Phase.ACKNOWLEDGED else None
    return f" ({holder} had it)" if holder and holder != command.by else ""


@_done.register(cmd.Resolve)
def _(command: cmd.Resolve, world: World) -> tuple[list[Draft], cmd.Answer]:
    incident = find(world, command.incident)
    if incident is None:
        return _not_found(world, command.incident)
    if not incident.is_open:
        return _no(f"cannot resolve {incident.label}: it is {incident.state}")
    bad = still_bad(world, incident)
    if bad and not command.force:
        reading = world.health(bad[0].name).reading
        said = reading.message if reading else "bad"
        return _no(f"cannot resolve {incident.label}: {bad[0].name} still fails ({said}); --force to insist")
    if bad and not command.because:
        return _no(f"cannot resolve {incident.label} by force without a reason; --because to give one")
    reason = command.because or f"{command.by} said so"
    event = ev.IncidentResolved(reason=reason, by=command.by, forced=bool(bad))
    text = f"{incident.label} is resolved" + ("; it reopens at the next bad look" if bad else "")
    return [Draft(event=event, incident=incident.seq, actor=command.by)], _yes(text)


@_done.register(cmd.Pause)
def _(command: cmd.Pause, world: World) -> tuple[list[Draft], cmd.Answer]:
    if command.lasts <= timedelta():
        return _no("cannot pause for no time at all: --for wants a span such as 2h")
    until = world.now + command.lasts
    known = {check.name for check in world.policy.checks} | {check.unit for check in world.policy.checks if check.unit}
    if command.target not in known | {"all"}:
        incident = find(world, command.target)
        if incident is not None:
            return _snooze(command, world, incident)
        return _no(f"cannot pause {command.target!r}; known: all, {', '.join(sorted(known))}")
    event = ev.PauseSet(
        target=command.target,
        until=until,
        pages=command.pages,
        repairs=command.repairs,
        by=command.by,
        reason=command.because,
    )
    what = " and no ".join(w for w, on in (("pages", command.pages), ("repairs", command.repairs)) if on)
    return [Draft(event=event, actor=command.by)], _yes(
        f"no {what} for {command.target} until {moment(until, world.policy.zone)}"
    )


def _snooze(command: cmd.Pause, world: World, incident: Incident) -> tuple[list[Draft], cmd.Answer]:
    longest = LONGEST_SNOOZE_SEV1 if incident.severity is Severity.SEV1 else LONGEST_SNOOZE
    if command.lasts > longest:
        return _no(f"cannot keep a {incident.severity} quiet for longer than {spell(longest)}")
    if not incident.is_open or incident.state is Phase.VERIFYING:
        return _no(f"cannot snooze {incident.label}: it is {incident.state}")
    until = world.now + command.lasts
    event = ev.IncidentSnoozed(by=command.by, until=until, reason=command.because)
    return [Draft(event=event, incident=incident.seq, actor=command.by)], _yes(
        f"no pages about {incident.label} until {moment(until, world.policy.zone)}"
    )


@_done.register(cmd.Resume)
def _(command: cmd.Resume, world: World) -> tuple[list[Draft], cmd.Answer]:
    if command.target not in world.state.pauses:
        incident = find(world, command.target)
        if incident is not None and incident.state is Phase.SNOOZED:
            drafts = [Draft(event=ev.SnoozeEnded(), incident=incident.seq, actor=command.by)]
            return drafts, _yes(f"{incident.label} is no longer quiet")
        paused = ", ".join(sorted(world.state.pauses)) or "nothing"
        return _no(f"cannot end the pause of {command.target!r}; paused: {paused}")
    return [Draft(event=ev.PauseEnded(target=command.target, by=command.by), actor=command.by)], _yes(
        f"{command.target} is no longer paused"
    )


def _nothing_to_do(world: World, check: CheckPolicy, incident: Incident) -> str:
    armed = [one for one in judges(world, incident) if one.repair]
    if armed and not any(world.health(one.name).suspicious for one in armed):
        return f"nothing to repair: {', '.join(one.name for one in armed)} is good now"
    return f"cannot repair {check.name}: it is not armed; repair: lists what is allowed"


@_done.register(cmd.RepairNow)
def _(command: cmd.RepairNow, world: World) -> tuple[list[Draft], cmd.Answer]:
    check = world.policy.check(command.check)
    if check is None:
        return _no(f"cannot find check {command.check!r}; known: {', '.join(c.name for c in world.policy.checks)}")
    if check.security:
        return _no(f"cannot repair {check.name}: what is about security is for people alone")
    incident = world.state.open_for(check.key)
    if incident is None or not incident.is_open:
        return _no(f"nothing to repair: {check.name} has no open incident")
    if failing(world, incident) is None:
        return _no(_nothing_to_do(world, check, incident))
    known = allowed(world, incident)
    if command.remedy and command.remedy not in known:
        return _no(f"cannot {command.remedy} for {check.name}, allowed: {', '.join(known)}")
    if incident.running is not None:
        return _no(f"cannot repair {check.name} now: {incident.running.remedy} is under way")
    event = ev.RepairAsked(by=command.by, because=command.because, remedy=command.remedy)
    return [Draft(event=event, incident=incident.seq, actor=command.by)], _yes(
        "asked for; every guard still has its say: see `why`"
    )


@_done.register(cmd.Approve)
def _(command: cmd.Approve, world: World) -> tuple[list[Draft], cmd.Answer]:
    incident = find(world, command.incident)
    if incident is None:
        return _not_found(world, command.incident)
    if not incident.is_open or not still_bad(world, incident):
        state = incident.state if not incident.is_open else f"{incident.check} is good now"
        return _no(f"cannot approve anything for {incident.label}: {state}")
    if incident.running is not None:
        return _no(f"cannot approve anything for {incident.label} now: {incident.running.label} is under way")
    asked, wrong = incident.suggestion, suggesting.unfit(world, incident, command.remedy)
    if asked is None or wrong:
        return _no(wrong)
    event = ev.RepairApproved(remedy=asked.remedy, unit=asked.unit, by=command.by)
    return [Draft(event=event, incident=incident.seq, actor=command.by)], _yes(
        f"{asked.remedy} of {asked.unit} goes out now if every guard agrees: see `why`"
    )


@_done.register(cmd.Trust)
def _(command: cmd.Trust, world: World) -> tuple[list[Draft], cmd.Answer]:
    return earning.decided(world, command)


@_done.register(cmd.Note)
def _(command: cmd.Note, world: World) -> tuple[list[Draft], cmd.Answer]:
    incident = find(world, command.incident)
    if incident is None:
        return _not_found(world, command.incident)
    event = ev.NoteAdded(by=command.by, text=command.text)
    return [Draft(event=event, incident=incident.seq, actor=command.by)], _yes("noted")


@_done.register(cmd.Raise)
def _(command: cmd.Raise, world: World) -> tuple[list[Draft], cmd.Answer]:
    if wrong := unfit(command):
        return _no(wrong)
    report = raising.report_of(world, command)
    if full := raising.crowded(world, report.key, report.by):
        return _no(full)
    drafts, text = raising.reported(world, report)
    return drafts, _yes(text)


@_done.register(cmd.ReviewNow)
def _(command: cmd.ReviewNow, world: World) -> tuple[list[Draft], cmd.Answer]:
    if world.state.reviews.is_ordered:
        return _no("cannot begin another review: one is under way")
    event = ev.ReviewOrdered(by=command.by)
    return [Draft(event=event, actor=command.by)], _yes("the logs are being reviewed; see: opsagent review")


def _renewed(world: World, command: cmd.Command) -> list[Draft]:
    """Any act of the taker on what was taken renews the hold, also one that is refused: somebody is at it."""
    held = [one for one in _about(world, command) if one.acknowledged_by == command.by]
    return [draft for incident in held for draft in _longer(world, incident)]


def _about(world: World, command: cmd.Command) -> list[Incident]:
    match command:
        case cmd.Resolve(incident=label) | cmd.Approve(incident=label) | cmd.Note(incident=label):
            found = find(world, label)
            return [found] if found is not None else []
        case cmd.Pause(target=name) | cmd.Resume(target=name) | cmd.RepairNow(check=name):
            return [one for one in world.state.open_incidents if name in (one.label, one.unit, *one.checks)]
        case _:
            return []


def _longer(world: World, incident: Incident) -> list[Draft]:
    held = Phase.ACKNOWLEDGED in (incident.state, incident.owner) and incident.state in _HELD
    if not held or incident.ack_until is None:
        return []
    until = max(incident.ack_until, world.now + LEASE[incident.severity or Severity.SEV2])
    event = ev.IncidentAcknowledged(by=incident.acknowledged_by, until=until, keep_repairing=incident.keep_repairing)
    return [Draft(event=event, incident=incident.seq, actor=incident.acknowledged_by)]


@_done.register(cmd.ReportChange)
def _(command: cmd.ReportChange, world: World) -> tuple[list[Draft], cmd.Answer]:
    if wrong := unfit(command):
        return _no(wrong)
    unit, at = _unit_meant(world, command.unit), min(command.asked_at or world.now, world.now)
    change = Change(
        kind=ChangeKind(command.change),
        subject=command.text,
        what="",
        at=at,
        units=(unit,) if unit else (),
        by=command.by,
        unseen=bool(command.uuid),
    )
    return [Draft(event=event_of(change), actor=command.by)], _yes(_promised(world, change))


def _unit_meant(world: World, name: str) -> str:
    """Return the unit that a person means by its name, with or without its ending, or by a check of it."""
    check = world.policy.check(name)
    if check is not None and check.unit:
        return check.unit
    return f"{name}.service" if name and "." not in name else name


def _promised(world: World, change: Change) -> str:
    unit, until = next(iter(change.units), ""), change.at + world.policy.changes.hold
    if not unit:
        return "noted; it holds no repair back, for it names no unit"
    if not world.policy.checks_of(unit):
        return f"noted; nothing watches {unit}"
    if until <= world.now:
        return f"noted; it is long enough ago for {unit} to be repaired"
    return f"noted; no repair of {unit} before {moment(until, world.policy.zone)}"


@_done.register(cmd.TestNotifier)
def _(command: cmd.TestNotifier, world: World) -> tuple[list[Draft], cmd.Answer]:
    names = [one.name for one in world.policy.notifiers]
    if command.notifier and command.notifier not in names:
        return _no(f"cannot find notifier {command.notifier!r}; known: {', '.join(names) or 'none'}")
    chosen = [command.notifier] if command.notifier else names or ["journal"]
    title = f"[TEST] {world.policy.host}: this is a test by {command.by}; nothing is wrong"
    drafts = notice(
        world, f"{MessageKind.TEST}:{world.now.isoformat()}", title, "If you read this, the way to you works.", chosen
    )
    return drafts, _yes(f"handed to {', '.join(chosen)}; what does not arrive within seconds is in: opsagent status")


@_done.register(cmd.ReportBackup)
def _(command: cmd.ReportBackup, world: World) -> tuple[list[Draft], cmd.Answer]:
    if command.what not in WHAT:
        return _no(f"cannot take a report of {command.what!r}, allowed: {', '.join(WHAT)}")
    return [Draft(event=event_of_backup(command, world.now), actor=command.by)], _yes("kept")


@_done.register(cmd.Finding)
def _(command: cmd.Finding, world: World) -> tuple[list[Draft], cmd.Answer]:
    event = ev.FindingReceived(
        by=command.by, found_at=command.asked_at or world.now, findings=command.findings, uuid=command.uuid
    )
    return [Draft(event=event, actor=command.by)], _yes("kept")
