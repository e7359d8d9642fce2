"""Configuration that is kept while its unit is good, and put back: on real files, with those who mean harm beside."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent.acts import kept_files, restore
from opsagent.acts.kept_files import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

AGO = timedelta(minutes=10)
LATER = 4_000_000_000.0
"""A start after every stamp of these files, and long enough before `now`."""
STAMP = "20261127T120000Z"


@pytest.fixture
def store(tmp_path: Path) -> str:
    (tmp_path / "kept").mkdir(mode=0o700)
    return str(tmp_path / "kept")


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    tmp_path.chmod(0o755)
    path = tmp_path / "app/app.conf"
    path.write_text("listen = 80\nworkers = 4\n")
    path.chmod(0o644)
    return path


def keep(path: Path, store: str, started: float = LATER, ran: float = 3600) -> bool:
    return kept_files.keep(str(path), store, started, AGO, started + ran)


def put_back(path: Path, store: str, stamp: str = STAMP) -> kept_files.Restored:
    done = kept_files.restore(str(path), store, stamp)
    assert done is not None
    return done


def names(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir())


def test_it_is_put_back_with_owner_and_mode_and_the_refused_one_lies_beside_it(conf: Path, store: str) -> None:
    conf.chmod(0o640)
    assert keep(conf, store)
    conf.write_text("lisen = 80\n")
    conf.chmod(0o600)
    refused = conf.stat().st_ino

    done = put_back(conf, store)

    beside = Path(done.beside)
    assert beside == conf.with_name(f"app.conf.opsagent-bad-{STAMP}")
    assert (beside.read_text(), beside.stat().st_ino, beside.stat().st_mode & 0o777) == ("lisen = 80\n", refused, 0o600)
    assert (conf.read_text(), conf.stat().st_mode & 0o777) == ("listen = 80\nworkers = 4\n", 0o640)
    assert names(conf) == ["app.conf", beside.name]
    assert done.diff == ("what differed is not told: not everybody may read it",)


def test_a_file_that_is_gone_comes_back(conf: Path, store: str) -> None:
    keep(conf, store)
    conf.unlink()

    done = put_back(conf, store)

    assert (done.beside, done.diff, names(conf)) == ("", ("it was gone",), ["app.conf"])


def test_a_long_difference_is_told_in_part(conf: Path, store: str) -> None:
    keep(conf, store)
    conf.write_text("".join(f"line {number}\x1b[2J\n" for number in range(100)))
    for folder in (conf.parent, *conf.parents):
        if not folder.stat().st_mode & 0o001:
            return  # where the temporary directory is not everybody's to enter, nothing is told at all

    diff = put_back(conf, store).diff

    assert len(diff) == kept_files.MOST_LINES + 1
    assert diff[-1].endswith(" more lines")
    assert not any("\x1b" in line for line in diff)


def test_what_is_as_it_was_or_was_never_kept_is_left_alone(conf: Path, store: str) -> None:
    with pytest.raises(RefusedError, match="no copy is kept"):
        kept_files.restore(str(conf), store, STAMP)
    keep(conf, store)
    assert kept_files.restore(str(conf), store, STAMP) is None
    assert names(conf) == ["app.conf"]


def test_what_was_changed_after_the_start_is_never_kept(conf: Path, store: str) -> None:
    keep(conf, store)
    conf.write_text("lisen = 80\n")

    with pytest.raises(RefusedError, match="changed after the unit was started"):
        keep(conf, store, started=conf.stat().st_ctime)

    kept_files.restore(str(conf), store, STAMP)
    assert conf.read_text().startswith("listen")


def test_a_copy_is_replaced_only_when_the_unit_has_run_with_the_new_one_for_long(conf: Path, store: str) -> None:
    assert keep(conf, store, ran=0)
    conf.write_text("listen = 81\n")

    with pytest.raises(RefusedError, match="for long enough"):
        keep(conf, store, ran=599)
    assert keep(conf, store, ran=600)
    assert not keep(conf, store, ran=600)
    assert len(list(Path(store).iterdir())) == 1


def test_links_second_names_and_what_is_no_file_are_refused_both_ways(conf: Path, store: str, tmp_path: Path) -> None:
    secret = tmp_path / "shadow"
    secret.write_text("root:x\n")
    keep(conf, store)

    def refused(text: str, path: Path = conf) -> None:
        with pytest.raises(RefusedError, match=text):
            keep(path, store)
        with pytest.raises(RefusedError, match="link" if path != conf else text):
            kept_files.restore(str(path), store, STAMP) if path == conf else keep(path, store)

    conf.unlink()
    conf.symlink_to(secret)
    refused("a link")
    conf.unlink()
    conf.hardlink_to(secret)
    refused("other names")
    conf.unlink()
    os.mkfifo(conf)
    refused("no regular file")
    (tmp_path / "way").symlink_to(conf.parent)
    refused("link or no directory", tmp_path / "way/app.conf")
    assert secret.read_text() == "root:x\n"
    assert names(conf) == ["app.conf"]


def test_a_large_file_is_no_configuration(conf: Path, store: str) -> None:
    conf.write_bytes(b"x" * (kept_files.MOST + 1))
    with pytest.raises(RefusedError, match="larger than 1 MiB"):
        keep(conf, store)


@pytest.fixture
def small() -> Iterator[Path]:
    """Yield a directory on a disk of 64 KiB."""
    with tempfile.TemporaryDirectory() as made:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", made], check=True)
        try:
            yield Path(made)
        finally:
            subprocess.run(["umount", made], check=True)


WRITING = {"_exchange", "_filled", "_fill", "_forget_half", "_is_still", "_put", "_remove"}


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Do it in a process of its own that is killed at that line of what changes files; say whether it came so far."""
    child = os.fork()
    if not child:
        left = iter(range(step, -1, -1))

        def trace(frame: FrameType, event: str, _: object) -> object:
            if frame.f_code.co_filename != kept_files.__file__:
                return None
            if event == "line" and frame.f_code.co_name in WRITING and not next(left):
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)  # type: ignore[arg-type]  # mypy knows another name of the same
        act()
        os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


def test_killed_at_any_step_of_a_restore_the_file_is_there_whole_and_the_next_one_ends_it(
    conf: Path, store: str
) -> None:
    keep(conf, store)
    good, bad, step = conf.read_bytes(), b"lisen = 80\n", 0
    conf.write_bytes(bad)
    seen = set()

    while killed_at(step, lambda: kept_files.restore(str(conf), store, STAMP)):
        found = conf.read_bytes()
        seen.add((found == good, len(names(conf))))
        assert found in (good, bad)
        if found == bad:
            put_back(conf, store, "next")
        assert conf.read_bytes() == good
        assert [one.read_bytes() for one in conf.parent.glob("app.conf.opsagent-bad-*")] == [bad]
        for other in conf.parent.iterdir():
            other.unlink()
        conf.write_bytes(bad)
        step += 1

    assert step > 20
    assert seen >= {(False, 1), (False, 2), (False, 3), (True, 2)}  # before, with the new one, with both, after


def test_killed_at_any_step_of_keeping_the_copy_is_the_old_or_the_new_one(conf: Path, store: str) -> None:
    step, wanted = 0, set()
    keep(conf, store)
    was = conf.read_bytes()
    conf.write_text("listen = 81\n")
    while killed_at(step, lambda: keep(conf, store)):
        (copy,) = (one.read_bytes() for one in Path(store).glob("*-app.conf"))
        wanted.add(copy)
        step += 1
        if copy != was:
            break

    assert wanted == {was, b"listen = 81\n"}


def test_a_full_disk_leaves_the_file_as_it_is_and_nothing_beside_it(small: Path, store: str) -> None:
    conf = small / "app/app.conf"
    conf.parent.mkdir()
    conf.write_text("x" * 9000)
    keep(conf, store)
    conf.write_text("bad\n")
    with pytest.raises(OSError, match="No space left"):
        (small / "filler").write_bytes(b"x" * 100_000)

    with pytest.raises(OSError, match="No space left"):
        kept_files.restore(str(conf), store, STAMP)

    assert (conf.read_text(), names(conf)) == ("bad\n", ["app.conf"])
    (small / "filler").unlink()
    put_back(conf, store)
    assert len(conf.read_text()) == 9000


def access(*entries: tuple[int, int, int]) -> bytes:
    """Return an access list as the kernel takes it: tag, rights, who."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries)


def test_access_lists_and_the_label_of_the_place_stay_and_those_of_the_directory_do_not_come(
    conf: Path, store: str
) -> None:
    nobody = 2**32 - 1
    everything = ((1, 7, nobody), (2, 7, 12345), (4, 7, nobody), (16, 7, nobody), (32, 0, nobody))
    os.setxattr(conf.parent, "system.posix_acl_default", access(*everything))
    conf.chmod(0o640)
    keep(conf, store)
    conf.write_text("lisen = 80\n")
    os.setxattr(conf, "security.selinux", b"of the place")

    put_back(conf, store)

    assert not [name for name in os.listxattr(conf) if name.startswith("system.")]
    assert os.getxattr(conf, "security.selinux") == b"of the place"
    assert conf.stat().st_mode & 0o777 == 0o640

    os.setxattr(conf, "system.posix_acl_access", access(*everything))
    keep(conf, store)
    conf.write_text("lisen = 80\n")
    os.removexattr(conf, "system.posix_acl_access")
    put_back(conf, store, "next")

    assert os.getxattr(conf, "system.posix_acl_access") == access(*everything)


def test_of_many_files_it_is_told_what_came_back_and_what_did_not(
    conf: Path, store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "STORE", store)
    other = conf.with_name("x" * 200 + "é" * 20)
    other.write_text("mine\n")
    keep(conf, store)
    keep(other, store)

    assert restore.main(str(conf), str(other)) == 1
    assert capsys.readouterr().out == "restored nothing; all is as it was when the unit was good\n"
    conf.write_text("lisen = 80\n")
    assert restore.main(str(other), str(conf), "/etc/nowhere/a") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"restored {conf}, what was refused is {conf}.opsagent-bad-")
    assert last.endswith("; left /etc/nowhere/a alone: no copy is kept of it")
