"""What is known of earlier failures like one, as `show` prints it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from opsagent.core.text import visible
from opsagent.core.timing import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opsagent.interfaces.cli.clock import Wall


def seen_before(seen: Mapping[str, Any] | None, wall: Wall) -> Iterator[str]:
    """Yield a line for each thing that is known; `seen` is the key `seen_before` of an incident."""
    if not seen:
        return
    if not seen["occurrences"]:
        yield "seen before never in 30 days"
    else:
        often = f"{seen['occurrences']}x in 30 days, last {wall.shown(seen['last_at'])} in {seen['last']}"
        yield f"seen before {often}{_lasted(seen['median_seconds'])}"
    for one in seen["fixed_by"]:
        name = one["name"] or _UNNAMED.get(one["kind"], "a person")
        yield f"fixed then by {visible(name)} {one['times']}x{_lasted(one['median_seconds'])}"
    for item in seen["action_items"]:
        yield f"still to be done {visible(item['text'])} ({item['file']})"
    if seen["pattern"]:
        yield f"pattern {seen['pattern']}"
    if one := seen.get("entry"):  # not in what an older opsagent recorded
        said = f": {visible(one['resolution'])}" if one["resolution"] else ""
        yield f"written down {visible(one['title'])} ({one['file']}:{one['line']}){said}"


def _lasted(seconds: float | None) -> str:
    return "" if seconds is None else f" (median {spoken(timedelta(seconds=seconds))})"


_UNNAMED = {"root": "the recovery of what it needs", "unknown": "a person or by itself"}
