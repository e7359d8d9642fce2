"""The kinds of lines that a host has, by source: found by drain3, kept from review to review, bounded."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from drain3.drain import Drain, LogCluster

from opsagent.core.events.logs import LogKind
from opsagent.host.log_files import FilePlace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_SOURCES = 200
MOST_OF_SOURCE = 100
MOST_KINDS = 2_000
REMEMBERED = timedelta(days=30)
"""A kind that was not seen for so long is new when it comes again."""
REVIEWS = 14
ENOUGH = timedelta(hours=1)
OTHERS = "(other lines)"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# Half of the words alike is one kind to drain3 by default: too few to tell "refused" from "lost".
_ALIKE = 0.6
_TIMES, _LEAST = 5, 20


@dataclass(slots=True)
class Kind:
    """One kind: when it was first and last seen (a review's begin), how bad, and how many in each review."""

    first: datetime
    last: datetime
    priority: int
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Review:
    """One review of the past: its begin is its name. How long it reached, and how many lines there were.

    One that met a file for the first time could not tell which of its lines were of that time: it is not whole.
    """

    since: datetime
    hours: float
    lines: int = 0
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """A kind as one review saw it: whether nobody knew it before, and whether there were far more than usual of it."""

    kind: LogKind
    is_new: bool
    is_more: bool


@dataclass(slots=True)
class Source:
    """One unit, program or file, with what drain3 learned of its lines."""

    drain: Any = field(default_factory=lambda: Drain(depth=4, sim_th=_ALIKE, max_children=MOST_OF_SOURCE))
    kinds: dict[int, Kind] = field(default_factory=dict)

    def of(self, text: str) -> int:
        """Return the number of the kind of a text; 0 for what is one too many."""
        if len(self.drain.id_to_cluster) < MOST_OF_SOURCE:
            return int(self.drain.add_log_message(text)[0].cluster_id)
        found = self.drain.match(text)
        return int(found.cluster_id) if found is not None else 0

    def text(self, number: int) -> str:
        """Return what the lines of a kind have in common."""
        return str(self.drain.id_to_cluster[number].get_template()) if number else OTHERS

    def learn(self, number: int, text: str) -> None:
        """Take back a kind that an earlier review found."""
        if not number:
            return
        cluster = LogCluster(text.split(), number)
        self.drain.id_to_cluster[number] = cluster
        self.drain.clusters_counter = max(self.drain.clusters_counter, number)
        self.drain.add_seq_to_prefix_tree(self.drain.root_node, cluster)


@dataclass(slots=True)
class Kinds:
    """All that is known of the kinds of this host's lines, up to `until`, and how far the files were read."""

    sources: dict[str, Source] = field(default_factory=dict)
    reviews: list[Review] = field(default_factory=list)
    files: dict[str, list[FilePlace]] = field(default_factory=dict)
    until: datetime | None = None

    def begin(self, since: datetime, until: datetime) -> None:
        """Begin a review: what is seen from now on belongs to it."""
        self.reviews = [*self.reviews, Review(since, (until - since) / timedelta(hours=1))][-REVIEWS:]
        self.until = until

    def see(self, source: str, priority: int, text: str) -> None:
        """Count one line; `text` is without what varies."""
        now = self.reviews[-1]
        now.lines += 1
        kind = self._kind(source, text, priority, first=now.since)
        kind.last, kind.priority = now.since, min(kind.priority, priority)
        kind.counts[now.since.isoformat()] += 1

    def learn(self, source: str, priority: int, text: str) -> None:
        """Take a line as one of a kind that was there before: it is not counted, and nothing new."""
        self.reviews[-1].is_whole = False
        self._kind(source, text, priority, first=LONG_AGO)

    def _kind(self, source: str, text: str, priority: int, first: datetime) -> Kind:
        if source not in self.sources and len(self.sources) >= MOST_SOURCES:
            source = "others"
        known = self.sources.setdefault(source, Source())
        made = Kind(first=first, last=self.reviews[-1].since, priority=priority)
        return known.kinds.setdefault(known.of(text), made)

    def seen(self) -> list[Seen]:
        """Return what this review saw, the most frequent first."""
        now = self.reviews[-1]
        found = [
            self._seen(self._told(name, source.text(number), kind), kind)
            for name, source, number, kind in self._all()
            if kind.counts[now.since.isoformat()]
        ]
        return sorted(found, key=lambda one: (-one.kind.count, one.kind.priority, one.kind.source, one.kind.text))

    def _seen(self, told: LogKind, kind: Kind) -> Seen:
        is_new = kind.first == self.reviews[-1].since
        was_counted = any(kind.counts[review.since.isoformat()] for review in self._past())
        is_more = told.count >= _LEAST and told.count > _TIMES * told.usual
        return Seen(told, is_new=is_new, is_more=was_counted and not is_new and is_more)

    def usual_lines(self) -> int | None:
        """Return how many lines there usually are in as long a time, None without a past."""
        past = [review.lines * self._scale(review) for review in self._past() if review.is_whole]
        return round(median(past)) if past else None

    def _told(self, source: str, text: str, kind: Kind) -> LogKind:
        past = [kind.counts[review.since.isoformat()] * self._scale(review) for review in self._past()]
        count = kind.counts[self.reviews[-1].since.isoformat()]
        usual = round(median(past)) if past else 0
        return LogKind(source=source, text=text, priority=kind.priority, count=count, usual=usual)

    def _past(self) -> list[Review]:
        """Return the reviews to compare with; minutes cannot be compared with days."""
        if self.reviews[-1].hours < ENOUGH / timedelta(hours=1):
            return []
        return [review for review in self.reviews[:-1] if review.hours >= ENOUGH / timedelta(hours=1)]

    def _scale(self, review: Review) -> float:
        return self.reviews[-1].hours / review.hours

    def _all(self) -> Iterator[tuple[str, Source, int, Kind]]:
        for name, source in self.sources.items():
            for number, kind in source.kinds.items():
                yield name, source, number, kind


def written(kinds: Kinds) -> str:
    """Return all of it as text, the least recent left out where there are too many."""
    known = {review.since.isoformat() for review in kinds.reviews}
    newest = sorted(kinds._all(), key=lambda one: one[3].last, reverse=True)[:MOST_KINDS]  # noqa: SLF001 - its own module
    rows = [
        {
            "source": name,
            "number": number,
            "text": source.text(number),
            "first": kind.first.isoformat(),
            "last": kind.last.isoformat(),
            "priority": kind.priority,
            "counts": {since: count for since, count in kind.counts.items() if since in known},
        }
        for name, source, number, kind in newest
    ]
    return json.dumps(
        {
            "v": 1,
            "until": kinds.until.isoformat() if kinds.until else None,
            "reviews": [[one.since.isoformat(), one.hours, one.lines, one.is_whole] for one in kinds.reviews],
            "files": {pattern: [astuple(place) for place in places] for pattern, places in kinds.files.items()},
            "kinds": rows,
        }  # in ASCII: the name of a file need not be UTF-8
    )


def read(text: str) -> Kinds:
    """Read it back; what was not seen for a month is forgotten. Raises ValueError, KeyError, TypeError."""
    told = json.loads(text)
    until = datetime.fromisoformat(told["until"])
    reviews = [Review(datetime.fromisoformat(since), *rest) for since, *rest in told["reviews"]]
    files = {pattern: [FilePlace(*place) for place in places] for pattern, places in told["files"].items()}
    kinds = Kinds(reviews=reviews, files=files, until=until)
    for row in _lately(told["kinds"], until):
        source = kinds.sources.setdefault(row["source"], Source())
        source.learn(row["number"], row["text"])
        source.kinds[row["number"]] = Kind(
            first=datetime.fromisoformat(row["first"]),
            last=datetime.fromisoformat(row["last"]),
            priority=row["priority"],
            counts=Counter(row["counts"]),
        )
    return kinds


def _lately(rows: Iterable[dict[str, Any]], until: datetime) -> Iterator[dict[str, Any]]:
    return (row for row in rows if until - datetime.fromisoformat(row["last"]) < REMEMBERED)
