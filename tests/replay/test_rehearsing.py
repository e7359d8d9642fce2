"""A rehearsal says what would happen if a check failed now, and changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from opsagent.core import inbox
from opsagent.core.policy import Mode
from opsagent.core.unit import HostConditions
from opsagent.replay.rehearsing import Line, folded, rehearsed
from tests.replay.recorded_host import RecordedHost, began, policy

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def host(**more: object) -> RecordedHost:
    found = began(policy(**more), NOON)
    found.run(minutes=30)
    return found


def tale(found: RecordedHost, check: str, *, helps: bool = False) -> list[Line]:
    world = found.agent.world(found.now)
    before, rows = world.state, len(found.log.rows)
    one = world.policy.check(check)
    assert one is not None
    lines = rehearsed(world, one, helps=helps)
    assert (found.agent.state, len(found.log.rows)) == (before, rows)
    return lines


def texts(lines: list[Line]) -> str:
    return "\n".join(line.text for line in lines)


def test_where_nothing_helps_it_goes_until_everyone_was_told_again() -> None:
    told = tale(host(), "api")

    assert [line.text.partition(":")[0] for line in told if "attempt" in line.text][:3] == [
        f"restart api.service, attempt {number}" for number in (1, 2, 3)
    ]
    assert told[1].after == timedelta(seconds=20), "two looks more, ten seconds apart, until it is believed"
    assert "(budget)" in texts(told)
    assert texts(told).count("everyone is told (ops)") >= 2
    assert "resolved" not in texts(told)


def test_where_the_first_repair_works_it_ends_with_the_proof_and_wakes_nobody() -> None:
    told = tale(host(), "api", helps=True)

    assert texts(told).count("attempt") == 1
    assert "judged: verified" in texts(told)
    assert told[-1].text.startswith("resolved")
    assert "is told" not in texts(told)


def test_the_guard_that_would_refuse_is_named() -> None:
    held = host()
    held.take(inbox.HostSeen(conditions=HostConditions(hold="hold for the audit")))

    assert "(hold): " in texts(tale(held, "api"))
    assert "(mode): " in texts(tale(host(mode=Mode.OBSERVE), "api"))
    assert "(armed): " in texts(tale(host(), "www"))


def test_attempts_that_go_alike_are_told_once_and_counted() -> None:
    every = tale(host(), "api")
    told = folded(every)

    (again,) = [line for line in told if line.text == "the same 2 times more, up to attempt 3"]
    assert again.after == next(line.after for line in reversed(every) if line.attempt == 3)
    assert [line for line in told if line.attempt == 1] == [line for line in every if line.attempt == 1]
    assert not any(line.attempt in (2, 3) for line in told)
    assert [line for line in told if not line.attempt and line is not again] == [
        line for line in every if not line.attempt
    ]
