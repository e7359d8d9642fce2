"""What every mistake is told as, at its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opsagent.settings import Account, SettingsError, load
from opsagent.settings.options import Document
from opsagent.settings.reading import keys_of
from tests.settings.conftest import KINDS, NOTIFIERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Problems = Callable[..., list[str]]

KEYS = ", ".join(sorted(key.key for key in keys_of(Document)))
MISTAKES = {
    "unknown key": (
        "zon: UTC",
        f"1: cannot use the key 'zon' (did you mean 'zone'?), known keys: {KEYS}",
    ),
    "unknown key of a check": (
        "checks:\n- name: a\n  kind: cpu\n  evry: 5s",
        (
            "4: cannot use the key 'evry' (did you mean 'every'?), known keys: confirm, critical, criticality, "
            "depends_on, every, for, kind, name, playbook, repair, scope, timeout, unit, warning (check 'a')"
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
        "2: cannot use 'b', allowed: a list: [b] (depends_on of check 'a')",
    ),
    "a control character for a list": (
        'checks:\n- {name: a, kind: cpu, depends_on: "\\e"}',
        "2: cannot use '\\x1b', allowed: a list (depends_on of check 'a')",
    ),
    "a number for a list": ("notifiers: 1", "1: cannot use 1, allowed: a list (notifiers)"),
    "words for a list": (
        "checks:\n- {name: a, kind: command, command: df -h}",
        "2: cannot use 'df -h', allowed: a list (command of check 'a')",
    ),
    "list for a mapping": ("repair: []", "1: cannot use a list, allowed: a mapping (repair)"),
    "mapping for a list": ("checks: {}", "1: cannot use a mapping, allowed: a list (checks)"),
    "closed set": ("layout: flat", "1: cannot use 'flat', allowed: standalone, ai-memory or openclaw (layout)"),
    "closed set that may be left out": (
        "checks:\n- {name: a, kind: container, container: web, engine: lxc}",
        "2: cannot use 'lxc', allowed: docker or podman (engine of check 'a')",
    ),
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
    "a name that means all": (
        "checks:\n- {name: all, kind: cpu}",
        "2: cannot use 'all' as a name: pauses and windows mean every check by it (name of check 'all')",
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


@pytest.mark.parametrize(
    ("check", "told"),
    [
        ("kind: login, failures: 0, within: 0s, accounts: 2", ["accounts", "failures 0", "within 0s"]),
        ("kind: job, every: 1h, grace: 0s, max_runtime: 0s", ["grace 0s", "max_runtime 0s"]),
        ("kind: job, every: soon", ["every"]),  # and not: it cannot tell when it is due
        ("kind: gauge, command: [/bin/df], warning: 9, critical: 5, of: 0", ["critical 5", "of 0"]),
        ("kind: gauge, url: 'http://127.0.0.1/', json: [], warning: 9", ["json"]),
        ("kind: container, engine: lxc", ["container", "engine"]),
    ],
)
def test_one_mistake_in_a_check_hides_no_other_and_makes_no_new_one(
    problems: Problems, check: str, told: list[str]
) -> None:
    found = problems(f"checks:\n- {{name: a, {check}}}")

    assert len(found) == len(told)
    assert all(any(words in each for each in found) for words in told)


def test_a_word_of_control_signs_is_shown_quoted_and_not_as_the_list_it_may_stand_for(problems: Problems) -> None:
    assert problems('notifiers: "\\x1b"') == ["1: cannot use '\\x1b', allowed: a list (notifiers)"]


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


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        ("kind: cpu, warning: -5", "cannot use warning -5, allowed: 0 to 100"),
        ("kind: memory, swap_warning: 101", "cannot use swap_warning 101, allowed: 0 to 100"),
        ("kind: load, warning: 1e9", "cannot use warning 1000000000, allowed: 0 to 1000"),
        ("kind: disk, path: /, warning: 95", "cannot use warning 95 with critical 90"),
        ("kind: disk, path: srv", "cannot look at path 'srv': write the full path"),
        ("kind: file, path: /a, min_size: 2MB, max_size: 1MB", "cannot use min_size 2000000 with max_size 1000000"),
        ("kind: process, process: a, min: 5, max: 2", "cannot expect between 5 and 2 processes"),
        ("kind: process, process: a, min: -1", "cannot expect between -1 and None processes"),
        ("kind: certificate, host: a, port: 0", "cannot use port 0, allowed: 1 to 65535"),
        ("kind: certificate, host: a, warning: 5", "cannot use critical 7 with warning 5"),
        ("kind: dns, lookup: a, port: -1", "cannot use port -1, allowed: 1 to 65535"),
        ("kind: listen, port: 80, address: 300.1.1.1", "cannot use address '300.1.1.1', allowed: an IPv4 or IPv6"),
        ("kind: http, url: 'http://a:0/'", "cannot use url with port 0, allowed: 1 to 65535"),
        ("kind: http, url: 'http://a:b/'", "cannot use url: Port could not be cast to integer value as 'b', allowed:"),
        ("kind: http, url: 'http://a/', headers: {a b: c}", "cannot use the name 'a b' in headers, allowed:"),
        ("kind: http, url: 'http://a/', headers: {a: ' c'}", "cannot use a value in headers, allowed: one line"),
        ("kind: http, url: 'http://a/', expect: {status: [200, 2000]}", "cannot use status 2000, allowed: 100 to 599"),
        ("kind: http, url: 'http://a/', expect: {tls_days: -1}", "cannot use tls_days -1, allowed: 0 to 3650"),
        ("kind: http, url: 'http://a/', expect: {max_latency: 0s}", "cannot use max_latency 0s, allowed: 1ms or more"),
    ],
)
def test_numbers_and_names_that_could_never_work_are_refused_at_their_line(
    problems: Callable[..., list[str]], check: str, sentence: str
) -> None:
    [problem] = problems(f"checks:\n- {{name: a, {check}}}")

    assert problem.startswith(f"2: {sentence}")


@pytest.mark.parametrize("text", ["checks:\n\t- a", "host: @a", "host: a: b", "host: 'a", "host: [a", "a:\n - b\n c"])
def test_what_is_no_yaml_is_told_with_what_is_allowed(problems: Callable[..., list[str]], text: str) -> None:
    found = [line for line in problems(text) if "as YAML" in line]

    assert len(found) == 1
    assert ", allowed: " in found[0]
