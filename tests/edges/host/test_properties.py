"""From systemd's properties to a snapshot, also when systemd says less or other things than we know."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.host.newer import changed_since_start
from opsagent.host.properties import Around, Properties, to_snapshot

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FOREVER = 2**64 - 1


def micros(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def properties(**values: Any) -> Properties:
    return Properties({name: ("?", value) for name, value in values.items()})


def test_what_systemd_does_not_say_is_empty() -> None:
    snapshot = to_snapshot(properties(Id="a.service"), properties(), Around(read_at=NOON, scope="user"))

    assert (snapshot.name, snapshot.scope, snapshot.read_at) == ("a.service", "user", NOON)
    assert (snapshot.result, snapshot.restart, snapshot.invocation_id, snapshot.main_pid) == ("success", "no", "", 0)
    assert (snapshot.active_enter_at, snapshot.timeout_stop, snapshot.changed_since_start) == (None, None, "")
    assert snapshot.condition_result


def test_words_of_a_newer_systemd_pass_through() -> None:
    unit = properties(Id="a.service", ActiveState="refreshing", SubState="failed-before-auto-restart")

    snapshot = to_snapshot(unit, properties(Result="something-new"), Around(read_at=NOON, scope="system"))

    assert (snapshot.active_state, snapshot.sub_state) == ("refreshing", "failed-before-auto-restart")
    assert snapshot.result == "something-new"


def test_times_are_utc_and_infinite_is_none() -> None:
    unit = properties(
        ActiveEnterTimestamp=micros(NOON), InactiveEnterTimestamp=micros(NOON), InactiveExitTimestamp=FOREVER
    )
    own = properties(TimeoutStopUSec=1_500_000, TimeoutStartUSec=FOREVER)

    snapshot = to_snapshot(unit, own, Around(read_at=NOON, scope="system"))

    assert (snapshot.active_enter_at, snapshot.inactive_enter_at) == (NOON, NOON)
    assert snapshot.inactive_exit_at is None
    assert (snapshot.timeout_stop, snapshot.timeout_start) == (timedelta(seconds=1.5), None)


def test_what_a_unit_fell_with_is_the_union_of_its_bonds() -> None:
    unit = properties(
        BindsTo=["b.service"], Requires=["a.service", "b.service"], PartOf=["c.target"], Wants=["d.service"]
    )

    snapshot = to_snapshot(unit, properties(), Around(read_at=NOON, scope="system"))

    assert snapshot.pulls == ("a.service", "b.service", "c.target")


def running(fragment: Path, *drop_ins: Path, state: str = "active") -> Properties:
    return properties(
        ActiveState=state,
        InactiveExitTimestamp=micros(NOON),
        FragmentPath=str(fragment),
        DropInPaths=[str(path) for path in drop_ins],
    )


def test_a_file_newer_than_the_start_is_named_and_an_older_one_is_not(tmp_path: Path) -> None:
    unit_file, drop_in = tmp_path / "a.service", tmp_path / "more.conf"
    for path, age in ((unit_file, -60), (drop_in, 60)):
        path.touch()
        os.utime(path, (0, NOON.timestamp() + age))

    assert changed_since_start(running(unit_file), properties()) == ""
    assert changed_since_start(running(unit_file, drop_in), properties()) == str(drop_in)


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_a_change_matters_only_while_something_runs(tmp_path: Path, state: str) -> None:
    unit_file = tmp_path / "a.service"
    unit_file.touch()

    assert changed_since_start(running(unit_file), properties()) == str(unit_file)
    assert changed_since_start(running(unit_file, state=state), properties()) == ""


def test_a_file_that_cannot_be_looked_at_has_not_changed(tmp_path: Path) -> None:
    assert changed_since_start(running(tmp_path / "gone.service"), properties()) == ""


def commands(*words: str, at: float = 0) -> list[tuple[object, ...]]:
    return [(words[0], list(words), False, int(at * 1e6), 0, 0, 0, 0, 0, 0)]


def touched(path: Path, age: float) -> Path:
    path.touch()
    os.utime(path, (0, NOON.timestamp() + age))
    return path


def test_a_program_that_was_put_there_since_the_start_is_named_however_old_it_calls_itself(tmp_path: Path) -> None:
    program, unit_file = touched(tmp_path / "api", -9999), touched(tmp_path / "a.service", -60)
    own = properties(ExecStart=commands(str(program)))
    early = replaced(running(unit_file), InactiveExitTimestamp=micros(datetime.now(UTC) - timedelta(minutes=1)))
    late = replaced(running(unit_file), InactiveExitTimestamp=micros(datetime.now(UTC) + timedelta(minutes=1)))

    assert changed_since_start(early, own) == str(program)
    assert changed_since_start(late, own) == ""


def test_an_interpreter_that_was_renewed_is_a_change_of_the_host_and_its_program_one_of_the_unit(
    tmp_path: Path,
) -> None:
    python, program = touched(tmp_path / "python3.11", -9999), touched(tmp_path / "api.py", -9999)
    unit_file = touched(tmp_path / "a.service", -60)
    old = replaced(running(unit_file), InactiveExitTimestamp=micros(datetime.now(UTC) - timedelta(minutes=1)))

    assert changed_since_start(old, properties(ExecStart=commands(str(python), "-m", "api", str(program)))) == ""
    assert changed_since_start(old, properties(ExecStart=commands(str(python), "-u", str(program)))) == str(program)


def replaced(one: Properties, **more: object) -> Properties:
    return Properties({**one.raw, **properties(**more).raw})


def test_settings_that_a_reload_has_read_since_are_no_news(tmp_path: Path) -> None:
    settings = touched(tmp_path / "api.env", 60)
    unit_file = touched(tmp_path / "a.service", -60)
    files = [(str(settings), False)]

    assert changed_since_start(running(unit_file), properties(EnvironmentFiles=files)) == str(settings)
    reload = commands("/bin/kill", at=NOON.timestamp() + 90)
    assert changed_since_start(running(unit_file), properties(EnvironmentFiles=files, ExecReload=reload)) == ""


def test_settings_that_the_service_writes_itself_are_no_news(tmp_path: Path) -> None:
    settings = touched(tmp_path / "sentinel.conf", 60)
    unit_file = touched(tmp_path / "a.service", -60)
    os.chown(settings, 65534, -1)
    as_nobody = subprocess.Popen(["sleep", "60"], user=65534)
    try:
        files = [(str(settings), False)]
        own = properties(EnvironmentFiles=files, MainPID=as_nobody.pid)
        assert changed_since_start(running(unit_file), own) == ""
        assert changed_since_start(running(unit_file), properties(EnvironmentFiles=files)) == str(settings)
    finally:
        as_nobody.kill()
        as_nobody.wait()
