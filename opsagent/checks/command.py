"""A program that speaks the monitoring-plugins API: its exit status is the answer, its first line the message."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from opsagent.core.observation import Measure, Reading, Status, unknown
from opsagent.core.text import readable, visible
from opsagent.host.process import CannotRunError, Finished, run

_STATUS = {0: Status.OK, 1: Status.WARNING, 2: Status.CRITICAL}
_MOST_MEASURES = 32
_NAME_LIMIT = 64
_SCALES = {
    "": (1.0, ""),
    "s": (1.0, "s"),
    "ms": (1e-3, "s"),
    "us": (1e-6, "s"),
    "%": (1.0, "%"),
    "B": (1.0, "bytes"),
    "KB": (1024.0, "bytes"),
    "MB": (1024.0**2, "bytes"),
    "GB": (1024.0**3, "bytes"),
    "TB": (1024.0**4, "bytes"),
    "c": (1.0, ""),
}
_SET_ID = 0o6000
_RAISE_RIGHTS = {"sudo", "su", "doas", "pkexec"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A program run without a shell, in a session of its own; at the time-out it and all its children are ended.

    command: the program with its full path, and its arguments, as a list.
    timeout: longest time it may take.
    """

    command: tuple[str, ...]
    timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        """Refuse at once what could never run (ValueError)."""
        if not self.command or not self.command[0].startswith("/"):
            raise ValueError("cannot run a command without the full path of its program: [/usr/lib/…/check_x, -w, 5]")

    def observe(self) -> Reading:
        """Run it and read its exit status: 0 ok, 1 warning, 2 critical, anything else unknown."""
        if why := cannot_work(self.command[0]):
            return unknown(f"cannot run {self.command[0]}: {why}", "rights")
        try:
            finished = run(self.command, timeout=self.timeout)
        except CannotRunError as error:
            return unknown(str(error), "absent")
        return self._read(finished)

    def _read(self, finished: Finished) -> Reading:
        program = self.command[0]
        if finished.timed_out:
            message = f"{program} did not end within {self.timeout.total_seconds():g} s and was ended"
            return Reading(status=Status.CRITICAL, message=message, failure_class="timeout", timed_out=True)
        text, measures = split_output(finished.output.decode("utf-8", "surrogateescape"))
        if finished.code is None:
            return unknown(f"{program} was ended by signal {finished.signal}: {visible(text)}", "signal")
        status = _STATUS.get(finished.code, Status.UNKNOWN)
        said = next(iter(readable(os.fsencode(text) or finished.errors)), "")
        return Reading(
            status=status,
            message=said or f"{program} ended with status {finished.code} and said nothing",
            failure_class=None if status is Status.OK else "output",
            measures=measures,
        )


def split_output(output: str) -> tuple[str, tuple[Measure, ...]]:
    """Return the first line that says something, without its performance data, and the numbers of all of that."""
    first, _, rest = output.lstrip().partition("\n")
    text, _, numbers = first.partition("|")
    more = rest.partition("|")[2]
    found = (*_measures(numbers), *_measures(more.replace("\n", " ")))
    return text.strip(), found[:_MOST_MEASURES]


def _measures(numbers: str) -> tuple[Measure, ...]:
    found: list[Measure] = []
    rest = numbers.strip()
    while rest and len(found) < _MOST_MEASURES:
        label, rest = _label(rest)
        value, _, rest = rest.partition(" ")
        rest = rest.strip()
        measure = _measure(label, value.partition(";")[0])
        if measure is not None:
            found.append(measure)
    return tuple(found)


def _label(text: str) -> tuple[str, str]:
    """Split `'a label'=` or `label=` off; a doubled quote inside quotes is a quote."""
    if not text.startswith("'"):
        label, _, rest = text.partition("=")
        return label, rest
    end = text.find("'=", 1)
    return (text[1:end].replace("''", "'"), text[end + 2 :]) if end > 0 else (text, "")


def _measure(label: str, value: str) -> Measure | None:
    number = value.rstrip("%abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    scale, unit = _SCALES.get(value[len(number) :], (1.0, value[len(number) :][:8]))
    try:
        return Measure(name=visible(label, _NAME_LIMIT), value=float(number.replace(",", ".")) * scale, unit=unit)
    except ValueError:
        return None  # `U` is how a plugin says that it has no number


def cannot_work(program: str) -> str:
    """Say why a program that needs more rights than ours cannot get them here, "" if nothing is known against it."""
    if "NoNewPrivs:\t1" not in Path("/proc/self/status").read_text(encoding="ascii", errors="replace"):
        return ""
    try:
        raised = os.stat(program).st_mode & _SET_ID or "security.capability" in os.listxattr(program)  # noqa: PTH116
    except OSError:
        return ""  # running it will say what is wrong
    if raised or Path(program).name in _RAISE_RIGHTS:
        return "it needs more rights than the agent has, and the sandbox does not let it have them"
    return ""
