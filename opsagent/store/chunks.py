"""Samples packed tightly: columns, each laid out so that zlib finds what repeats.

A chunk is zlib over: the count, the first time, the failure classes by name, then columns of times (milliseconds,
differences of differences), statuses, failure classes and numbers (32 bits: seven digits), byte by byte of each.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, pairwise

from opsagent.core.observation import Status
from opsagent.store.database import EPOCH

STATUSES = tuple(Status)
HEAD = struct.Struct("<HqH")
MOST = 65_535
LARGEST_STEP = (1 << 31) - 1
LARGEST_FLOAT = 3.4028234663852886e38
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look: when (UTC, to the millisecond), what it said, the number it measured, what class of failure."""

    at: datetime
    status: Status
    value: float | None = None
    failure_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Looks at one check in order: when (ms since 1970), places in `STATUSES` and `classes`, numbers (or NaN)."""

    times: Sequence[int] = ()
    statuses: bytes = b""
    kinds: bytes = b""
    classes: tuple[str | None, ...] = (None,)
    values: Sequence[float] = ()

    def sample(self, place: int) -> Sample:
        """Return one of the looks."""
        value = self.values[place]
        return Sample(
            at=EPOCH + self.times[place] * MILLISECOND,
            status=STATUSES[self.statuses[place]],
            value=None if math.isnan(value) else value,
            failure_class=self.classes[self.kinds[place]],
        )


def pack(samples: Sequence[Sample]) -> bytes:
    """Pack at most 65,535 samples in order of time; `unpack` gives them back."""
    times = [millis(sample.at) for sample in samples]
    classes = sorted({sample.failure_class for sample in samples if sample.failure_class})[:255]
    places = {name: place for place, name in enumerate(classes, start=1)}
    names = "\n".join(classes).encode()
    return zlib.compress(
        b"".join(
            (
                HEAD.pack(len(samples), times[0], len(names)),
                names,
                planes("i", [clamped(step) for step in second_differences(times)]),
                bytes(STATUSES.index(sample.status) for sample in samples),
                bytes(places.get(sample.failure_class or "", 0) for sample in samples),
                planes("f", [number_of(sample.value) for sample in samples]),
            )
        ),
        level=9,
    )


def unpack(packed: bytes) -> tuple[Sample, ...]:
    """Return the samples of a chunk."""
    found = columns(packed)
    return tuple(map(found.sample, range(len(found.times))))


def columns(packed: bytes) -> Columns:
    """Return a chunk as it lies there, a column each: a tenth of the work of its samples."""
    raw = zlib.decompress(packed)
    count, first, length = HEAD.unpack_from(raw)
    place = HEAD.size + length
    steps = unplaned("i", raw[place : place + 4 * count])
    times = tuple(accumulate(accumulate(steps), initial=first))[1:]
    names = raw[HEAD.size : place].decode()
    place += 4 * count
    return Columns(
        times=times,
        statuses=raw[place : place + count],
        kinds=raw[place + count : place + 2 * count],
        classes=(None, *names.split("\n")),
        values=unplaned("f", raw[place + 2 * count :]),
    )


def columns_of(samples: Sequence[Sample]) -> Columns:
    """Return samples that are in no chunk yet as columns."""
    classes: dict[str | None, int] = {None: 0}
    kinds = bytes(classes.setdefault(one.failure_class, len(classes)) for one in samples[:MOST])
    return Columns(
        times=tuple(millis(one.at) for one in samples),
        statuses=bytes(STATUSES.index(one.status) for one in samples),
        kinds=kinds,
        classes=tuple(classes),
        values=tuple(number_of(one.value) for one in samples),
    )


def second_differences(times: Sequence[int]) -> list[int]:
    """Return how each step differs from the one before; the first step is 0, for the first time is in the head."""
    steps = [0, *(later - earlier for earlier, later in pairwise(times))]
    return [0, *(later - earlier for earlier, later in pairwise(steps))]


def clamped(step: int) -> int:
    """Hold a step within 32 bits: 24 days between two looks at one check of one chunk do not happen."""
    return max(-LARGEST_STEP, min(LARGEST_STEP, step))


def planes(kind: str, numbers: Sequence[float]) -> bytes:
    """Pack numbers of four bytes: all first bytes, then all second ones, and so on."""
    flat = struct.pack(f"<{len(numbers)}{kind}", *numbers)
    return b"".join(flat[plane::4] for plane in range(4))


def unplaned(kind: str, packed: bytes) -> tuple[float, ...]:
    """Undo `planes`."""
    count = len(packed) // 4
    flat = bytearray(len(packed))
    for plane in range(4):
        flat[plane::4] = packed[plane * count : (plane + 1) * count]
    return struct.unpack(f"<{count}{kind}", flat)


def number_of(value: float | None) -> float:
    """Return a number that 32 bits can hold: NaN for none, infinity for what is too large."""
    if value is None:
        return math.nan
    return value if abs(value) <= LARGEST_FLOAT else math.copysign(math.inf, value)


def millis(at: datetime) -> int:
    """Return a moment as whole milliseconds since 1970."""
    return (at - EPOCH) // MILLISECOND
