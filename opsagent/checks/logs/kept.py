"""What a look at logs leaves for the next one, as text."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from datetime import datetime

from opsagent.core.tally import Tally
from opsagent.host.log_files import FilePlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The question it was, when that was asked, how far was read (one of the two), and what was counted."""

    question: str
    at: datetime
    tally: Tally
    cursor: str = ""
    files: tuple[FilePlace, ...] = ()


def written(kept: Kept) -> str:
    """Return it as text."""
    tally = kept.tally
    return json.dumps(
        {
            "question": kept.question,
            "at": kept.at.isoformat(),
            "cursor": kept.cursor,
            "files": [astuple(place) for place in kept.files],
            "since": tally.since,
            "high": tally.high,
            "steps": sorted(tally.steps.items()),
            "hours": sorted(tally.hours.items()),
        },
        separators=(",", ":"),
    )


def read(text: str, question: str) -> Kept | None:
    """Return what was kept for this question; None for another one, for nothing, and for what cannot be read."""
    try:
        told = json.loads(text)
        if told["question"] != question:
            return None
        tally = Tally(since=told["since"], steps=dict(told["steps"]), hours=dict(told["hours"]), high=told["high"])
        files = tuple(FilePlace(*place) for place in told["files"])
        at = datetime.fromisoformat(told["at"])
        return Kept(question=question, at=at, tally=tally, cursor=told["cursor"], files=files)
    except (ValueError, KeyError, TypeError):
        return None
