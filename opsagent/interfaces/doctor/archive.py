"""Is all of the failure archive heeded? What is not is said with its place and with what is allowed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from opsagent.archive import files, reading
from opsagent.core.archive.allowed import allowed_words, of_pattern, refused_remedies
from opsagent.core.archive.matching import ACTIVE
from opsagent.core.archive.pattern import TELL
from opsagent.core.text import some
from opsagent.interfaces.doctor.finding import Finding, ok, warn
from opsagent.memory import guides
from opsagent.memory.place import WriteError
from opsagent.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path, PurePosixPath

    from opsagent.core.archive.pattern import Pattern
    from opsagent.core.policy import Policy


def examine(memory: Path, layout: str, policy: Policy) -> Iterator[Finding]:
    """Look at every pattern file, in the way in which the daemon does; nothing where there are none."""
    found = reading.read(memory, layout, redact)
    findings = [
        warn(one.path, one.why, "correct it: it is heeded within a second of being saved") for one in found.refused
    ]
    for one in found.patterns:
        path = files.folder(layout) / f"{one.slug}.md"
        findings += (*_forbidden(memory, path, one, policy), *_broad(memory, path, one, policy))
    yield from findings
    if found.patterns and not findings:
        yield ok("failure archive", f"{len(found.patterns)} patterns read, all of them are heeded")


def _forbidden(memory: Path, path: PurePosixPath, pattern: Pattern, policy: Policy) -> Iterator[Finding]:
    for remedy in refused_remedies(pattern, policy):
        text = f"names {remedy}, which `repair:` does not allow there, allowed: {allowed_words(pattern, policy)}"
        yield warn(
            f"{path}:{_line(memory, path, remedy)}", text, "take it out, or allow it in the settings of the check"
        )


def _broad(memory: Path, path: PurePosixPath, pattern: Pattern, policy: Policy) -> Iterator[Finding]:
    """A pattern that speaks of every failure of many checks and tries nothing before `tell` may not be meant so."""
    match, named = pattern.match, [one.do for one in pattern.remedies]
    if pattern.status != ACTIVE or TELL not in named or match.cause or match.log:
        return
    before = named[: named.index(TELL)]
    meant = [check for check in of_pattern(pattern, policy) if check.repair]
    held = [check.name for check in meant if not any(rule.label in before for rule in check.repair)]
    if len(held) > 1 or (held and any("*" in one for one in match.unit)):
        text = (
            f"says tell whatever the cause is: nothing is tried; checks that it holds back: {len(held)} ({some(held)})"
        )
        yield warn(f"{path}:{_line(memory, path, TELL)}", text, "say in `match` of which failures it speaks")


def _line(memory: Path, path: PurePosixPath, remedy: str) -> int:
    """Return the line that names a remedy: the first below `remedies:` with its last word in it."""
    with suppress(WriteError):
        lines = (guides.content(memory, path) or b"").decode("utf-8", "replace").splitlines()
        begin = next((number for number, line in enumerate(lines) if line.startswith("remedies:")), 0)
        below = enumerate(lines[begin:], start=begin + 1)
        return next((number for number, line in below if remedy.rpartition(" ")[2] in line), begin + 1)
    return 1
