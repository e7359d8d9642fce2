from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from opsagent.core import events as ev
from opsagent.core import notice_words, wording
from opsagent.core.observation import Proof, Severity, Status
from opsagent.core.phase import Phase, Repair
from opsagent.core.policy import Escalation, Level, Policy
from tests.core.report.telling import NIGHT, Telling

POLICY = Policy(
    host="web-1",
    zone="Europe/Berlin",
    escalation=Escalation(
        levels=(
            Level(name="oncall", after=timedelta(), notify=("mail",)),
            Level(name="lead", after=timedelta(minutes=30), notify=("hook",)),
        )
    ),
)
LATER = NIGHT + timedelta(minutes=1)
NEXT = NIGHT + timedelta(minutes=31)


def exhausted() -> tuple[Telling, int]:
    night = Telling()
    seq = night.incident("billing", "billing.service", "exit 78")
    for _ in range(2):
        night.end(seq, night.order(seq), "failed", "exit 78")
    night.take(ev.RepairMoved(to=Repair.EXHAUSTED, reason="2 tries"), seq)
    return night, seq


def test_a_page_says_everything_in_its_first_line_and_what_to_do_in_its_last() -> None:
    night, seq = exhausted()

    title, body = wording.page(night.state, night.one(seq), POLICY, LATER, number=1, next_at=NEXT)

    assert title == "[PAGE SEV2] web-1: billing down, restart does not help"
    assert body.split("\n") == [
        "Since 02:14 Europe/Berlin (60 s). exit 78",
        "Tried: restart 2x; the last: exit 78. I have stopped.",
        "Seen before: never on this host in 30 days.",
        'I do not know this failure: what cures it? Tell me: opsagent note OPS-20261118-001 "…"',
        "Take it (stops me too): opsagent ack OPS-20261118-001     Look: opsagent show OPS-20261118-001",
        "If nobody takes it: lead 02:45.",
    ]


def test_a_page_names_the_cause_and_what_fell_with_it() -> None:
    night, seq = exhausted()
    night.take(ev.CauseFound(cause="config-changed", reason="changed 2 min before"), seq)
    child = night.incident("worker", "worker.service")
    night.take(ev.SuppressionChanged(by="parent", reason="needs billing", parent=seq), child)

    _, body = wording.page(night.state, night.one(seq), POLICY, LATER)

    assert "Likely: changed 2 min before.\n" in body
    assert "Left alone: worker (needs it).\n" in body
    assert body.endswith("Nobody else is told.")


def test_a_page_told_again_says_so_and_the_last_level_repeats() -> None:
    night, seq = exhausted()

    title, body = wording.page(night.state, night.one(seq), POLICY, LATER, number=2, loop=1, next_at=NEXT)

    assert title.startswith("[PAGE SEV2, again] web-1: billing down")
    assert body.endswith("If nobody takes it: the same again 02:45.")


def test_a_page_beside_a_running_repair_says_that_it_runs() -> None:
    night = Telling()
    seq = night.incident()
    night.order(seq)

    title, body = wording.page(night.state, night.one(seq), POLICY, LATER)

    assert title.endswith("api down, restart under way")
    assert "Trying: restart of api.service since 02:14:06, not judged yet." in body


@pytest.mark.parametrize(
    ("guard", "words"), [("armed", "it is only watched"), ("hold", "HOLD is set"), ("busy", "not repaired yet")]
)
def test_a_page_about_what_was_not_touched_says_why(guard: str, words: str) -> None:
    night = Telling()
    seq = night.incident()
    night.take(ev.ActionRefused(remedy="restart", unit="api.service", guard=guard, reason="for a reason"), seq)

    title, body = wording.page(night.state, night.one(seq), POLICY, LATER)

    assert title.endswith(words)
    assert "Not tried: for a reason." in body
    assert "stops me too" in body


def test_a_page_about_what_is_only_watched_says_what_would_have_been_done() -> None:
    night = Telling()
    seq = night.incident()
    reason = "would have restarted api.service: api is only watched (repair: [])"
    night.take(ev.ActionRefused(remedy="restart", unit="api.service", guard="armed", reason=reason), seq)

    _, body = wording.page(night.state, night.one(seq), POLICY, LATER)

    assert "\nWould have restarted api.service: api is only watched (repair: []).\n" in body


def test_two_acts_are_two_remedies() -> None:
    night, seq = exhausted()
    known = night.one(seq)
    acts = tuple(
        replace(one, remedy="act", name=name) for one, name in zip(known.actions, ("renew", "flush"), strict=True)
    )

    title, body = wording.page(night.state, replace(known, actions=acts), POLICY, LATER)

    assert title.endswith("gave up after 2 tries")
    assert "Tried: act renew 1x, act flush 1x; the last: exit 78." in body


def test_a_page_says_what_the_next_try_waits_for() -> None:
    night = Telling()
    seq = night.incident()
    night.end(seq, night.order(seq), "failed", "exit 78")
    reason = "api.service was changed at 02:13, no repair before 02:23"
    night.take(ev.RepairMoved(to=Repair.WAITING, reason=reason, next_at=NEXT), seq)

    _, body = wording.page(night.state, night.one(seq), POLICY, LATER)

    assert f"Tried: restart 1x; the last: exit 78. Waiting: {reason}.\n" in body


def test_a_page_about_a_finding_promises_no_repair() -> None:
    night = Telling()
    seq = night.suspect("var-disk", None, "97 %")
    night.confirm(seq, Severity.SEV2, Phase.PAGED)

    title, body = wording.page(night.state, night.one(seq), POLICY, LATER)

    assert title == "[PAGE SEV2] web-1: var-disk bad, nothing is repaired for it"
    assert "Nothing was tried." in body
    assert "Take it: opsagent ack" in body


@pytest.mark.parametrize(("failure_class", "told"), [("signal", True), ("http_status", False)])
def test_what_fails_in_another_way_than_before_has_another_cause(failure_class: str, told: bool) -> None:
    night = Telling()
    seq = night.incident()
    night.take(ev.CauseFound(cause="killed", reason="somebody sent it SIGKILL"), seq)
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    before = replace(night.one(seq), failure_class="signal")
    night.state = replace(night.state, incidents={seq: before})
    again = ev.IncidentReopened(to=Phase.REPAIRING, message="api: once more", failure_class=failure_class)

    night.take(again, seq, after=60)

    assert ("SIGKILL" in wording.page(night.state, night.one(seq), POLICY, night.at)[1]) is told


def test_a_page_after_a_reopening_speaks_of_the_new_spell() -> None:
    night = Telling()
    seq = night.incident()
    night.end(seq, night.order(seq), "verified")
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    night.take(ev.IncidentReopened(to=Phase.REPAIRING, message="api: dead once more"), seq, after=60)
    night.end(seq, night.order(seq), "failed", "exit 78")

    _, body = wording.page(night.state, night.one(seq), POLICY, night.at + timedelta(seconds=5))

    assert body.startswith(
        "Bad again since 02:20 Europe/Berlin (10 s). dead once more\nTried: restart 1x; the last: exit 78."
    )
    night.good(seq)
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    assert wording.recovery(night.state, night.one(seq), POLICY, night.at)[0].endswith("down 5.4 s")


def test_a_page_right_after_a_reopening_counts_no_old_tries() -> None:
    night, seq = exhausted()
    night.page(seq)
    night.good(seq)
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    night.take(ev.IncidentReopened(to=Phase.REPAIRING, message="billing: exit 78"), seq, after=60)

    title, body = wording.page(night.state, night.one(seq), POLICY, night.at)

    assert title == "[PAGE SEV2] web-1: billing down, repair not begun"
    assert "Nothing was tried." in body


def test_a_page_says_when_it_is_tried_once_more_all_the_same() -> None:
    night, seq = exhausted()
    night.take(ev.RepairMoved(to=Repair.EXHAUSTED, reason="2 tries", next_at=NIGHT + timedelta(hours=1)), seq)

    _, body = wording.page(night.state, night.one(seq), POLICY, LATER)

    assert "I have stopped, and try once more 03:14." in body


def test_nobody_is_asked_what_cures_it_where_a_repair_did_before() -> None:
    night, seq = exhausted()
    assert wording.question(night.one(seq))
    cured = Telling()
    seq = cured.incident()
    cured.take(ev.NoCauseFound(reason="no cause found; its log ends: bye", others=()), seq)
    cured.end(seq, cured.order(seq), "verified")
    cured.take(ev.IncidentResolved(reason="good"), seq, after=300)
    cured.take(ev.IncidentReopened(message="dead", to=Phase.REPAIRING), seq)
    assert cured.one(seq).because == ""  # the words of the last time are none of this
    cured.take(ev.RepairMoved(to=Repair.EXHAUSTED, reason="budget"), seq)
    assert wording.question(cured.one(seq)) == ""


def test_a_recovery_says_since_when_by_whom_and_how_that_is_known() -> None:
    night, seq = exhausted()
    night.page(seq)
    night.take(ev.IncidentAcknowledged(by="anna", until=night.at + timedelta(hours=5)), seq, after=420)
    night.at = NIGHT + timedelta(hours=5, minutes=37)
    night.good(seq)
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)

    title, body = wording.recovery(night.state, night.one(seq), POLICY, night.at)

    assert title == "[RECOVERED SEV2] web-1: billing good since 07:51, down 5 h 37 min"
    assert body.split("\n") == [
        "Fixed by: a person, or by itself. Not by me (my 2 tries failed).",
        "Proof: billing good for 5 min.",
        "Seen before: never on this host in 30 days.",
        "Paged once, taken after 7 min. Times Europe/Berlin.",
        "If it fails before 08:26 this incident reopens and pages at once.",
        "Look: opsagent show OPS-20261118-001",
    ]


def test_a_recovery_by_the_agent_names_the_repair() -> None:
    night = Telling()
    seq = night.incident()
    night.page(seq)
    night.end(seq, night.order(seq), "verified")
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)

    _, body = wording.recovery(night.state, night.one(seq), POLICY, night.at)

    assert "Fixed by: restart of api.service at 02:14:06 (try 1)." in body


def test_a_recovery_says_what_was_put_back_or_freed_before_the_repair_that_helped() -> None:
    night = Telling()
    seq = night.incident()
    night.page(seq)
    night.end(seq, night.order(seq, remedy="restore"), "failed", said="restored /etc/a.conf")
    night.end(seq, night.order(seq), "verified")
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)

    _, body = wording.recovery(night.state, night.one(seq), POLICY, night.at)

    assert "\nBefore it: restored /etc/a.conf.\n" in body


def test_a_recovery_by_word_of_a_person_says_whose() -> None:
    night, seq = exhausted()
    night.take(ev.IncidentResolved(reason="known", by="anna", forced=True), seq)

    title, body = wording.recovery(night.state, night.one(seq), POLICY, night.at)

    assert title == "[CLOSED SEV2] web-1: billing closed by anna, open for 11 s"
    assert "Closed by: anna, who said so. Not by me (my 2 tries failed)." in body
    assert "Proof" not in body


def test_the_holder_is_reminded_before_the_hold_ends() -> None:
    night, seq = exhausted()
    night.page(seq)
    night.take(ev.IncidentAcknowledged(by="anna", until=NIGHT + timedelta(minutes=60)), seq)

    title, body = wording.reminder(night.state, night.one(seq), POLICY, LATER)

    assert title == "[REMINDER SEV2] web-1: billing still down, your hold ends 03:14"
    assert "opsagent ack OPS-20261118-001 --for 5h" in body


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ev.SettingsRefused(errors=("x.yaml:3: wrong",)), "new settings refused, the old ones stay in force"),
        (ev.FlappingStarted(check="api", percent=40.4), "api changes too often (40 %)"),
        (ev.FlappingEnded(check="api", percent=3, status=Status.OK), "api is steady again: ok"),
        (ev.BreakerOpened(keys=("a",), reason="3 at once"), "many things failed at once"),
        (ev.FindingReceived(by="root", found_at=NIGHT, findings=("full",)), "found trouble at 02:14 Europe/Berlin"),
    ],
)
def test_some_events_are_worth_a_notice(event: ev.Event, words: str) -> None:
    told = notice_words.notice_of(event, Telling().state, POLICY)

    assert told is not None
    assert told[0].startswith("[NOTICE] web-1: ")
    assert words in told[0]


def test_most_events_are_worth_none() -> None:
    assert notice_words.notice_of(ev.BreakerClosed(), Telling().state, POLICY) is None


def test_a_message_has_short_lines_and_no_control_characters() -> None:
    night = Telling()
    seq = night.incident(message="\x1b[2J" + "x" * 900)

    title, body = wording.page(night.state, night.one(seq), POLICY, LATER)

    assert len(title) <= 120
    assert all(len(line) <= 300 for line in body.split("\n"))
    assert "\x1b" not in body
    assert "\\x1b[2J" in body


def test_what_fell_with_another_came_back_with_it() -> None:
    night, seq = exhausted()
    child = night.incident("worker", "worker.service")
    night.take(ev.SuppressionChanged(by="parent", reason="needs billing", parent=seq), child)
    night.take(ev.SuppressionChanged(by=None, reason="no longer kept quiet"), child)
    before = wording.fixed_by(night.state, night.one(child))
    night.take(ev.RecoverySeen(mitigated_at=night.at, message="good"), seq)

    said = wording.fixed_by(night.state, night.one(child))

    assert before == "a person, or by itself. I did nothing."
    assert said == "the recovery of billing, which it needs (OPS-20261118-001)."


def test_what_fell_with_many_others_needed_none_of_them_and_the_incident_of_all_ended_in_quiet() -> None:
    night = Telling()
    many = night.suspect("/breaker", None, "3 unrelated failures at once: a, b, worker.service")
    night.confirm(many, Severity.SEV2, Phase.PAGED)
    child = night.incident("worker", "worker.service")
    night.take(ev.SuppressionChanged(by="parent", reason="many things fail at once", parent=many), child)
    _, page = wording.page(night.state, night.one(many), POLICY, LATER)
    night.take(ev.RecoverySeen(mitigated_at=night.at, message="good"), child)
    night.take(ev.IncidentResolved(reason="ten quiet minutes"), many)
    _, over = wording.recovery(night.state, night.one(many), POLICY, LATER)

    assert "Left alone: worker (no repairs while many things fail)." in page
    assert wording.fixed_by(night.state, night.one(child)) == "a person, or by itself. I did nothing."
    assert over.startswith("Closed by: ten quiet minutes: nothing new has failed, and repairs go on.")
    assert "If many things fail at once again before" in over


def test_the_proof_counts_the_looks_and_names_what_fell_with_it() -> None:
    night, seq = exhausted()
    child = night.incident("worker", "worker.service")
    night.take(ev.SuppressionChanged(by="parent", reason="needs billing", parent=seq), child)
    for one in (seq, child):
        night.good(one)
    looked = Proof(check="billing", looks=31, since=night.at)
    night.take(ev.IncidentResolved(reason="good", proof=(looked,)), seq, after=300)

    _, body = wording.recovery(night.state, night.one(seq), POLICY, night.at)

    assert "Proof: billing good for 5 min, 31 of 31 probes; worker good since 02:14.\n" in body


def test_a_page_names_everyone_who_is_told_later_and_when() -> None:
    levels = (*POLICY.escalation.levels, Level(name="manager", after=timedelta(minutes=50), notify=("mail",)))
    policy = replace(POLICY, escalation=Escalation(levels=levels))
    night, seq = exhausted()

    _, body = wording.page(night.state, night.one(seq), policy, LATER, number=1, next_at=NEXT)

    assert body.endswith("If nobody takes it: lead 02:45, manager 03:05.")


def test_a_message_of_very_many_lines_counts_the_rest() -> None:
    _, body = notice_words.notice(POLICY, "new settings refused", (f"{number}: wrong" for number in range(500)))

    assert body.splitlines()[-1] == "and 470 more lines"
    assert len(body.splitlines()) == 31
