"""What a whole file means, and what every mistake in it is told as."""

from __future__ import annotations

import zoneinfo
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent.core.observation import Severity
from opsagent.core.policy import Confirm, Criticality, HostBudget, Level, Maintenance, Mode, RemedyRule, UnitBudget
from opsagent.settings import SettingsError, default_settings, load, load_text
from opsagent.settings.options import Deadman, Layout, Scope
from tests.settings.conftest import KINDS, NOTIFIERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.settings import Account, Settings

    Read = Callable[..., Settings]
    Problems = Callable[..., list[str]]

API = "checks: [{name: api, kind: http, url: 'http://127.0.0.1:18080/health'}]"

WHOLE = """
host: web-1
memory: /srv/memory
layout: openclaw
zone: Europe/Berlin
state: /srv/state
scope: user
heartbeat: 10m
fast_loop: 20s
deadman: {url: "https://hc.example/ping/uuid", every: 2m}
checks:
  - name: api
    kind: http
    url: http://127.0.0.1:18080/health
    expect: {status: 200, json: {status: ok, db.up: true}, max_latency: 2s}
    timeout: 4s
    every: 15s
    confirm: {failures: 2, retry: 1s, successes: 3, stable_for: 10s, resolve_after: 1m, start_within: 90s}
    unit: api.service
    repair: [restart, {do: command, command: [/bin/true, "1"], timeout: 30s}]
    criticality: critical
    depends_on: [redis]
    for: 3s
  - {name: redis, kind: listen, port: 6379, unit: redis-server.service, scope: system}
repair:
  mode: observe
  per_unit: {attempts: 2, within: 20m, per_day: 5, waits: [1s, 2s]}
  per_host: {actions: 4, within: 2h}
notifiers:
  - {name: mail, kind: apprise, url: "mailto://ada:secret@mail.example"}
  - {name: tell, kind: command, command: [/usr/local/bin/tell-me], audience: public}
escalation:
  levels:
    - {name: oncall, after: 0m, notify: [mail, tell]}
    - {name: lead, after: 30m, notify: [tell]}
  SEV1:
    levels: [{name: all, notify: [mail, tell]}]
maintenance:
  - {checks: [api], from: "Sun 02:00", for: 2h, also: repairs}
  - {checks: [redis], from: 02:00, for: 30m, zone: UTC}
"""


def test_one_check_alone_is_a_working_configuration(read: Read, account: Account) -> None:
    settings = read(API)

    assert [(check.name, check.kind) for check in settings.policy.checks] == [
        ("api", "http"),
        ("failed-units", "units"),
    ]
    assert settings.state == account.home / ".local/state/opsagent"
    assert settings.memory == settings.state / "memory"
    assert settings.policy.mode is Mode.AUTO
    assert settings.policy.checks[0].repair == ()


def test_an_empty_file_watches_the_failed_units(read: Read) -> None:
    settings = read("")

    assert [check.name for check in settings.policy.checks] == ["failed-units"]


def test_every_key_arrives_where_it_belongs(read: Read) -> None:
    settings = read(WHOLE)
    policy, api = settings.policy, settings.policy.checks[0]

    assert (settings.host, settings.zone, settings.layout) == ("web-1", "Europe/Berlin", Layout.OPENCLAW)
    assert (settings.memory, settings.state) == (Path("/srv/memory"), Path("/srv/state"))
    assert settings.scope is Scope.USER
    assert settings.deadman == Deadman(url="https://hc.example/ping/uuid", every=timedelta(minutes=2))
    assert (policy.heartbeat, policy.fast_loop) == (timedelta(minutes=10), timedelta(seconds=20))
    assert policy.mode is Mode.OBSERVE
    assert policy.per_unit == UnitBudget(
        attempts=2, within=timedelta(minutes=20), per_day=5, waits=(timedelta(seconds=1), timedelta(seconds=2))
    )
    assert policy.per_host == HostBudget(actions=4, within=timedelta(hours=2))
    assert api.confirm == Confirm(
        failures=2,
        retry=timedelta(seconds=1),
        successes=3,
        stable_for=timedelta(seconds=10),
        resolve_after=timedelta(minutes=1),
        start_within=timedelta(seconds=90),
    )
    assert (api.every, api.timeout, api.hold) == (timedelta(seconds=15), timedelta(seconds=4), timedelta(seconds=3))
    assert api.repair == (
        RemedyRule(do="restart"),
        RemedyRule(do="command", command=("/bin/true", "1"), timeout=timedelta(seconds=30)),
    )
    assert (api.criticality, api.depends_on, api.scope) == (Criticality.CRITICAL, ("redis",), "user")
    assert policy.checks[1].scope == "system"


def test_who_is_told_and_when_arrives_too(read: Read) -> None:
    policy = read(WHOLE).policy

    assert [(each.name, each.kind, each.public) for each in policy.notifiers] == [
        ("mail", "apprise", False),
        ("tell", "command", True),
    ]
    assert [level.name for level in policy.escalation.levels_for(Severity.SEV2)] == ["oncall", "lead"]
    assert policy.escalation.levels_for(Severity.SEV1) == (
        Level(name="all", after=timedelta(), notify=("mail", "tell")),
    )
    assert policy.maintenance == (
        Maintenance(checks=("api",), begins="Sun 02:00", lasts=timedelta(hours=2), zone="Europe/Berlin", repairs=True),
        Maintenance(checks=("redis",), begins="02:00", lasts=timedelta(minutes=30), zone="UTC"),
    )


def test_a_check_gets_its_kinds_options_and_the_common_ones_it_asks_for(read: Read) -> None:
    settings = read(WHOLE)
    api, redis = settings.watched[0].check, settings.watched[1].check

    assert api.timeout == timedelta(seconds=4)
    assert api.expect.json == {"status": "ok", "db.up": True}
    assert api.expect.max_latency == timedelta(seconds=2)
    assert (redis.port, redis.unit) == (6379, "redis-server.service")


def test_without_levels_everybody_is_told_at_once(read: Read) -> None:
    policy = read("notifiers: [{name: a, kind: journal}, {name: b, kind: journal}]").policy

    assert policy.escalation.levels == (Level(name="everyone", after=timedelta(), notify=("a", "b")),)


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ("kind: http, url: 'http://[::1]/'", 60),
        ("kind: http, url: 'http://[::1]/', unit: a.service, repair: [restart]", 10),
        ("kind: unit, unit: a.service, repair: [restart]", 60),
        ("kind: http, url: 'http://[::1]/', unit: a.service, repair: [restart], every: 1s", 1),
    ],
)
def test_only_an_armed_http_check_is_looked_at_more_often_by_itself(read: Read, options: str, seconds: int) -> None:
    settings = read(f"checks: [{{name: a, {options}}}]")

    assert settings.policy.checks[0].every == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("options", "criticality"),
    [
        ("", Criticality.LOW),
        (", unit: a.service", Criticality.IMPORTANT),
        (", criticality: normal", Criticality.NORMAL),
    ],
)
def test_a_check_that_names_a_unit_is_important(read: Read, options: str, criticality: Criticality) -> None:
    settings = read(f"checks: [{{name: a, kind: cpu{options}}}]")

    assert settings.policy.checks[0].criticality is criticality


def test_a_kind_says_how_long_it_must_be_bad_and_the_settings_may_say_otherwise(read: Read) -> None:
    settings = read("checks: [{name: a, kind: cpu}, {name: b, kind: cpu, for: 1m}]")

    assert [check.hold for check in settings.policy.checks[:2]] == [timedelta(minutes=15), timedelta(minutes=1)]


def test_a_kind_says_its_own_timeout(read: Read) -> None:
    settings = read("checks: [{name: a, kind: tcp, port: 1}, {name: b, kind: cpu}]")

    assert [check.timeout for check in settings.policy.checks[:2]] == [timedelta(seconds=3), timedelta(seconds=10)]


def test_a_check_of_the_hosts_own_units_replaces_the_one_that_is_always_there(read: Read) -> None:
    settings = read("checks: [{name: mine, kind: units, ignore: [backup.service]}]")

    assert [check.name for check in settings.policy.checks] == ["mine"]


def test_a_check_may_have_the_name_of_the_one_that_is_always_there(read: Read) -> None:
    settings = read("checks: [{name: failed-units, kind: cpu}]")

    assert [check.name for check in settings.policy.checks] == ["failed-units", "failed-units-of-host"]


def test_the_zone_is_the_hosts_unless_it_is_set(read: Read) -> None:
    assert zoneinfo.ZoneInfo(read("").zone)


def test_a_path_may_begin_at_home(read: Read, account: Account) -> None:
    settings = read("{memory: ~/clawd/memory, state: '~'}")

    assert (settings.memory, settings.state) == (account.home / "clawd/memory", account.home)


def test_the_files_texts_and_hashes_are_kept(read: Read, tmp_path: Path) -> None:
    settings = read(API, ram="checks: [{name: ram, kind: memory}]")

    assert [source.path for source in settings.sources] == [
        str(tmp_path / "opsagent.yaml"),
        str(tmp_path / "conf.d/ram.yaml"),
    ]
    assert settings.sources[0].text == API
    assert len(settings.sources[0].sha256) == 64
    assert settings.path == tmp_path / "opsagent.yaml"


def test_files_of_conf_d_append_to_the_lists_in_the_order_of_their_names(read: Read) -> None:
    settings = read(
        API,
        b="checks: [{name: second, kind: cpu}]",
        a="{checks: [{name: first, kind: cpu, depends_on: [api]}], notifiers: [{name: log, kind: journal}]}",
    )

    assert [check.name for check in settings.policy.checks] == ["api", "first", "second", "failed-units"]
    assert [each.name for each in settings.policy.notifiers] == ["log"]


def test_the_units_and_rights_that_are_needed_can_be_asked(read: Read) -> None:
    settings = read("""
checks:
  - {name: b, kind: unit, unit: b.service, repair: [restart, reset_failed, {do: command, command: [/bin/true]}]}
  - {name: a, kind: listen, port: 80, unit: b.service, repair: [reload]}
  - {name: u, kind: unit, unit: mine.service, scope: user, repair: [restart]}
  - {name: c, kind: unit, unit: c.service}
""")

    assert settings.units() == ("b.service", "c.service", "mine.service")
    assert settings.armed() == (("b.service", ("reload", "reset_failed", "restart")),)


def test_without_settings_nothing_is_armed(account: Account) -> None:
    settings = default_settings(KINDS, account, host="h")

    assert [check.kind for check in settings.policy.checks] == ["units"]
    assert settings.armed() == ()
    assert settings.sources == ()
    assert settings.path is None


def test_settings_may_stand_in_no_file(account: Account) -> None:
    settings = load_text(API, KINDS, (), NOTIFIERS, account)

    assert [check.name for check in settings.policy.checks] == ["api", "failed-units"]
    assert settings.path is None
    assert settings.state == account.home / ".local/state/opsagent"
    assert [source.text for source in settings.sources] == [API]


def test_what_is_wrong_with_them_has_a_line_too(account: Account) -> None:
    with pytest.raises(SettingsError, match=r"^discovered:2: cannot use the key 'x'"):
        load_text("zone: UTC\nx: 1", KINDS, (), NOTIFIERS, account)


def test_the_systems_account_keeps_its_state_under_var(tmp_path: Path, account: Account) -> None:
    # only root can own what root trusts, so the account alone makes the difference here
    from opsagent.settings.loading import _state  # noqa: PLC0415 - the rule, without needing to be root

    root = type(account)(uid=0, name="root", home=Path("/root"))
    ours = type(account)(uid=990, name="opsagent", home=Path("/var/lib/opsagent"))

    assert _state(Scope.SYSTEM, root, tmp_path) == Path("/var/lib/opsagent")
    assert _state(Scope.SYSTEM, ours, tmp_path) == Path("/var/lib/opsagent")
    assert _state(Scope.SYSTEM, account, Path("/etc/opsagent/opsagent.yaml")) == Path("/var/lib/opsagent")
    assert _state(Scope.SYSTEM, account, tmp_path) == account.home / ".local/state/opsagent"
    assert _state(Scope.USER, root, tmp_path) == Path("/root/.local/state/opsagent")


MISTAKES = {
    "unknown key": (
        "zon: UTC",
        (
            "1: cannot use the key 'zon' (did you mean 'zone'?), known keys: checks, deadman, escalation, fast_loop, "
            "heartbeat, host, layout, maintenance, memory, notifiers, repair, scope, state, zone"
        ),
    ),
    "unknown key of a check": (
        "checks:\n- name: a\n  kind: cpu\n  evry: 5s",
        (
            "4: cannot use the key 'evry' (did you mean 'every'?), known keys: confirm, critical, criticality, "
            "depends_on, every, for, kind, name, repair, scope, timeout, unit, warning (check 'a')"
        ),
    ),
    "unknown key inside": (
        "repair:\n  per_unit:\n    attemps: 3",
        (
            "3: cannot use the key 'attemps' (did you mean 'attempts'?), known keys: attempts, per_day, waits, within "
            "(repair.per_unit)"
        ),
    ),
    "wrong type": (
        "repair:\n  per_unit: {attempts: many}",
        "2: cannot use 'many', allowed: a whole number (repair.per_unit.attempts)",
    ),
    "text for a number": (
        "checks:\n- {name: a, kind: cpu, warning: '85'}",
        "2: cannot use '85', allowed: a number (warning of check 'a')",
    ),
    "true for a number": (
        "checks:\n- {name: a, kind: tcp, port: true}",
        "2: cannot use true, allowed: a whole number (port of check 'a')",
    ),
    "number for text": (
        "host: 5",
        "1: cannot use 5, allowed: text (in quotes if it looks like a number or a date) (host)",
    ),
    "one for a list": (
        "checks:\n- {name: a, kind: cpu, depends_on: b}",
        "2: cannot use 'b', allowed: a list (depends_on of check 'a')",
    ),
    "list for a mapping": ("repair: []", "1: cannot use a list, allowed: a mapping (repair)"),
    "mapping for a list": ("checks: {}", "1: cannot use a mapping, allowed: a list (checks)"),
    "closed set": ("layout: flat", "1: cannot use 'flat', allowed: standalone, ai-memory or openclaw (layout)"),
    "out of range": (
        "repair: {per_unit: {attempts: 0}}",
        "1: cannot use 0, allowed: 1 to 20 (repair.per_unit.attempts)",
    ),
    "too often": (
        "checks:\n- {name: a, kind: cpu, every: 500ms}",
        "2: cannot use 500ms, allowed: 1s to 7d (every of check 'a')",
    ),
    "bare number of time": (
        "heartbeat: 30",
        "1: cannot read '30' as a duration, write 30s (units: ms, s, m, h, d) (heartbeat)",
    ),
    "bad unit of time": (
        "heartbeat: 30min",
        "1: cannot read '30min' as a duration, allowed: 500ms, 30s, 5m, 2h, 1d or 1h30m (heartbeat)",
    ),
    "bare number of bytes": (
        "checks:\n- {name: a, kind: file, path: /x, min_size: 5}",
        "2: cannot read 5 as a size, write 5B or use KiB, MiB, GiB (min_size of check 'a')",
    ),
    "bad unit of size": (
        "checks:\n- {name: a, kind: file, path: /x, min_size: 5gb}",
        (
            "2: cannot read '5gb' as a size, allowed: a whole number with B, KiB, MiB, GiB, TiB, KB … TB "
            "(min_size of check 'a')"
        ),
    ),
    "no kind": (
        "checks:\n- {name: a}",
        f"2: cannot do without the key 'kind', known kinds: {', '.join(sorted(KINDS))} (check 'a')",
    ),
    "unknown kind": (
        "checks:\n- name: a\n  kind: dsik",
        f"3: cannot find check kind 'dsik', known kinds: {', '.join(sorted(KINDS))} (check 'a')",
    ),
    "unknown notifier kind": (
        "notifiers: [{name: a, kind: pigeon}]",
        f"1: cannot find notifier kind 'pigeon', known kinds: {', '.join(sorted(NOTIFIERS))} (notifier 'a')",
    ),
    "no name": ("checks:\n- kind: cpu", "2: cannot do without the key 'name' (this check)"),
    "bad name": (
        "checks:\n- {name: My Api, kind: cpu}",
        (
            "2: cannot use 'My Api' as a name, allowed: small letters, digits and hyphens, beginning with a letter or "
            "digit, up to 63 (name of check 'My Api')"
        ),
    ),
    "no mapping": ("checks:\n- api", "2: cannot read 'api' as a check, allowed: a mapping with name and kind"),
    "missing option": (
        "checks:\n- {name: a, kind: listen}",
        "2: cannot do without the key 'port' (check 'a')",
    ),
    "refused by the kind": (
        "checks:\n- name: a\n  kind: tcp\n  port: 70000",
        "4: cannot use port 70000, allowed: 1 to 65535 (check 'a')",
    ),
    "zone": (
        "zone: Mars/Olympus",
        "1: cannot find the time zone 'Mars/Olympus', allowed: a name such as UTC or Europe/Berlin (zone)",
    ),
    "zone that is a path": (
        "zone: ../../etc/passwd",
        "1: cannot find the time zone '../../etc/passwd', allowed: a name such as UTC or Europe/Berlin (zone)",
    ),
    "relative memory": (
        "memory: memory",
        "1: cannot use 'memory' as a directory, allowed: a path from / or ~/ without .. (memory)",
    ),
    "deadman that is no address": (
        "deadman: {url: hc.example}",
        "1: cannot use this as an address, allowed: http:// or https:// with a host (deadman.url)",
    ),
    "begin of a maintenance": (
        "checks: [{name: a, kind: cpu}]\nmaintenance:\n- {checks: [a], from: Sunday, for: 1h}",
        "3: cannot read 'Sunday' as a begin, allowed: 'Sun 02:00', '02:00' or '2026-03-01T02:00' (maintenance.from)",
    ),
    "empty list": (
        "maintenance:\n- {checks: [], from: 02:00, for: 1h}",
        "2: cannot use an empty list here, allowed: one item or more (maintenance.checks)",
    ),
}


@pytest.mark.parametrize(("text", "problem"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_at_its_line_with_what_is_allowed(problems: Problems, text: str, problem: str) -> None:
    assert problems(text) == [problem]


def test_all_mistakes_of_all_files_are_told_at_once(problems: Problems) -> None:
    found = problems(
        "zone: Mars\nheartbeat: 5\nchecks:\n- {name: a, kind: cpu, warnin: 5, depends_on: [b]}\n- {name: c, kind: x}\n",
        one="checks:\n- {name: a, kind: disk}",
        two="layout: flat",
    )

    places = [problem.split(" ", 1)[0] for problem in found]
    assert places == ["conf.d/one.yaml:2:", "conf.d/one.yaml:2:", "conf.d/two.yaml:1:", "1:", "2:", "4:", "4:", "5:"]


def test_a_secret_in_a_wrong_value_is_not_repeated(problems: Problems) -> None:
    found = problems(
        "notifiers: [{name: a, kind: apprise, url: {token: hunter2}}]\ndeadman: {url: 'ftp://u:hunter2@x'}"
    )

    assert len(found) == 2
    assert "hunter2" not in "\n".join(found)


def test_control_characters_of_a_file_never_reach_a_terminal(problems: Problems) -> None:
    found = problems('host: "\\e[31mred\\e[0m\\u202e"')

    assert found == [
        "1: cannot use '\\x1b[31mred\\x1b[0m\\u202e' as a host name, allowed: letters, digits, dots, _ and - (host)"
    ]


def test_a_file_that_cannot_be_read_as_yaml_does_not_make_up_unknown_names(problems: Problems) -> None:
    found = problems("checks: [{name: a, kind: cpu, depends_on: [b]}]", b="checks: [{name: b, kind: cpu}")

    assert len(found) == 1
    assert found[0].startswith("conf.d/b.yaml:1: cannot read this as YAML:")


def test_a_settings_file_that_is_not_there_is_an_error(tmp_path: Path, account: Account) -> None:
    with pytest.raises(SettingsError) as error:
        load(tmp_path / "none.yaml", KINDS, (), NOTIFIERS, account)

    assert str(error.value) == (
        f"{tmp_path}/none.yaml:1: cannot open this file: No such file or directory, allowed: a readable file"
    )
