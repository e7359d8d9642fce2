"""Services that live and do not serve: frozen, deaf, wrong, slow, endless, badly configured, slow to start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.host.harness import Host
from tests.host.scenarios.stage import HOPELESS, QUICK, Stage, did, furnish

if TYPE_CHECKING:
    from collections.abc import Iterator


def http(name: str, port: int, more: str = "repair: [restart]", pace: str = QUICK) -> str:
    url = f"http://127.0.0.1:{port}/health"
    return f"- {{name: {name}, kind: http, url: '{url}', unit: {name}.service, {pace}, {more}}}"


@pytest.fixture(scope="module", autouse=True)
def frozen() -> Iterator[tuple[Stage, datetime]]:
    """Freeze a service on a host of its own, watched by the defaults: its half minute passes during the other tests."""
    host = Host.up("frozen", installed=True)
    furnish(host)
    stage = Stage(host)
    unit = stage.api("frozen", 18201, service="TimeoutStopSec=1")
    stage.begin(http("frozen", 18201, pace="timeout: 3s"))
    stage.good("frozen")
    frozen_at = datetime.now(UTC)
    stage.signal(unit, "STOP")
    yield stage, frozen_at
    host.down()


def test_a_frozen_service_that_is_deaf_to_sigterm_is_restarted_all_the_same(stage: Stage) -> None:
    unit = stage.api("deaf", 18202, service="TimeoutStopSec=1", deaf="yes")
    stage.begin(http("deaf", 18202))
    stage.good("deaf")

    stage.behave("deaf", behave="500")

    healed = stage.healed("deaf")
    assert did(healed) == [("restart", "verified")]
    assert healed["actions"][0]["seconds"] >= 1
    assert stage.starts(unit) == 2


def test_a_restart_that_left_a_living_service_dead_is_asked_about_from_then_on(stage: Stage) -> None:
    stage.api("fragile", 18212)
    stage.begin(http("fragile", 18212))
    stage.good("fragile")

    stage.behave("fragile", behave="500", broken="it ends at once")

    stage.until(
        lambda: any(one["suggestion"] for one in stage.incidents("fragile")), what="a question before the second try"
    )
    (one,) = stage.incidents("fragile")
    assert [(action["mode"], action["outcome"]) for action in one["actions"]] == [("auto", "failed")]
    assert "lowered to suggest" in stage.why("fragile")
    stage.until(lambda: any("made things worse" in title for title in stage.titles()), what="people to be told")


@pytest.mark.parametrize(
    "answers",
    [
        {"slow": (18203, "no first byte"), "garbage": (18205, "did not answer in HTTP")},
        {"drip": (18204, "no first byte"), "endless": (18206, "longer than the 64 KiB")},
    ],
    ids=" and ".join,
)
def test_services_that_answer_badly_are_found_out_and_restarted(
    stage: Stage, answers: dict[str, tuple[int, str]]
) -> None:
    for name, (port, _) in answers.items():
        stage.api(name, port)
    checks = [
        http(name, port, "expect: {json: {status: ok}}, repair: [restart]") for name, (port, _) in answers.items()
    ]
    stage.begin("\n".join(checks))
    stage.good(*answers)

    for name in answers:
        stage.behave(name, behave=name)

    for name, (_, words) in answers.items():
        healed = stage.healed(name)
        assert words in healed["reason"]
        assert did(healed) == [("restart", "verified")]


def test_where_no_restart_can_help_it_is_tried_three_times_and_then_a_person_is_told_once(stage: Stage) -> None:
    unit = stage.api("wrong", 18207)
    stage.begin(http("wrong", 18207, pace=HOPELESS))
    stage.good("wrong")

    stage.behave("wrong", always="500")

    found = stage.incident(
        "wrong", lambda one: one["repair"] == "exhausted" and stage.told(), within=30, what="to be given up"
    )
    assert [one for one in did(found) if one[1] != "refused"] == [("restart", "failed")] * 3
    assert stage.starts(unit) == 4
    assert stage.titles() == ["[PAGE SEV2] web-1: wrong down, restart does not help"]
    assert "repair asked again" in stage.why("wrong")

    stage.behave("wrong", always="ok")
    stage.healed("wrong")
    stage.until(lambda: len(stage.told()) == 2, what="the recovery to be told")
    assert stage.titles()[1].startswith("[RECOVERED SEV2] web-1: wrong good since")
    assert stage.starts(unit) == 4


def test_a_service_that_cannot_start_for_its_configuration_is_given_up_too(stage: Stage) -> None:
    unit = stage.api("broken", 18208)
    stage.begin(http("broken", 18208, pace=HOPELESS))

    stage.behave("broken", broken="yes")
    stage.signal(unit)

    found = stage.incident("broken", lambda one: one["repair"] == "exhausted", within=30, what="to be given up")
    assert [one for one in did(found) if one[1] != "refused"] == [("restart", "failed")] * 3
    stage.until(stage.told, what="a page")
    assert len(stage.told()) == 1


def test_a_service_that_is_slow_to_start_is_given_its_time(stage: Stage) -> None:
    unit = stage.api("slow-start", 18209, start_after="2")
    stage.until(lambda: stage.host.run(["ss", "-Hltn", "sport = :18209"]).stdout, what="its port")
    stage.begin(
        http(
            "slow-start",
            18209,
        )
    )
    stage.good("slow-start")

    stage.signal(unit)

    healed = stage.healed("slow-start", within=30)
    assert [one for one in did(healed) if one[1] != "refused"] == [("restart", "verified")]
    assert stage.starts(unit) == 2


def test_one_failed_look_is_a_blip_and_no_incident(stage: Stage) -> None:
    stage.api("blip", 18210)
    stage.begin(http("blip", 18210, pace=QUICK.replace("failures: 2", "failures: 3").replace("200ms", "1s")))
    stage.good("blip")

    stage.behave("blip", behave="500")
    stage.until(lambda: "bad look 1" in stage.status("blip")["message"], what="one bad look")
    stage.behave("blip", behave="ok")

    stage.until(lambda: "answered 200" in stage.status("blip")["message"], what="a good look")
    stage.until(lambda: "**Blips, not acted on:** blip " in stage.daily(), what="the blip to be counted")
    assert stage.incidents() == []


def test_a_port_that_another_process_took_is_not_fought_over_for_ever(stage: Stage) -> None:
    unit = stage.api("robbed", 18211)
    stage.begin(http("robbed", 18211, "expect: {json: {status: ok}}, repair: [restart]", HOPELESS))
    stage.good("robbed")

    stage.service(
        "thief.service",
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=on-failure\nRestartSec=10ms\n"  # till it is quicker
        "ExecStartPre=/usr/bin/systemctl kill -s KILL robbed.service\n"
        "ExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 18211\n",
    )

    found = stage.incident("robbed", lambda one: one["repair"] == "held", within=30, what="to be left to a person")
    assert found["cause"] == "port-taken"
    assert "thief.service" in found["because"]
    assert len([one for one in did(found) if one[1] != "refused"]) <= 1
    assert stage.host.show("thief.service", "ActiveState") == "active"
    assert stage.starts(unit) <= 2


def test_a_frozen_service_is_restarted_within_thirty_seconds_by_the_defaults(frozen: tuple[Stage, datetime]) -> None:
    stage, frozen_at = frozen

    found = stage.incident("frozen", lambda one: one["mitigated_at"], within=35, what="good again")

    assert datetime.fromisoformat(found["actions"][0]["at"]) - frozen_at <= timedelta(seconds=30)
    assert found["actions"][0]["remedy"] == "restart"
    assert "no first byte" in found["reason"]
