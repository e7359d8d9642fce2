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

if TYPE_CHECKING:
    from opsagent.core.archive.pattern import Pattern
    from opsagent.interfaces.cli.failures_read import Found


def edited(known: Found, slug: str) -> Path:
    """Let a person edit a copy, and put it in place whole; return the path. Ends the program where that cannot be."""
    path = known.path(slug)
    before = _content(path)
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
    if _content(path) != before:
        fail(f"{path} was changed by somebody else meanwhile; what you wrote is kept in {copy}")
    _put(copy, path)
    return path


def _content(path: Path) -> bytes:
    try:
        if path.is_symlink() or not path.is_file():
            fail(f"cannot edit {path}, allowed: a regular file", USAGE)
        return path.read_bytes()
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}", USAGE)


def _edit(copy: Path) -> None:
    try:
        editor.edit(copy)
    except OSError as error:
        fail(f"cannot edit: {error}; the copy is {copy}", USAGE)


def _is_sound(copy: Path, slug: str) -> bool:
    text = copy.read_bytes().decode("utf-8", "replace")
    if len(text.encode()) > files.LARGEST:
        warn(f"{copy}:1: has more than {files.LARGEST} bytes")
        return False
    pattern, refused = front.pattern(str(copy), slug, text, None)
    for one in refused:
        warn(str(one))
    return pattern is not None


def _put(copy: Path, path: Path) -> None:
    """Replace the file in one step, with the group and the rights that it had."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        known = path.stat()
        beside.write_bytes(copy.read_bytes())
        with contextlib.suppress(PermissionError):
            os.chown(beside, -1, known.st_gid)
        beside.chmod(known.st_mode & 0o777)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        fail(f"cannot write {path}: {error.strerror}; what you wrote is kept in {copy}")
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
        if file.stat().st_size > files.LARGEST:
            fail(f"cannot use {file}, allowed: up to {files.LARGEST} bytes", USAGE)
        text = file.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}", USAGE)
    pattern, refused = front.pattern(str(file), file.stem, text, None)
    for one in refused:
        warn(str(one))
    if pattern is None:
        fail(f"cannot use {file}", USAGE)
    return pattern
