"""News about our own settings and rights: told once, and what they held back is tried again when they are right."""

from __future__ import annotations

from datetime import timedelta

from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.phase import Outcome
from tests.core.story_host import StoryHost
from tests.core.test_stories import POLICY, killed_host

LACKING = "polkit does not allow: restart api.service; run as root: opsagent install --refresh"


def notices(host: StoryHost) -> list[str]:
    return [one.title for one in host.events(ev.NotificationQueued) if one.kind == "notice"]


def test_refused_settings_are_told_once_however_often_they_are_read() -> None:
    host = StoryHost(POLICY)
    for _ in range(3):
        host.take(inbox.SettingsWrong(errors=("opsagent.yaml:2: cannot find kind 'dsik'",)))

    assert notices(host) == ["[NOTICE] web-1: new settings refused, the old ones stay in force"]


def test_other_errors_are_told_anew_and_good_settings_end_it() -> None:
    host = StoryHost(POLICY)
    host.take(inbox.SettingsRead(policy=POLICY, digest="d", text=""))
    host.take(inbox.SettingsWrong(errors=("opsagent.yaml:2: one",)))
    host.take(inbox.SettingsWrong(errors=("opsagent.yaml:3: another",)))

    host.take(inbox.SettingsRead(policy=POLICY, digest="d", text=""))

    assert len(notices(host)) == 2
    assert host.agent.state.refused == ()


def test_rights_that_do_not_fit_are_told_once_and_name_what_to_run() -> None:
    host = StoryHost(POLICY)
    for _ in range(3):
        host.take(inbox.RightsSeen(lacking=LACKING))

    (told,) = host.events(ev.NotificationQueued)
    assert told.body == LACKING
    assert host.agent.state.lacking == LACKING


def test_once_the_rights_fit_a_refused_repair_is_tried_at_once() -> None:
    host = killed_host()
    host.take(inbox.RightsSeen(lacking=LACKING))
    host.answer_facts()
    host.carry_out("refused")
    host.now += timedelta(minutes=2)
    host.bad("api", "dead", conclusive=True)
    assert [one.outcome for one in host.incident.actions] == [Outcome.REFUSED]

    host.take(inbox.RightsSeen(lacking=""))
    host.answer_facts()

    assert len(host.orders.acted) == 2


def test_the_page_about_a_refused_repair_says_who_refused_it_and_why() -> None:
    host = killed_host()
    host.answer_facts()

    host.carry_out("refused", error="polkit has no rule that allows it")

    (page,) = host.events(ev.NotificationQueued)
    assert "polkit has no rule that allows it" in page.body
    assert [one.reason for one in host.incident.actions] == ["polkit has no rule that allows it"]
