"""Asking the daemon, and leaving word for it where it does not answer."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import typer

from opsagent.core import asking
from opsagent.core.log_row import StoreError
from opsagent.core.timing import iso
from opsagent.interfaces import client
from opsagent.interfaces.cli import clock, past
from opsagent.interfaces.cli.screen import FAILED, fail, say, say_json
from opsagent.interfaces.peer import user_name

if TYPE_CHECKING:
    from pathlib import Path

    from opsagent.core.asking import Question
    from opsagent.core.commands import Command
    from opsagent.interfaces.cli.place import Place

DOWN = "the daemon is down"


def who() -> str:
    """Return who sits at this terminal: behind sudo, the user who called it."""
    return os.environ.get("SUDO_USER") or user_name(os.getuid())


def question(place: Place, asked: Question, timeout: float = 10.0) -> Any:
    """Return the daemon's answer, or None when it is down or does not answer. Ends when it refuses."""
    answer = _answer(place, asked, timeout)
    if answer is not None and "data" not in answer:
        fail(str(answer.get("error") or answer.get("text")))
    return answer["data"] if answer is not None else None


def _answer(place: Place, asked: Question, timeout: float = 10.0) -> dict[str, Any] | None:
    try:
        return client.ask(place.socket, asking.body(asked), timeout)
    except (client.DownError, client.NoAnswerError, PermissionError):
        return None


def wall(place: Place) -> clock.Wall:
    """Return the clock of this instance, as the daemon last said it: new settings hold when it has read them."""
    zone = past.zone(place)
    if zone is None:
        told = (_answer(place, asking.StatusAsked()) or {}).get("data")
        zone = told.get("zone") if isinstance(told, dict) else None
    return clock.Wall(zone or "UTC")


def change(place: Place, command: Command, *, as_json: bool = False) -> None:
    """Have a command carried out and say what came of it; leave it in the spool when the daemon is down."""
    try:
        answer = client.ask(place.socket, asking.body(command))
    except client.DownError:
        leave(place, command, as_json=as_json)
        return
    except client.NoAnswerError as error:
        fail(f"{error}; it may still carry this out, see: opsagent status")
    except PermissionError:
        fail(f"cannot reach {place.socket} as {who()}, allowed: root and members of the group opsagent")
    text = str(answer.get("error") or answer.get("text"))
    outcome(text, accepted=bool(answer.get("accepted", False)), as_json=as_json)


def outcome(text: str, *, accepted: bool, pending: bool = False, as_json: bool) -> None:
    """Say what came of a request, and end with a failure where it was refused. Programs get both on stdout."""
    if as_json:
        say_json({"accepted": accepted, "pending": pending, "text": text})
        if not accepted:
            raise typer.Exit(FAILED)
    elif accepted:
        say(text)
    else:
        fail(text)


def leave(place: Place, command: Command, *, as_json: bool = False) -> None:
    """Put a command where the daemon finds it when it starts; what it would refuse in any case is refused now."""
    from opsagent.core.orders import unfit  # noqa: PLC0415 - the rules of the core, which only this path needs

    if wrong := unfit(command):
        outcome(wrong, accepted=False, as_json=as_json)
    try:
        put_down(place, command)
    except (StoreError, OSError) as error:
        fail(f"{DOWN}, and {error}; allowed: root and members of the group opsagent, once opsagent has run here")
    text = f"{DOWN}; waits in the spool, carried out at its start: {asking.summary(command)}"
    outcome(text, accepted=True, pending=True, as_json=as_json)


def put_down(place: Place, command: Command) -> None:
    """Write a command into the spool. StoreError or OSError where that is not possible."""
    from opsagent.store import spool  # noqa: PLC0415 - sqlite3, which only this path needs

    _make(place.spool)
    spool.write(place.spool, json.dumps(asking.body(command, clock.now())))


def _make(directory: Path) -> None:
    """Make the spool where only its state directory is there yet, for the whole group, whatever the umask is."""
    if not directory.exists():
        directory.mkdir()
        directory.chmod(0o2770)


def pending(place: Place) -> list[dict[str, str]]:
    """Return the commands that wait for the daemon, oldest first; none where this user may not see them."""
    from opsagent.store import spool  # noqa: PLC0415 - as above

    try:
        waiting = spool.peek(place.spool).waiting
    except OSError:
        return []
    return [
        {"id": one.uuid, "at": iso(one.at), "by": user_name(one.uid), "command": _summary(one.body)} for one in waiting
    ]


def _summary(body: str) -> str:
    try:
        return asking.summary(asking.read(json.loads(body), by=""))
    except asking.RequestError as error:
        return f"refused: {error}"


def remind(waiting: list[dict[str, str]], by: clock.Wall) -> None:
    """Say below an answer what waits for the daemon."""
    for one in waiting:
        when = f"{by.shown(one['at'])} {by.zone}"
        say(f"pending since {when}: {one['command']} (by {one['by']}, carried out at its start)")
