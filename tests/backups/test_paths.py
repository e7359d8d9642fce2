"""Files go into restic's repository and come back as they were; a rotten bit is found, and the password is nowhere."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from opsagent.backups import running
from opsagent.core.backup.job import Job, Keep, Paths
from opsagent.host.restic import Restic, ResticError, unfit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opsagent.backups.work import Work

    MakeWork = Callable[..., Work]

PASSWORD = "correct-horse-battery-staple-7391"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    source = tmp_path / "source"
    (source / "cache").mkdir(parents=True)
    for number in range(5):
        (source / f"file-{number}").write_bytes(os.urandom(50_000))
    (source / "wallet.key").write_bytes(b"only mine " + os.urandom(100))
    (source / "wallet.key").chmod(0o600)
    (source / "cache/left-out.tmp").write_text("worthless")
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    what = Paths(paths=(str(source),), repository=str(tmp_path / "repo"), password_file=str(secret), exclude=("*.tmp",))
    return Job(name="files", what=what, keep=Keep(last=2, daily=0, weekly=0, monthly=0))


def holding(word: str, below: Path) -> list[Path]:
    """Return the files that have a word in them."""
    files = [path for path in below.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if word.encode() in path.read_bytes()]


def test_files_come_back_with_their_modes_and_a_rotten_bit_of_the_repository_is_found(
    job: Job, work: MakeWork, tmp_path: Path
) -> None:
    said: list[str] = []
    made = running.run(work(job, said=said))
    drilled = running.drill(work(job))
    back = tmp_path / "back"
    running.restore(work(job), "", back, overwrite=False)
    largest = max((path for path in (tmp_path / "repo/data").rglob("*") if path.is_file()), key=os.path.getsize)
    rotten = bytearray(largest.read_bytes())
    rotten[len(rotten) // 2] ^= 1
    largest.chmod(0o600)
    largest.write_bytes(rotten)

    found = running.drill(work(job))

    assert (made.error, made.files) == ("", 6)
    assert drilled.proof == "6 of 6 files by their hashes, the whole repository read"
    key = back / str(tmp_path / "source/wallet.key")[1:]
    assert key.read_bytes() == (tmp_path / "source/wallet.key").read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not list(back.rglob("*.tmp"))
    assert found.error.startswith("the repository is damaged: ")
    assert any("%" in word for word in said)
    assert holding(PASSWORD, tmp_path) == [tmp_path / "password"]


def test_the_password_is_in_no_argument_and_no_variable_of_what_runs(
    job: Job, work: MakeWork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = tmp_path / "bin/restic"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\ntr "\\0" " " </proc/$$/cmdline >>{tmp_path}/seen\nenv >>{tmp_path}/seen\n'
                   f'ls -l /proc/$$/fd >>{tmp_path}/seen\nexec /usr/bin/restic "$@"\n')  # fmt: skip
    spy.chmod(0o755)
    monkeypatch.setattr("opsagent.host.restic.ENVIRONMENT", {"PATH": f"{spy.parent}:/usr/bin:/bin"})

    made = running.run(work(job))

    seen = (tmp_path / "seen").read_text()
    assert made.error == ""
    assert "--password-file" in seen
    assert PASSWORD not in seen
    assert "RESTIC_PASSWORD" not in seen


def test_a_file_that_changed_since_is_not_compared_and_one_that_came_back_otherwise_is_named(
    job: Job, work: MakeWork, tmp_path: Path
) -> None:
    first = running.run(work(job))
    (tmp_path / "source/file-0").write_bytes(os.urandom(50_000))
    second = running.run(work(job, hours=1))
    hashes = work(job).place.private / "hashes"

    from opsagent.backups import manifest  # noqa: PLC0415 - used here alone

    before = manifest.read(hashes / f"{first.snapshot}.gz")
    after = manifest.read(hashes / f"{second.snapshot}.gz")
    path = str(tmp_path / "source/file-0")
    assert before[path].sha256 != after[path].sha256
    manifest.write(hashes / f"{second.snapshot}.gz", [replace(after[path], sha256="0" * 64)])
    drilled = running.drill(work(job))

    assert drilled.error == f"a file came back with other content: {path}"


def test_a_repository_that_went_is_not_begun_anew_and_an_unreadable_file_makes_no_backup(
    job: Job, work: MakeWork, tmp_path: Path
) -> None:
    place = work(job).place
    place.make()
    record = '{"v": 1, "runs": [{"at": "2026-11-27T10:00:00Z", "seconds": 1}], "drills": []}'
    place.record.write_text(record)

    gone = running.run(work(job))
    missing = running.run(work(replace(job, what=replace(job.what, paths=("/nowhere/at/all",)))))  # type: ignore[type-var]

    assert gone.error == "the repository is gone, and there were backups in it: is its disk mounted?"
    assert missing.error == "cannot back up what is not there: /nowhere/at/all"
    assert not (tmp_path / "repo").exists()
    assert json.loads(place.record.read_text())["runs"][-1]["error"] == missing.error


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_password_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(mode)
    restic = Restic(repository=str(tmp_path / "repo"), password_file=secret, cache=tmp_path)

    with pytest.raises(ResticError, match="allowed: a regular file of its owner's with mode 0600"):
        restic.run(["init"], within=5)


def test_a_password_file_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "empty").touch(mode=0o600)
    (tmp_path / "link").symlink_to(tmp_path / "empty")

    assert "it is empty" in unfit(tmp_path / "empty")
    assert "allowed: a regular file" in unfit(tmp_path / "link")
    assert "No such file" in unfit(tmp_path / "none")


def test_restic_is_ended_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "restic"
    slow.write_text('#!/bin/sh\nfor i in 1 2 3; do echo "line $i"; done\nexec sleep 60\n')
    slow.chmod(0o755)
    monkeypatch.setattr("opsagent.host.restic.ENVIRONMENT", {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)

    with pytest.raises(ResticError, match="it did not end in time"):
        Restic(repository="x", password_file=secret, cache=tmp_path).run(["backup"], within=0.3)
