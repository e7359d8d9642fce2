"""The logs in a day's file: the review as an entry, and in the head what nobody has seen before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.report.about_host import host_story
from opsagent.core.report.entry import Scene, told
from opsagent.core.report.markdown import code, cut, inline
from opsagent.core.text import shortened
from opsagent.core.timing import local_date

if TYPE_CHECKING:
    from datetime import date

    from opsagent.core.state import State

NAMED = 5
_SHOWN = 120
_IN_HEAD, _MOST_IN_HEAD = 80, 2


def review_line(state: State, today: date) -> str:
    """Return what the head says of today's review, "" where there was none; of the kinds only those that are new."""
    last, at = state.reviews.last, state.reviews.at
    if last is None or at is None or local_date(at, state.zone) != today:
        return ""
    if last.trouble:
        return f"**Logs:** not reviewed: {cut(inline(last.trouble, 120), 140)}"
    named = [f"{_whose(one.source, 40)} {code(shortened(one.text, _IN_HEAD))}" for one in last.new[:_MOST_IN_HEAD]]
    listed = f": {' · '.join(named)}" if named else ""
    return f"**Logs:** {_counted(last)}, {_new(last)}{listed}"


def _counted(one: ev.LogsReviewed) -> str:
    parts = [_many(one.errors, "error"), _many(one.warnings, "warning")]
    usual = f" (usual {one.usual})" if one.usual is not None else ""
    return f"{', '.join(parts)}{usual}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _new(one: ev.LogsReviewed) -> str:
    if one.is_first:
        return "first review, nothing to compare with"
    return _many(one.new_kinds, "new kind") if one.new_kinds else "no new kind"


@host_story.register(ev.LogsReviewed)
def _(event: ev.LogsReviewed, scene: Scene) -> str:
    if event.trouble:
        return told(f"{scene.now()} the logs could not be reviewed", f"**Because** {inline(event.trouble)}")
    more = event.new_kinds - len(event.new[:NAMED])
    return told(
        f"{scene.now()} logs reviewed since {scene.when(event.since)} · {_counted(event)} · {_new(event)}",
        *(f"**New** {_kind(one)}" for one in event.new[:NAMED]),
        f"**New** and {more} more: `opsagent review`" if more > 0 else "",
        *(f"**More than usual** {_kind(one)}, usual {one.usual}" for one in event.more[:NAMED]),
        f"**Most** {'; '.join(_kind(one) for one in event.most[:_MOST_IN_HEAD])}" if event.most else "",
        *(f"**Not read** {inline(line, 200)}" for line in event.missed[:NAMED]),
    )


def _kind(one: ev.LogKind) -> str:
    return f"{_whose(one.source, 64)} {code(shortened(one.text, _SHOWN))}, {_many(one.count, 'time')}"


def _whose(source: str, most: int) -> str:
    """Name a source; of a long path its end says more."""
    is_long_path = source.startswith("/") and len(source) > most
    return inline(f"…{source[1 - most :]}" if is_long_path else source, most)
