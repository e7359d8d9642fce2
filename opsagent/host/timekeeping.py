"""Who keeps this host's clock right, and how well: asked of the service that does it, else of the kernel.

The kernel alone is no good witness: it calls the clock synchronised for nine hours after the service that kept it is
gone, and the daemon's sandbox does not let us ask it.
"""

from __future__ import annotations

import ctypes
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from opsagent.host.bus import BusError, BusLostError, Call, get, get_all, manager_call
from opsagent.host.process import CannotRunError, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from opsagent.host.systemd import Systemd

_TIMESYNC = "org.freedesktop.timesync1"
_TIMEDATE = "org.freedesktop.timedate1"
_CHRONY = ("/usr/bin/chronyc", "-n", "-c", "tracking")
_NTPQ = ("/usr/bin/ntpq", "-n", "-c", "rv 0 leap,offset,refid,reftime")
_NTPQ_VALUE = re.compile(r"(\w+)=([^,\s]+)")
_FROM_1900 = 2_208_988_800
"""Seconds from the epoch of NTP, 1900, to that of Unix, 1970."""
_ERAS = 1 << 32
_ALARM = 3
"""The leap indicator of a server or client whose own clock is not synchronised."""
_CHRONY_FIELDS = 14
_TIME_ERROR = 5
_TIMEX_SIZE = 512
"""Bytes: `struct timex` of <sys/timex.h> is 208."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timekeeping:
    """What is known of the clock: kept `by` whom ("" nobody), after which `source`, right or not (None: nobody says).

    `offset` is by how many seconds our clock was behind, negative when ahead, None where nobody measured it; `heard_at`
    is when that was (seconds since 1970 by our clock).
    """

    by: str = ""
    synchronised: bool | None = None
    offset: float | None = None
    heard_at: float | None = None
    source: str = ""


def timekeeping(systemd: Systemd, timeout: timedelta) -> Timekeeping:
    """Ask who keeps the clock; never raises. `timeout` bounds a program that has to be asked."""
    unit = _running(systemd)
    found = _KEEPERS[unit](systemd, timeout) if unit else None
    found = found or Timekeeping()
    if found.synchronised is None:
        found = replace(found, synchronised=_by_kernel(systemd))
    return replace(found, by=unit.removesuffix(".service"))


def _running(systemd: Systemd) -> str:
    """Return the unit that keeps the clock, "" when none of those we know runs."""
    try:
        rows = systemd.ask(manager_call("ListUnitsByNames", "as", list(_KEEPERS)))[0]
    except (BusError, BusLostError):
        return ""
    states = {row[0]: row[3] for row in rows}
    return next((unit for unit in _KEEPERS if states.get(unit) == "active"), "")


def _timesyncd(systemd: Systemd, _: timedelta) -> Timekeeping | None:
    try:
        call = get_all("/org/freedesktop/timesync1", f"{_TIMESYNC}.Manager", _TIMESYNC)
        return from_timesyncd(systemd.ask(call)[0])
    except (BusError, BusLostError):
        return None


def from_timesyncd(properties: dict[str, tuple[str, Any]]) -> Timekeeping:
    """Read timesyncd's own properties; its last message says nothing before there was one."""
    source = str(properties.get("ServerName", ("s", ""))[1])
    message = properties.get("NTPMessage", ("", ()))[1]
    try:
        leap, origin, receive, transmit, destination, count = (message[i] for i in (0, 8, 9, 10, 11, 13))
    except IndexError:
        return Timekeeping(source=source)
    if not count:
        return Timekeeping(synchronised=False, source=source)
    offset = ((receive - origin) + (transmit - destination)) / 2e6
    return Timekeeping(synchronised=leap != _ALARM, offset=offset, heard_at=destination / 1e6, source=source)


def _chrony(_: Systemd, timeout: timedelta) -> Timekeeping | None:
    said = _said(_CHRONY, timeout)
    return from_chrony(said) if said else None


def from_chrony(said: str) -> Timekeeping | None:
    """Read what `chronyc -c tracking` says, None if it is not that."""
    fields = said.strip().split(",")
    try:
        heard_at, offset = _number(fields[3]), _number(fields[4])
    except (IndexError, ValueError):
        return None
    if len(fields) < _CHRONY_FIELDS:
        return None
    good = fields[13] != "Not synchronised"
    return Timekeeping(
        synchronised=good,
        offset=offset if good else None,
        heard_at=heard_at if good else None,
        source=fields[1] if good else "",
    )


def _number(written: str) -> float:
    """Return a number; ValueError for anything else, `nan` and `inf` too, which nothing can be compared with."""
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(written)
    return number


def _ntpd(_: Systemd, timeout: timedelta) -> Timekeeping | None:
    said = _said(_NTPQ, timeout)
    return from_ntpq(said) if said else None


def from_ntpq(said: str) -> Timekeeping | None:
    """Read what ntpq says of the system variables, None if it is not that; ntpd counts the offset in milliseconds."""
    values = dict(_NTPQ_VALUE.findall(said))
    try:
        leap = int(values["leap"], 2)
        offset = _number(values["offset"]) / 1000
        heard_at = int(values["reftime"].partition(".")[0], 16) - _FROM_1900
    except (KeyError, ValueError):
        return None
    if leap == _ALARM:
        return Timekeeping(synchronised=False)
    heard_at += _ERAS if heard_at < 0 else 0  # since 2036
    return Timekeeping(synchronised=True, offset=offset, heard_at=heard_at, source=values.get("refid", ""))


def _openntpd(_: Systemd, __: timedelta) -> Timekeeping | None:
    """It tells nobody but root; the kernel knows at least whether the clock is kept."""
    return None


def _said(argv: tuple[str, ...], timeout: timedelta) -> str:
    try:
        finished = run(argv, timeout=timeout)
    except CannotRunError:
        return ""
    return "" if finished.code else finished.output.decode("ascii", "replace")


def _by_kernel(systemd: Systemd) -> bool | None:
    """Ask the kernel, or where our sandbox forbids that the small service that asks it for others."""
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_SIZE))  # modes 0: only read
    if state >= 0:
        return bool(state != _TIME_ERROR)
    call: Call = get("/org/freedesktop/timedate1", _TIMEDATE, "NTPSynchronized", _TIMEDATE)
    try:
        return bool(systemd.ask(call)[0][1])
    except (BusError, BusLostError):
        return None


_KEEPERS: dict[str, Callable[[Systemd, timedelta], Timekeeping | None]] = {
    "chrony.service": _chrony,
    "chronyd.service": _chrony,
    "ntpsec.service": _ntpd,
    "ntp.service": _ntpd,
    "ntpd.service": _ntpd,
    "openntpd.service": _openntpd,
    "systemd-timesyncd.service": _timesyncd,
}
"""The units that keep a clock, and how each is asked."""
