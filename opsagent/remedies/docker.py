"""The remedy `docker`: root asks Docker or Podman, through its API socket, to restart one container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.core.acts import name_for
from opsagent.remedies.guard.by_root import ask

if TYPE_CHECKING:
    from opsagent.core.order import Order
    from opsagent.core.unit import JobOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Have a unit of root's restart exactly that container; the socket itself is never ours to touch."""

    def act(self, order: Order) -> JobOutcome:
        """Ask for the job and wait for its end: `done` when the engine says that the container was restarted."""
        return ask(order, name_for("docker", order.act, order.unit))
