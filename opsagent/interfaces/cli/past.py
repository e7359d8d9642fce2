"""What is known without the daemon: its last status, and what its log tells."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from opsagent.interfaces.cli import clock
from opsagent.interfaces.cli.screen import fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.asking import ChangesAsked, IncidentsAsked
    from opsagent.core.log_row import Row
    from opsagent.core.state import State
    from opsagent.core.world import World
    from opsagent.interfaces.cli.place import Place
    from opsagent.store.reader import Reader

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
NEVER_RUN: dict[str, Any] = {
    "host": "",
    "zone": None,
    "mode": None,
    "hold": None,
    "daemon": {
        "running": False,
        "pid": None,
        "version": None,
        "started_at": None,
        "last_heartbeat_at": None,
        "next_heartbeat_at": None,
    },
    "checks": [],
    "open_incidents": [],
    "pending_commands": [],
    "troubles": [],
}


def last_status(where: Place) -> dict[str, Any]:
    """Return the status that the daemon wrote last, as that of a daemon that does not run."""
    try:
        found = json.loads((where.state / "status.json").read_bytes())
        about = {**found["daemon"], "running": False, "pid": None, "next_heartbeat_at": None}
        checks = [{**check, "next_at": None} for check in found["checks"]]
    except (OSError, ValueError, TypeError, KeyError):  # never run here, closed to this user, or cut by a full disk
        return {**NEVER_RUN, "host": socket.gethostname()}
    return {**found, "daemon": about, "checks": checks}


def zone(where: Place) -> str | None:
    """Return the zone of the last status, None when it never ran or this user may not know."""
    found = last_status(where).get("zone")
    return found if isinstance(found, str) else None


def incidents(where: Place, asked: IncidentsAsked) -> list[dict[str, Any]] | None:
    """Return incidents from the log, none when it was never begun, None when this user may not read it."""
    reader = _reader(where)
    if reader is None:
        return None if is_closed(where) else []
    since = clock.now() - asked.since
    with reader:
        texts = reader.incidents(since=since, open_only=asked.open_only, check=asked.check or None, limit=asked.limit)
    found = [json.loads(text) for text in texts]
    return [one for one in found if not asked.open_only or one["state"] not in {"resolved", "closed"}]


def changes(where: Place, asked: ChangesAsked) -> list[dict[str, Any]] | None:
    """Return what was changed, from the log; none when it was never begun, None when this user may not read it."""
    from opsagent.core import contract  # noqa: PLC0415 - the whole core, which the other commands need not

    reader = _reader(where)
    if reader is None:
        return None if is_closed(where) else []
    with reader:
        rows = reader.newest("ChangeSeen", since=clock.now() - asked.since, limit=asked.limit)
    return contract.changes(rows)


def review(where: Place) -> dict[str, Any] | None:
    """Return the last review of the logs, None when there was none; ends when this user may not read the log."""
    from opsagent.core import contract  # noqa: PLC0415 - as above

    reader = _reader(where)
    if reader is None:
        if is_closed(where):
            fail(f"cannot read {where.log}, allowed: members of the group opsagent")
        return None
    with reader:
        rows = reader.newest("LogsReviewed", since=BEGINNING, limit=1)
    return contract.review(rows[-1]) if rows else None


def story(where: Place, label: str) -> dict[str, Any] | None:
    """Return an incident with its timeline, None when this user may not read the log; ends when there is none."""
    from opsagent.core import contract  # noqa: PLC0415 - the whole core, which the other commands need not

    reader = _reader(where)
    if reader is None:
        if is_closed(where):
            return None
        fail(f"cannot find incident {label}: opsagent has not run here yet")
    with reader:
        text, seq = reader.incident(label), reader.opened_by(label)
        told = contract.retold(reader.events(incident=seq)) if seq is not None else None
    if text is None or told is None:
        fail(f"cannot find incident {label}, see: opsagent incidents")
    return {**json.loads(text), "timeline": contract.story(told)["timeline"]}


def environment(where: Place) -> dict[str, Any] | None:
    """Return the environment as it was last recorded, None when this user may not read the log."""
    from opsagent.core import events as ev  # noqa: PLC0415 - as above
    from opsagent.core.codec import decode  # noqa: PLC0415
    from opsagent.core.environment.shown import shown  # noqa: PLC0415

    reader = _reader(where)
    if reader is None:
        return None if is_closed(where) else shown(None, None, {})
    kinds = (ev.EnvironmentLearned.__name__, ev.EnvironmentDrifted.__name__)
    with reader:
        rows = [row for kind in kinds for row in reader.newest(kind, since=BEGINNING, limit=1)]
    row = max(rows, key=lambda row: row.seq, default=None)
    event = decode(row.type, row.data) if row is not None else None
    if row is None or not isinstance(event, ev.EnvironmentLearned | ev.EnvironmentDrifted):
        return shown(None, None, {})
    return shown(event.environment, row.at, {})


def why(where: Place, check: str) -> list[str]:
    """Explain a check from the log alone."""
    from opsagent.core import why as explaining  # noqa: PLC0415 - as above

    try:
        return list(explaining.lines(world(where), check))
    except ValueError as error:
        fail(str(error))


def jobs(where: Place) -> list[dict[str, Any]]:
    """Return how the jobs stand by the log alone: what they told since the daemon went down waits in the spool."""
    from opsagent.core.jobs import shown  # noqa: PLC0415 - as above
    from opsagent.interfaces.cli.place import load  # noqa: PLC0415

    return shown(_replayed(where), load(where).policy.jobs, clock.now())


def trusted(where: Place) -> list[dict[str, Any]]:
    """Return how far each remedy may go by the log and the settings alone."""
    from opsagent.core.trust import shown  # noqa: PLC0415 - as above
    from opsagent.interfaces.cli.place import load  # noqa: PLC0415

    return shown(_replayed(where), load(where).policy)


def world(where: Place) -> World:
    """Return all that the log and the settings tell of now; ends when this user may not read them."""
    from opsagent.core.health import Health  # noqa: PLC0415 - as above
    from opsagent.core.observation import Reading  # noqa: PLC0415
    from opsagent.core.world import World  # noqa: PLC0415
    from opsagent.interfaces.cli.place import load  # noqa: PLC0415

    state = _replayed(where)
    looks = {}
    for name, known in state.health.items():
        reading = Reading(status=known.status, message=known.message, failure_class=known.failure_class)
        looks[name] = Health(
            check=name, status=known.status, settled=True, since=known.since, at=known.since, reading=reading
        )
    return World(state=state, policy=load(where).policy, looks=looks, now=clock.now())


def _replayed(where: Place) -> State:
    from opsagent.core.codec import Recorded, decode  # noqa: PLC0415 - as above
    from opsagent.core.fold import replay  # noqa: PLC0415
    from opsagent.core.state import State  # noqa: PLC0415

    recorded = (
        Recorded(seq=row.seq, at=row.at, event=decode(row.type, row.data), incident=row.incident)
        for row in all_rows(where)
    )
    return replay(State(), recorded)[0]


def all_rows(where: Place) -> Iterator[Row]:
    """Yield the whole log in its order; ends when this user may not read it."""
    reader = _reader(where)
    if reader is None:
        fail(f"cannot read {where.log}, allowed: members of the group opsagent, once opsagent has run here")
    last = 0
    with reader:
        while rows := reader.events(after=last):
            yield from rows
            last = rows[-1].seq


def _reader(where: Place) -> Reader | None:
    """Open the log for reading, or return None where there is none, or none for this user."""
    from opsagent.core.log_row import StoreError, StoreTrouble  # noqa: PLC0415 - sqlite3, not needed by `status`
    from opsagent.store.reader import Reader  # noqa: PLC0415

    try:
        if not os.access(where.log, os.R_OK):
            return None
        return Reader.open(where.log)
    except FileNotFoundError:
        return None
    except StoreError as error:
        more = "; it is set aside and salvaged when opsagent starts" if error.kind is StoreTrouble.CORRUPT else ""
        fail(f"{error}{more}")


def is_closed(where: Place) -> bool:
    """Tell whether there is a log that this user may not read."""
    try:
        where.log.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
