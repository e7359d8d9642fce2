"""`status`, `why`, `incidents`, `show`: what people and programs read."""

# no `annotations` from __future__ in the files of commands: typer reads them when the program runs
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from opsagent.core import quantity
from opsagent.core.asking import MOST_ASKED, IncidentAsked, IncidentsAsked, StatusAsked, WhyAsked
from opsagent.core.quantity import duration, spell
from opsagent.core.text import visible
from opsagent.core.timing import resolve
from opsagent.interfaces.cli import clock, daemon, past, place
from opsagent.interfaces.cli.clock import Wall
from opsagent.interfaces.cli.options import Config, Json, Limit
from opsagent.interfaces.cli.place import Place
from opsagent.interfaces.cli.screen import USAGE, fail, say, say_json, table, warn
from opsagent.interfaces.cli.seen import seen_before

MONTH = timedelta(days=30)
LONGEST = 8192  # characters of one line of a story


def status(*, json_: Json = False, config: Config = None) -> None:
    """Show how everything stands. The daemon, every check, open incidents, commands that wait."""
    where = place.find(config)
    found = daemon.question(where, StatusAsked())
    shown = found if isinstance(found, dict) else past.last_status(where)
    shown = {**shown, "pending_commands": daemon.pending(where)}
    if json_:
        say_json(shown)
        return
    print_status(shown)
    daemon.remind(shown["pending_commands"], _wall(shown))


def print_status(shown: Mapping[str, Any]) -> None:
    """Print a status for people."""
    wall = _wall(shown)
    say(_headline(shown, wall))
    checks = [_check_row(check, wall) for check in shown["checks"]]
    if checks:
        table(("check", "status", "since", "armed", "quiet", "message"), checks, wide="message")
    say(f"open incidents: {', '.join(shown['open_incidents']) or 'none'}")
    for trouble in shown.get("troubles", ()):  # what an older daemon left has none
        warn(trouble)


def _wall(shown: Mapping[str, Any]) -> Wall:
    return Wall(shown.get("zone") or "UTC")  # what an older daemon left has none


def _headline(shown: Mapping[str, Any], wall: Wall) -> str:
    about, mode = shown["daemon"], shown["mode"] or "not known"
    hold = f", HOLD: {shown['hold']}" if shown["hold"] else ""
    if not about["running"]:
        beat = about["last_heartbeat_at"]
        last = f", last heartbeat {wall.shown(beat)} {wall.zone}" if beat else ""
        return f"{shown['host']}: {daemon.DOWN}{last}; nothing is watched or repaired (mode {mode}{hold})"
    beats = f"heartbeat {wall.shown(about['last_heartbeat_at'])}, next {wall.shown(about['next_heartbeat_at'])}"
    up = f"opsagent {about['version']} runs for {clock.ago(about['started_at'])} (pid {about['pid']})"
    return f"{shown['host']}: {up}, mode {mode}{hold}, {beats} {wall.zone}"


def _check_row(check: dict[str, Any], wall: Wall) -> tuple[str, ...]:
    asks = any(one["mode"] == "suggest" for one in check.get("remedies", ()))  # what an older daemon left has none
    armed = "yes" if check["armed"] else "asks" if asks else "no"
    quiet = check["suppressed_by"] or "-"
    return (check["name"], check["status"], wall.shown(check["since"]), armed, quiet, check["message"])


def why(
    check: Annotated[
        str, typer.Argument(metavar="CHECK|INCIDENT", help="A check's name, its unit, or OPS-20260301-001.")
    ],
    *,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Explain a check or an incident. What was seen, which rule, state, budget, each guard's answer, what is next."""
    where = place.find(config)
    found = daemon.question(where, WhyAsked(check=check))
    lines = list(found["lines"]) if found is not None else past.why(where, check)
    if json_:
        say_json({"check": check, "running": found is not None, "lines": lines})
        return
    if found is None:
        warn(f"{daemon.DOWN}: nothing happens until it starts. This is what its log knows.")
    say("\n".join(lines))
    daemon.remind(daemon.pending(where), daemon.wall(where))


def incidents(
    *,
    open_: Annotated[bool, typer.Option("--open", help="Only those that are not resolved.")] = False,
    since: Annotated[
        str, typer.Option(metavar="DURATION|DATE", help="How far back: 30d, 2h, or a date such as 2026-03-01.")
    ] = "30d",
    check: Annotated[str, typer.Option(metavar="NAME", help="Only those of this check or unit.")] = "",
    limit: Limit = 1000,
    json_: Json = False,
    config: Config = None,
) -> None:
    """List incidents, oldest first."""
    where = place.find(config)
    asked = IncidentsAsked(open_only=open_, since=span(since, where), check=check, limit=limit)
    found = listed(where, asked)
    if json_:
        say_json(found)
        return
    wall = daemon.wall(where)
    if not found:
        say(f"no {'open ' if open_ else ''}incidents in {spell(asked.since)}")
    else:
        columns = ("id", "state", "severity", "check", "since", "lasted", "actions", "reason")
        table(columns, [_incident_row(one, wall) for one in found], wide="reason")
        say(wall.said)
    daemon.remind(daemon.pending(where), wall)


def listed(where: Place, asked: IncidentsAsked) -> list[dict[str, Any]]:
    """Return incidents from the log, or from the daemon where this user may not read the log."""
    found = past.incidents(where, asked)
    if found is None:
        found = daemon.question(where, asked)
    if found is None:
        fail(f"cannot read {where.log} as {daemon.who()}, and {daemon.DOWN}; allowed: members of the group opsagent")
    return list(found)


def _incident_row(one: dict[str, Any], wall: Wall) -> tuple[str, ...]:
    done = [f"{action['remedy']} {action['outcome']}" for action in one["actions"]]
    acted = f"{len(done)}: {done[-1]}" if done else "none"
    over = one["mitigated_at"] or one["resolved_at"] or one["closed_at"]
    since, lasted = wall.shown(one["first_bad_at"]), clock.lasted(one["first_bad_at"], over)
    reason = _reason(one)
    return (one["id"], one["state"], one["severity"] or "-", one["check"], since, lasted, acted, reason)


def _cause(one: dict[str, Any]) -> str:
    return f"{one['cause']} ({one['certainty']}): {one['because']}" if one["cause"] else "not known"


def _reason(one: dict[str, Any]) -> str:
    return str(one["reason"]).removeprefix(f"{one['check']}: ")


def span(since: str, where: Place) -> timedelta:
    """Return how far back `--since` reaches; ends the program where it is neither a duration nor a date.

    A day begins where the screen's clock stands.
    """
    try:
        return duration(since)
    except ValueError:
        pass
    try:
        begin = datetime.fromisoformat(since)
    except ValueError:
        fail(
            f"cannot read --since {since!r}, allowed: a duration such as 30d or 2h, at most {quantity.LONGEST.days}d, "
            "or a date such as 2026-03-01",
            USAGE,
        )
    at = begin if begin.tzinfo else resolve(begin, daemon.wall(where).zone)
    span = clock.now() - at
    return max(span, timedelta(milliseconds=1))


def show(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="OPS-20260301-001, or 001 for today's.")],
    *,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Show one incident with timeline and evidence."""
    where = place.find(config)
    label = resolved(where, incident)
    found = past.story(where, label)
    if found is None:
        told = daemon.question(where, IncidentAsked(incident=label))
        found = {**told["incident"], "timeline": told["timeline"]} if told else None
    if found is None:
        fail(f"cannot read {where.log} as {daemon.who()}, and {daemon.DOWN}; allowed: members of the group opsagent")
    if json_:
        say_json(found)
        return
    wall = daemon.wall(where)
    say("\n".join([*_told(found, wall), wall.said]))
    daemon.remind(daemon.pending(where), wall)


def resolved(where: Place, name: str) -> str:
    """Return the whole label of an incident: `001` (or 1) is today's, any other ending must be unique in 30 days."""
    if name.upper().startswith("OPS-"):
        return name.upper()
    known = [one["id"] for one in listed(where, IncidentsAsked(since=MONTH, limit=MOST_ASKED))]
    fitting = [label for label in known if label.endswith(f"-{name.upper().zfill(3)}")]
    todays = [label for label in fitting if f"-{clock.now():%Y%m%d}-" in label]
    found = todays or fitting
    if not found:
        fail(f"cannot find incident {name!r}, see: opsagent incidents")
    if len(found) > 1:
        fail(f"cannot tell which incident {name!r} is, allowed: {', '.join(found[-9:])}", USAGE)
    return str(found[0])


def _told(one: dict[str, Any], wall: Wall) -> list[str]:
    lines = [
        f"{one['id']}  {one['severity']}  {one['state']}  repair {one['repair']}",
        f"{one['check']}{' of ' + one['unit'] if one['unit'] else ''}: {_reason(one)}",
        f"cause: {_cause(one)}",
        *(f"{what} {wall.shown(one[key])}" for what, key in _WHENS if one[key]),
        *(f"{what} {one[key]}" for what, key in _LINKS if one[key]),
        *seen_before(one.get("seen_before"), wall),  # what an older version recorded has none
    ]
    if asked := one.get("suggestion"):  # what an older daemon wrote has none
        until = f"{wall.shown(asked['until'])}: opsagent approve {one['id']}"
        lines.append(f"{asked['remedy']} of {asked['unit']} waits for a person until {until}")
    for action in one["actions"]:
        also = f" (and {', '.join(action['also'])})" if action["also"] else ""
        told = f"{action['remedy']} {action['unit']}{also}: {action['outcome']}, {action['reason']}"
        lines.append(f"action {wall.shown(action['at'])} {told}")
    lines += [
        f"told {wall.shown(sent['at'])} {sent['notifier']} {sent['level']}: {sent['state']}"
        for sent in one["notifications"]
    ]
    for moment in one["timeline"]:
        lines.append(f"{wall.shown(moment['at'])}  {visible(moment['text'], LONGEST)}")
        lines += [f"    | {visible(quoted, LONGEST)}" for quoted in moment["quoted"]]
    return lines


_WHENS = (
    ("bad since", "first_bad_at"),
    ("believed", "detected_at"),
    ("taken", "acknowledged_at"),
    ("good since", "mitigated_at"),
    ("resolved", "resolved_at"),
    ("closed", "closed_at"),
)
_LINKS = (("fell with", "parent"), ("again after", "recurrence_of"), ("quiet because of", "suppressed_by"))
