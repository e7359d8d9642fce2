"""Prometheus' text format, version 0.0.4: what `/metrics` answers and a textfile holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opsagent.core.metrics.family import Family

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})
_IN_LABEL = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def text(families: Iterable[Family]) -> str:
    """Return the families as text; one without samples is left out."""
    return "".join(f"{line}\n" for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help.translate(_IN_HELP)}"
    yield f"# TYPE {family.name} {family.kind}"
    for sample in family.samples:
        yield f"{family.name}{sample.suffix}{_labels(sample.labels)} {_number(sample.value)}"


def _labels(labels: tuple[tuple[str, str], ...]) -> str:
    inside = ",".join([f'{name}="{value.translate(_IN_LABEL)}"' for name, value in labels])
    return f"{{{inside}}}" if inside else ""


def _number(value: float) -> str:
    """Return a float as Go reads it back to the last bit; whole numbers without a fraction."""
    if math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)  # noqa: PLR2004 - exact until 2**53
    return "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"
