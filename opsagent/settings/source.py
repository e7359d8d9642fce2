"""The files settings come from: found, opened once, trusted or refused."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.settings.problem import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST = 1024 * 1024
"""1 MiB: a thousand checks need a tenth of it."""
SYSTEM_DIRECTORY = Path("/etc/opsagent")
SYSTEM_BACKUPS = Path("/var/lib/opsagent-backup")
SYSTEM_STATE = Path("/var/lib/opsagent")
HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
"""Closed to the host's own instance by its sandbox."""
SYSTEM_ACCOUNT = "opsagent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who reads the settings: user id, name and home directory."""

    uid: int
    name: str
    home: Path

    @property
    def is_system(self) -> bool:
        """Tell whether the system's instance runs as this account."""
        return self.uid == 0 or self.name == SYSTEM_ACCOUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file as it was read: its text and the sha256 of its bytes, in hex."""

    path: str
    text: str
    sha256: str

    @classmethod
    def of(cls, path: str, content: bytes) -> Source:
        """Make it of the bytes read; UnicodeDecodeError if they are no UTF-8."""
        return cls(path=path, text=content.decode("utf-8-sig"), sha256=hashlib.sha256(content).hexdigest())


def this_account() -> Account:
    """Return the account this process runs as; a uid without a name is called by its number."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return Account(uid=uid, name=name, home=Path("~").expanduser())


def find(given: str | None, environ: Mapping[str, str], account: Account) -> Path | None:
    """Return the settings file: the one given, $OPSAGENT_CONFIG, the host's, the user's own; None if there is none.

    A file that was named is returned even when it does not exist, so that reading it says so.
    """
    named = given or environ.get("OPSAGENT_CONFIG")
    if named:
        return Path(named)
    places = (SYSTEM_DIRECTORY / "opsagent.yaml", account.home / ".config/opsagent/opsagent.yaml")
    return next((place for place in places if _may_be_there(place)), None)


def _may_be_there(path: Path) -> bool:
    """Is it there, or hidden from us? Hidden must not silently mean "no settings"."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def is_system_path(path: Path) -> bool:
    """Tell whether this file belongs to the system's instance by where it stands."""
    return SYSTEM_DIRECTORY in path.absolute().parents


def files_of(path: Path) -> tuple[list[Path], list[Problem]]:
    """Return the main file and, sorted, the `*.yaml` of the directory conf.d beside it."""
    directory = path.absolute().parent / "conf.d"
    try:
        names = sorted(entry for entry in directory.iterdir() if entry.suffix == ".yaml" and entry.name[0] != ".")
    except (FileNotFoundError, NotADirectoryError):
        names = []
    except OSError as error:
        return [path], [_problem(directory, f"cannot list this directory: {error.strerror}, make it readable")]
    return [path, *names], []


def read(path: Path, *, trusted_only: bool) -> tuple[Source | None, list[Problem]]:
    """Read one file through one descriptor. With `trusted_only` only root may be able to change what it says."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        allowed = "try it with sudo" if isinstance(error, PermissionError) else "allowed: a readable file"
        return None, [_problem(path, f"cannot open this file: {reason}, {allowed}")]
    try:
        refused = _refusals(path, os.fstat(descriptor), trusted_only=trusted_only)
        if refused:
            return None, refused
        with open(descriptor, "rb", closefd=False) as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        return None, [_problem(path, f"cannot read this file: {error.strerror}, allowed: a readable file")]
    finally:
        os.close(descriptor)
    return _decode(path, content)


def _decode(path: Path, content: bytes) -> tuple[Source | None, list[Problem]]:
    if len(content) > LARGEST:
        return None, [_problem(path, "cannot read more than 1 MiB of settings, split the file into conf.d")]
    try:
        return Source.of(str(path), content), []
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return None, [_problem(path, f"cannot read byte 0x{content[error.start]:02x}, allowed: UTF-8 text", line)]


def _refusals(path: Path, status: os.stat_result, *, trusted_only: bool) -> list[Problem]:
    if not stat.S_ISREG(status.st_mode):
        return [_problem(path, "cannot read settings from this, allowed: a regular file")]
    if not trusted_only:
        return []
    problems = [_problem(path, wrong) for wrong in _distrust(status, "file")]
    for directory in _directories(path):
        try:
            wrong = _distrust(directory.stat(), "directory", sticky_is_fine=directory != path.absolute().parent)
        except OSError as error:
            wrong = [f"cannot look at the directory {str(directory)!r}: {error.strerror}"]
        problems += [_problem(path, f"{text} ({directory})") for text in wrong]
    return problems


def _directories(path: Path) -> list[Path]:
    """Every directory on the way, by the name given and by the real one: who owns a symlink's place owns the file."""
    ways = (path.absolute(), path.resolve())
    return sorted({parent for way in ways for parent in way.parents})


def _distrust(status: os.stat_result, what: str, *, sticky_is_fine: bool = False) -> list[str]:
    """Say why somebody other than root could change this."""
    wrong = []
    if status.st_uid != 0:
        wrong.append(f"cannot trust a {what} of user {status.st_uid}, allowed: owned by root (chown root)")
    if status.st_mode & 0o022 and not (sticky_is_fine and status.st_mode & stat.S_ISVTX):
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        wrong.append(f"cannot trust a {what} of mode {mode}, allowed: writable by its owner only (chmod go-w)")
    return wrong


def _problem(path: Path, text: str, line: int = 1) -> Problem:
    return Problem(place=Place(path=str(path), line=line), text=text)


def host_zone(etc: Path = Path("/etc")) -> str:
    """Return the host's time zone by /etc/localtime, then /etc/timezone, else UTC."""
    try:
        _, found, name = str((etc / "localtime").readlink()).partition("zoneinfo/")
        if found and name:
            return name
    except OSError:
        pass
    try:
        return (etc / "timezone").read_text(encoding="utf-8").strip() or "UTC"
    except (OSError, UnicodeDecodeError):
        return "UTC"
