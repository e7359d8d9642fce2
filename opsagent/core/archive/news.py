"""What is new in the archive since it was last read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opsagent.core import events as ev

if TYPE_CHECKING:
    from opsagent.core.archive.pattern import Archive, Pattern


def news(known: Archive, seen: Archive) -> ev.ArchiveRead | None:
    """Return what is to be recorded, None where every file means what it meant before."""
    before = {one.slug: _meaning(one) for one in known.patterns}
    after = {one.slug for one in seen.patterns}
    changed = tuple(one for one in seen.patterns if before.get(one.slug) != _meaning(one))
    gone = tuple(slug for slug in before if slug not in after)
    if not changed and not gone and seen.refused == known.refused:
        return None
    return ev.ArchiveRead(patterns=changed, gone=gone, refused=seen.refused)


def _meaning(pattern: Pattern) -> Pattern:
    """A file that was saved anew and says the same is the same."""
    return replace(pattern, saved_at=None)
