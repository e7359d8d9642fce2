"""Ports in the words of a failure: who holds the one that is taken, whose is the one that refuses."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from opsagent.core.diagnosis.finding import Cause, Certainty, Finding
from opsagent.core.environment import ANY, is_local
from opsagent.core.report.clock import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.diagnosis.evidence import Evidence, Neighbour
    from opsagent.core.environment import Listener

_CLOCK = re.compile(r"(?<![\d.:\]])\d{1,2}:[0-5]\d(?::[0-5]\d)?\b")
_PORT = re.compile(r"(?:\bports?[ =:]{1,3}|[\w\]*.-]?:)(\d{1,5})\b", re.IGNORECASE)
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\[[0-9A-Fa-f]*:[0-9A-Fa-f:.]*\]")
_NAMED = re.compile(r"([A-Za-z0-9][\w.-]*):\d{1,5}\b", re.ASCII)
_IN_VAIN = re.compile(r"tim(?:ed |e)out|ETIMEDOUT", re.IGNORECASE)
_HIGHEST = 65_535


def ports_in(text: str) -> tuple[int, ...]:
    """Return the numbers in a line that read like ports (`0.0.0.0:80`, `port 5432`); times of day are none."""
    found = (int(number) for number in _PORT.findall(_CLOCK.sub("", text)))
    return tuple(dict.fromkeys(port for port in found if 0 < port <= _HIGHEST))


def taken(evidence: Evidence, said: Finding) -> Finding:
    """Say who holds the port, where the kernel knows: then it is sure."""
    wanted = ports_in(said.seen) or (*evidence.owned, *evidence.ports, *evidence.given)
    unit = evidence.unit.name if evidence.unit else None
    by_kind = sorted(evidence.listeners, key=lambda one: one.protocol)  # tcp before udp: few programs mean the latter
    holders = [one for port in wanted for one in by_kind if one.port == port]
    holder = next((one for one in holders if one.unit != unit or unit is None), next(iter(holders), None))
    if holder is None:
        return said
    if holder.unit is not None and holder.unit == unit:
        because = f"port {holder.port} is held by an older process of {unit} itself ({holder.process or 'not known'})"
        return replace(said, because=because)
    because = f"port {holder.port} is held by {_holding(holder, evidence)}"
    return replace(said, certainty=Certainty.SURE, because=because, port=holder.port)


def of_listeners(evidence: Evidence) -> Iterator[Finding]:
    """Say that another holds the port where the unit, which is down now, listened itself: it cannot start there."""
    unit = evidence.unit
    if unit is None or unit.active_state not in ("failed", "inactive"):
        return
    for holder in (one for one in evidence.listeners if one.port in evidence.owned and one.unit != unit.name):
        because = f"port {holder.port}, where it listened, is held by {_holding(holder, evidence)}"
        yield Finding(cause=Cause.PORT_TAKEN, certainty=Certainty.SURE, because=because, port=holder.port)


def _holding(holder: Listener, evidence: Evidence) -> str:
    since = f" since {moment(holder.since, evidence.zone)}" if holder.since is not None else ""
    return f"{_shown(holder)}{since}".rstrip(",")


def _shown(holder: Listener) -> str:
    process = holder.process or "a process that cannot be named"
    return f"{process} ({holder.unit})" if holder.unit else f"{process}, which belongs to no unit,"


def refused(evidence: Evidence, said: Finding) -> Finding:
    """Say whose port it is that does not answer: sure when a check of ours finds its owner bad as well.

    Of a port of another host our own listeners say nothing.
    """
    here = _is_of_this_host(said.seen)
    for port in ports_in(said.seen):
        owner = next(
            (one for one in evidence.neighbours if port in one.ports and _is_meant(one, said.seen, here)), None
        )
        if owner is not None and owner.is_bad:
            because = f"it needs port {port}, and {owner.check} is bad: {owner.message}"
            return replace(said, certainty=Certainty.SURE, because=because, port=port, owner=owner.check)
        if here and not any(one.port == port for one in evidence.listeners):
            whose = f", where {owner.check} should be" if owner is not None else ""
            return replace(said, because=f"it needs port {port}, and nobody listens there{whose}: {said.seen.strip()}")
        silent = next((one for one in evidence.listeners if one.port == port), None) if here else None
        if silent is not None and _IN_VAIN.search(said.seen):
            because = f"it needs port {port}, where {_shown(silent)} listens and does not answer: {said.seen.strip()}"
            return replace(said, because=because)
    return said


def _is_of_this_host(text: str) -> bool:
    """Whether a line names no address, and nothing before a port, that is or may be another host."""
    return all(map(_is_here, (*_ADDRESS.findall(text), *_NAMED.findall(_CLOCK.sub("", text)))))


def _is_here(host: str) -> bool:
    bare = host.strip("[]")
    return bare == "localhost" or bare in ANY or is_local(bare)


def _is_meant(neighbour: Neighbour, text: str, here: bool) -> bool:  # noqa: FBT001 - of the text
    return here if not neighbour.host or _is_here(neighbour.host) else neighbour.host in text
