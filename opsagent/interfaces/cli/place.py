"""Which instance is meant: its settings file, its state directory, its socket. Fast, for every command asks it."""

from __future__ import annotations

import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.interfaces import address
from opsagent.interfaces.cli.screen import FAILED, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.settings import Settings

ENVIRONMENT = "OPSAGENT_CONFIG"
SYSTEM_ACCOUNT = "opsagent"
_KEY = re.compile(r"(state|scope)[ \t]*:[ \t]*(.*?)[ \t]*(?:[ \t]#.*)?", re.ASCII)
_HARD_TO_READ = tuple("{[&*!|>%@`\"'")
"""A value, or a whole file, that begins so is left to the true reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One instance: `settings` is None when it runs without any."""

    settings: Path | None
    state: Path
    socket: Path

    @property
    def is_system(self) -> bool:
        """Whether it is the host's own instance, that runs as a service."""
        return self.socket.parent == address.RUNTIME

    @property
    def spool(self) -> Path:
        """Where commands wait while the daemon is down."""
        return self.state / "spool"

    @property
    def log(self) -> Path:
        """The event log."""
        return self.state / "events.db"


def find(config: str | None = None) -> Place:
    """Return the instance of `--config`, $OPSAGENT_CONFIG, the host or the user; ends the program when unclear."""
    return _of(settings_file(config))


def own(config: str | None = None) -> Place:
    """Return the instance that this user runs: one that is named, the host's for its own accounts, else the user's."""
    if config or os.environ.get(ENVIRONMENT) or _is_system_account():
        return find(config)
    return _of(usual_settings() if _may_be_there(usual_settings()) else None)


def _of(settings: Path | None) -> Place:
    state = _stated(settings) if settings else None
    state = state or _default_state(settings)
    return Place(settings=settings, state=state, socket=address.of(settings, state))


def settings_file(config: str | None) -> Path | None:
    """Return the settings file that is meant, or None when there is none anywhere."""
    named = config or os.environ.get(ENVIRONMENT)
    if named:
        if not os.path.lexists(named):
            fail(f"cannot find the settings {named}, allowed: a YAML file (make one with: opsagent init {named})", 2)
        return Path(named)
    places = (address.SYSTEM_SETTINGS / "opsagent.yaml", _home() / ".config/opsagent/opsagent.yaml")
    return next((place for place in places if _may_be_there(place)), None)


def load(place: Place, code: int = FAILED, *, draft: bool = False) -> Settings:
    """Return the whole settings of an instance; prints everything that is wrong with them and ends with `code`.

    A `draft` is run by nobody, and may stand where others can write, such as /tmp.
    """
    from opsagent.settings import SettingsError  # noqa: PLC0415 - a quarter of a second that `status` has not got

    try:
        return read(place.settings, draft=draft)
    except SettingsError as error:
        fail("\n".join(["cannot use these settings:", *map(str, error.problems)]), code)


def read(path: Path | None, *, draft: bool = False) -> Settings:
    """Return the settings of a file; without one, those for what runs on this host. Raises SettingsError."""
    from opsagent.interfaces import known  # noqa: PLC0415 - as above

    return known.read(path, draft=draft)


def usual_settings() -> Path:
    """Return where this user's settings file belongs."""
    system = address.SYSTEM_SETTINGS / "opsagent.yaml"
    return system if _is_system_account() else _home() / ".config/opsagent/opsagent.yaml"


def discovered() -> str:
    """Return settings for what runs on this host, as YAML: everything watched, nothing armed."""
    from opsagent.interfaces import known  # noqa: PLC0415 - as above

    return known.discovered()


def _stated(settings: Path) -> Path | None:
    """Return the state directory that the settings name, reading only that line; None when they name none."""
    try:
        texts = [path.read_text("utf-8-sig", "replace") for path in _files(settings)]
    except OSError:  # not ours to read: then it is the system's, in its usual place
        return None
    try:
        found = dict(pair for text in texts for pair in _pairs(text))
    except _HardToReadError:
        return load(Place(settings=settings, state=Path(), socket=Path())).state
    state = found.get("state")
    return Path(state).expanduser().absolute() if state else _state_of_scope(settings, found.get("scope"))


class _HardToReadError(Exception):
    """More than a plain line of YAML."""


def _files(settings: Path) -> Iterator[Path]:
    yield settings
    yield from sorted(settings.absolute().parent.glob("conf.d/*.yaml"))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", "---"))]
    if lines and lines[0].startswith((*_HARD_TO_READ, " ")):
        raise _HardToReadError
    for line in lines:
        found = _KEY.fullmatch(line)
        if found and found[2].startswith(_HARD_TO_READ):
            raise _HardToReadError
        if found:
            yield found[1], found[2]


def _state_of_scope(settings: Path, scope: str | None) -> Path | None:
    return _users_state() if scope == "user" else _default_state(settings)


def _default_state(settings: Path | None) -> Path:
    if settings is None:
        return _users_state()
    is_system = address.SYSTEM_SETTINGS in settings.absolute().parents or _is_system_account()
    return address.SYSTEM_STATE if is_system else _users_state()


def _users_state() -> Path:
    return _home() / ".local/state/opsagent"


def _home() -> Path:
    return Path("~").expanduser()


def _is_system_account() -> bool:
    if os.geteuid() == 0:
        return True
    try:
        return pwd.getpwuid(os.geteuid()).pw_name == SYSTEM_ACCOUNT
    except KeyError:
        return False


def _may_be_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # hidden from this user: it is there all the same
        return True
    return True
