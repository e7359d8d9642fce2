"""What must fit together, told at its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Problems = Callable[..., list[str]]

REMEDIES = (
    "act, command, docker, reclaim, reload, reset_failed, restart, restart_with_dependants, restore, signal, stop"
)

REPAIRS = {
    "no unit": (
        "{name: a, kind: cpu, repair: [restart]}",
        "cannot restart without a unit, add the key 'unit' with its full name (repair of check 'a')",
    ),
    "no unit to reset": (
        "{name: a, kind: cpu, repair: [reset_failed]}",
        "cannot reset-failed without a unit, add the key 'unit' with its full name (repair of check 'a')",
    ),
    "unknown remedy": (
        "{name: a, kind: cpu, repair: [reboot]}",
        f"cannot find the remedy 'reboot', known remedies: {REMEDIES} (repair of check 'a')",
    ),
    "denied unit": (
        "{name: a, kind: unit, unit: ssh.service, repair: [{do: restart}]}",
        (
            "cannot act on 'ssh.service', it is never touched: the way in for people; "
            "allowed: to watch it, without 'repair' (repair of check 'a')"
        ),
    ),
    "timer": (
        "{name: a, kind: unit, unit: backup.timer, repair: [restart]}",
        (
            "cannot act on 'backup.timer', only services are ever acted on, not a timer; "
            "allowed: to watch it, without 'repair' (repair of check 'a')"
        ),
    ),
    "template": (
        "{name: a, kind: unit, unit: app@.service, repair: [restart]}",
        (
            "cannot use the template 'app@.service' as a unit, name one instance, as in 'app@one.service' "
            "(unit of check 'a')"
        ),
    ),
    "data": (
        "{name: a, kind: unit, unit: postgresql.service, repair: [restart]}",
        (
            "cannot restart 'postgresql.service' without being told that it may be: it holds data, "
            "write {do: restart, holds_data: true} (repair of check 'a')"
        ),
    ),
    "data, denied in words": (
        "{name: a, kind: unit, unit: postgresql.service, repair: [{do: restart, holds_data: false}]}",
        (
            "cannot restart 'postgresql.service' without being told that it may be: it holds data, "
            "write {do: restart, holds_data: true} (repair of check 'a')"
        ),
    ),
    "glob": (
        "{name: a, kind: unit, unit: 'nginx*.service', repair: [restart]}",
        "cannot use 'nginx*.service' as a unit, name one unit without wildcards (unit of check 'a')",
    ),
    "short name": (
        "{name: a, kind: unit, unit: nginx, repair: [restart]}",
        (
            "cannot use 'nginx' as a unit, write the full name 'nginx.service' (or another suffix: service, socket, "
            "device, mount, automount, swap, target, path, timer, slice, scope) (unit of check 'a')"
        ),
    ),
    "command without one": (
        "{name: a, kind: cpu, repair: [command]}",
        (
            "cannot run a command without one, write {do: command, command: [/path/to/program, argument]} "
            "(repair of check 'a')"
        ),
    ),
    "command by its short name": (
        "{name: a, kind: cpu, repair: [{do: command, command: [rm, -rf]}]}",
        "cannot run 'rm', allowed: a program's full path, beginning with / (repair of check 'a')",
    ),
    "command as a shell line": (
        "{name: a, kind: cpu, repair: [{do: command, command: rm -rf /}]}",
        "cannot use 'rm -rf /', allowed: a list (repair.command of check 'a')",
    ),
    "command for another remedy": (
        "{name: a, kind: unit, unit: a.service, repair: [{do: restart, command: [/bin/true]}]}",
        "cannot give 'command' to the remedy 'restart', it belongs to {do: command} (repair of check 'a')",
    ),
}


@pytest.mark.parametrize(("check", "problem"), REPAIRS.values(), ids=REPAIRS)
def test_a_repair_that_cannot_be_allowed_is_told(problems: Problems, check: str, problem: str) -> None:
    assert f"2: {problem}" in problems(f"checks:\n- {check}")


@pytest.mark.parametrize(
    "check",
    [
        "{name: a, kind: unit, unit: ssh.service}",
        "{name: a, kind: unit, unit: postgresql.service}",
        "{name: a, kind: unit, unit: backup.timer}",
        "{name: a, kind: unit, unit: postgresql.service, repair: [{do: restart, holds_data: true}]}",
        "{name: a, kind: unit, unit: postgresql.service, repair: [reload]}",
        "{name: a, kind: unit, unit: app@one.service, repair: [reset_failed, restart]}",
        "{name: a, kind: cpu, repair: [{do: command, command: [/usr/local/bin/clean, --now]}]}",
    ],
)
def test_watching_is_always_allowed_and_so_is_what_was_said_in_full(problems: Problems, check: str) -> None:
    assert problems(f"checks: [{check}]") == []


def test_a_name_given_twice_names_both_places(problems: Problems) -> None:
    found = problems("checks:\n- {name: a, kind: cpu}", more="checks:\n\n- {name: a, kind: load}")

    assert found == ["conf.d/more.yaml:3: cannot use the name 'a' twice, another check has it at 2"]


def test_a_ping_belongs_to_one_job(problems: Problems) -> None:
    uuid = "3c1f0f5e-0000-4000-8000-00000000abcd"
    text = "".join(f"- {{name: {name}, kind: job, every: 1h, uuid: {uuid}}}\n" for name in ("a", "b"))

    [found] = problems(f"checks:\n{text}")

    assert found.startswith(f"3: cannot use the uuid '{uuid}' twice, another check has it at ")


@pytest.mark.parametrize(("over", "every", "told"), [("1m", "15s", 1), ("1m", "12s", 0), ("4m", "", 1)])
def test_growth_that_no_pace_of_looks_could_tell_is_told(problems: Problems, over: str, every: str, told: int) -> None:
    pace = f", every: {every}" if every else ""
    text = f"checks:\n- {{name: q, kind: gauge, command: [/bin/q], growth: {{over: {over}, warning: 5}}{pace}}}\n"

    found = problems(text)

    assert [each.partition(" by looks")[0] for each in found] == [f"2: cannot tell growth over {over}"] * told


def test_a_notifiers_name_given_twice_is_told(problems: Problems) -> None:
    found = problems("notifiers:\n- {name: a, kind: journal}\n- {name: a, kind: journal}")

    assert found == ["3: cannot use the name 'a' twice, another notifier has it at 2"]


def test_a_dependency_that_nobody_has_is_told(problems: Problems) -> None:
    assert problems("checks:\n- name: a\n  kind: cpu\n  depends_on:\n  - failed-units\n  - b") == [
        "6: cannot find the check 'b', known checks: a, failed-units (depends_on)"
    ]


def test_a_check_that_depends_on_itself_is_told(problems: Problems) -> None:
    assert problems("checks:\n- {name: a, kind: cpu, depends_on: [a]}") == [
        "2: cannot use a dependency circle: 'a' → 'a', allowed: no way back (depends_on)"
    ]


def test_a_circle_is_told_once_and_in_full(problems: Problems) -> None:
    assert problems("""checks:
- {name: a, kind: cpu, depends_on: [d, b]}
- {name: b, kind: cpu, depends_on: [c]}
- {name: c, kind: cpu, depends_on: [a]}
- {name: d, kind: cpu}
""") == ["2: cannot use a dependency circle: 'a' → 'b' → 'c' → 'a', allowed: no way back (depends_on)"]


def test_a_diamond_is_no_circle(problems: Problems) -> None:
    assert (
        problems("""checks:
- {name: a, kind: cpu, depends_on: [b, c]}
- {name: b, kind: cpu, depends_on: [d]}
- {name: c, kind: cpu, depends_on: [d]}
- {name: d, kind: cpu}
""")
        == []
    )


def test_hundreds_of_checks_in_a_row_are_no_trouble(problems: Problems) -> None:
    links = "".join(f"- {{name: c{n}, kind: load, depends_on: [c{n + 1}]}}\n" for n in range(300))

    assert problems(f"checks:\n{links}- {{name: c300, kind: load}}") == []


def test_levels_name_notifiers_that_exist_one_after_the_other(problems: Problems) -> None:
    assert problems("""notifiers: [{name: mail, kind: journal}]
escalation:
  levels:
  - {name: one, after: 10m, notify: [mail]}
  - {name: two, after: 10m, notify: [hook]}
  - {name: one, after: 20m, notify: [mail]}
  SEV1:
    levels:
    - {name: x, after: 0m, notify: [phone]}
""") == [
        "5: cannot find the notifier 'hook', known notifiers: mail (notify)",
        "5: cannot use this 'after', allowed: later than the level before (level 'two')",
        "6: cannot use the name 'one' twice, another level has it at 4",
        "9: cannot find the notifier 'phone', known notifiers: mail (notify)",
    ]


def test_without_notifiers_there_is_nobody_to_escalate_to(problems: Problems) -> None:
    assert problems("escalation: {levels: [{name: a, notify: [mail]}]}") == [
        "1: cannot find the notifier 'mail', there are no notifiers (notify)"
    ]


def test_a_maintenance_names_checks_that_exist(problems: Problems) -> None:
    assert problems("maintenance:\n- {checks: [api], from: 02:00, for: 1h}") == [
        "2: cannot find the check 'api', known checks: all, failed-units (checks)"
    ]


def test_a_mistake_in_one_key_hides_none_in_another(problems: Problems) -> None:
    found = problems("checks:\n- {name: a, kind: cpu, evry: 1s, depends_on: [x], repair: [restart], timeout: 5}")

    assert [problem.split("'")[0] for problem in found] == [
        "2: cannot find the check ",
        "2: cannot read ",
        "2: cannot restart without a unit, add the key ",
        "2: cannot use the key ",
    ]


def test_a_maintenance_may_mean_every_check(problems: Problems) -> None:
    assert problems("maintenance:\n- {checks: [all], from: 02:00, for: 1h}") == []


@pytest.mark.parametrize(("begins", "lasts", "every"), [("02:00", "24h", "1d"), ("Sun 02:00", "7d", "7d")])
def test_a_maintenance_that_begins_again_before_it_ends_is_refused(
    problems: Problems, begins: str, lasts: str, every: str
) -> None:
    [problem] = problems(f"maintenance:\n- {{checks: [all], from: '{begins}', for: {lasts}}}")

    assert problem.endswith(f"allowed: less than {every}, for it begins again then (maintenance.for)")


def test_a_name_that_was_probably_meant_is_said_and_of_many_only_some(problems: Problems) -> None:
    many = "".join(f"- {{name: c{number}, kind: cpu}}\n" for number in range(100))

    [problem] = problems(f"checks:\n{many}- {{name: api, kind: cpu, depends_on: [c-42]}}")

    assert "(did you mean 'c42'?), known checks: api, c0, c1, " in problem
    assert problem.endswith(", … (depends_on)")


def test_an_anchor_hides_no_other_mistake(problems: Problems) -> None:
    found = problems("checks:\n- &a {name: a, kind: cpu, repair: [restart]}\n- {name: a, kind: cpu, depends_on: [z]}")

    assert [line.partition(",")[0] for line in found] == [
        "2: cannot restart without a unit",
        "2: cannot use the anchor '&a'",
        "3: cannot find the check 'z'",
        "3: cannot use the name 'a' twice",
    ]


def test_what_is_lost_with_an_alias_is_not_said_to_be_missing(problems: Problems) -> None:
    found = problems("checks:\n- &a {name: a, kind: cpu}\n- *a\n- {name: b, kind: cpu, confirm: *a, depends_on: [c]}")

    assert [line.partition(",")[0] for line in found] == [
        "2: cannot use the anchor '&a'",
        "3: cannot use the alias '*a'",
        "4: cannot use the alias '*a'",
    ]


def test_a_mistake_of_yaml_hides_none_above_it_and_makes_up_none(problems: Problems) -> None:
    found = problems("checks:\n- {name: a, kind: cpu, repair: [restart], depends_on: [b]}\n- {name: b\nhost: x")

    assert [line.partition(",")[0] for line in found] == [
        "2: cannot restart without a unit",
        "4: cannot read this as YAML: while parsing a flow mapping expected '",
    ]
