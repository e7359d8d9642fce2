"""Restart, reload and reset_failed against a real systemd; each looks for HOLD and the deny list itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.core.acts import Act
from opsagent.core.order import Order
from opsagent.core.policy import RemedyRule
from opsagent.host import root_acts, unit_files
from opsagent.remedies import KINDS, kind
from tests.host.conftest import shared_host

if TYPE_CHECKING:
    from tests.host.harness import Host

__all__ = ["shared_host"]

ROOT = Path(__file__).parent.parent.parent
ON_UNITS = sorted(set(KINDS) - {"command", "act", "reclaim", "docker"})
ACT = """
import dataclasses, json, sys
from datetime import timedelta
from opsagent.core.order import Order
from opsagent.remedies import kind
order = Order(unit=sys.argv[2], act=sys.argv[2], timeout=timedelta(seconds=float(sys.argv[3])), also=sys.argv[4:])
outcome = kind(sys.argv[1])().act(order)
json.dump(dataclasses.asdict(outcome), sys.stdout, default=str)
"""


KEEP = """
from opsagent.daemon.keeping import Keeping
from tests.core.test_restoring import LONG, good
class AtOnce:
    def begin(self, name, work):
        return work() or True
Keeping(AtOnce()).turn(good(LONG))
"""


def program(text: str) -> list[str]:
    return [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{text}"]


def act(host: Host, remedy: str, unit: str, seconds: float = 10, also: tuple[str, ...] = ()) -> dict[str, Any]:
    ran = host.run([*program(ACT), remedy, unit, str(seconds), *also])
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def service(host: Host, name: str, more: str = "ExecStart=/bin/sleep infinity") -> None:
    host.unit(name, f"[Service]\n{more}\n")


def test_restart_starts_a_service_that_was_killed(shared_host: Host) -> None:
    service(shared_host, "killed.service")
    shared_host.run(["systemctl", "start", "killed"])
    before = shared_host.show("killed.service", "InvocationID")
    shared_host.run(["systemctl", "kill", "-s", "KILL", "killed"])
    shared_host.wait_for(lambda: shared_host.show("killed.service", "ActiveState") == "failed", within=5, what="death")

    outcome = act(shared_host, "restart", "killed.service")

    assert outcome["result"] == "done"
    assert outcome["after"]["active_state"] == "active"
    assert shared_host.show("killed.service", "InvocationID") != before


def test_restart_of_a_service_that_cannot_start_is_no_success(shared_host: Host) -> None:
    service(shared_host, "broken.service", "Type=notify\nExecStart=/bin/false")

    assert act(shared_host, "restart", "broken.service")["result"] == "failed"


def test_restart_of_a_masked_unit_is_refused(shared_host: Host) -> None:
    shared_host.run(["systemctl", "mask", "gone.service"])

    outcome = act(shared_host, "restart", "gone.service")

    assert outcome["result"] == "refused"
    assert "UnitMasked" in outcome["error"]


def test_restart_longer_than_allowed_is_unknown(shared_host: Host) -> None:
    service(shared_host, "slow.service", "Type=notify\nExecStart=/bin/sleep infinity\nTimeoutStartSec=30")

    outcome = act(shared_host, "restart", "slow.service", seconds=0.5)
    shared_host.run(["systemctl", "kill", "-s", "KILL", "slow"])

    assert outcome["result"] == "unknown"


def test_reload_runs_the_units_own_reload(shared_host: Host) -> None:
    service(shared_host, "fresh.service", "ExecStart=/bin/sleep infinity\nExecReload=/bin/touch /run/reloaded")
    shared_host.run(["systemctl", "start", "fresh"])

    assert act(shared_host, "reload", "fresh.service")["result"] == "done"
    assert shared_host.run(["ls", "/run/reloaded"]).stdout


def test_reset_failed_clears_the_start_limit(shared_host: Host) -> None:
    shared_host.unit(
        "limit.service", "[Unit]\nStartLimitBurst=1\nStartLimitIntervalSec=1h\n[Service]\nExecStart=/bin/false\n"
    )
    for _ in range(2):
        shared_host.run(["systemctl", "start", "limit"], check=False)
    assert act(shared_host, "restart", "limit.service")["result"] != "done"

    assert act(shared_host, "reset_failed", "limit.service")["result"] == "done"
    assert shared_host.show("limit.service", "ActiveState") == "inactive"


def test_hold_stops_an_action_on_a_real_unit(shared_host: Host) -> None:
    service(shared_host, "held.service")
    shared_host.run(["systemctl", "start", "held"])
    before = shared_host.show("held.service", "InvocationID")
    shared_host.write("/etc/opsagent/HOLD", "changing disks\n")

    outcome = act(shared_host, "restart", "held.service")
    shared_host.run(["rm", "/etc/opsagent/HOLD"])

    assert (outcome["result"], outcome["error"]) == ("refused", "HOLD: changing disks")
    assert shared_host.show("held.service", "InvocationID") == before


def test_a_hold_in_the_middle_of_many_restarts_ends_them_and_the_next_is_named(shared_host: Host) -> None:
    service(shared_host, "first.service", "ExecStartPre=/bin/touch /etc/opsagent/HOLD\nExecStart=/bin/sleep infinity")
    service(shared_host, "second.service")
    shared_host.run(["systemctl", "start", "second"])
    before = shared_host.show("second.service", "InvocationID")

    outcome = act(shared_host, "restart_with_dependants", "first.service", also=("second.service",))
    shared_host.run(["rm", "/etc/opsagent/HOLD"])

    assert outcome["result"] == "failed"
    assert outcome["error"].startswith("first.service was restarted, second.service was not: HOLD: ")
    assert shared_host.show("second.service", "InvocationID") == before


def test_a_stop_replaces_nothing_that_somebody_has_ordered(shared_host: Host) -> None:
    service(shared_host, "ordered.service", "Type=notify\nExecStart=/bin/sleep infinity\nTimeoutStartSec=30")
    shared_host.run(["systemctl", "start", "--no-block", "ordered"])
    stop = root_acts.act_of(RemedyRule(do="stop"), "ordered.service")
    shared_host.unit(stop.unit, unit_files.act(stop))

    outcome = act(shared_host, "stop", "ordered.service")
    state = shared_host.show("ordered.service", "ActiveState")
    shared_host.run(["systemctl", "kill", "-s", "KILL", "ordered"])

    assert (outcome["result"], state) == ("failed", "activating")


def test_the_daemon_asks_root_to_keep_the_files_of_what_has_been_good_for_long(shared_host: Host) -> None:
    written_act(shared_host, "keep-api", "/bin/touch", "/srv/kept", writes=("/srv",))

    said = shared_host.run(program(KEEP)).stdout

    assert said == ""
    assert shared_host.run(["ls", "/srv/kept"]).stdout


def written_act(host: Host, name: str, *command: str, **more: Any) -> None:
    one = Act(name=name, command=command, **more)
    host.unit(one.unit, unit_files.act(one))


def test_an_act_gets_its_words_whole_and_what_it_leaves_stays_in_its_fence(shared_host: Host) -> None:
    words = ['a "b"', "50%", "$HOME", "c\\d", "%n", ";", ""]
    shared_host.run(["mkdir", "-p", "/srv/open"])
    shared_host.run(["chown", "daemon", "/srv/open"])
    script = 'printf "%s|" "$@" >/srv/open/words; ! touch /srv/closed && ! chown 1 /srv/open/words'
    written_act(shared_host, "words", "/bin/sh", "-c", script, "sh", *words, writes=("/srv/open", "/srv/none"))

    outcome = act(shared_host, "act", "words")

    assert outcome["result"] == "done", outcome["error"]
    assert shared_host.read("/srv/open/words") == "".join(f"{word}|" for word in words)


def test_a_container_is_restarted_by_a_program_of_roots_and_by_no_other_word(shared_host: Host) -> None:
    shared_host.write("/usr/local/bin/docker", '#!/bin/sh\necho "$*" >>/run/docker-was-told\n', 0o755)
    written_act(shared_host, "restart-web", "/usr/local/bin/docker", "restart", "web", writes=("/run",))

    assert act(shared_host, "act", "restart-web")["result"] == "done"
    assert shared_host.read("/run/docker-was-told") == "restart web\n"


def test_an_act_that_fails_is_told_by_its_unit(shared_host: Host) -> None:
    written_act(shared_host, "broken", "/bin/false")

    outcome = act(shared_host, "act", "broken")

    assert (outcome["result"], outcome["after"]) == ("failed", None)
    assert "opsagent-act-broken.service" in outcome["error"]


def test_an_act_that_is_at_work_is_left_to_it(shared_host: Host) -> None:
    written_act(shared_host, "long", "/bin/sleep", "30")
    shared_host.run(["systemctl", "start", "--no-block", "opsagent-act-long"])
    shared_host.wait_for(
        lambda: shared_host.show("opsagent-act-long.service", "SubState") == "start", within=5, what="the act"
    )

    outcome = act(shared_host, "act", "long")
    shared_host.run(["systemctl", "stop", "opsagent-act-long"])

    assert (outcome["result"], outcome["error"]) == ("refused", "opsagent-act-long.service is still at work")


def test_an_act_without_a_unit_says_how_to_make_one(shared_host: Host) -> None:
    assert "opsagent install --refresh" in act(shared_host, "act", "nowhere")["error"]
    assert act(shared_host, "act", "../ssh")["result"] == "refused"


@pytest.mark.parametrize("remedy", ON_UNITS)
def test_hold_and_the_deny_list_are_asked_before_systemd(tmp_path: Path, remedy: str) -> None:
    (tmp_path / "HOLD").touch()
    acting = kind(remedy)()

    held = acting.act(Order(unit="api.service", hold_path=str(tmp_path / "HOLD")))
    denied = [
        acting.act(Order(unit=unit, hold_path=str(tmp_path / "none")))
        for unit in ("dbus.service", "ssh.service", "api.socket", "../x", "a b;c", "api*", "opsagent.service")
    ]

    assert held.error.startswith("HOLD: ")
    assert {outcome.result for outcome in (held, *denied)} == {"refused"}


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match="cannot find remedy kind 'strat', known kinds: act, command, docker, reclaim, reload"
    ):
        kind("strat")
