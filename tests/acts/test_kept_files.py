"""Configuration that is kept while its unit is good, and put back: on real files, with those who mean harm beside."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from opsagent.acts import kept_files
from opsagent.acts.kept_files import RefusedError

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


def names(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir())


def test_it_is_put_back_with_owner_and_mode_and_the_refused_one_lies_beside_it(conf: Path, store: str) -> None:
    conf.chmod(0o640)
    assert keep(conf, store)
    conf.write_text("lisen = 80\n")
    conf.chmod(0o600)
    refused = conf.stat().st_ino

    done = kept_files.restore(str(conf), store, STAMP)

    beside = Path(done.beside)
    assert beside == conf.with_name(f"app.conf.opsagent-bad-{STAMP}")
    assert (beside.read_text(), beside.stat().st_ino, beside.stat().st_mode & 0o777) == ("lisen = 80\n", refused, 0o600)
    assert (conf.read_text(), conf.stat().st_mode & 0o777) == ("listen = 80\nworkers = 4\n", 0o640)
    assert names(conf) == ["app.conf", beside.name]
    assert done.diff == ("what differed is not told: not everybody may read it",)


def test_a_file_that_is_gone_comes_back(conf: Path, store: str) -> None:
    keep(conf, store)
    conf.unlink()

    done = kept_files.restore(str(conf), store, STAMP)

    assert (done.beside, done.diff, names(conf)) == ("", ("it was gone",), ["app.conf"])


def test_a_long_difference_is_told_in_part(conf: Path, store: str) -> None:
    keep(conf, store)
    conf.write_text("".join(f"line {number}\x1b[2J\n" for number in range(100)))
    for folder in (conf.parent, *conf.parents):
        if not folder.stat().st_mode & 0o001:
            return  # where the temporary directory is not everybody's to enter, nothing is told at all

    diff = kept_files.restore(str(conf), store, STAMP).diff

    assert len(diff) == kept_files.MOST_LINES + 1
    assert diff[-1].endswith(" more lines")
    assert not any("\x1b" in line for line in diff)


def test_what_is_as_it_was_or_was_never_kept_is_left_alone(conf: Path, store: str) -> None:
    with pytest.raises(RefusedError, match="no copy is kept"):
        kept_files.restore(str(conf), store, STAMP)
    keep(conf, store)
    with pytest.raises(RefusedError, match="as it was when the unit was good"):
        kept_files.restore(str(conf), store, STAMP)
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
