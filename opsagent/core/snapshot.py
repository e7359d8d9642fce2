"""What the log comes to at one moment: the state and the failure patterns, so that a start need not read it all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opsagent.core import codec
from opsagent.core.fold import fold
from opsagent.core.report.archive import Pattern, noted
from opsagent.core.state import State

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The fold of all events up to `state.seq`. The one of an empty log is `Snapshot()`."""

    state: State = field(default_factory=State)
    patterns: Mapping[str, Pattern] = field(default_factory=dict)


def after(snapshot: Snapshot, recorded: Recorded) -> Snapshot:
    """Return the snapshot after one more event. Raises `IllegalTransitionError`, and then nothing changed."""
    state = fold(snapshot.state, recorded)
    return Snapshot(state=state, patterns=noted(snapshot.patterns, snapshot.state, state, recorded))


def to_text(snapshot: Snapshot) -> str:
    """Return the snapshot as JSON text that `from_text` reads back as it was, the order of its mappings too."""
    return json.dumps(codec.plain(snapshot), ensure_ascii=False, separators=(",", ":"))


def from_text(text: str) -> Snapshot:
    """Read a snapshot back. Raises ValueError for what is none."""
    try:
        found = codec.built(Snapshot, json.loads(text))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"cannot read a snapshot: {error}") from error
    if not isinstance(found, Snapshot):
        raise ValueError("cannot read a snapshot: it is something else")  # noqa: TRY004 - said of the text
    return found
