"""Which packages are installed, by dpkg's or rpm's own records: what differs from before, since when, by whom.

What is compared is the state of the packages, not a log of them: a log is rotated, truncated or switched off.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.host import process

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_DPKG_STATUS = Path("/var/lib/dpkg/status")
_DPKG_LOGS = (Path("/var/log/dpkg.log.1"), Path("/var/log/dpkg.log"))
_APT_LOGS = (Path("/var/log/apt/history.log.1"), Path("/var/log/apt/history.log"))
_RPM_DATABASES = tuple(
    Path(folder, name)
    for folder in ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
    for name in ("rpmdb.sqlite", "Packages.db", "Packages")
)
_LARGEST = 64 * 1024 * 1024
_TAIL = 512 * 1024  # bytes of a log that are read: thousands of lines, some days
_DEADLINE = timedelta(seconds=20)
_KEEP = 8 * 1024 * 1024
_STARTS = ("install", "upgrade", "remove", "purge")
_ACCOUNT = re.compile(r" \(\d+\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One package before and after; a version is "" where it was, or is, not installed."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        """Return it in words: `nginx 1.22 → 1.24`."""
        if not self.before:
            return f"{self.name} {self.after} installed"
        return f"{self.name} {self.before} → {self.after}" if self.after else f"{self.name} {self.before} removed"


def stamp() -> str:
    """Return what is the same as long as no package was changed; "" where there are no records."""
    for path in (_DPKG_STATUS, *_RPM_DATABASES):
        try:
            found = path.stat()
        except OSError:
            continue
        return f"{path}:{found.st_ino}:{found.st_mtime_ns}:{found.st_size}"
    return ""


def installed() -> dict[str, str]:
    """Return the version of each installed package. OSError or process.CannotRunError when it cannot be read."""
    if _DPKG_STATUS.exists():
        return dict(among(_text(_DPKG_STATUS, _LARGEST)))
    asked = ("rpm", "-qa", "--queryformat", r"%{NAME} %{VERSION}-%{RELEASE}\n")
    done = process.run(asked, timeout=_DEADLINE, keep=_KEEP)
    lines = (line.split(" ") for line in done.output.decode(errors="replace").splitlines())
    return {words[0]: words[1] for words in lines if len(words) == 2}  # noqa: PLR2004 - name and version


def among(status: str) -> Iterator[tuple[str, str]]:
    """Yield the installed packages in dpkg's list; of one that is there for two architectures, each with its own."""
    known: set[str] = set()
    for stanza in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(" "))
        if fields.get("Status", "").endswith(" installed") and "Package" in fields:
            name = fields["Package"]
            name = f"{name}:{fields.get('Architecture', '')}" if name in known else name
            known.add(name)
            yield name, fields.get("Version", "")


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return what was installed, removed, or has another version, by name."""
    changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return tuple(Difference(name=name, before=before.get(name, ""), after=after.get(name, "")) for name in changed)


def begun(names: Iterable[str], since: datetime) -> datetime | None:
    """Return when dpkg began with the first of these packages after `since`, None when its log does not say."""
    wanted = frozenset(name.partition(":")[0] for name in names)
    return min((at for log in _DPKG_LOGS for at in began_in(_tail(log), wanted) if at >= since), default=None)


def began_in(log: str, wanted: frozenset[str]) -> Iterator[datetime]:
    """Yield when dpkg began with packages, from lines such as `2026-11-27 04:01:19 upgrade nginx:amd64 1.22 1.24`."""
    for line in log.splitlines():
        words = line.split(" ")
        if len(words) > 3 and words[2] in _STARTS and words[3].partition(":")[0] in wanted:  # noqa: PLR2004 - date, time, verb, name
            at = _moment(f"{words[0]} {words[1]}")
            if at is not None:
                yield at


def asked_by(since: datetime) -> str:
    """Return who had apt change packages after `since`, or which program did so by itself; "" when nobody knows."""
    return next((who for log in reversed(_APT_LOGS) if (who := asker_in(_tail(log), since))), "")


def asker_in(history: str, since: datetime) -> str:
    """Read that from apt's own history: the last run that ended after `since`."""
    for stanza in reversed(history.split("\n\n")):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line)
        ended = _moment(" ".join(fields.get("End-Date", "").split()))
        if ended is None or ended < since:
            continue
        if "Requested-By" in fields:
            return _ACCOUNT.sub("", fields["Requested-By"])
        program = os.path.basename(fields.get("Commandline", "").split(" ")[0])  # noqa: PTH119 - a word of a log, no path of ours
        return program if program.startswith("unattended") else ""
    return ""


def _moment(local: str) -> datetime | None:
    try:
        return datetime.fromisoformat(local).astimezone(UTC)
    except ValueError:
        return None


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            return file.read(_TAIL).decode(errors="replace")
    except OSError:
        return ""


def _text(path: Path, most: int) -> str:
    with path.open("rb") as file:
        return file.read(most).decode(errors="replace")
