"""What backups need is looked for before the night in which it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.backup.job import Job, Paths, Sqlite
from opsagent.interfaces.doctor import backups
from opsagent.interfaces.doctor.finding import Level

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def job(password: Path) -> Job:
    return Job(name="files", what=Paths(paths=("/etc",), repository="/srv/repo", password_file=str(password)))


def test_a_good_password_file_and_restic_are_all_it_needs(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("x")
    (tmp_path / "pw").chmod(0o600)

    assert [one.level for one in backups.examine([job(tmp_path / "pw")])] == [Level.OK]
    assert list(backups.examine([])) == []


def test_an_open_or_missing_password_and_a_missing_restic_are_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsagent.interfaces.doctor.backups.ENVIRONMENT", {"PATH": str(tmp_path)})
    (tmp_path / "pw").write_text("x")
    (tmp_path / "pw").chmod(0o644)

    found = list(backups.examine([job(tmp_path / "pw")]))

    assert [(one.level, one.do) for one in found] == [
        (Level.RED, "apt-get install restic"),
        (Level.RED, "docs/how-to/back-up.md tells how to make it"),
    ]


def test_a_database_needs_neither(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("opsagent.interfaces.doctor.backups.ENVIRONMENT", {"PATH": str(tmp_path)})

    assert [one.level for one in backups.examine([Job(name="a", what=Sqlite(database="/a", to="/b"))])] == [Level.OK]
