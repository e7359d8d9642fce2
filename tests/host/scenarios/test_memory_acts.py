"""Memory that acts, on a real host: what worked before is done first, what cannot help is not done at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.host.scenarios.stage import QUICK, SETTINGS, Stage, did

if TYPE_CHECKING:
    from tests.host.scenarios.stage import Incident

PATTERNS = "/var/lib/opsagent/memory/failures/patterns"
PLENTY = "repair: {per_unit: {attempts: 9, per_day: 20, waits: [200ms]}, per_host: {actions: 40}}"
RELOADABLE = "ExecReload=/bin/true"
BY_HAND = """---
title: What Ann found out about helped
match: {unit: "helped*", log: ["(a+)+$", "500"]}
remedies: [{do: restart}]
---
Reloading never helped here.
"""
HOSTILE = """---
title: Hostile
match: {unit: "helped*", log: '(x)\\1'}
---
"""
FORBIDDEN = """---
title: Too much
match: {unit: "other*"}
remedies: [{do: stop}]
---
"""


def http(name: str, port: int, more: str) -> str:
    url = f"http://127.0.0.1:{port}/health"
    return f"- {{name: {name}, kind: http, url: '{url}', unit: {name}.service, {QUICK}, {more}}}"


def sick(stage: Stage, name: str, times: int) -> Incident:
    """Let a service answer 500 until it is restarted, and wait until that was seen, done and proved."""
    stage.behave(name, behave="500")

    def is_over() -> object:
        one = next(iter(stage.incidents(name)), None)
        return one and one["state"] == "resolved" and did(one).count(("restart", "verified")) == times

    stage.until(is_over, what=f"repair {times} of {name}")
    return stage.incidents(name)[0]


def replayed(stage: Stage, old: str = "", new: str = "") -> dict[str, Any]:
    """Try the settings in force, with one thing changed, on what this host has lived through."""
    text = stage.host.read(SETTINGS)
    assert old in text
    stage.host.write("/root/new.yaml", text.replace(old, new))
    asked = ["opsagent", "replay", "--settings", "/root/new.yaml", "--since", "1d", "--json"]
    return dict(json.loads(stage.host.run(asked).stdout))


def assert_a_replay_tells_it_again(stage: Stage) -> None:
    """One incident of four repairs, and one that says that they cure nothing, of which people were told."""
    stage.host.run(["systemctl", "stop", "opsagent.service"])  # it writes its last looks
    same = replayed(stage)
    patient = replayed(stage, "failures: 2", "failures: 99")
    unarmed = replayed(stage, "[reload, restart]", "[]")

    assert same["differences"] == []
    assert same["before"] == same["after"] == {"incidents": 2, "repairs": 4, "pages": 1}
    assert patient["after"] == {"incidents": 0, "repairs": 0, "pages": 0}
    assert [one["how"] for one in patient["differences"]] == [["would not have been"]] * 2
    told, never = unarmed["differences"]
    assert unarmed["after"]["repairs"] == 0
    assert told["how"][0] == "repairs: none instead of reload again.service, 3 x restart again.service"
    assert len(told["after"]["pages"]) > len(told["before"]["pages"]) == 0
    assert (never["key"], never["after"]) == ("again.service/chronic", None)


def test_the_third_time_it_is_known_what_helps_and_what_never_did(stage: Stage) -> None:
    stage.api("again", 18130, service=RELOADABLE)
    stage.begin(http("again", 18130, "repair: [reload, restart]"), PLENTY)
    stage.good("again")

    first = did(sick(stage, "again", 1))
    second = did(sick(stage, "again", 2))[len(first) :]
    third = sick(stage, "again", 3)

    assert first == [("reload", "failed"), ("restart", "verified")]
    assert second == [("restart", "verified")]
    assert did(third)[len(first) + 1 :] == [("restart", "verified")]
    assert third["choice"].startswith("restart worked 2 of 2 times for this failure, median ")
    assert third["choice"].endswith("; reload skipped: it never worked for this failure (0 of 1)")
    assert third["choice"] in stage.record()
    assert_a_replay_tells_it_again(stage)


def test_a_pattern_written_by_hand_decides_the_next_repair_and_bad_ones_do_no_harm(stage: Stage) -> None:
    stage.api("helped", 18131, service=RELOADABLE)
    stage.begin(http("helped", 18131, "repair: [reload, restart]"), PLENTY)
    stage.good("helped")
    stage.host.run(["install", "-d", "-m", "2770", "-o", "opsagent", "-g", "opsagent", PATTERNS])
    for name, text in (("hostile", HOSTILE), ("forbidden", FORBIDDEN), ("broken", "---\ntitle: [\n---\n")):
        stage.host.write(f"{PATTERNS}/{name}.md", text)
    stage.host.write(f"{PATTERNS}/anns.md", BY_HAND)
    stage.until(lambda: "ArchiveRead" in stage.log(), what="the archive to be read")

    healed = sick(stage, "helped", 1)

    assert did(healed) == [("restart", "verified")]
    assert healed["choice"].startswith("restart is named by failures/patterns/anns.md")
    said = stage.host.run(["opsagent", "doctor", "--json"], check=False).stdout
    assert [name for name in ("hostile", "forbidden", "broken") if f"patterns/{name}.md:" not in said] == []


def test_a_taken_port_is_not_answered_by_any_restart_until_it_is_free(stage: Stage) -> None:
    holder = stage.service("holder.service", "[Service]\nExecStart=/usr/bin/python3 -m http.server 18132\n")
    stage.until(lambda: ":18132" in stage.host.run(["ss", "-Hltn"]).stdout, what="the holder to listen")
    robbed = stage.api("robbed", 18132)
    stage.until(lambda: stage.host.show(robbed, "ActiveState") == "failed", what="the robbed one to fail")
    started = stage.starts(robbed)
    check = f"  - {{name: robbed, kind: unit, unit: {robbed}, criticality: important, repair: [restart], every: 1s}}"

    stage.begin(check)

    stage.until(lambda: any("[PAGE" in title for title in stage.titles()), what="a page")
    found = stage.incident("robbed")
    assert (found["cause"], did(found)) == ("port-taken", [("restart", "refused")])
    assert "port 18132 is held by python3" in found["actions"][0]["reason"]
    (page,) = (one for one in stage.told() if one["title"].startswith("[PAGE"))
    assert f"port 18132 is held by python3 ({holder})" in page["reason"]
    assert stage.starts(robbed) == started

    stage.host.run(["systemctl", "stop", holder])

    assert ("restart", "verified") in did(
        stage.incident("robbed", lambda one: ("restart", "verified") in did(one), within=40)
    )
