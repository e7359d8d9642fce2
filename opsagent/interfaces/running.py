"""`run`: the daemon with its doors: settings from a file or from what is discovered, questions over the socket."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opsagent import daemon, logs
from opsagent.core.log_row import StoreError
from opsagent.core.policy import Mode
from opsagent.interfaces.cli import place
from opsagent.interfaces.cli.reading import print_status
from opsagent.interfaces.cli.screen import fail
from opsagent.interfaces.control import Server
from opsagent.redact import Redactor
from opsagent.store.lock import LockedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from opsagent.daemon.answers import Answers
    from opsagent.settings import Settings

CONFIG_ERROR = 78  # EX_CONFIG of sysexits.h: systemd shows it as such


def run(where: place.Place) -> int:
    """Run until told to stop; return the exit code."""
    settings = _settings(where)
    logs.configure()

    def serve(answers: Answers, now: Settings, stop: threading.Event) -> None:
        del now
        Server(where.socket, answers).serve(stop)

    doors = daemon.Doors(
        load=lambda: _read(where),
        serve=serve,
        on_heartbeat=_show if sys.stdout.isatty() or where.settings is None else None,
    )
    try:
        return daemon.run(settings, doors, Redactor(settings.secrets).redact)
    except (LockedError, StoreError, OSError) as error:
        return fail(f"cannot run: {error}")


def _settings(where: place.Place) -> Settings:
    if where.settings is not None:
        return place.load(where, CONFIG_ERROR)
    path = where.state / "discovered.yaml"
    where.state.mkdir(mode=0o2770, parents=True, exist_ok=True)
    path.write_text(place.discovered(), encoding="utf-8")
    found = place.read(path)
    print(  # noqa: T201 - said to whoever sits at the terminal
        f"No settings: watching what was found on this host, and only watching.\nWhat is watched: {path}\n"
        f"State and memory: {where.state}",
        flush=True,
    )
    policy = replace(found.policy, mode=Mode.OBSERVE)
    return replace(found, policy=policy, state=where.state, memory=where.state / "memory")


def _read(where: place.Place) -> Settings:
    return place.read(where.settings) if where.settings is not None else _settings(where)


def _show(status: Mapping[str, Any]) -> None:
    print_status(status)
