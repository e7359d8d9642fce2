"""Signs that somebody came in who should not have: after many failures, as a second root, in listed files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from opsagent.core.codec import built, plain
from opsagent.core.observation import Measure, Reading, Severity, Status, ok, unknown
from opsagent.core.policy import Criticality
from opsagent.core.quantity import spell, within
from opsagent.core.sign_ins import break_ins
from opsagent.host.file_prints import Print, same, taken
from opsagent.host.people import JournalError, sign_ins
from opsagent.host.systemd import utc_now
from opsagent.host.watched_files import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ACCOUNTS = "/etc/passwd"
MOST_FILES = 100
_ROOT = "0"
_UID = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What the last look knew: the journal's place, failures by source (seconds of 1970), who is root, the files."""

    cursor: str = ""
    at: float = 0.0
    failures: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    files: Mapping[str, Print] = field(default_factory=dict)
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Signs of a break-in. Each is an incident of SEV1 at once, for people alone: nothing is ever done by itself.

    Somebody is let in after `failures` failed tries from the same place `within` that time (sshd, dropbear); a new
    account has the rights of root; one of `files` was changed. It reads the journal as a member of its group.

    failures: so many failed tries from one place before somebody is let in from there.
    within: the time in which they are counted.
    accounts: tell of a new account with the user id 0.
    files: full paths or patterns of files whose every change is told, such as /etc/ssh/sshd_config or /etc/sudoers.d/*.
    """

    SECURITY: ClassVar[bool] = True
    CRITICALITY: ClassVar[Criticality] = Criticality.CRITICAL
    failures: int = 10
    within: timedelta = timedelta(minutes=10)
    accounts: bool = True
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse at once what could never be true (ValueError)."""
        within("failures", self.failures, 1, 50)
        if not timedelta(seconds=10) <= self.within <= timedelta(days=1):
            raise ValueError(f"cannot use within {spell(self.within)}, allowed: 10s to 1d")
        for path in self.files:
            if not path.startswith("/"):
                raise ValueError(f"cannot look at files {path!r}: write the full path or pattern")

    def observe_since(self, kept: str) -> tuple[Reading, str]:
        """Compare with the last look; the first one only learns how things are."""
        known, now = _read(kept), utc_now()
        fresh, found = self._compared(known)
        try:
            fresh, broke_in, tries = self._sign_ins(known, fresh, now)
        except JournalError as error:
            return (_alarm(found) if found else unknown(str(error), "journal")), _text(fresh)
        found += broke_in
        count = Measure(name="failures", value=tries)
        if found:
            return _alarm(found, count), _text(fresh)
        said = f"{tries} failed logins within {spell(self.within)}, nobody let in after {self.failures} from one place"
        return ok(f"{said}; {len(fresh.files)} files as they were", count), _text(fresh)

    def _sign_ins(self, known: _Kept, fresh: _Kept, now: datetime) -> tuple[_Kept, list[tuple[str, str]], int]:
        since = known.cursor or datetime.fromtimestamp(known.at or (now - self.within).timestamp(), UTC)
        new, cursor = sign_ins(since, now)
        earlier = {source: tuple(map(_moment, times)) for source, times in known.failures.items()}
        alarms, failures = break_ins(earlier, new, limit=self.failures, within=self.within)
        told = [
            (
                f"{one.user} was let in from {one.source} at {one.at:%H:%M:%S} UTC after {one.failures} failed tries",
                "break-in",
            )
            for one in alarms
        ]
        times = {source: tuple(int(at.timestamp()) for at in each) for source, each in failures.items()}
        tries = sum(now - at <= self.within for each in failures.values() for at in each)
        begun = 0.0 if cursor else known.at or now.timestamp()
        kept = _Kept(
            cursor=cursor, at=begun, failures=times, roots=fresh.roots, files=fresh.files, patterns=fresh.patterns
        )
        return kept, told, tries

    def _compared(self, known: _Kept) -> tuple[_Kept, list[tuple[str, str]]]:
        """Compare accounts and files; what was known stays where it cannot be read now."""
        found: list[tuple[str, str]] = []
        roots = _roots() if self.accounts else ()
        if known.roots and roots:
            new = [name for name in roots if name not in known.roots]
            found += [(f"the account {name} has the rights of root now", "account") for name in new]
        named = listed(self.files)
        files = dict(_files(named, known))
        for path in {**known.files, **files}:
            said = _changed(known.files.get(path), files.get(path), is_new=named.get(path) not in known.patterns)
            found += [(f"{path} was {said}", "file")] if said else []
        fresh = _Kept(
            cursor=known.cursor,
            at=known.at,
            failures=known.failures,
            roots=roots or known.roots,
            files=files,
            patterns=self.files,
        )
        return fresh, found


def _files(named: Iterable[str], known: _Kept) -> Iterator[tuple[str, Print]]:
    """Take the prints of files without their text: what is in them is shown to nobody."""
    for path in islice(named, MOST_FILES):
        found = taken(path, known.files.get(path), lambda _: "")
        if found is not None:
            yield path, found


def _changed(before: Print | None, after: Print | None, *, is_new: bool) -> str:
    if before is None:
        return "" if is_new else "created"
    if after is None:
        return "removed"
    return "" if same(before, after) else "changed"


def _roots() -> tuple[str, ...]:
    """Return the accounts with the rights of root; none where the list cannot be read, for there is always one."""
    try:
        lines = Path(ACCOUNTS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    fields = (line.split(":") for line in lines)
    return tuple(one[0] for one in fields if len(one) > _UID and one[_UID] == _ROOT)


def _alarm(found: list[tuple[str, str]], *measures: Measure) -> Reading:
    return Reading(
        status=Status.CRITICAL,
        message="; ".join(text for text, _ in found),
        failure_class=found[0][1],
        conclusive=True,
        severity=Severity.SEV1,
        measures=measures,
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _text(kept: _Kept) -> str:
    return json.dumps(plain(kept), separators=(",", ":"))


def _read(kept: str) -> _Kept:
    try:
        found = built(_Kept, json.loads(kept)) if kept else _Kept()
    except (ValueError, TypeError, KeyError, AttributeError):
        return _Kept()
    return found if isinstance(found, _Kept) else _Kept()
