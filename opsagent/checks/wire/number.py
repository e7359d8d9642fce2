"""Where a number comes from: a program's output, a JSON document, Prometheus' text; several may become one."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Literal

from opsagent.checks.command import cannot_work, split_output
from opsagent.checks.wire.exchange import ask, place
from opsagent.checks.wire.exposition import selector, series
from opsagent.checks.wire.json_path import found_at
from opsagent.checks.wire.stage import BlindError, StageError, Stages
from opsagent.core.text import visible
from opsagent.host.process import CannotRunError, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from opsagent.checks.wire.connection import Ask

Combine = Literal["one", "first", "last", "sum", "max", "min", "mean"]
"""What several numbers become; `one` refuses them."""

MOST = 8 * 1024 * 1024
"""Bytes of an answer that are read: ten times what a large exporter says."""
_SHOWN = 80
_PLUGIN_CODES = (0, 1, 2)
"""Exit statuses with which a plugin has looked; with any other it could not."""
# Atomic: else a long run of digits in somebody's output would be tried again from each of its places.
_NUMBER = re.compile(r"(?<![\w.])(?>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![\w.]*\w)", re.ASCII)
_TEXT_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*", re.ASCII)
_JOIN: dict[str, Callable[[Sequence[float]], float]] = {
    "one": lambda numbers: numbers[0],
    "first": lambda numbers: numbers[0],
    "last": lambda numbers: numbers[-1],
    "sum": math.fsum,
    "max": max,
    "min": min,
    "mean": lambda numbers: math.fsum(numbers) / len(numbers),
}


class Said:
    """What a program, or an endpoint, said: asked once, in which several numbers can be looked up."""

    def __init__(self, where: str, text: str) -> None:
        """`where` names it in messages."""
        self.where, self._text = where, text

    def in_output(self, measure: str) -> Sequence[float]:
        """Return the numbers of plain output, or with the name of a measure that one of its performance data."""
        if not measure:
            return tuple(float(found) for found in _NUMBER.findall(self._text))
        return tuple(each.value for each in split_output(self._text)[1] if each.name == measure)

    def in_json(self, path: str) -> Sequence[float]:
        """Return the numbers at a path; text that spells a number is one."""
        try:
            document = json.loads(self._text)
        except (ValueError, RecursionError) as error:
            raise BlindError(f"the answer of {self.where} is not JSON", "body") from error
        return tuple(self._number(found, path) for found in found_at(document, path))

    def in_metrics(self, metric: str) -> Sequence[float]:
        """Return the values of the series that are meant."""
        return tuple(series(self._text, selector(metric)))

    def _number(self, found: Any, path: str) -> float:
        if isinstance(found, int | float) and not isinstance(found, bool):
            return float(found)
        if isinstance(found, str) and _TEXT_NUMBER.fullmatch(found):
            return float(found)
        shown = visible(json.dumps(found), _SHOWN)
        raise BlindError(f"{path} of {self.where} is {shown}, which is not a number", "body")


def of_program(command: tuple[str, ...], timeout: timedelta, *, plugin: bool) -> Said:
    """Run a program and return what it said; BlindError when it fails. A `plugin` may end with 1 or 2 as well."""
    program = command[0]
    if why := cannot_work(program):
        raise BlindError(f"cannot run {program}: {why}", "rights")
    try:
        finished = run(command, timeout=timeout)
    except CannotRunError as error:
        raise BlindError(str(error), "absent") from error
    if finished.timed_out:
        raise BlindError(f"{program} did not end within {timeout.total_seconds():g} s and was ended", "timeout")
    if finished.code not in (_PLUGIN_CODES if plugin else (0,)):
        how = f"status {finished.code}" if finished.code is not None else f"signal {finished.signal}"
        said = finished.errors.decode("utf-8", "replace").strip().partition("\n")[0]
        raise BlindError(f"{program} ended with {how}" + (f": {visible(said, _SHOWN)}" if said else ""), "output")
    return Said(program, finished.output.decode("utf-8", "replace"))


def of_endpoint(question: Ask, stages: Stages) -> Said:
    """Ask and return what was answered; BlindError when that is no number's fault: gone, refused, too long."""
    where = place(question.url)
    try:
        answer = ask(question, stages, keep=MOST)
    except StageError as error:
        raise BlindError(error.reading.message, error.reading.failure_class or "connect") from error
    if answer.status not in range(200, 300):
        raise BlindError(f"{where} answered {answer.status}, expected 200 to 299", "status")
    if answer.cut:
        raise BlindError(f"the answer of {where} is longer than the {MOST >> 20} MiB that are read", "body")
    return Said(where, answer.body.decode("utf-8", "replace"))


def one_of(numbers: Sequence[float], how: Combine, subject: str) -> float:
    """Make one number of those that were found; BlindError when there is none, or nobody said which."""
    if not numbers:
        raise BlindError(f"{subject} is missing", "missing")
    if how == "one" and len(numbers) > 1:
        raise BlindError(
            f"{subject} are {len(numbers)} numbers; say by combine what is meant: first, last, sum, max, min or mean",
            "ambiguous",
        )
    found = _JOIN[how](numbers) if all(map(math.isfinite, numbers)) else math.nan
    if not math.isfinite(found):
        raise BlindError(f"{subject} is not a number", "missing")
    return found
