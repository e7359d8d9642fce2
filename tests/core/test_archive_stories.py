"""A failure that is known: its pattern is named when the evidence is, and again when somebody writes one meanwhile."""

from __future__ import annotations

from dataclasses import replace

from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.archive.known import known
from opsagent.core.archive.pattern import Archive, Match, Named, Pattern, Refused, Said
from opsagent.core.archive.record import tallies
from opsagent.core.before import before
from opsagent.core.diagnosis.evidence import Evidence
from opsagent.core.fold import replay
from opsagent.core.state import State
from tests.core.live_host import LiveHost
from tests.core.test_stories import POLICY

KNOWN = Pattern(
    slug="api-eats-disk",
    title="The API fills the disk",
    match=Match(unit=("api*",), log=("No space",)),
    remedies=(Named(do="stop"), Named(do="restart")),
)
SEEN = Evidence(said=(Said(expression="No space", line="write: No space left"),))


def host_of(*patterns: Pattern) -> LiveHost:
    host = LiveHost(POLICY)
    host.take(inbox.ArchiveSeen(archive=Archive(patterns=patterns)))
    host.serve("api.service")
    host.run(seconds=60)
    host.kill("api.service")
    host.run(seconds=1)
    return host


def matches(host: LiveHost) -> list[ev.PatternMatched]:
    return host.events(ev.PatternMatched)


def test_a_known_failure_is_named_with_what_the_settings_do_not_allow() -> None:
    host = host_of(KNOWN)

    host.take(inbox.SurroundingsSeen(incident=host.incident.seq, evidence=SEEN))
    host.take(inbox.SurroundingsSeen(incident=host.incident.seq, evidence=Evidence()))

    (event,) = matches(host)
    assert (event.slug, event.because) == ("api-eats-disk", 'unit api.service, log "write: No space left"')
    assert "stop: not allowed for api.service by the settings, allowed: " in event.refused[0]
    assert host.incident.pattern == "api-eats-disk"
    told = next(one for one in host.incident.timeline if one.text.startswith("known before"))
    assert told.quoted == event.refused


def test_what_somebody_writes_meanwhile_is_compared_with_what_is_on_record() -> None:
    host = host_of()
    host.take(inbox.EvidenceSeen(incident=host.incident.seq, source="log", lines=("write: No space left",)))
    host.take(inbox.ArchiveSeen(archive=Archive(patterns=(KNOWN,))))

    ((incident, evidence),) = host.orders.compared[-1:]
    assert [line.text for line in evidence.log] == ["write: No space left"]
    host.take(inbox.Compared(incident=incident.seq, evidence=replace(evidence, said=SEEN.said)))
    assert host.incident.pattern == KNOWN.slug

    host.take(inbox.ArchiveSeen(archive=Archive(patterns=(replace(KNOWN, status="retired"),))))
    host.take(inbox.Compared(incident=incident.seq, evidence=replace(evidence, said=SEEN.said)))
    assert host.incident.pattern == ""


def test_an_archive_that_means_the_same_is_no_event_and_the_next_is_only_what_changed() -> None:
    host = host_of(KNOWN, replace(KNOWN, slug="b"))
    host.take(
        inbox.ArchiveSeen(archive=Archive(patterns=(replace(KNOWN, saved_at=host.now), replace(KNOWN, slug="b"))))
    )
    assert len(host.events(ev.ArchiveRead)) == 1

    wrong = (Refused(path="failures/patterns/x.md:1", why="has no front matter"),)
    host.take(inbox.ArchiveSeen(archive=Archive(patterns=(replace(KNOWN, title="New"),), refused=wrong)))
    last = host.events(ev.ArchiveRead)[-1]
    assert ([one.slug for one in last.patterns], last.gone, last.refused) == ([KNOWN.slug], ("b",), wrong)
    assert replay(State(), host.recorded)[0].archive == host.agent.state.archive
    assert [one.title for one in host.agent.state.archive.patterns] == ["New"]


def test_what_fails_in_another_way_when_it_reopens_is_looked_at_anew_and_no_case_of_the_old_pattern() -> None:
    host = host_of(KNOWN)
    host.take(inbox.SurroundingsSeen(incident=host.incident.seq, evidence=SEEN))
    host.run(minutes=20)
    looked = len(host.orders.investigated)
    host.services["api.service"].sick = "status"
    host.run(seconds=40)

    assert (host.incident.reopened, host.incident.pattern) == (1, "")
    assert len(host.orders.investigated) == looked + 1

    host.take(inbox.SurroundingsSeen(incident=host.incident.seq, evidence=SEEN))
    assert host.incident.pattern == KNOWN.slug


def written(host: LiveHost) -> list[ev.PatternWritten]:
    return host.events(ev.PatternWritten)


def test_a_failure_that_nobody_knew_is_written_down_once_and_known_the_next_time() -> None:
    host = host_of()
    host.run(minutes=1)

    (event,) = written(host)
    assert event.match.unit == ("api.service",)
    assert host.incident.pattern == event.slug
    record = host.agent.state.archive.records[event.slug]
    assert (record.count, record.labels) == (1, (host.incident.label,))

    host.run(minutes=70)
    host.kill("api.service")
    host.run(seconds=1)
    host.take(inbox.SurroundingsSeen(incident=host.incident.seq, evidence=Evidence()))
    host.run(minutes=1)
    assert len(written(host)) == 1
    assert host.agent.state.archive.records[event.slug].count == 2
    tried = tallies(host.agent.state, host.agent.state.archive.records[event.slug])
    assert [(one.label, one.tried, one.worked) for one in tried] == [("restart", 2, 2)]


def test_what_fails_again_in_the_same_incident_is_counted_alike_wherever_it_is_told() -> None:
    host = host_of()
    host.run(minutes=20)
    host.kill("api.service")
    host.run(seconds=1)

    (event,) = written(host)
    state, here = host.agent.state, host.incident
    (listed,) = known(state.archive.patterns, (here,), state.experience)
    assert here.reopened == 1
    assert (state.archive.records[event.slug].count, listed.occurrences, before(state, here).occurrences + 1) == (
        2,
        2,
        2,
    )


def test_a_failure_that_is_known_is_not_written_down() -> None:
    host = host_of(replace(KNOWN, match=Match(unit=("api*",))))
    host.take(inbox.SurroundingsSeen(incident=host.incident.seq, evidence=SEEN))
    host.run(minutes=1)

    assert written(host) == []
