"""The archive as it may be used: read from the memory, and secrets taken out of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opsagent.archive import files
from opsagent.core.archive.pattern import Archive, Pattern, Refused
from opsagent.core.redaction import clean_value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TOO_MUCH = "cannot use an expression in which a secret seems to stand, allowed: one that finds the words around it"


def read(root: Path, layout: str, redact: Callable[[str], str]) -> Archive:
    """Read all pattern files of a memory, in this process."""
    names = sorted(files.stamps(root, layout))
    found = files.archive(files.read(root, layout, names), layout, max(0, len(names) - files.MOST))
    return clean(found, layout, redact)


def clean(archive: Archive, layout: str, redact: Callable[[str], str]) -> Archive:
    """Return the archive without secrets. An expression with one is left out, and named.

    A mark in the place of a secret would be a set of characters, and find almost anything. A pattern that has no other
    expression is left out as well, for it would speak of more than was meant.
    """
    patterns, refused = [], list(archive.refused)
    for one in archive.patterns:
        log = tuple(expression for expression in one.match.log if redact(expression) == expression)
        if log != one.match.log:
            refused.append(Refused(path=f"{files.folder(layout)}/{one.slug}.md:1", why=_TOO_MUCH))
        if log or not one.match.log:
            patterns.append(_clean(one, log, redact))
    return Archive(patterns=tuple(patterns), refused=tuple(clean_value(one, redact) for one in refused))


def _clean(pattern: Pattern, log: tuple[str, ...], redact: Callable[[str], str]) -> Pattern:
    made = clean_value(replace(pattern, match=replace(pattern.match, log=())), redact)
    return replace(made, slug=pattern.slug, match=replace(made.match, log=log))
