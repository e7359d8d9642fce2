"""What others changed on this host since an earlier look: packages, files, the boot, the kernel, people who came in.

What was seen last is one value, `Kept`, that outlives the process; what changed while nobody looked is found at the
first look after it. The first look of all finds nothing: it only learns how the host is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core.change import MOST_ITEMS, Change, ChangeKind
from opsagent.core.sign_ins import How, SignIn
from opsagent.host import installed, process
from opsagent.host.boot import booted_at, first_process_at
from opsagent.host.conditions import busy
from opsagent.host.file_prints import Print, changed_at, difference, same, taken
from opsagent.host.people import sign_ins
from opsagent.host.watched_files import Why, is_unit_file, of_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LONGEST_RUN = timedelta(minutes=10)
"""A package run is told of when it is over; one that waits for a person is not waited for any longer than this."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_FIRST_PROCESS = Path("/proc/1/stat")
_NAMED = 3
MOST_TEXT = 2 * 1024 * 1024
"""Characters of all watched files together that are kept to show differences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How the host was at the last look. `files` and `whys` are by path, `owned` says which package is whose units'.

    `reasons` are the patterns and units for whose sake files are watched: a file that one of them newly names is new.
    `people` is the journal's cursor; while there was no line yet, the journal is read on from `people_at`.
    """

    packages: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    owned: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, Print] = field(default_factory=dict)
    whys: Mapping[str, Why] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    boot: str = ""
    kernel: str = ""
    people: str = ""
    people_at: datetime | None = None


def of_packages(kept: Kept, owned: Mapping[str, tuple[str, ...]], now: datetime) -> tuple[Kept, tuple[Change, ...]]:
    """Compare the packages, once whoever changes them is through. `owned` are the packages of watched units now."""
    stamp = installed.stamp()
    if not stamp or stamp == kept.packages:
        return replace(kept, owned=owned or kept.owned), ()
    ended = _ended(stamp)
    if kept.packages and busy() and now - ended < LONGEST_RUN:
        return kept, ()
    try:
        versions = installed.installed()
    except (OSError, process.CannotRunError):
        return kept, ()
    found = installed.differences(kept.versions, versions) if kept.packages else ()
    fresh = replace(kept, packages=stamp, versions=versions, owned=owned or kept.owned)
    return fresh, (_package_run(kept, {**kept.owned, **owned}, found, stamp),) if found else ()


def _package_run(
    kept: Kept, owned: Mapping[str, tuple[str, ...]], found: tuple[installed.Difference, ...], stamp: str
) -> Change:
    """One change, however many packages; those of watched units are named first."""
    own = [one for one in found if one.name.partition(":")[0] in owned]
    ordered = [*own, *(one for one in found if one not in own)]
    since = _ended(kept.packages)
    first, more = ordered[0], len(ordered) - 1
    return Change(
        kind=ChangeKind.PACKAGE,
        subject=first.name,
        what=str(first).removeprefix(f"{first.name} ") + (f" and {more} more" if more else ""),
        at=installed.begun((one.name for one in found), since) or _ended(stamp),
        units=tuple(sorted({unit for one in own for unit in owned[one.name.partition(":")[0]]})),
        by=installed.asked_by(since),
        items=tuple(str(one) for one in ordered[:MOST_ITEMS]),
        count=len(ordered),
        mark=stamp,
    )


def _ended(stamp: str) -> datetime:
    """Return the time that a stamp of the packages carries: when they were last changed."""
    return datetime.fromtimestamp(int(stamp.split(":")[2]) / 1e9, UTC)


def of_files(
    kept: Kept,
    wanted: Mapping[str, Why],
    reasons: tuple[str, ...],
    redact: Callable[[str], str],
    now: datetime,
    *,
    packages_changed: bool,
) -> tuple[Kept, tuple[Change, ...]]:
    """Compare the watched files. What came with a package run is told by that, unless somebody has it watched."""
    found: list[Change] = []
    files: dict[str, Print] = {}
    gone = {path: why for path, why in kept.whys.items() if path not in wanted and why.reason in reasons}
    for path, why in {**gone, **wanted}.items():
        before = kept.files.get(path)
        after = taken(path, before, redact)
        if after is not None and path in wanted:
            files[path] = after
        known = before is not None or why.reason in kept.reasons
        silent = packages_changed and of_package(path)
        if known and not silent and not _unchanged(before, after):
            at = changed_at(path if after is not None else path.rpartition("/")[0]) or now
            found.append(_file(path, why, before, after, at))
    whys = {path: why for path, why in wanted.items() if path in files}
    return replace(kept, files=_fitting(files), whys=whys, reasons=reasons), tuple(found)


def _fitting(files: dict[str, Print]) -> dict[str, Print]:
    """Keep the texts of as many files as there is room for; of the others only the hash is compared."""
    room = MOST_TEXT
    for path, one in files.items():
        room -= len(one.text)
        if room < 0 and one.text:
            files[path] = replace(one, text="")
    return files


def _unchanged(before: Print | None, after: Print | None) -> bool:
    if before is None or after is None:
        return before is after
    return same(before, after)


def _file(path: str, why: Why, before: Print | None, after: Print | None, at: datetime) -> Change:
    what, diff = difference(before, after)
    stamp = after.digest or after.stamp if after is not None else "gone"
    return Change(
        kind=ChangeKind.UNIT_FILE if is_unit_file(path) else ChangeKind.CONFIG,
        subject=path,
        what=what,
        at=at,
        units=why.units,
        diff=diff,
        mark=f"{path}:{stamp}:{at}",
    )


def of_boot(kept: Kept, *, ended_well: bool) -> tuple[Kept, tuple[Change, ...]]:
    """Compare the boot and the kernel. `ended_well`: we were told to stop before it, so it was a shutdown."""
    boot, kernel = _boot(), os.uname().release
    at = first_process_at() or booted_at()
    fresh, found = replace(kept, boot=boot, kernel=kernel), []
    if kept.boot and kept.boot != boot:
        what = "after a clean shutdown" if ended_well else "without a clean shutdown: power, a crash, or a reset"
        change = Change(kind=ChangeKind.REBOOT, subject="this host was started", what=what, at=at, mark=f"boot:{boot}")
        found.append(change)
    if kept.kernel and kept.kernel != kernel:
        what = f"runs, {kept.kernel} before"
        found.append(Change(kind=ChangeKind.KERNEL, subject=kernel, what=what, at=at, mark=f"kernel:{boot}:{kernel}"))
    return fresh, tuple(found)


def _boot() -> str:
    """Return what is another in each boot, also in a container's, whose kernel goes on."""
    try:
        return f"{_BOOT_ID.read_text().strip()}:{_FIRST_PROCESS.read_text().rpartition(')')[2].split()[19]}"
    except (OSError, IndexError):
        return ""


def of_people(kept: Kept, now: datetime) -> tuple[Kept, tuple[Change, ...]]:
    """Read who came in and who used sudo since the last reading. Raises JournalError."""
    found, cursor = sign_ins(kept.people or kept.people_at or now, now)
    begun = None if cursor else kept.people_at or now
    return replace(kept, people=cursor, people_at=begun), (*logins(found), *commands(found))


def logins(found: Iterable[SignIn]) -> tuple[Change, ...]:
    """Return one change for each user and place they came from; a session is one of its own only without a login."""
    came: dict[tuple[str, str], list[SignIn]] = {}
    for one in found:
        if one.how in (How.ACCEPTED, How.SESSION):
            came.setdefault((one.user, one.source), []).append(one)
    remote = {user for user, source in came if source}
    return tuple(
        Change(
            kind=ChangeKind.LOGIN,
            subject=user,
            what=f"from {source}" if source else "at this host",
            at=each[-1].at,
            by=user,
            count=len(each),
            mark=f"login:{user}:{source}:{each[-1].at}",
        )
        for (user, source), each in came.items()
        if source or user not in remote
    )


def commands(found: Iterable[SignIn]) -> tuple[Change, ...]:
    """Return one change for each user of sudo, naming the programs; the whole commands are its items."""
    typed: dict[tuple[str, str], list[SignIn]] = {}
    for one in found:
        if one.how is How.COMMAND:
            typed.setdefault((one.source, one.user), []).append(one)
    return tuple(
        Change(
            kind=ChangeKind.SUDO,
            subject=who,
            what=f"ran {_programs(each)} as {whom}",
            at=each[-1].at,
            by=who,
            items=tuple(one.words for one in each[-MOST_ITEMS:]),
            count=len(each),
            mark=f"sudo:{who}:{whom}:{each[-1].at}",
        )
        for (who, whom), each in typed.items()
    )


def _programs(each: list[SignIn]) -> str:
    names = list(dict.fromkeys(one.words.split(" ")[0].rpartition("/")[2] for one in each))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
