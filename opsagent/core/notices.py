"""Messages that belong to no incident: flapping, refused settings, repairs that are needed too often."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core import notice_words
from opsagent.core.message import MessageKind
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from collections.abc import Iterable

WORTH_SENDING = timedelta(hours=24)


def notice_of(world: World, event: ev.Event) -> list[Draft]:
    """Return the notice that an event is worth, for each notifier of the first level; nothing if it is worth none."""
    said = notice_words.notice_of(event, world.state, world.policy)
    if said is None:
        return []
    about = hashlib.sha256(said[0].encode(errors="replace")).hexdigest()[:12]  # two of one kind may come at once
    return notice(world, f"{type(event).__name__}:{world.now:%Y%m%dT%H%M%S}:{about}", *said)


def notice(world: World, key: str, title: str, body: str, notifiers: Iterable[str] = ()) -> list[Draft]:
    """Return one notice for each notifier of the first level (or of those named), with a key that is never reused."""
    levels = world.policy.escalation.levels
    first = levels[0].notify if levels else tuple(one.name for one in world.policy.notifiers)
    return [
        Draft(
            event=ev.NotificationQueued(
                key=f"{world.policy.host}:{key}:{notifier}",
                notifier=notifier,
                level="",
                kind=MessageKind.NOTICE,
                title=title,
                body=body,
                reason=title,
                expires_at=world.now + WORTH_SENDING,
            )
        )
        for notifier in (tuple(notifiers) or first or ("journal",))
    ]
