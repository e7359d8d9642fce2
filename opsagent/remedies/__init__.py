"""Remedies act: one file per kind, the file name is the kind, one method `act`. Whether to act is decided before."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opsagent.core.order import Order
    from opsagent.core.unit import JobOutcome

KINDS: tuple[str, ...] = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg))
"""Every kind of remedy there is, by name."""


class Remedy(Protocol):
    """What every kind offers: one attempt, which never raises and looks for root's HOLD file last of all."""

    def act(self, order: Order) -> JobOutcome:
        """Do it once and say what became of it; `refused` means that nothing was done."""


def kind(name: str) -> type[Remedy]:
    """Return the class of a kind, importing only that file; ValueError names the kinds there are."""
    if name not in KINDS:
        raise ValueError(f"cannot find remedy kind {name!r}, known kinds: {', '.join(KINDS)}")
    found: type[Remedy] = importlib.import_module(f"{__name__}.{name}").Remedy
    return found
