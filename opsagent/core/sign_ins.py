"""Who came in, who tried, who acted as somebody else: by the lines of sshd, dropbear, logind, PAM and sudo."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_SOURCES = 200
"""Sources whose failures are counted at once; of a flood from everywhere the ones that tried last."""
MOST_TRIES = 2000
"""Failures that are remembered in all."""
LONGEST_SOURCE = 255
"""Characters of a source that are remembered: as many as a name in the DNS has."""


class How(StrEnum):
    """What a line says: let in, turned away, a session of a user, a command as another user."""

    ACCEPTED = "accepted"
    FAILED = "failed"
    SESSION = "session"
    COMMAND = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One line, understood. `source` is an address, or a user of this host; `words` is the command of sudo."""

    how: How
    user: str
    at: datetime
    source: str = ""
    words: str = ""


# The name of a user that does not exist is whatever the stranger typed: what follows the last " from " is sshd's own.
_LINES = (
    (How.ACCEPTED, re.compile(r"Accepted \S+ for (?P<user>\S+) from (?P<source>\S+) port \d+")),
    (
        How.FAILED,
        re.compile(
            r"Failed (?:password|keyboard-interactive\S*) for (?:invalid user )?(?P<user>.*)"
            r" from (?P<source>\S+) port \d+"
        ),
    ),
    (How.ACCEPTED, re.compile(r"\w+ auth succeeded for '(?P<user>[^']*)' .*from (?P<source>\S+):\d+$")),
    (How.FAILED, re.compile(r"Bad \w+ attempt for '(?P<user>[^']*)' from (?P<source>\S+):\d+$")),
    (How.SESSION, re.compile(r"New session \S+ of user (?P<user>.+)\.$")),
    (How.COMMAND, re.compile(r"\s*(?P<source>\S+) : .*\bUSER=(?P<user>\S+) ;.* COMMAND=(?P<words>.*)$")),
)
_PAM = re.compile(
    r"pam_\w+\((?P<service>[\w-]+):auth\): authentication failure;.* ruser=(?P<ruser>\S*) rhost=(?P<rhost>\S*)"
    r"(?:\s+user=(?P<user>\S+))?"
)
_SAY_IT_THEMSELVES = ("sshd", "sshd-session")
_PROGRAMS = {
    How.ACCEPTED: ("sshd", "sshd-session", "dropbear"),
    How.FAILED: ("sshd", "sshd-session", "dropbear"),
    How.SESSION: ("systemd-logind",),
    How.COMMAND: ("sudo",),
}


def understood(program: str, text: str, at: datetime) -> SignIn | None:
    """Return what a line of that program says of people, None for all others."""
    for how, pattern in _LINES:
        found = pattern.match(text) if program in _PROGRAMS[how] else None
        if found is not None:
            return SignIn(how=how, at=at, **found.groupdict())
    found = _PAM.search(text) if program not in _SAY_IT_THEMSELVES else None
    if found is None:
        return None
    source = found["rhost"] or found["ruser"] or "this host"
    return SignIn(how=How.FAILED, user=found["user"] or "", source=source, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokeIn:
    """Somebody was let in from where so many tries had failed shortly before."""

    user: str
    source: str
    failures: int
    at: datetime


def break_ins(
    earlier: Mapping[str, tuple[datetime, ...]], new: Iterable[SignIn], *, limit: int, within: timedelta
) -> tuple[tuple[BrokeIn, ...], dict[str, tuple[datetime, ...]]]:
    """Return who was let in after `limit` failures from the same source within that time, and the failures to keep.

    `earlier` are the failures known by source; `new` must be in the order of time.
    """
    failures, alarms = dict(earlier), []
    for one in new:
        source = one.source[:LONGEST_SOURCE]
        recent = tuple(at for at in failures.get(source, ()) if one.at - at <= within)
        if one.how is How.FAILED:
            failures.pop(source, None)  # put last: the oldest source is forgotten first
            failures[source] = (*recent, one.at)[-limit:]
        elif one.how is How.ACCEPTED and len(recent) >= limit:
            alarms.append(BrokeIn(user=one.user, source=source, failures=len(recent), at=one.at))
            failures.pop(source)
    return tuple(alarms), _newest(failures)


def _newest(failures: dict[str, tuple[datetime, ...]]) -> dict[str, tuple[datetime, ...]]:
    """Return the sources that tried last, as many as may be remembered."""
    kept: dict[str, tuple[datetime, ...]] = {}
    tries = 0
    for source, times in reversed(failures.items()):
        tries += len(times)
        if len(kept) < MOST_SOURCES and tries <= MOST_TRIES:
            kept[source] = times
    return dict(reversed(kept.items()))
