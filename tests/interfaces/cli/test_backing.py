"""`opsagent backup` as people and programs use it, with a daemon that listens and without one."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from opsagent.interfaces.cli import build

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of a user's own instance with one database to keep."""
    with contextlib.closing(sqlite3.connect(tmp_path / "app.db")) as made, made:
        made.execute("CREATE TABLE t (a)")
        made.execute("INSERT INTO t VALUES (1)")
    path = tmp_path / "opsagent.yaml"
    path.write_text(
        f"scope: user\nstate: {tmp_path}/state\nbackups:\n"
        f"- {{name: app, kind: sqlite, database: {tmp_path}/app.db, to: {tmp_path}/copies}}\n"
    )
    monkeypatch.setenv("OPSAGENT_CONFIG", str(path))  # and not by an option, which would outlive the test
    return path


def run(*words: str) -> Result:
    return CliRunner().invoke(build(["backup"]), ["backup", *words])


@pytest.mark.usefixtures("settings")
def test_made_proven_listed_and_brought_back(tmp_path: Path) -> None:
    before = json.loads(run("list", "--json").stdout)
    made = run("run", "app")
    drilled = json.loads(run("drill", "app", "--json").stdout)
    [kept] = json.loads(run("list", "app", "--json").stdout)
    brought = run("restore", "app", "--to", str(tmp_path / "back"), "--snapshot", kept["snapshot"])
    after = run("list")

    assert [(row["status"], row["last"]) for row in before] == [("ok", None)]
    assert made.exit_code == 0
    assert f"app: 8.0 KiB kept as {kept['snapshot']}" in made.stdout
    assert (drilled["error"], drilled["proof"]) == ("", "hash, integrity_check and 1 rows in 1 tables")
    assert f"{kept['snapshot']} is in {tmp_path}/back" in brought.stdout
    assert (tmp_path / "back/app.db").read_bytes()
    assert "8.0 KiB kept" in after.stdout


@pytest.mark.usefixtures("settings")
def test_what_fails_says_so_and_ends_so(tmp_path: Path) -> None:
    (tmp_path / "app.db").write_bytes(b"no database at all" * 100)

    failed = run("run", "app")
    as_json = run("run", "app", "--json")
    nothing = run("drill", "app")
    full = run("restore", "app", "--to", str(tmp_path))
    unknown = run("run", "ap")

    assert [one.exit_code for one in (failed, as_json, nothing, full, unknown)] == [1, 1, 1, 1, 2]
    assert "file is not a database" in failed.stderr
    assert "file is not a database" in json.loads(as_json.stdout)["error"]
    assert "cannot find the backup of app, there are: none" in nothing.stderr
    assert "cannot find the backup 'ap', there are: app" in unknown.stderr


@pytest.mark.usefixtures("settings")
def test_a_daemon_that_is_down_finds_word_in_the_spool(tmp_path: Path) -> None:
    (tmp_path / "state/spool").mkdir(parents=True)

    run("run", "app")

    [left] = (tmp_path / "state/spool").glob("*.json")
    body = json.loads(left.read_text())
    assert (body["kind"], body["job"], body["what"], body["good"]) == ("backup", "app", "run", True)


@pytest.mark.usefixtures("settings")
def test_the_check_of_the_job_is_there_without_being_written() -> None:
    run("run", "app")

    looked = CliRunner().invoke(build(["check"]), ["check", "backup-app", "--json"])

    assert looked.exit_code == 0
    assert "restore not proven yet" in looked.stdout
