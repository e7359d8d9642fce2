"""The failure archive and the log behind it, read for the commands: no daemon is asked, and nothing is written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from opsagent.archive import files, reading
from opsagent.core import events as ev
from opsagent.core.archive.entry import Entry, entries
from opsagent.core.archive.known import Known, known
from opsagent.core.archive.searching import Text
from opsagent.core.batch import changed_by
from opsagent.core.codec import Recorded, decode
from opsagent.core.fold import fold
from opsagent.core.incident import IllegalTransitionError, Incident
from opsagent.core.state import State
from opsagent.core.unit import UnitSnapshot
from opsagent.interfaces.cli import past, place
from opsagent.interfaces.cli.place import Place
from opsagent.interfaces.cli.screen import USAGE, fail
from opsagent.memory import guides
from opsagent.memory.place import WriteError
from opsagent.redact import Redactor
from opsagent.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path, PurePosixPath

    from opsagent.core.archive.pattern import Archive


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the log comes to, and its incidents, each with its unit as it was when the failure was believed."""

    state: State
    incidents: tuple[tuple[Incident, UnitSnapshot | None], ...]


@dataclass(frozen=True)
class Found:
    """Everything that is known of failures on this host."""

    where: Place
    settings: Settings

    @property
    def folder(self) -> PurePosixPath:
        """The folder of the patterns, below the memory."""
        return files.folder(self.settings.layout)

    @cached_property
    def archive(self) -> Archive:
        """The pattern files as they are now."""
        return reading.read(self.settings.memory, self.settings.layout, Redactor(self.settings.secrets).redact)

    @cached_property
    def recalled(self) -> Recalled:
        """What the log comes to."""
        return _recalled(self.where)

    @cached_property
    def kinds(self) -> tuple[Known, ...]:
        """Every kind of failure, the one that came last first."""
        incidents = [incident for incident, _ in self.recalled.incidents]
        entries = (Known(fingerprint="", entry=one) for one, _ in self.entries if not one.ours)
        return (*known(self.archive.patterns, incidents, self.recalled.state.experience), *entries)

    @cached_property
    def entries(self) -> tuple[tuple[Entry, str], ...]:
        """What stands in the index and beside it, each entry with all that it says."""
        paths = guides.archives(self.settings.layout)
        return tuple(one for path in paths for one in entries(str(path), self.text(path)))

    def path(self, slug: str) -> Path:
        """Return where the file of a pattern is, or would be."""
        return self.settings.memory / self.folder / f"{slug}.md"

    def has_file(self, slug: str) -> bool:
        """Whether there is a file of that pattern, one that can be used or not."""
        return f"{slug}.md" in files.stamps(self.settings.memory, self.settings.layout)

    def text(self, path: PurePosixPath) -> str:
        """Return what stands in a file of the memory, "" where it cannot be read."""
        try:
            raw = guides.content(self.settings.memory, path, guides.LARGEST_ARCHIVE)
        except WriteError:
            return ""
        return (raw or b"").decode("utf-8-sig", "replace")

    def said(self, one: Known) -> str:
        """Return all that people wrote of a failure: its file, or its entry; "" where there is neither."""
        if one.pattern:
            return self.text(self.folder / f"{one.name}.md")
        return next((said for entry, said in self.entries if entry == one.entry), "")

    def one(self, name: str) -> Known:
        """Return the kind of failure with this slug, fingerprint, title or incident; ends the program without one."""
        wanted = name.removesuffix(".md")
        ending = f"-{wanted.upper().zfill(3)}"
        for one in self.kinds:
            labels = {str(incident.label) for incident in one.incidents}
            names = {one.name.casefold(), one.fingerprint.casefold(), one.title.casefold()} - {""}
            if wanted.casefold() in names or wanted.upper() in labels:
                return one
        for one in self.kinds:  # `001` is the latest that ends so
            if any(str(incident.label).endswith(ending) for incident in one.incidents):
                return one
        return self.unknown(name)

    def unknown(self, name: str) -> NoReturn:
        """End the program: there is none of that name, and these are near it."""
        names = [one.name for one in self.kinds]
        near = get_close_matches(name, names, n=5, cutoff=0.5) or [one for one in names if name.casefold() in one]
        hint = f"near it: {', '.join(near[:5])}" if near else "see: opsagent failures list"
        fail(f"cannot find a failure {name!r}; {hint}")

    def texts(self) -> Iterator[Text]:
        """Yield all that can be searched: the patterns, then the entries of the index and of what is beside it."""
        for one in self.kinds:
            if one.entry is None:
                where = str(self.folder / f"{one.name}.md") if one.pattern else ""
                said = self.said(one) or "\n".join(each.reason for each in one.incidents)
                yield Text(where=where, line=1, title=one.title, text=f"{one.fingerprint}\n{said}", slug=one.name)
        for entry, said in self.entries:
            yield Text(where=entry.where, line=entry.line, title=entry.title, text=said)


def found(config: str | None) -> Found:
    """Return what is known of failures; ends the program where this user may not read it."""
    where = place.find(config)
    settings = place.load(where, USAGE)
    if past.is_closed(where) and not os.access(where.log, os.R_OK):
        fail(f"cannot read {where.log}, allowed: members of the group opsagent", USAGE)
    return Found(where=where, settings=settings)


def _recalled(where: Place) -> Recalled:
    """Return every incident on record, oldest first; none when the log was never begun."""
    state, known, units = State(), dict[int, Incident](), dict[int, UnitSnapshot | None]()
    for row in past.all_rows(where) if where.log.exists() else ():
        one = Recorded(seq=row.seq, at=row.at, event=decode(row.type, row.data), incident=row.incident)
        before = state
        try:
            state = fold(before, one)
        except IllegalTransitionError:
            continue
        known |= changed_by(before, state, one)
        if isinstance(one.event, ev.IncidentConfirmed) and row.incident in known:
            units[row.incident] = state.units.get(known[row.incident].unit or "")
    labelled = (one for _, one in sorted(known.items()) if one.label)
    return Recalled(state, tuple((one, units.get(one.seq)) for one in labelled))
