"""Services that die: killed, looping, out of starts; with and without systemd's own restarts, armed and not."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.host.scenarios.stage import QUICK, did

if TYPE_CHECKING:
    from tests.host.scenarios.stage import Stage


def seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()


def http(name: str, port: int, more: str) -> str:
    url = f"http://127.0.0.1:{port}/health"
    return f"- {{name: {name}, kind: http, url: '{url}', unit: {name}.service, {QUICK}, {more}}}"


def test_a_killed_service_is_restarted_and_proved_good_by_its_own_check(stage: Stage) -> None:
    unit = stage.api("killed", 18101)
    stage.begin(http("killed", 18101, "expect: {json: {status: ok}}, repair: [restart]"))

    stage.signal(unit)

    healed = stage.healed("killed")
    assert did(healed) == [("restart", "verified")]
    assert seconds(healed["first_bad_at"], healed["mitigated_at"]) < 2
    assert (healed["severity"], healed["unit"], healed["notifications"]) == ("SEV2", unit, [])
    assert stage.starts(unit) == 2
    assert "killed healed in" in stage.daily()
    assert json.loads(stage.host.run(["opsagent", "incidents", "--json"]).stdout) == [healed]


def test_a_killed_service_that_is_only_watched_is_told_of_and_left_alone(stage: Stage) -> None:
    unit = stage.api("watched", 18102)
    stage.begin(http("watched", 18102, "expect: {json: {status: ok}}"))

    stage.signal(unit)

    paged = stage.incident("watched", lambda one: [told["state"] for told in one["notifications"]] == ["sent"])
    assert did(paged) == [("restart", "refused")]
    assert paged["actions"][0]["reason"].startswith(f"would have restarted {unit}")
    assert paged["reason"] == f"{unit} failed: signal, killed by signal 9"
    assert stage.titles() == ["[PAGE SEV2] web-1: watched down, it is only watched"]
    assert stage.starts(unit) == 1


@pytest.mark.parametrize(("restart", "port"), [("on-failure", 18103), ("always", 18104)])
def test_what_systemd_restarts_by_itself_is_no_business_of_ours(stage: Stage, restart: str, port: int) -> None:
    unit = stage.api(restart, port, service=f"Restart={restart}\nRestartSec=100ms")
    stage.begin(http(restart, port, "repair: [restart]"))

    stage.signal(unit)

    stage.until(lambda: stage.starts(unit) == 2, what="systemd to restart it")
    stage.until(lambda: stage.status(restart)["status"] == "ok", what="a good look")
    assert [did(one) for one in stage.incidents()] in ([], [[]])
    assert stage.told() == []
    assert stage.starts(unit) == 2


def test_a_service_that_systemd_restarts_again_and_again_is_a_loop(stage: Stage) -> None:
    service = "Restart=always\nRestartSec=100ms\nStartLimitIntervalSec=0"
    unit = stage.api("looping", 18105, service=service)
    stage.begin(http("looping", 18105, ""))

    for count in range(2, 6):
        stage.signal(unit)
        stage.until(lambda count=count: stage.starts(unit) >= count, what="systemd to restart it")  # type: ignore[misc]

    found = stage.incident("looping")
    assert "restart loop" in found["reason"]
    assert stage.starts(unit) == 5


def test_two_services_that_fail_at_once_are_two_incidents(stage: Stage) -> None:
    units = [stage.api("one", 18106), stage.api("two", 18107)]
    stage.begin(http("one", 18106, "repair: [restart]") + "\n" + http("two", 18107, "repair: [restart]"))

    stage.host.run(["systemctl", "kill", "-s", "KILL", *units])

    healed = [stage.healed("one"), stage.healed("two")]
    assert [did(one) for one in healed] == [[("restart", "verified")]] * 2
    assert healed[0]["id"] != healed[1]["id"]
    assert [one["parent"] for one in healed] == [None, None]


def test_a_unit_is_known_by_its_real_name_whichever_alias_the_settings_use(stage: Stage) -> None:
    stage.behave("real")
    unit = stage.service(
        "real.service",
        "[Service]\nExecStart=/usr/bin/python3 /opt/scenario/api.py 18108 /srv/real\n"
        "[Install]\nAlias=nickname.service\n",
        start=False,
    )
    stage.host.run(["systemctl", "enable", "-q", "--now", unit])
    stage.begin(f"- {{name: alias, kind: unit, unit: nickname.service, {QUICK}, repair: [restart]}}")

    stage.signal(unit)

    healed = stage.healed("alias")
    assert healed["unit"] == unit
    assert did(healed) == [("restart", "verified")]


def test_a_killed_unit_that_has_a_check_of_its_own_is_not_told_of_twice(stage: Stage) -> None:
    mine = stage.api("mine", 18109)
    other = stage.service("nobodys.service", "[Service]\nExecStart=/bin/sleep inf\n")
    units = f"- {{name: failed-units, kind: units, {QUICK}}}"
    stage.begin(units + "\n" + http("mine", 18109, ""))

    stage.signal(mine)
    stage.incident("mine")
    stage.until(lambda: "no unit has failed" in stage.status("failed-units")["message"], what="a look at all units")
    assert [one["check"] for one in stage.incidents()] == ["mine"]

    stage.signal(other)
    found = stage.incident("failed-units")
    assert found["reason"] == "1 failed: nobodys.service (signal)"
    assert [one["check"] for one in stage.incidents()] == ["mine", "failed-units"]


def test_the_hosts_instance_says_that_it_cannot_see_a_persons_own_services(stage: Stage) -> None:
    stage.begin(f"- {{name: theirs, kind: unit, unit: mine.service, scope: user, {QUICK}}}")

    stage.until(lambda: "cannot" in stage.status("theirs")["message"], what="a look")

    assert stage.status("theirs")["message"].startswith(
        "cannot ask systemd about mine.service: cannot reach the user bus"
    )
    stage.until(lambda: stage.status("theirs")["status"] == "unknown", what="three looks")


def test_a_persons_own_service_is_repaired_by_a_persons_own_instance(stage: Stage) -> None:
    host = stage.host
    host.run(["useradd", "--create-home", "anna"])
    number = host.run(["id", "-u", "anna"]).stdout.strip()
    host.run(["systemctl", "start", f"user@{number}.service"])

    def as_anna(*argv: str) -> str:
        return host.run(["env", f"XDG_RUNTIME_DIR=/run/user/{number}", *argv], user="anna").stdout

    host.write("/home/anna/.config/systemd/user/mine.service", "[Service]\nExecStart=/bin/sleep inf\n")
    as_anna("systemctl", "--user", "daemon-reload")
    as_anna("systemctl", "--user", "start", "mine")
    check = f"{{name: mine, kind: unit, unit: mine.service, {QUICK}, repair: [restart]}}"
    host.write("/home/anna/ops.yaml", f"scope: user\nchecks: [{check}]\n")
    as_anna("systemd-run", "-q", "--user", "--unit=ops", "opsagent", "run", "--config", "/home/anna/ops.yaml")

    def told(question: str) -> Any:
        said = ["opsagent", "--config", "/home/anna/ops.yaml", question, "--json"]
        return json.loads(as_anna(*said))

    stage.until(
        lambda: told("status")["daemon"]["running"] and told("status")["checks"][0]["status"] == "ok", what="a look"
    )
    as_anna("systemctl", "--user", "kill", "-s", "KILL", "mine")

    stage.until(lambda: told("incidents") and told("incidents")[0]["state"] == "resolved", what="a repair")
    assert [did(one) for one in told("incidents")] == [[("restart", "verified")]]
    host.run(["systemctl", "stop", f"user@{number}.service"])


PLAYBOOK = """\
# Debugging Playbook

## Noted Not Starting
1. `systemctl is-enabled noted`
2. Check that its folder exists: `ls -d /srv/noted`
   - If missing, ask Ann
3. `cat /etc/shadow`
4. `touch /srv/noted/harm`
5. `curl http://localhost:18110/health`
"""


def test_what_people_wrote_is_followed_beside_the_repair_and_what_helped_is_drafted(stage: Stage) -> None:
    memory, draft = "/var/lib/opsagent/memory", "/var/lib/opsagent/memory/ops/runbooks/unnoted-killed.md"
    noted, unnoted = stage.api("noted", 18109), stage.api("unnoted", 18110)
    stage.begin(f"{http('noted', 18109, 'repair: [restart]')}\n{http('unnoted', 18110, 'repair: [restart]')}")
    stage.host.run(["install", "-d", "-m", "2770", "-o", "opsagent", "-g", "opsagent", f"{memory}/failures"])
    stage.host.write(f"{memory}/failures/debugging-notes.md", PLAYBOOK)
    stage.until(lambda: "GuidesRead" in stage.log(), what="the playbook to be read anew")

    stage.signal(noted)

    healed = stage.healed("noted")
    assert (healed["playbook"], did(healed)) == ("Noted Not Starting", [("restart", "verified")])
    stage.until(lambda: "200 in " in stage.record(), what="the last step in the incident's file")
    for said in (
        "\nenabled\n",
        "\n/srv/noted\nthe playbook says: If missing, ask Ann\n",
        "3. `cat /etc/shadow`: for a",
    ):
        assert said in stage.record()
    assert "root:" not in stage.record()
    assert stage.host.run(["test", "-e", "/srv/noted/harm"], check=False).returncode == 1

    stage.signal(unnoted)
    stage.healed("unnoted")
    stage.until(lambda: "correct it: ops/runbooks/unnoted-killed" in stage.daily(), what="the morning's word of it")
    assert "systemctl restart unnoted.service" in stage.host.read(draft)
    assert "is a draft that waits" in stage.host.run(["opsagent", "doctor"], check=False).stdout
    stage.host.write(draft, "# Mine\n\n## Verification\n")
    stage.host.run(["systemctl", "restart", "opsagent.service"])
    stage.good("noted", "unnoted")
    assert stage.host.read(draft) == "# Mine\n\n## Verification\n"
    assert stage.host.run(["sh", "-c", f"ls {memory}/ops/runbooks"]).stdout == "unnoted-killed.md\n"


def test_what_a_start_takes_is_learned_from_starts_by_anybody(stage: Stage) -> None:
    unit = stage.api("learned", 18140, start_after="0.4")
    learned = http("learned", 18140, "repair: [restart]").replace(", start_within: 10s", "")
    stage.begin(learned)
    stage.good("learned")

    for count in (1, 2, 3):
        stage.host.run(["systemctl", "restart", unit])
        stage.until(lambda: stage.status("learned")["start_within"]["starts"] == count, what=f"start {count}")  # noqa: B023

    known = stage.status("learned")["start_within"]
    assert (known["source"], known["starts"]) == ("learned", 3)
    assert 0.4 <= known["median"] <= known["p95"] < known["seconds"]
    assert "learned from 3 starts, median" in stage.why("learned")
    stage.until(lambda: "## Start-up times" in environment(stage), what="the start-up times in the memory")
    assert stage.incidents("learned") == []


def environment(stage: Stage) -> str:
    file = "/var/lib/opsagent/memory/knowledge/environment.md"
    return stage.host.run(["sh", "-c", f"cat {file}"], check=False).stdout
