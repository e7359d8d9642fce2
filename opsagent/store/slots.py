"""Samples summed up by five minutes, for what is older than the samples themselves are kept."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from opsagent.store.chunks import STATUSES, number_of, planes, unplaned
from opsagent.store.database import EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opsagent.core.observation import Status
    from opsagent.store.chunks import Sample

LENGTH = timedelta(minutes=5)
HEAD = struct.Struct("<Hq")
MOST_LOOKS = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Five minutes of looks: how many said ok, warning, critical, unknown, and the numbers in short.

    A slot without looks does not exist: nobody looked, which is not the same as bad.
    """

    at: datetime
    counts: tuple[int, int, int, int]
    mean: float | None = None
    least: float | None = None
    greatest: float | None = None

    def count(self, status: Status) -> int:
        """Return how many looks said so."""
        return self.counts[STATUSES.index(status)]


def slots_of(samples: Iterable[Sample]) -> tuple[Slot, ...]:
    """Sum samples up, in order of time."""
    groups: dict[int, list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.at - EPOCH) // LENGTH, []).append(sample)
    return tuple(slot_of(EPOCH + number * LENGTH, group) for number, group in sorted(groups.items()))


def slot_of(at: datetime, samples: Sequence[Sample]) -> Slot:
    """Sum up the samples of one slot."""
    values = [sample.value for sample in samples if sample.value is not None]
    statuses = [sample.status for sample in samples]
    ok, warning, critical, unknown = (statuses.count(status) for status in STATUSES)
    return Slot(
        at=at,
        counts=(ok, warning, critical, unknown),
        mean=sum(values) / len(values) if values else None,
        least=min(values, default=None),
        greatest=max(values, default=None),
    )


def merged(slots: Iterable[Slot]) -> tuple[Slot, ...]:
    """Return slots in order of time, each time once: a slot may have been summed up in two parts."""
    found: dict[datetime, Slot] = {}
    for slot in slots:
        found[slot.at] = both(found[slot.at], slot) if slot.at in found else slot
    return tuple(found[at] for at in sorted(found))


def both(one: Slot, other: Slot) -> Slot:
    """Join two parts of one slot; the mean is weighed by their looks."""
    if other.mean is None or one.mean is None:
        filled = one if other.mean is None else other
    else:
        ours, theirs = sum(one.counts), sum(other.counts)
        mean = (one.mean * ours + other.mean * theirs) / (ours + theirs)
        least = min(one.least or 0.0, other.least or 0.0)
        greatest = max(one.greatest or 0.0, other.greatest or 0.0)
        filled = replace(one, mean=mean, least=least, greatest=greatest)
    ok, warning, critical, unknown = (a + b for a, b in zip(one.counts, other.counts, strict=True))
    return replace(filled, counts=(ok, warning, critical, unknown))


def pack(slots: Sequence[Slot]) -> bytes:
    """Pack slots in order of time. Numbers keep four digits: the lowest byte of each is left out."""
    numbers = [(slot.at - EPOCH) // LENGTH for slot in slots]
    steps = [0, *(later - earlier for earlier, later in pairwise(numbers))]
    counts = [min(count, MOST_LOOKS) for place in range(4) for count in (slot.counts[place] for slot in slots)]
    values = [number_of(value) for slot in slots for value in (slot.mean, slot.least, slot.greatest)]
    columns = values[0::3] + values[1::3] + values[2::3]
    kept = planes("f", columns)[len(columns) :]
    head = HEAD.pack(len(slots), numbers[0])
    return zlib.compress(head + planes("i", steps) + planes("i", counts) + kept, level=9)


def unpack(packed: bytes) -> tuple[Slot, ...]:
    """Return the slots that were packed."""
    raw = zlib.decompress(packed)
    count, first = HEAD.unpack_from(raw)
    place = HEAD.size
    steps = unplaned("i", raw[place : place + 4 * count])
    place += 4 * count
    counts = unplaned("i", raw[place : place + 16 * count])
    values = unplaned("f", bytes(3 * count) + raw[place + 16 * count :])
    numbers = list(accumulate(steps, initial=first))[1:]
    return tuple(
        Slot(
            at=EPOCH + int(number) * LENGTH,
            counts=(
                int(counts[k]),
                int(counts[count + k]),
                int(counts[2 * count + k]),
                int(counts[3 * count + k]),
            ),
            mean=known(values[k]),
            least=known(values[count + k]),
            greatest=known(values[2 * count + k]),
        )
        for k, number in enumerate(numbers)
    )


def known(value: float) -> float | None:
    """Return a number, or None for NaN."""
    return None if math.isnan(value) else value
