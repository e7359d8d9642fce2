"""systemd's journal, read with journalctl: log lines as evidence, and who was stopped on purpose.

journalctl is run with an argv, a deadline and a bound on what is kept; JSON output, so that nothing a program
logs can look like a line of its own.
"""

from __future__ import annotations

import io
import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsagent.core.denied import malformed
from opsagent.core.text import readable
from opsagent.host import process
from opsagent.host.boot import first_process_at
from opsagent.host.stop_jobs import MESSAGE_IDS, UnitLine, asked_by, stops_among
from opsagent.host.systemd import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opsagent.core.unit import StopSeen

LONGEST_LINE = 500
_DEADLINE = timedelta(seconds=5)
_KEEP = 16 * 1024 * 1024
_MOST_UNIT_LINES = 20_000
# How far a stop's causes may lie behind the cursor that an earlier reading left.
_LOOK_BACK = timedelta(seconds=10)
# A cursor from the future means that the clock was set back; then what is new has older stamps than the cursor.
_CLOCK_SET_BACK = timedelta(days=1)
# systemd's own bound for a stop is 90 s; whoever asked for it did so before.
_LONG_STOP = timedelta(minutes=2)
_SUDO = "/usr/bin/sudo"
_KILLERS = (
    *(f"_EXE={_SUDO}", "_EXE=/usr/bin/doas", "_SYSTEMD_UNIT=earlyoom.service", "_SYSTEMD_UNIT=nohang.service"),
    *("_SYSTEMD_UNIT=systemd-oomd.service", "_SYSTEMD_UNIT=monit.service"),
)
_NO_NAME = re.compile(r"[\s:\[\]]")  # a program that calls itself `systemd[1]: x` is not systemd


class JournalError(Exception):
    """The journal could not be read; the text says why."""


def lines(
    unit: str, since: datetime, limit: int = 50, scope: str = "system", deadline: timedelta = _DEADLINE
) -> tuple[str, ...]:
    """Return the last `limit` lines of a unit (its own and systemd's about it) since then, oldest first."""
    if malformed(unit):
        raise JournalError(f"cannot read the journal: {malformed(unit)}")
    chosen = f"--unit={unit}" if scope == "system" else f"--user-unit={unit}"
    return _texts((chosen, f"--since={_at(since)}", f"--lines={limit}"), deadline)


def words(unit: str, since: datetime, limit: int, deadline: timedelta = _DEADLINE) -> tuple[str, ...]:
    """Return the last `limit` lines that a unit's own processes wrote since then, as they wrote them, oldest first."""
    wanted = ("--output-fields=MESSAGE", f"_SYSTEMD_UNIT={unit}", f"--since={_at(since)}", f"--lines={limit}")
    told = (line for entry in _entries(wanted, deadline) for line in words_of(entry).splitlines())
    return tuple(line[:LONGEST_LINE] for line in told)[-limit:]


def kernel_lines(since: datetime, limit: int = 50, deadline: timedelta = _DEADLINE) -> tuple[str, ...]:
    """Return the kernel's last `limit` lines since then, oldest first; also what it said before a reboot."""
    return _texts(("_TRANSPORT=kernel", f"--since={_at(since)}", f"--lines={limit}"), deadline)


def killers(since: datetime, until: datetime, deadline: timedelta = _DEADLINE) -> tuple[str, ...]:
    """Return what those wrote in that time who send signals to other people's processes, oldest first.

    By what journald itself knows of the writer: anybody may call himself sudo.
    """
    alternatives = [word for match in _KILLERS for word in ("+", match)][1:]
    return _texts((f"--since={_at(since)}", f"--until={_at(until)}", "--lines=200", *alternatives), deadline)


def stops(
    since: datetime | str, relations: Mapping[str, Sequence[str]], scope: str = "system"
) -> tuple[tuple[StopSeen, ...], str]:
    """Return the stop jobs of the units in `relations` after `since`, and the cursor to go on from.

    `since` is a time or the cursor of the reading before; nothing before this boot counts. `relations` gives for
    each unit those it is bound to (BindsTo, Requires, PartOf); it must name every unit that matters, for the cursor
    passes over the stops of all others. A restart is no stop, whoever asked for it. The cursor is "" while the
    journal has nothing to point at: ask again with the time.
    """
    cursor = since if isinstance(since, str) else ""
    begin = _looking_back(cursor) if isinstance(since, str) else since
    begin = max(begin, first_process_at() or begin)
    found = _unit_lines(begin, scope)
    fresh = _after(found, cursor)
    seen = stops_among(found, fresh, relations)
    told = _sudo_lines(seen) if seen else []
    return tuple(replace(stop, by=asked_by(stop, told)) for stop in seen), found[-1].cursor if fresh else cursor


def _looking_back(cursor: str) -> datetime:
    """Return from when to read so that the causes of what comes after the cursor are seen too."""
    moment, now = moment_of(cursor), utc_now()
    return moment - _LOOK_BACK if moment <= now else now - _CLOCK_SET_BACK


def _after(found: Sequence[UnitLine], cursor: str) -> Sequence[UnitLine]:
    """Return what comes after the cursor; if its line is gone (vacuumed), what is younger than it."""
    if not cursor:
        return found
    place = next((index for index, line in enumerate(found) if line.cursor == cursor), None)
    if place is not None:
        return found[place + 1 :]
    return [line for line in found if line.at > moment_of(cursor)]


def moment_of(cursor: str) -> datetime:
    """Return the realtime stamp that a cursor carries (`t=`, hexadecimal µs)."""
    for part in cursor.split(";"):
        name, _, value = part.partition("=")
        if name == "t":
            try:
                return datetime.fromtimestamp(int(value, 16) / 1e6, UTC)
            except (ValueError, OverflowError):
                break
    raise JournalError(f"cannot use {cursor[:60]!r} as a cursor of the journal")


def _unit_lines(begin: datetime, scope: str) -> list[UnitLine]:
    sender = "_PID=1" if scope == "system" else f"_UID={os.getuid()}"
    matches = (sender, *(f"MESSAGE_ID={number}" for number in MESSAGE_IDS))
    field = "UNIT" if scope == "system" else "USER_UNIT"
    fields = f"--output-fields={field},MESSAGE_ID,JOB_TYPE,JOB_ID"
    entries = _entries((fields, f"--since={_at(begin)}", f"--lines={_MOST_UNIT_LINES}", *matches), _DEADLINE)
    return [
        UnitLine(
            cursor=str(entry["__CURSOR"]),
            at=_stamp(entry),
            unit=str(entry[field]),
            kind=MESSAGE_IDS[str(entry["MESSAGE_ID"])],
            job_type=str(entry.get("JOB_TYPE", "")),
            job=str(entry.get("JOB_ID", "")),
        )
        for entry in entries
        if entry.get(field) and entry.get("MESSAGE_ID") in MESSAGE_IDS
    ]


def _sudo_lines(seen: Sequence[StopSeen]) -> list[tuple[datetime, str]]:
    """Return what sudo itself wrote around these stops; its own lines only, by the program's path."""
    begin = min(stop.at for stop in seen) - _LONG_STOP
    try:
        told = _entries((f"--since={_at(begin)}", "--output-fields=MESSAGE", "--lines=200", f"_EXE={_SUDO}"), _DEADLINE)
    except JournalError:
        return []
    return [(_stamp(entry), text_of(entry)) for entry in told]


def _texts(arguments: Sequence[str], deadline: timedelta) -> tuple[str, ...]:
    wanted = "--output-fields=MESSAGE,SYSLOG_IDENTIFIER,_COMM,_PID"
    return tuple(line for entry in _entries((wanted, *arguments), deadline) for line in _shown(entry))


def _shown(entry: Mapping[str, Any]) -> Iterator[str]:
    """Write an entry as `time program[pid]: text`, a line for each line of its text."""
    program = _NO_NAME.sub("_", str(entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM") or "?"))
    pid = f"[{entry['_PID']}]" if "_PID" in entry else ""
    stamp = _stamp(entry).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for line in words_of(entry).splitlines() or [""]:
        yield f"{stamp} {program}{pid}: {line}"[:LONGEST_LINE]


def text_of(entry: Mapping[str, Any]) -> str:
    """Return the message; journald gives bytes that are no UTF-8 as a list, and null when there are too many."""
    message = entry.get("MESSAGE")
    if isinstance(message, list):
        whole = all(isinstance(byte, int) for byte in message)
        return bytes(message).decode(errors="replace") if whole else "\n".join(map(str, message))
    return "(a message over 4 KiB)" if message is None else str(message)


def words_of(entry: Mapping[str, Any]) -> str:
    """Return the message for people: of what is no text only how long it is."""
    message = entry.get("MESSAGE")
    if isinstance(message, list) and all(isinstance(byte, int) for byte in message):
        return "\n".join(readable(bytes(message)))
    return text_of(entry)


def _stamp(entry: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)


def _at(moment: datetime) -> str:
    return f"@{moment.timestamp():.6f}"


def _entries(arguments: Sequence[str], deadline: timedelta) -> list[dict[str, Any]]:
    """Return the entries, oldest first."""
    # Newest first: with --since, --lines alone would keep the oldest.
    return list(answered(("--reverse", *arguments), deadline))[::-1]


def answered(arguments: Sequence[str], deadline: timedelta) -> Iterator[dict[str, Any]]:
    """Ask journalctl and yield its entries in the order it gives them. JournalError comes before the first one."""
    argv = ("journalctl", "--no-pager", "--output=json", *arguments)
    try:
        done = process.run(argv, timeout=deadline, keep=_KEEP)
    except process.CannotRunError as error:
        raise JournalError(str(error)) from error
    told = done.errors.decode(errors="replace").strip()
    if done.timed_out and len(done.output) >= _KEEP:  # more than is ever read; what came first is what is wanted
        return _parsed(done.output)
    if done.timed_out:
        raise JournalError(f"cannot read the journal within {deadline.total_seconds():g} s")
    if done.code != 0 or "not seeing messages" in told:
        raise JournalError(f"cannot read the journal: {told[:300] or f'journalctl ended with {done.code}'}")
    return _parsed(done.output)


def _parsed(output: bytes) -> Iterator[dict[str, Any]]:
    for line in io.BytesIO(output):  # not split whole: a long answer would lie in memory twice
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # the last line of an output that was cut at the bound
        if "__REALTIME_TIMESTAMP" in entry:
            yield entry
