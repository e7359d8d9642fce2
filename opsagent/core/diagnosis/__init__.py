"""Why something failed, as far as the evidence goes: evidence in, causes out, the likeliest first. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opsagent.core.diagnosis.ending import of_ending
from opsagent.core.diagnosis.finding import Cause, Certainty, Finding, ranked
from opsagent.core.diagnosis.kernel import of_crash, of_memory
from opsagent.core.diagnosis.looking import of_check
from opsagent.core.diagnosis.ports import of_listeners, refused, taken
from opsagent.core.diagnosis.sayings import of_log
from opsagent.core.diagnosis.surroundings import boxed, of_changes, of_file_system, of_host

if TYPE_CHECKING:
    from opsagent.core.diagnosis.evidence import Evidence

__all__ = ["Cause", "Certainty", "Finding", "diagnose"]


def diagnose(evidence: Evidence) -> tuple[Finding, ...]:
    """Return every cause that the evidence speaks of, each once, the likeliest first; none when nothing is known.

    What a service says of itself counts as likely, and becomes sure where the host says the same.
    """
    said = [_confirmed(evidence, one) for one in of_log(evidence)]
    told = [*of_memory(evidence), *of_ending(evidence), *of_crash(evidence)]
    seen = [*told, *of_check(evidence), *of_host(evidence), *of_listeners(evidence), *of_changes(evidence)]
    return ranked([*_agreed(said, seen, evidence), *seen])


def _confirmed(evidence: Evidence, said: Finding) -> Finding:
    add = _ADDED.get(said.cause)
    return add(evidence, said) if add else said


def _agreed(said: list[Finding], seen: list[Finding], evidence: Evidence) -> list[Finding]:
    """Make sure what both the service and the host say."""
    facts = {one.cause: one for one in seen if one.cause in _CONFIRMED_BY_HOST and one.certainty > Certainty.POSSIBLE}
    return [_together(one, of_file_system(evidence, one) or facts.get(one.cause)) for one in said]


def _together(said: Finding, fact: Finding | None) -> Finding:
    if fact is None:
        return said
    because = f"{fact.because}; it said: {said.seen.strip()}"
    return replace(said, cause=fact.cause, certainty=Certainty.SURE, because=because, path=fact.path)


_ADDED = {Cause.PORT_TAKEN: taken, Cause.DEPENDENCY_DOWN: refused, Cause.READ_ONLY: boxed}
"""What the host can add to the words of a service."""
_CONFIRMED_BY_HOST = (Cause.OUT_OF_MEMORY, Cause.TOO_MANY_OPEN_FILES, Cause.DEPENDENCY_DOWN)
