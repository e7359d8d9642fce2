"""The daemon's own program: `opsagent run` becomes it, so that what only the command line needs is never loaded.

That is worth 8 MiB, which a daemon would otherwise carry for months.
"""

from __future__ import annotations

import os
import sys
import threading
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsagent.interfaces import lean  # noqa: F401 - first, before anything loads what it leaves out

# isort: split
from opsagent import daemon, logs
from opsagent.core.log_row import StoreError, StoreTrouble
from opsagent.core.policy import Mode
from opsagent.interfaces import settings_child
from opsagent.interfaces.control import Server
from opsagent.redact import Redactor
from opsagent.settings import SettingsError
from opsagent.store.lock import LockedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsagent.daemon.answers import Answers
    from opsagent.settings import Settings
    from opsagent.settings.options import Http

FAILED = 1
CONFIG_ERROR = 78  # EX_CONFIG of sysexits.h: systemd shows it by that name


def main(argv: Sequence[str]) -> int:
    """Run one instance until told to stop; return the exit code."""
    parser = ArgumentParser(prog="opsagent run")
    parser.add_argument("--settings", type=Path)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    given = parser.parse_args(argv)
    logs.configure()
    try:
        settings = _read(given.settings, given.state)
    except SettingsError as error:
        return _say("\n".join(["cannot use these settings:", *map(str, error.problems)]), CONFIG_ERROR)
    if given.settings is None:
        _introduce(settings)
    return _run(settings, given.settings, given.state, given.socket)


class Redaction:
    """Strikes secrets out of texts; it knows those of the settings in force, for new settings bring new ones."""

    def __init__(self, settings: Settings, token: str = "") -> None:
        """Begin with these settings, and the token that opens the HTTP door."""
        self._key = os.urandom(16)
        self._ours = (token,) if token else ()
        self.know(settings)

    def know(self, settings: Settings) -> Settings:
        """Take the secrets of these settings from here on, and return them."""
        self._redactor = Redactor((*settings.secrets, *self._ours), key=self._key)
        return settings

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        return self._redactor.redact(text)


def _run(settings: Settings, path: Path | None, state: Path, socket: Path) -> int:
    token = _token(settings.http, settings.state)
    redact = Redaction(settings, token)

    def serve(answers: Answers, stop: threading.Event) -> None:
        if settings.http is not None and token:
            _open_http(settings.http, token, answers, stop)
        try:
            Server(socket, answers, may=answers.may).serve(stop)
        except OSError as error:  # it watches and repairs all the same
            _say(f"cannot open the control socket {socket}: {error}; commands wait in the spool", FAILED)

    doors = daemon.Doors(
        load=lambda: redact.know(_read(path, state)), serve=serve, on_heartbeat=_show if path is None else None
    )
    try:
        return daemon.run(settings, doors, redact)
    except (LockedError, StoreError, OSError) as error:
        return _say(f"cannot run: {error}", CONFIG_ERROR if _is_final(error) else FAILED)


def _is_final(error: Exception) -> bool:
    """Tell whether another start cannot help: the log of a newer opsagent needs the newer one."""
    return isinstance(error, StoreError) and error.kind is StoreTrouble.NEWER


def _open_http(http: Http, token: str, answers: Answers, stop: threading.Event) -> None:
    """Serve HTTP beside the control socket; where that is not possible, say so and do without."""
    from opsagent.interfaces.web.routes import Routes  # noqa: PLC0415 - few have this door
    from opsagent.interfaces.web.server import Server as Web  # noqa: PLC0415

    try:
        web = Web(http.address, Routes(answers, token))
        web.open()
    except OSError as error:
        _say(f"cannot open {http.listen} for HTTP: {error.strerror}", FAILED)
        return
    threading.Thread(target=web.serve, args=(stop,), name="http", daemon=True).start()


def _token(http: Http | None, state: Path) -> str:
    """Return the token that opens the HTTP door, "" where it stays closed."""
    from opsagent.interfaces.web.token import token_of  # noqa: PLC0415 - few have this door

    if http is None:
        return ""
    try:
        state.mkdir(mode=0o2770, parents=True, exist_ok=True)
        return token_of(http.token_file, state)
    except (OSError, ValueError) as error:
        _say(f"cannot open {http.listen} for HTTP: {error}", FAILED)
        return ""


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - said to whoever started us
    return code


def _read(path: Path | None, state: Path) -> Settings:
    """Without a file what runs here is watched, and only watched."""
    found = settings_child.read(path)
    if path is not None:
        return found
    policy = replace(found.policy, mode=Mode.OBSERVE)
    return replace(found, policy=policy, state=state, memory=state / "memory")


def _introduce(settings: Settings) -> None:
    names = ", ".join(check.name for check in settings.policy.checks)
    print(  # noqa: T201 - said to whoever started us
        "No settings: watching what was found on this host, and only watching; nothing is repaired.\n"
        f"Watched: {names}\n"
        f"State: {settings.state}\nMemory: {settings.memory}\n"
        "Settings of your own: opsagent init     Stop: Ctrl-C",
        flush=True,
    )


def _show(status: Mapping[str, Any]) -> None:
    from opsagent.interfaces.cli.reading import print_status  # noqa: PLC0415 - only for a person at a terminal

    print_status(status)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
