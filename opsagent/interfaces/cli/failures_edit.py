"""Editing a pattern file, and trying one: what cannot be used is named by its line and never put in place."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from opsagent.archive import expressions, files, front
from opsagent.core.archive.trial import tried as trials
from opsagent.host import editor
from opsagent.interfaces.cli.screen import FAILED, USAGE, fail, warn
from opsagent.memory.writer import WriteError, Writer

if TYPE_CHECKING:
    from opsagent.core.archive.pattern import Pattern
    from opsagent.interfaces.cli.failures_read import Found


def edited(known: Found, slug: str) -> Path:
    """Let a person edit a copy, and put it in place whole; return the path. Ends the program where that cannot be."""
    path, before = known.path(slug), _before(known, slug)
    handle, name = tempfile.mkstemp(prefix=f"{slug[:60]}-", suffix=".md")
    copy = Path(name)
    with os.fdopen(handle, "wb") as file:
        file.write(before)
    while True:
        _edit(copy)
        if _is_sound(copy, slug):
            break
        with contextlib.suppress(typer.Abort):
            if typer.confirm("edit it again?", default=True, err=True):
                continue
        fail(f"{path} is as it was; what you wrote is kept in {copy}")
    if copy.read_bytes() == before:
        copy.unlink()
        fail(f"{path} is as it was: nothing was changed", FAILED)
    _put(known, slug, before, copy)
    return path


def _before(known: Found, slug: str) -> bytes:
    try:
        return Writer(known.settings.memory).read(known.folder / f"{slug}.md") or b""
    except WriteError as error:
        fail(str(error), USAGE)


def _edit(copy: Path) -> None:
    try:
        editor.edit(copy)
    except OSError as error:
        why = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        fail(f"cannot edit with $VISUAL or $EDITOR: {why}; the copy is {copy}", USAGE)


def _is_sound(copy: Path, slug: str) -> bool:
    text = copy.read_bytes().decode("utf-8", "replace")
    if len(text.encode()) > files.LARGEST:
        warn(f"{copy}:1: has more than {files.LARGEST} bytes")
        return False
    pattern, refused = front.pattern(str(copy), slug, text, None)
    for one in refused:
        warn(str(one))
    return pattern is not None


def _put(known: Found, slug: str, before: bytes, copy: Path) -> None:
    """Put it in place as the daemon would, for others may write in that folder: no link of theirs is followed."""
    old, new = (raw.decode("utf-8", "surrogateescape") for raw in (before, copy.read_bytes()))
    kept = f"what you wrote is kept in {copy}"
    try:
        written = Writer(known.settings.memory).replace(
            known.folder / f"{slug}.md", lambda found: new if found == old else found
        )
    except WriteError as error:
        fail(f"{error}; {kept}")
    if not written:
        fail(f"{known.path(slug)} was changed by somebody else meanwhile; {kept}")
    copy.unlink()


def tried(known: Found, file: Path) -> list[dict[str, Any]]:
    """Return of each incident on record whether the pattern in a file speaks of it. Ends where the file is no use."""
    pattern = _pattern(file)
    checks = {incident.seq: incident.check for incident, _ in known.recalled.incidents}
    return [
        {
            "id": one.label,
            "check": checks[one.seq],
            "matches": one.matches,
            "because": one.because or None,
            "why_not": list(one.why_not),
        }
        for one in trials(pattern, known.recalled.incidents, expressions.said)
    ]


def _pattern(file: Path) -> Pattern:
    try:
        if not file.is_file():
            fail(f"cannot use {file}, allowed: a regular file", USAGE)
        with file.open("rb") as opened:
            raw = opened.read(files.LARGEST + 1)
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}", USAGE)
    if len(raw) > files.LARGEST:
        fail(f"cannot use {file}, allowed: up to {files.LARGEST} bytes", USAGE)
    pattern, refused = front.pattern(str(file), file.stem, raw.decode("utf-8", "replace"), None)
    for one in refused:
        warn(str(one))
    if pattern is None:
        fail(f"cannot use {file}", USAGE)
    return pattern
