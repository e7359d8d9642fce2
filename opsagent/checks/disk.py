"""How full a file system is, how soon it will be, and whether it turned read-only or is not there at all."""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import psutil

from opsagent.core.observation import Measure, Reading, Severity, Status, grade, lowest, unknown
from opsagent.core.quantity import Bytes, in_order, within
from opsagent.core.space import TREND_OVER, TREND_STEP, Space, spoken_bytes, time_left
from opsagent.host.mounts import Mount, fstab, mount_of, mounts, parse, space_of
from opsagent.host.process import CannotRunError, run

_PAGE_AT = 95.0
"""Percent at which a person is told now: what is left goes faster than a working day."""
_PAGE_WITHIN = timedelta(hours=4)
_STAT = ("/usr/bin/stat", "-f", "-c", "%S %b %f %a %c %d")
_FIELDS = 6
_FSTAB = Path("/etc/fstab")

_was_mounted: set[str] = set()
_was_writable: set[str] = set()
_history: dict[str, deque[tuple[float, int]]] = {}
_stuck: set[str] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A file system: percent of bytes and inodes in use as `df` counts them, or bytes left.

    path: any path on the file system.
    warning: percent in use at which it is a finding.
    critical: percent in use at which it is critical.
    free_below: bytes left under which it is critical, or null for percent alone.
    timeout: longest time to wait for the server of a network file system.
    """

    path: str
    warning: float | None = 85.0
    critical: float | None = 90.0
    free_below: Bytes | None = None
    timeout: timedelta = timedelta(seconds=5)

    def __post_init__(self) -> None:
        """Refuse at once what depends on where we were started, and limits that could never be met (ValueError)."""
        if not self.path.startswith("/"):
            raise ValueError(f"cannot look at path {self.path!r}: write the full path")
        within("warning", self.warning, 0, 100)
        within("critical", self.critical, 0, 100)
        in_order(("warning", self.warning), ("critical", self.critical))

    def observe(self) -> Reading:
        """Ask the file system; one behind a network is asked by a child, because asking may never end."""
        try:
            return self._asked()
        except OSError as error:
            return unknown(f"cannot look at {self.path}: {(error.strerror or str(error)).lower()}")

    def _asked(self) -> Reading:
        found = mounts()
        path = os.path.abspath(self.path)  # noqa: PTH100 - text only: resolving a link may block
        mount = mount_of(path, found)
        if mount is None or not mount.network:
            path = os.path.realpath(path)
            mount = mount_of(path, found)
            if why := _hidden(path, mount):
                return unknown(f"cannot see {self.path}: {why}", "sandbox")
        if missing := _not_mounted(path, mount):
            message = f"{missing} is not mounted: what is written to {self.path} goes elsewhere"
            return Reading(status=Status.CRITICAL, message=message, failure_class="unmounted")
        if mount is not None and mount.network:
            return self._asked_by_child(mount)
        return self._judged(space_of(self.path), mount)

    def _asked_by_child(self, mount: Mount) -> Reading:
        silence = Reading(
            status=Status.CRITICAL,
            message=f"{mount.source} behind {self.path} does not answer ({mount.fs_type})",
            failure_class="timeout",
            timed_out=True,
        )
        if self.path in _stuck and _has_stuck_child():
            return silence  # one that cannot die is enough
        _stuck.discard(self.path)
        try:
            finished = run((*_STAT, "--", self.path), timeout=self.timeout)
        except CannotRunError as error:
            return unknown(str(error))
        if finished.timed_out:
            _stuck.add(self.path)
            return silence
        numbers = finished.output.split()
        if finished.code or len(numbers) != _FIELDS:
            return unknown(f"cannot ask {self.path}: {finished.errors.decode(errors='replace').strip()}")
        return self._judged(Space(*map(int, numbers)), mount)

    def _judged(self, space: Space, mount: Mount | None) -> Reading:
        reading = self._graded(space)
        if mount is not None and _turned_read_only(mount):
            message = f"{mount.path} turned read-only ({mount.source}): nothing can be written"
            return replace(
                reading,
                status=Status.CRITICAL,
                message=message,
                failure_class="readonly",
                severity=Severity.SEV2,
            )
        left = _remember(self.path, space.free)
        if left is None or left > _PAGE_WITHIN or reading.status is Status.OK:
            return reading
        message = f"{reading.message}; at the pace of the last half hour full in {left // TREND_STEP} min"
        return replace(reading, status=Status.CRITICAL, message=message, failure_class="full", severity=Severity.SEV2)

    def graded(self, value: float, at: float) -> Reading:
        """Judge the percent of bytes in use: inodes and bytes left are on no record."""
        del at
        return self._by_percent(f"{self.path} is {value:.0f} % full", value, 0.0, scarce=False)

    def question(self) -> Check:
        """Return this check without its limits."""
        return replace(self, warning=None, critical=None)

    def _graded(self, space: Space) -> Reading:
        told = f"{self.path} is {space.percent:.0f} % full, {spoken_bytes(space.free)} left"
        told += f"; {space.inodes_percent:.0f} % of its inodes used" if space.inodes else ""
        scarce = self.free_below is not None and space.free < self.free_below
        reading = self._by_percent(told, space.percent, space.inodes_percent, scarce=scarce)
        return replace(reading, measures=(*reading.measures, Measure(name="free", value=space.free, unit="bytes")))

    def _by_percent(self, told: str, used_percent: float, inodes_percent: float, *, scarce: bool) -> Reading:
        limit = lowest(self.warning, self.critical)
        used = Measure(name="disk", value=used_percent, unit="%", limit=limit)
        files = Measure(name="inodes", value=inodes_percent, unit="%", limit=limit)
        by_space = Status.CRITICAL if scarce else grade(used.value, self.warning, self.critical)
        by_inodes = grade(files.value, self.warning, self.critical)
        first, second, status, failure_class = used, files, by_space, "full"
        if _RANK[by_inodes] > _RANK[by_space]:
            first, second, status, failure_class = files, used, by_inodes, "inodes"
        return Reading(
            status=status,
            message=told,
            failure_class=None if status is Status.OK else failure_class,
            severity=Severity.SEV2 if status is Status.CRITICAL and first.value >= _PAGE_AT else None,
            measures=(first, second),
        )


_RANK = {Status.OK: 0, Status.UNKNOWN: 0, Status.WARNING: 1, Status.CRITICAL: 2}


def _hidden(path: str, mount: Mount | None) -> str:
    """Say why what we see at `path` is not what the host has there: a sandbox may show us another file system."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    ours = mount_of(path, {row.path: row for line in lines if (row := parse(line))}.values())
    if mount is None or ours is None or ours.device == mount.device:
        return ""
    return f"the agent's sandbox shows it {ours.fs_type} from {ours.source} instead of {mount.source}"


def _turned_read_only(mount: Mount) -> bool:
    """Say whether it is read-only now and was not before, or should not be by /etc/fstab."""
    if not mount.read_only:
        _was_writable.add(mount.path)
        return False
    return mount.path in _was_writable or _fstab_says_writable(mount.path)


def _fstab_says_writable(path: str) -> bool:
    options = fstab(_FSTAB).get(path)
    return options is not None and "ro" not in options


def _not_mounted(path: str, mount: Mount | None) -> str:
    """Return what should be mounted between a path and what it lies on now, by /etc/fstab or an earlier look."""
    here = mount.path if mount else "/"
    _was_mounted.add(here)
    wanted = _was_mounted | {place for place, options in fstab(_FSTAB).items() if "noauto" not in options}
    missing = (place for place in wanted if len(place) > len(here) and f"{path}/".startswith(f"{place}/"))
    return max(missing, key=len, default="")


def _remember(path: str, free: int) -> timedelta | None:
    """Note how much is left, and forecast from what was noted when it is full."""
    now = time.monotonic()
    seen = _history.setdefault(path, deque(maxlen=TREND_OVER // TREND_STEP + 1))
    if not seen or now - seen[-1][0] >= TREND_STEP.total_seconds():
        seen.append((now, free))
    return time_left(seen, now, free)


def _has_stuck_child() -> bool:
    """Say whether a child of ours still hangs in the kernel on a dead server."""
    try:
        return any(child.name() == "stat" for child in psutil.Process().children())
    except psutil.Error:
        return True
