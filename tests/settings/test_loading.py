"""What a whole file means, and what every mistake in it is told as."""

from __future__ import annotations

import zoneinfo
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent.core.observation import Severity
from opsagent.core.policy import Confirm, Criticality, HostBudget, Level, Maintenance, Mode, RemedyRule, UnitBudget
from opsagent.settings import SettingsError, default_settings, load_text
from opsagent.settings.building import state_of
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


def test_a_key_with_everything_below_it_commented_out_is_as_if_it_were_not_there(read: Read) -> None:
    settings = read("checks:\n#- name: a\nnotifiers:\nescalation:\nrepair:\nzone:\ndeadman:\n")

    assert [check.name for check in settings.policy.checks] == ["failed-units"]
    assert settings.deadman is None


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

    root = type(account)(uid=0, name="root", home=Path("/root"))
    ours = type(account)(uid=990, name="opsagent", home=Path("/var/lib/opsagent"))

    assert state_of(Scope.SYSTEM, root, tmp_path) == Path("/var/lib/opsagent")
    assert state_of(Scope.SYSTEM, ours, tmp_path) == Path("/var/lib/opsagent")
    assert state_of(Scope.SYSTEM, account, Path("/etc/opsagent/opsagent.yaml")) == Path("/var/lib/opsagent")
    assert state_of(Scope.SYSTEM, account, tmp_path) == account.home / ".local/state/opsagent"
    assert state_of(Scope.USER, root, tmp_path) == Path("/root/.local/state/opsagent")


def test_a_check_that_counts_by_the_wall_clock_does_so_in_the_zone_of_the_settings(
    read: Callable[..., Settings],
) -> None:
    peak = "peak: {from: 08:00, to: '20:00', warning: 80}"
    plain, own = read(
        f"zone: Asia/Tokyo\nchecks:\n- {{name: a, kind: gauge, command: [/bin/true], {peak}}}\n"
        f"- {{name: b, kind: gauge, command: [/bin/true], {peak}, zone: Europe/Berlin}}\n"
        "- {name: c, kind: units}\n"
    ).watched[:2]

    assert (plain.check.zone, own.check.zone) == ("Asia/Tokyo", "Europe/Berlin")
