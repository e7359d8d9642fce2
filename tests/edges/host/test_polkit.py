"""The text of the polkit rule, its copy, and what is never granted."""

from __future__ import annotations

import hashlib
import json

import pytest

from opsagent.host.polkit import Freshness, compare, copy, lacking, rule, verbs_of

GRANTED = {"nginx.service": ["restart", "reload"], "redis-server.service": ["restart", "reset-failed"]}


def test_only_what_systemd_is_asked_for_needs_a_verb() -> None:
    assert verbs_of(["restart", "reset_failed", "reload", "command"]) == {"restart", "reset-failed", "reload"}
    assert verbs_of(["command"]) == frozenset()


def test_the_rule_says_exactly_which_units_and_verbs() -> None:
    text = rule(GRANTED)

    table = text.partition("var verbs = ")[2].partition(";\n")[0]
    assert json.loads(table) == {
        "nginx.service": ["reload", "restart"],
        "redis-server.service": ["reset-failed", "restart"],
    }
    assert 'subject.user !== "opsagent"' in text
    assert "=>" not in text
    assert "KEEP" not in text


def test_the_same_grants_give_the_same_rule_in_any_order() -> None:
    turned = {unit: verbs[::-1] for unit, verbs in reversed(GRANTED.items())}

    assert rule(turned) == rule(GRANTED)


@pytest.mark.parametrize(
    ("unit", "verb"),
    [
        ("nginx.service", "start"),
        ("nginx.service", "stop"),
        ("nginx.service", "kill"),
        ("nginx.service", "set-property"),
        ("ssh.service", "restart"),
        ("dbus.service", "restart"),
        ("systemd-journald.service", "restart"),
        ("polkit.service", "restart"),
        ("opsagent.service", "restart"),
        ("opsagent-healthcheck.service", "restart"),
        ("opsagent-act-.service", "restart"),
        ("opsagent-act-web.service", "start"),
        ("opsagent-act-web.service", "reload"),
        ("user@1000.service", "restart"),
        ("nginx*", "restart"),
        ("*.service", "restart"),
        ("api@.service", "restart"),
        ("docker.socket", "restart"),
        ("srv.mount", "restart"),
        ("multi-user.target", "restart"),
        ('x"];alert(1)//.service', "restart"),
        ("a\n.service", "restart"),
        ("", "restart"),
    ],
)
def test_what_must_never_be_granted_is_refused_by_name(unit: str, verb: str) -> None:
    with pytest.raises(ValueError, match="cannot "):
        rule({unit: [verb]})


def test_an_act_may_be_restarted_and_nothing_else() -> None:
    assert json.loads(copy({"opsagent-act-web.service": ["restart"]}))["units"] == {
        "opsagent-act-web.service": ["restart"]
    }


def test_a_unit_without_verbs_is_not_in_the_rule() -> None:
    assert "nginx" not in rule({"nginx.service": []})


def test_the_copy_can_be_read_by_people_and_carries_the_hash_of_the_rule() -> None:
    said = json.loads(copy(GRANTED))

    assert said["sha256"] == hashlib.sha256(rule(GRANTED).encode()).hexdigest()
    assert said["units"]["nginx.service"] == ["reload", "restart"]


def test_the_copy_tells_whether_the_rule_fits_the_settings() -> None:
    found = copy(GRANTED)

    assert compare(found, GRANTED) is Freshness.FRESH
    assert compare(found, {**GRANTED, "api.service": ["restart"]}) is Freshness.STALE
    assert compare(found, {"nginx.service": ["restart"]}) is Freshness.STALE
    assert compare(found, GRANTED, user="other") is Freshness.STALE
    assert compare(found.replace("reload", "restart"), GRANTED) is Freshness.STALE
    assert compare(None, GRANTED) is Freshness.MISSING


def test_what_the_rule_lacks_is_named() -> None:
    assert lacking(copy(GRANTED), GRANTED) == ""
    assert lacking(None, GRANTED).startswith("polkit does not allow: reload nginx.service, restart nginx.service, ")
    assert lacking(copy({"nginx.service": ["restart"]}), {"nginx.service": ["reload", "restart"]}) == (
        "polkit does not allow: reload nginx.service"
    )
    assert lacking("[", {"api.service": ["restart"]}) == "polkit does not allow: restart api.service"


def test_a_rule_that_allows_too_much_is_told_too() -> None:
    assert lacking(copy(GRANTED), {}) == "polkit allows more than the settings need"
    assert lacking(None, {}) == ""


def test_what_is_never_granted_is_said_to_be_so() -> None:
    assert "ssh.service" in lacking(None, {"ssh.service": ["restart"]})
