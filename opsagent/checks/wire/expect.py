"""What an answer must be: pure comparisons of a bounded answer with what the settings expect."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from opsagent.checks.wire.json_path import inside
from opsagent.checks.wire.stage import spoken
from opsagent.core.observation import Reading, Status
from opsagent.core.quantity import within
from opsagent.core.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.checks.wire.exchange import Answer

_SHOWN = 80
"""Characters of a found value that a message shows."""
_MISSING = object()
_YEARS = 3650
"""Days: no authority signs for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What the answer of a healthy endpoint looks like.

    status: the status code, or a list of them; the default is any from 200 to 299.
    json: dotted paths into the JSON body and the exact value each must have (`{status: ok, db.up: true}`).
    text: text that the body must contain.
    max_latency: the whole look must take no longer than this; later than `timeout` makes no sense.
    tls_days: days the certificate must at least be valid for; fewer is a warning.
    """

    status: int | tuple[int, ...] = ()
    json: dict[str, str | int | float | bool | None] = field(default_factory=dict)
    text: str = ""
    max_latency: timedelta | None = None
    tls_days: float | None = None

    def __post_init__(self) -> None:
        """Refuse at once what no answer could meet (ValueError)."""
        for code in (self.status,) if isinstance(self.status, int) else self.status:
            within("status", code, 100, 599)
        within("tls_days", self.tls_days, 0, _YEARS)
        if self.max_latency is not None and not self.max_latency:
            raise ValueError("cannot use max_latency 0s, allowed: 1ms or more")


def unmet(expect: Expect, answer: Answer, where: str, seconds: float) -> Reading | None:
    """Return the first expectation that the answer misses, None if it meets all of them."""
    for failure_class, missed in (
        ("status", _status(expect.status, answer)),
        ("body", _json(expect.json, answer)),
        ("body", _text(expect.text, answer)),
        ("latency", late(expect, seconds)),
    ):
        if missed:
            if failure_class == "status" and answer.status in range(300, 400):
                failure_class = "redirect"  # noqa: PLW2901 - an unfollowed redirect is a failure of its own
            message = f"{where} answered {answer.status} in {spoken(seconds)}{missed}"
            return Reading(status=Status.CRITICAL, message=message, failure_class=failure_class)
    return None


def _status(allowed: int | tuple[int, ...], answer: Answer) -> str:
    codes: Iterable[int] = (allowed,) if isinstance(allowed, int) else allowed or range(200, 300)
    if answer.status in codes:
        return ""
    if answer.location and answer.status in range(300, 400):
        return f", a redirect to {visible(answer.location.partition('?')[0], _SHOWN)} that is not followed"
    return ", expected " + (" or ".join(map(str, codes)) if allowed else "200 to 299")


def _json(wanted: dict[str, Any], answer: Answer) -> str:
    if not wanted:
        return ""
    if answer.cut:
        return f", but its body is longer than the {len(answer.body) >> 10} KiB that are read"
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        packed = f" (it is {visible(answer.encoding, _SHOWN)}, which was not asked for)" if answer.encoding else ""
        return f", but its body is not JSON{packed}"
    for path, value in wanted.items():
        actual = _at(found, path)
        if actual is _MISSING:
            return f", but {path} is missing in its JSON"
        if type(actual) is not type(value) or actual != value:
            return f", but {path} is {visible(json.dumps(actual), _SHOWN)}, expected {json.dumps(value)}"
    return ""


def _at(found: Any, path: str) -> Any:
    """Follow a dotted path through objects, and through lists by number."""
    for key in path.split("."):
        found = next(iter(inside(found, key)), _MISSING)
    return found


def _text(wanted: str, answer: Answer) -> str:
    if not wanted or wanted.encode() in answer.body:
        return ""
    part = f"the first {len(answer.body) >> 10} KiB of its body" if answer.cut else "its body"
    return f", but {part} does not contain {visible(wanted, _SHOWN)!r}"


def late(expect: Expect, seconds: float) -> str:
    """Say that an answer took too long, or ""."""
    limit = expect.max_latency
    if limit is None or seconds <= limit.total_seconds():
        return ""
    return f", slower than {spoken(limit.total_seconds())}"
