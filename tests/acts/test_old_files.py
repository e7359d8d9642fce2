"""What is taken away of a directory, on real ones: nothing outside it, whatever stands in it or is put there."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsagent.acts import old_files
from opsagent.acts.old_files import Bounds
from opsagent.core import reclaim
from opsagent.core.reclaim import Freed, OldFiles

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator

NOW = 2_000_000_000.0
DAY = timedelta(days=1)
OLD, NEW = NOW - 10 * 86_400, NOW - 60


def put(path: Path, mtime: float = OLD, size: int = 4096) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (mtime, mtime))
    return path


def swept(path: Path, pattern: str = "*", *, recursive: bool = True, **more: object) -> Freed:
    wanted = OldFiles(path=str(path), pattern=pattern, older_than=DAY, recursive=recursive)
    return old_files.remove(wanted, Bounds(now=NOW, **more))  # type: ignore[arg-type]


def reasons(freed: Freed) -> dict[str, tuple[str, ...]]:
    return {one.why: one.paths for one in freed.left}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return put(tmp_path / "outside" / "precious.log")


def test_only_old_files_whose_name_fits_go_and_their_bytes_are_told(tmp_path: Path) -> None:
    gone = put(tmp_path / "app" / "a.log", size=8192)
    kept = [put(tmp_path / "app" / "b.log", NEW), put(tmp_path / "app" / "c.txt"), put(tmp_path / "app" / "sub/d.log")]
    hidden = put(tmp_path / "app" / ".e.log")

    freed = swept(tmp_path / "app", "*.log", recursive=False)

    assert not gone.exists()
    assert all(one.exists() for one in (*kept, hidden))
    assert (freed.size, freed.files, freed.left) == (8192, 1, ())


def test_links_are_not_followed_and_what_they_point_at_lives(tmp_path: Path, outside: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "file.log").symlink_to(outside)
    (app / "folder").symlink_to(outside.parent)
    for link in (app / "file.log", app / "folder"):
        os.utime(link, (OLD, OLD), follow_symlinks=False)

    freed = swept(app)

    assert outside.exists()
    assert freed.files == 0
    assert set(reasons(freed)["a link"]) == {str(app / "file.log"), str(app / "folder")}


def test_a_directory_behind_a_link_is_not_cleaned_at_all(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "app").symlink_to(outside.parent)
    (tmp_path / "way").symlink_to(tmp_path)

    for path in (tmp_path / "app", tmp_path / "way" / "outside"):
        assert list(reasons(swept(path))) == ["a link or no directory"]
    assert outside.exists()


def test_what_would_free_nothing_or_is_no_file_is_left_alone_and_told(tmp_path: Path, outside: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    os.link(outside, app / "twice.log")
    os.mkfifo(app / "pipe.log")
    os.utime(app / "pipe.log", (OLD, OLD))

    freed = swept(app)

    assert set(reasons(freed)) == {"it has other names, its space would not be freed", "no regular file"}
    assert (app / "twice.log").exists()


@pytest.mark.parametrize("mode", ["r", "r+", "a"])
def test_a_file_that_a_process_has_open_is_left_alone(tmp_path: Path, mode: str) -> None:
    used = put(tmp_path / "app" / "a.log")

    with used.open(mode):
        os.utime(used, (OLD, OLD))
        freed = swept(tmp_path / "app")

    assert used.exists()
    assert list(reasons(freed)) == ["a process has it open"]
    assert swept(tmp_path / "app").files == 1


def test_a_file_that_somebody_else_made_in_the_place_of_an_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, unused = put(tmp_path / "app" / "a.log"), old_files._unused

    def exchanged(looked: int) -> contextlib.AbstractContextManager[None]:
        name.rename(name.with_name("b.txt"))
        put(name, NEW)
        return unused(looked)

    monkeypatch.setattr(old_files, "_unused", exchanged)

    assert list(reasons(swept(tmp_path / "app", "*.log"))) == ["somebody exchanged it at this moment"]
    assert name.exists()


def test_what_is_spared_is_neither_entered_nor_passed_under_whatever_name(tmp_path: Path) -> None:
    note = put(tmp_path / "app" / "memory" / "daily" / "note.md")
    moved = put(tmp_path / "app" / "a.log")
    spared = old_files.spared((str(tmp_path / "app" / "memory"),))
    (tmp_path / "app" / "memory").rename(tmp_path / "app" / "elsewhere")

    assert swept(tmp_path / "app", spared=spared).files == 1
    assert swept(tmp_path / "app" / "elsewhere" / "daily", spared=spared).files == 0
    assert not moved.exists()
    assert (tmp_path / "app" / "elsewhere" / "daily" / note.name).exists()


def test_other_mounts_are_not_entered_not_even_of_the_same_file_system(tmp_path: Path, outside: Path) -> None:
    app = tmp_path / "app"
    mounts = [("bind", ["--bind", str(outside.parent)]), ("tmpfs", ["-t", "tmpfs", "tmpfs"])]
    for name, how in mounts:
        (app / name).mkdir(parents=True)
        subprocess.run(["mount", *how, str(app / name)], check=True)
    try:
        there = put(app / "tmpfs" / "a.log")
        freed = swept(app)
        assert there.exists()
    finally:
        for name, _ in mounts:
            subprocess.run(["umount", str(app / name)], check=True)

    assert set(reasons(freed)["another file system"]) == {str(app / name) for name, _ in mounts}
    assert outside.exists()


def test_files_of_our_own_user_or_group_are_never_touched(tmp_path: Path) -> None:
    ours = put(tmp_path / "app" / "opsagent.md")
    about = ours.stat()

    assert swept(tmp_path / "app", ours=(about.st_uid, 54321)).files == 0
    assert swept(tmp_path / "app", ours=(54321, about.st_gid)).files == 0
    assert ours.exists()


def test_the_bounds_end_the_work_and_are_told(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path / "app" / f"{number}.log")
    ticks = iter(range(5, -100, -1))

    assert swept(tmp_path / "app", left=lambda: next(ticks)).files == 5
    ticks = iter(range(5, -100, -1))
    assert list(reasons(swept(tmp_path / "app", left=lambda: next(ticks)))) == ["no time was left"]


def test_however_many_files_lie_in_one_directory_all_that_are_old_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_files, "BATCH", 7)
    for number in range(500):
        put(tmp_path / "app" / f"{number}.log", OLD if number % 5 else NEW, size=1)

    assert swept(tmp_path / "app").files == 400
    assert len(list((tmp_path / "app").iterdir())) == 100


def test_thousands_of_files_with_odd_names_go_in_one_run(tmp_path: Path) -> None:
    app = tmp_path / "app"
    for number in range(3000):
        put(app / f"{number % 7}" / f"-rf \n {number} *\x01.log", size=1)
    put(app / os.fsdecode(b"\xff\xfe.log"))

    freed = swept(app, "*.log")

    assert freed.files == 3001
    assert reclaim.reported(reclaim.plain([freed])) == (freed,)


names = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=12)
things = st.lists(st.tuples(names, st.sampled_from(["old", "new", "link", "folder", "twice"])), max_size=12)


@settings(max_examples=60, deadline=None)
@given(found=things, pattern=st.sampled_from(["*", "*.log", "[a-z]*", "?"]), recursive=st.booleans())
def test_whatever_stands_in_a_directory_nothing_outside_it_changes(
    found: list[tuple[str, str]], pattern: str, *, recursive: bool
) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        precious = put(root / "outside" / "precious.log")
        app = root / "app"
        app.mkdir()
        new = list(_laid_out(app, found, precious))

        freed = swept(app, pattern, recursive=recursive)

        assert precious.read_bytes() == b"x" * 4096
        assert all(one.exists() for one in new)
        assert freed.size % 512 == 0


def _laid_out(app: Path, found: list[tuple[str, str]], precious: Path) -> Iterator[Path]:
    """Make what is asked for, as far as its name can be; yield what must still be there afterwards."""
    for name, what in found:
        path = app / name
        if name in (".", "..") or os.path.lexists(path) or len(os.fsencode(name)) > 255:
            continue
        if what == "link":
            path.symlink_to(precious.parent if len(name) % 2 else precious)
        elif what == "folder":
            put(path / "in.log")
        elif what == "twice":
            os.link(precious, path)
            yield path
        else:
            put(path, OLD if what == "old" else NEW)
            if what == "new":
                yield path


def test_a_directory_that_is_exchanged_for_a_link_all_the_while_leads_nowhere(tmp_path: Path) -> None:
    app, elsewhere = tmp_path / "app", tmp_path / "elsewhere"
    precious = [put(tmp_path / "outside" / f"{number}.log") for number in range(50)]
    stop = threading.Event()

    def exchange() -> None:
        while not stop.is_set():
            (app / "sub").rename(elsewhere)
            (app / "sub").symlink_to(tmp_path / "outside")
            (app / "sub").unlink()
            elsewhere.rename(app / "sub")

    put(app / "sub" / "a.log", NEW)
    other = threading.Thread(target=exchange)
    other.start()
    try:
        for _ in range(200):
            assert swept(app).files == 0
    finally:
        stop.set()
        other.join()
    assert all(one.exists() for one in precious)
