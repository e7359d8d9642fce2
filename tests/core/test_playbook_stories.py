"""An incident that the playbook speaks of: its section is named at once, its harmless steps are run beside it."""

from __future__ import annotations

from dataclasses import replace

from opsagent.core import contract, inbox, why, wording
from opsagent.core import events as ev
from opsagent.core.aliases import public
from opsagent.core.before import Before
from opsagent.core.fold import replay
from opsagent.core.message import Message, MessageKind
from opsagent.core.playbook import parsing
from opsagent.core.policy import PlaybookPolicy
from opsagent.core.report.incident_file import incident_file
from opsagent.core.state import State
from tests.core.live_host import LiveHost
from tests.core.story_host import StoryHost
from tests.core.test_stories import API, POLICY

TEXT = """\
## Redis Down
1. `redis-cli ping`

## API Not Starting
1. `systemctl status api`
   - If it is inactive, ask Ann
2. `rm -rf /srv/cache`
3. Ask Ann
4. df -h
5. free -m
6. uptime
7. ps aux
8. ss -tln
"""


def host_of(text: str = TEXT, **more: object) -> LiveHost:
    host = LiveHost(replace(POLICY, **more))  # type: ignore[arg-type]
    host.take(inbox.GuidesSeen(sections=parsing.sections(text), runbooks=()))
    host.serve("api.service")
    host.run(seconds=60)
    return host


def matches(host: StoryHost) -> list[ev.PlaybookMatched]:
    return host.events(ev.PlaybookMatched)


def test_its_section_is_named_before_the_repair_and_its_harmless_steps_are_handed_out_once() -> None:
    host = host_of()
    host.kill("api.service")
    host.run(minutes=1)

    (event,) = matches(host)
    assert (event.section, event.reason) == ("API Not Starting", "by api, down")
    assert [step.command for step in event.steps if not step.left] == [
        "systemctl status api",
        "df -h",
        "free -m",
        "uptime",
        "ps aux",
    ]
    assert [step.left for step in event.steps if step.left] == [
        "'rm' is not among the programs that are run",
        "it names no command",
        "only the first 5 are run",
    ]
    assert host.orders.followed == [(host.incident.seq, event)]
    order = [type(one.event) for one in host.recorded]
    assert order.index(ev.PlaybookMatched) < order.index(ev.ActionRequested)


def test_it_is_in_the_incident_its_file_its_json_in_why_and_in_the_page() -> None:
    host = host_of()
    host.kill("api.service")
    host.take(inbox.EvidenceSeen(incident=host.incident.seq, source="playbook 1: uptime", lines=("up 3 days",)))
    incident, world = host.incident, host.agent.world(host.now)
    _, body = wording.page(world.state, incident, world.policy, host.now)
    file = incident_file(incident, "web-1", Before())

    assert contract.incident(incident)["playbook"] == "API Not Starting"
    assert "Playbook: API Not Starting" in why.lines(world, "api")
    assert why.lines(world, "api")[-1].startswith("Next: ")
    assert "Playbook: API Not Starting." in body.splitlines()
    assert "**Playbook** API Not Starting" in file
    assert "2. `rm -rf /srv/cache`: for a person, 'rm' is not among the programs that are run" in file
    assert "up 3 days" in file


def test_strangers_are_not_told_what_people_call_their_problems() -> None:
    host = host_of()
    host.kill("api.service")
    world = host.agent.world(host.now)
    title, body = wording.page(world.state, host.incident, world.policy, host.now)
    told = public(
        Message(
            key="k",
            kind=MessageKind.PAGE,
            host="web-1",
            title=title,
            body=body,
            reason="",
            as_of=host.now,
            incident=host.incident.label,
            incident_json=contract.incident_json(host.incident),
            severity="SEV2",
        ),
        world.policy,
    )

    assert "API Not Starting" not in f"{told.body}{told.incident_json}"


def test_with_run_false_the_section_is_named_and_nothing_is_run() -> None:
    host = host_of(playbook=PlaybookPolicy(run=False))
    host.kill("api.service")

    (event,) = matches(host)
    assert {step.left for step in event.steps} == {"playbook.run is false in the settings"}
    assert host.incident.playbook == "API Not Starting"


def test_of_an_incident_about_security_nothing_is_run() -> None:
    host = StoryHost(replace(POLICY, checks=(replace(API, security=True, unit=None, repair=()),)))
    host.take(inbox.GuidesSeen(sections=parsing.sections(TEXT), runbooks=()))
    host.bad("api", "exit", conclusive=True)

    (event,) = matches(host)
    assert host.incident.security
    assert {step.left for step in event.steps} == {"it is about security: nothing is run by itself"}


def test_without_a_section_that_speaks_of_it_there_is_none() -> None:
    host = host_of("## Redis Down\n1. uptime\n")
    host.kill("api.service")

    assert matches(host) == []
    assert contract.incident(host.incident)["playbook"] is None


def test_one_that_was_written_since_speaks_of_the_next_incident_only() -> None:
    host = host_of("")
    host.services["api.service"].can_start = False
    host.kill("api.service")
    host.run(seconds=1)
    host.take(inbox.GuidesSeen(sections=parsing.sections(TEXT), runbooks=()))
    host.run(minutes=1)

    assert matches(host) == []


def test_what_was_read_is_recorded_when_it_is_another_than_before_and_the_log_tells_the_same_again() -> None:
    host = host_of()
    host.take(inbox.GuidesSeen(sections=parsing.sections(TEXT), runbooks=()))
    host.kill("api.service")

    assert len(host.events(ev.GuidesRead)) == 1
    assert replay(State(), host.recorded) == (host.agent.state, 0)


def test_what_a_playbook_says_is_no_word_of_the_program_for_a_ticket() -> None:
    host = host_of()
    host.kill("api.service")
    host.take(inbox.EvidenceSeen(incident=host.incident.seq, source="playbook 1: x", lines=("Traceback (most",)))

    assert host.events(ev.TicketOpened) == []
    assert host.incident.traceback == ""
