"""The program: reads what it is asked on stdin, reviews the logs, writes a `LogsReviewed` to stdout.

What it learned is kept beside the event log in two steps, so that a review which was never recorded leaves no trace:
`next.json` is what this one learned, and becomes `kinds.json` once the next review begins where this one ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core import codec
from opsagent.core.events.logs import LogsReviewed
from opsagent.core.log_level import ERR, WARNING, level_of
from opsagent.core.text import visible
from opsagent.host import journal_day, journal_news, log_files
from opsagent.host.journal import JournalError
from opsagent.host.journal_day import Line
from opsagent.redact import Redactor
from opsagent.review import kinds as knowing
from opsagent.review.kinds import Kinds
from opsagent.review.wording import LONGEST, without_what_varies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opsagent.host.journal_day import Slice

SLICES = 24
LEARNED_DAYS = 7
"""Days before the first review that are read to know what is usual."""
WITHIN = 100.0
"""Seconds after which no further slice is begun."""
TAIL = 1024 * 1024
"""Bytes of a file that the first review reads."""
NAMED = 10
_REDACTED = 2000
_ROTATED = re.compile(r"([.-][0-9]+)+$", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be reviewed: the stretch, whose journal, which files, and where what was learned is kept."""

    since: datetime
    until: datetime
    directory: Path
    scope: str = "system"
    files: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


class Reviewing:
    """One review under way."""

    def __init__(self, asked: Asked, clean: Callable[[str], str]) -> None:
        """`clean` takes the secrets out of a text."""
        self.asked = asked
        self.missed: list[str] = []
        self.errors = self.warnings = 0
        self._clean = clean
        self._until = time.monotonic() + WITHIN

    def review(self) -> LogsReviewed:
        """Read, group, compare and keep. Raises JournalError, OSError."""
        asked = self.asked
        kinds = recalled(asked.directory, asked.since)
        if not kinds.reviews:
            self._learn(kinds)
        past = sum(review.hours for review in kinds.reviews)
        kinds.begin(asked.since, asked.until)
        self.errors = self.warnings = 0
        for part in journal_day.slices(asked.since, asked.until, SLICES):
            self._take(kinds, part)
        self._take_files(kinds)
        keep(asked.directory, kinds)
        return self.told(kinds, is_first=past < timedelta(days=1) / timedelta(hours=1))

    def _learn(self, kinds: Kinds) -> None:
        """The first review knows what is usual from the days before it, as far as the journal reaches back."""
        begin = None
        with contextlib.suppress(JournalError):  # said when the day itself is read
            begin = journal_news.begins(timedelta(seconds=20))
        if begin is None:
            return
        for number in range(LEARNED_DAYS, 0, -1):
            since = max(begin, self.asked.since - timedelta(days=number))
            until = self.asked.since - timedelta(days=number - 1)
            if until - since >= knowing.ENOUGH:
                kinds.begin(since, until)
                kinds.reviews[-1].is_whole = not self.asked.files
                self._take(kinds, journal_day.Slice(since, until))
        self.missed.clear()  # of the past enough is enough

    def _take(self, kinds: Kinds, part: Slice) -> None:
        if time.monotonic() > self._until:
            self.missed.append(f"from {part.since:%H:%M} to {part.until:%H:%M} UTC nothing: it took too long")
            return
        try:
            self.see(kinds, part.lines(self.asked.scope))
        except JournalError as error:
            if not self.asked.files:
                raise
            self.missed.append(str(error))
        if part.is_cut:
            cut = f"from {part.since:%H:%M} to {part.until:%H:%M} UTC only the first {part.most} lines"
            self.missed.append(cut)

    def see(self, kinds: Kinds, lines: Iterable[Line]) -> None:
        """Count lines, each without its secrets and without what varies."""
        for line in lines:
            self.errors += line.priority <= ERR
            self.warnings += line.priority == WARNING
            kinds.see(*self._clear(line))

    def _clear(self, line: Line) -> tuple[str, int, str]:
        text = without_what_varies(self._clean(line.text[:_REDACTED]))
        return visible(line.source, 120), line.priority, visible(text, LONGEST)

    def _take_files(self, kinds: Kinds) -> None:
        for pattern in self.asked.files:
            known = kinds.files.get(pattern)
            try:
                news = log_files.news((pattern,), known, TAIL)
            except OSError as error:
                self.missed.append(f"{pattern} cannot be read: {(error.strerror or str(error)).lower()}")
                continue
            self.missed += news.missed
            kinds.files[pattern] = news.places
            if known is not None:
                self.see(kinds, leveled(news.lines))
                continue
            for line in leveled(news.lines):  # of another day, for all we know
                kinds.learn(*self._clear(line))

    def told(self, kinds: Kinds, *, is_first: bool) -> LogsReviewed:
        """Return what this review found."""
        seen = kinds.seen()
        new = [one.kind for one in seen if one.is_new and not is_first]
        more = [one.kind for one in seen if one.is_more and not is_first]
        return LogsReviewed(
            since=self.asked.since,
            until=self.asked.until,
            errors=self.errors,
            warnings=self.warnings,
            kinds=len(seen),
            usual=None if is_first else kinds.usual_lines(),
            new_kinds=len(new),
            new=tuple(new[:NAMED]),
            more=tuple(more[:NAMED]),
            most=tuple(one.kind for one in seen[:NAMED]),
            missed=tuple(visible(one, 300) for one in self.missed[:NAMED]),
            is_first=is_first,
        )


def leveled(lines: Iterable[tuple[str, str]]) -> Iterator[Line]:
    """Return the lines of files that are warnings or worse; a rotated file is still the same log."""
    for path, text in lines:
        level = level_of(text)
        if level is not None and level <= WARNING:
            yield Line(source=_ROTATED.sub("", path), priority=level, text=text)


def recalled(directory: Path, since: datetime) -> Kinds:
    """Return what was learned by the recorded review that ended at `since` (or before), and make it what counts."""
    following, current = directory / "next.json", directory / "kinds.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        until = knowing.read(following.read_text("utf-8")).until
        if until is not None and until <= since:
            following.replace(current)
    try:
        return knowing.read(current.read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError):  # never written, or damaged: then it is the first review
        return Kinds()


def keep(directory: Path, kinds: Kinds) -> None:
    """Write down what this review learned, whole or not at all."""
    directory.mkdir(exist_ok=True)
    draft = directory / "next.json.new"
    draft.write_text(knowing.written(kinds), "utf-8")
    draft.replace(directory / "next.json")


def read_asked(text: str) -> Asked:
    """Read what is asked."""
    told = json.loads(text)
    return Asked(
        since=datetime.fromisoformat(told["since"]),
        until=datetime.fromisoformat(told["until"]),
        directory=Path(told["directory"]),
        scope=told["scope"],
        files=tuple(told["files"]),
        secrets=tuple(told["secrets"]),
    )


def main() -> int:
    """Review, and say on stderr why not."""
    with contextlib.suppress(OSError):  # where the sandbox forbids it
        os.nice(10)
    asked = read_asked(sys.stdin.read())
    try:
        found = Reviewing(asked, Redactor(asked.secrets).redact).review()
    except (JournalError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(codec.encode(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
