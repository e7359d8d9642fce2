"""The environment as a block of Markdown, in a file that people write in too."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.environment import check_name, named, unmonitored
from opsagent.core.environment.shown import ports_of, state_of
from opsagent.core.report.clock import moment
from opsagent.core.report.markdown import cell, code, inline
from opsagent.core.text import some
from opsagent.core.timing import spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opsagent.core.environment import Environment, Listener, UnitKnown
    from opsagent.core.state import State

TITLE = "# Environment"
BEGIN, END = "<!-- opsagent:environment · do not edit between the marks -->", "<!-- /opsagent:environment -->"
_BLOCK = re.compile(rf"^<!-- opsagent:environment [^\n]*-->\r?\n.*?^{re.escape(END)}[ \t]*$", re.DOTALL | re.MULTILINE)
MOST_VARIABLES = 30
MOST = 100
"""Rows of one table; the rest is counted."""


def environment_block(state: State, host: str) -> str:
    """Return our part of the file as everything is now, "" before the first look."""
    known = state.environment.now
    if known is None:
        return ""
    parts = [
        f"{BEGIN}\n{_top(known, state, host)}",
        _section("Units", ("unit", "state", "ports", "version", "variables (names only)"), _units(known, state)),
        _section("Start-up times", ("unit", "median", "p95", "starts seen"), _starts(state)),
        _section("Listeners", ("where", "who", "open to", "watched by"), map(_listener, known.listeners or ())),
        _section("URLs", ("check", "url"), ((cell(one.check), _cell_code(one.url)) for one in known.pages)),
        _section("Mounts", ("path", "type", "source", "access"), _mounts(known)),
        _section("Timers", ("timer", "starts", "when"), _timers(known)),
        _section("Certificates", ("where", "subject", "valid until"), _certificates(known)),
        _list("Not watched, and listening", map(_unwatched, unmonitored(known))),
        _list("Could not be read", map(code, known.unread)),
    ]
    return "\n\n".join(part for part in parts if part) + f"\n{END}"


def with_block(found: str, block: str) -> str:
    """Return the file with our block renewed, at its place or else at the end; everything else stays as it is."""
    if not block:
        return found
    text = found if found.strip() else f"{TITLE}\n{found}"
    if _BLOCK.search(text):
        return _BLOCK.sub(lambda _: block, text, count=1)
    line_end = "" if text.endswith("\n") else "\n"
    return f"{text}{line_end}\n{block}\n"


def _top(known: Environment, state: State, host: str) -> str:
    at = state.environment.at
    since = f" · as it has been since {inline(moment(at, state.zone))}" if at is not None else ""
    return (
        f"**{inline(host, 63)}** · {inline(known.system) or 'system not known'} · kernel {inline(known.kernel)}{since}"
    )


def _units(known: Environment, state: State) -> Iterable[tuple[str, ...]]:
    for one in known.units or ():
        snapshot = state.units.get(one.name)
        ports = some(ports_of(one.name, known.listeners or ()))
        yield (cell(named(one.name)), state_of(snapshot), ports, _version(one), _variables(one))


def _starts(state: State) -> Iterable[tuple[str, ...]]:
    for unit, known in sorted(state.starts.items()):
        took = (spoken(timedelta(seconds=seconds)) for seconds in (known.median, known.p95))
        yield (cell(named(unit)), *took, str(len(known.seconds)))


def _version(one: UnitKnown) -> str:
    return cell(" ".join(filter(None, (one.package, one.version))), 120)


def _variables(one: UnitKnown) -> str:
    closed = [f"{_cell_code(path)} is closed to opsagent" for path in one.unread]
    return some([*closed, *(code(name, 80) for name in one.variables)], MOST_VARIABLES)


def _cell_code(text: str) -> str:
    return code(text, 200).replace("|", "\\|")


def _listener(one: Listener) -> tuple[str, ...]:
    port = "a port that the kernel chose" if one.chosen else str(one.port)
    where = f"{one.protocol} {port} at {some(one.addresses)}"
    watched = some(map(inline, one.watched_by)) or ("ignored" if one.ignored else "**nothing**")
    return (cell(where), cell(one.who, 80), "the network" if one.is_public else "this host", watched)


def _mounts(known: Environment) -> Iterable[tuple[str, ...]]:
    for one in known.mounts or ():
        yield (cell(one.path), cell(one.fs_type, 40), cell(one.source, 120), "read-only" if one.read_only else "")


def _timers(known: Environment) -> Iterable[tuple[str, ...]]:
    for one in known.timers or ():
        yield (cell(one.name, 120), cell(named(one.starts), 120), cell(", ".join(one.when), 200))


def _certificates(known: Environment) -> Iterable[tuple[str, ...]]:
    for one in known.certificates:
        yield (cell(one.where, 200), cell(one.subject, 120), f"{one.ends:%Y-%m-%d}")


def _unwatched(one: Listener) -> str:
    return (
        f"{inline(one.who, 80)}, {one.protocol} port {one.port}: `opsagent init --add {check_name(one.unit, one.port)}`"
    )


def _section(title: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    found = list(rows)
    if not found:
        return ""
    lines = [names, ["---"] * len(names), *found[:MOST]]
    more = f"\n\nand {len(found) - MOST} more: `opsagent environment`" if len(found) > MOST else ""
    return f"## {title}\n\n" + "\n".join(f"| {' | '.join(one or ' ' for one in line)} |" for line in lines) + more


def _list(title: str, rows: Iterable[str]) -> str:
    found = list(rows)
    more = [f"and {len(found) - MOST} more: `opsagent environment`"] if len(found) > MOST else []
    return f"## {title}\n\n" + "\n".join(f"- {one}" for one in [*found[:MOST], *more]) if found else ""
