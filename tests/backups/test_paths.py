"""Files go into restic's repository and come back as they were; a rotten bit is found, and the password is nowhere."""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent.backups import manifest, running
from opsagent.backups.place import BackupError
from opsagent.core.backup.job import Job, Keep, Paths
from opsagent.host.restic import Restic, ResticError, unfit

if TYPE_CHECKING:
    from collections.abc import Callable

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


def spied(folder: Path) -> Path:
    """Put a restic into a folder that leaves word of how it was run, and run the true one."""
    spy = folder / "bin/restic"
    spy.parent.mkdir()
    look = 'tr "\\0" "\\n" </proc/$$/cmdline; env; ls -l /proc/$$/fd'
    spy.write_text(f'#!/bin/sh\n({look}) >>{folder}/seen\nexec /usr/bin/restic "$@"\n')
    spy.chmod(0o755)
    return spy.parent


def test_files_come_back_with_their_modes_and_a_rotten_bit_is_found_and_nobody_sees_the_password(
    job: Job, work: MakeWork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsagent.host.restic.ENVIRONMENT", {"PATH": f"{spied(tmp_path)}:/usr/bin:/bin"})
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
    seen = (tmp_path / "seen").read_text()
    assert "--password-file" in seen
    assert "RESTIC_PASSWORD" not in seen
    assert holding(PASSWORD, tmp_path) == [tmp_path / "password"]


def killing(folder: Path) -> Path:
    """Put a restic into a folder that is killed with its caller once it holds its lock, at the step named in `die`."""
    deadly = folder / "deadly/restic"
    deadly.parent.mkdir()
    deadly.write_text(f"""#!/bin/sh
case " $* " in *" $(cat {folder}/die) "*) ;; *) exec /usr/bin/restic "$@" ;; esac
/usr/bin/restic "$@" & mine=$!
echo $mine >{folder}/pid
while kill -0 $mine && ! ls {folder}/repo/locks | grep -qv tmp; do sleep 0.01; done 2>/dev/null
kill -9 $mine $PPID
""")
    deadly.chmod(0o755)
    return deadly.parent


def killed(do: Callable[[Work], object], work: Work, restic: Path) -> bool:
    """Do it in a process of its own, wait until its restic is gone too, and say whether it was killed."""
    child = os.fork()
    if not child:
        do(work)
        os._exit(0)
    ended = os.waitpid(child, 0)[1]
    gone, deadline = Path("/proc") / restic.read_text().strip(), time.monotonic() + 10
    while gone.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return ended == signal.SIGKILL


def test_after_a_kill_at_any_step_all_can_be_listed_restored_and_made_again_and_the_record_says_what_was(
    job: Job, work: MakeWork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsagent.host.restic.ENVIRONMENT", {"PATH": f"{killing(tmp_path)}:/usr/bin:/bin"})
    steps = {"backup": running.run, "forget": running.run, "check": running.drill}
    left = {}

    for hours, (step, do) in enumerate(steps.items()):
        (tmp_path / "die").write_text(step)
        assert killed(do, work(job, hours), tmp_path / "pid")
        assert list((tmp_path / "repo/locks").iterdir())  # what it held is held still
        running.settle(work(job, hours), "signal")
        left[step] = len(running.kept(work(job)))
    (tmp_path / "die").write_text("never")
    back = tmp_path / "back"
    running.restore(work(job, 3), "", back, overwrite=False)
    made, drilled = running.run(work(job, 4)), running.drill(work(job, 5))

    record = work(job).place.recorded()
    assert [one.error for one in (*record.runs[:2], record.drills[0])] == ["it ended without a word: signal"] * 3
    assert left == {"backup": 0, "forget": 1, "check": 1}
    assert (back / str(tmp_path / "source/wallet.key")[1:]).is_file()
    assert (made.error, drilled.error) == ("", "")
    assert drilled.proof == "6 of 6 files by their hashes, the whole repository read"
    assert not list((tmp_path / "repo/locks").iterdir())


def test_a_file_that_changed_since_is_not_hashed_and_one_that_is_known_is_not_read_again(
    job: Job, work: MakeWork, tmp_path: Path
) -> None:
    paths = [tmp_path / "source" / name for name in ("file-0", "file-1", "file-2")]
    nodes = [node_of(path) for path in paths]
    [first, second, third] = manifest.hashed(nodes, {}, work(job))
    paths[0].write_bytes(os.urandom(50_000))
    known = {one.path: replace(one, sha256="as it was") for one in (first, second)}

    again = list(manifest.hashed(nodes, known, work(job)))

    assert again == [replace(second, sha256="as it was"), third]


def test_what_came_back_otherwise_or_not_at_all_is_named(job: Job, work: MakeWork, tmp_path: Path) -> None:
    path = tmp_path / "source/file-0"
    [good] = manifest.hashed([node_of(path)], {}, work(job))

    assert manifest.compare({good.path: good}, Path("/"), work(job)) == 1
    with pytest.raises(BackupError, match=f"a file came back with other content: {path}"):
        manifest.compare({good.path: replace(good, sha256="0" * 64)}, Path("/"), work(job))
    with pytest.raises(BackupError, match=f"a file did not come back .*: {path}"):
        manifest.compare({good.path: good}, tmp_path / "empty", work(job))


def node_of(path: Path) -> manifest.Node:
    """Return a file as restic would say that it keeps it, to the nanosecond and in some zone."""
    about = path.stat()
    at = datetime.fromtimestamp(about.st_mtime_ns // 10**9, timezone(timedelta(hours=2)))
    stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{about.st_mtime_ns % 10**9:09d}+02:00"
    return manifest.Node(path=str(path), size=about.st_size, mtime=stamp)


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
