"""What Prometheus is told: families of numbers, each with its kind, its meaning, and samples by labels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


class Kind(StrEnum):
    """The kinds of Prometheus' text format that we use."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number. `suffix` is what its name has behind the family's (`_bucket`), labels are in the order shown."""

    value: float
    labels: tuple[tuple[str, str], ...] = ()
    suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All samples of one name; the name of a counter ends in `_total`."""

    name: str
    kind: Kind
    help: str
    samples: tuple[Sample, ...]


def shown(family: Family) -> dict[str, Any]:
    """Return a family as `metrics --json` shows it."""
    samples = [
        {"name": family.name + one.suffix, "labels": dict(one.labels), "value": one.value} for one in family.samples
    ]
    return {"name": family.name, "type": family.kind.value, "help": family.help, "samples": samples}


def gauge(name: str, help_: str, value: float | bool) -> Family:  # noqa: FBT001 - a number that is 0 or 1
    """Return a gauge of one number; true is 1."""
    return Family(name=name, kind=Kind.GAUGE, help=help_, samples=(Sample(value=float(value)),))


def gauges(name: str, help_: str, label: str, values: Iterable[tuple[str, float]]) -> Family:
    """Return a gauge with one label."""
    samples = tuple(Sample(value=float(value), labels=((label, of),)) for of, value in values)
    return Family(name=name, kind=Kind.GAUGE, help=help_, samples=samples)


def counter(name: str, help_: str, labels: tuple[str, ...], counts: Mapping[tuple[str, ...], float]) -> Family:
    """Return a counter; each key of `counts` has a value for each label."""
    samples = tuple(Sample(value=float(n), labels=tuple(zip(labels, of, strict=True))) for of, n in counts.items())
    return Family(name=name, kind=Kind.COUNTER, help=help_, samples=samples)


def states(name: str, help_: str, label: str, every: Iterable[str], now: str) -> Family:
    """Return a state as Prometheus has it: one sample for each word, 1 for the one that is true."""
    return gauges(name, help_, label, ((word, word == now) for word in every))


def unix(at: datetime) -> float:
    """Return a moment as seconds since 1970."""
    return at.timestamp()
