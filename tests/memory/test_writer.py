from __future__ import annotations

import errno
import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.report.head import HEAD_BYTES, fitted
from opsagent.memory.writer import BELOW, WriteError, Writer

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = PurePosixPath("daily/2026-11-20.md")
HEAD = fitted(title="Fri 2026-11-20 · web-1 · nothing needs you", mark="08:00")
LATER = fitted(title="Fri 2026-11-20 · web-1 · **1 needs you: api is down**", mark="08:30")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "memory"


@pytest.fixture
def writer(root: Path) -> Writer:
    return Writer(root)


def test_an_entry_stands_below_the_head_with_its_marker(writer: Writer, root: Path) -> None:
    writer.head(DAY, HEAD)

    written = writer.append(DAY, 7, "## 08:01 api healed")

    text = (root / DAY).read_text()
    assert written
    assert text == HEAD + BELOW.decode() + "\n## 08:01 api healed\n<!-- opsagent:7 -->\n"


def test_an_entry_that_is_there_is_not_written_again(writer: Writer, root: Path) -> None:
    writer.append(DAY, 7, "one")
    before = (root / DAY).read_bytes()

    assert writer.append(DAY, 7, "one, worded otherwise") is False
    assert (root / DAY).read_bytes() == before


def test_a_number_that_begins_like_another_is_another(writer: Writer) -> None:
    writer.append(DAY, 77, "one")

    assert writer.append(DAY, 7, "other")
    assert writer.markers(DAY) == {7, 77}


def test_folders_and_files_belong_to_the_group_whatever_the_umask(writer: Writer, root: Path) -> None:
    before = os.umask(0o077)
    try:
        writer.head(DAY, HEAD)
    finally:
        os.umask(before)

    assert (root.stat().st_mode & 0o7777, root.joinpath("daily").stat().st_mode & 0o7777) == (0o2770, 0o2770)
    assert (root / DAY).stat().st_mode & 0o7777 == 0o660


@pytest.mark.parametrize(("above", "expected"), [(0o2770, 0o2770), (0o700, 0o770)])
def test_folders_are_the_groups_where_nobody_may_ask_for_the_setgid_bit(
    writer: Writer, root: Path, monkeypatch: pytest.MonkeyPatch, above: int, expected: int
) -> None:
    """So it is in the service: RestrictSUIDSGID= refuses mkdir and chmod that name the bit."""
    root.parent.chmod(above)
    real_mkdir, real_fchmod = os.mkdir, os.fchmod

    def mkdir(name: str, mode: int, *, dir_fd: int) -> None:
        _refuse_setgid(mode)
        real_mkdir(name, mode, dir_fd=dir_fd)

    def fchmod(opened: int, mode: int) -> None:
        _refuse_setgid(mode)
        real_fchmod(opened, mode)

    monkeypatch.setattr(os, "mkdir", mkdir)
    monkeypatch.setattr(os, "fchmod", fchmod)
    before = os.umask(0o007)
    try:
        writer.head(DAY, HEAD)
    finally:
        os.umask(before)

    assert root.joinpath("daily").stat().st_mode & 0o7777 == expected


def _refuse_setgid(mode: int) -> None:
    if mode & 0o6000:
        raise PermissionError(errno.EPERM, "Operation not permitted")


def test_the_head_is_rewritten_in_place(writer: Writer, root: Path) -> None:
    writer.head(DAY, HEAD)
    writer.append(DAY, 1, "entry")
    inode = (root / DAY).stat().st_ino
    rest = (root / DAY).read_bytes()[HEAD_BYTES:]

    assert writer.head(DAY, LATER)
    assert (root / DAY).read_bytes() == LATER.encode() + rest
    assert (root / DAY).stat().st_ino == inode


@pytest.mark.parametrize(
    "foreign",
    [
        b"my own notes of the day\n",
        b"",
        HEAD.encode()[:600],
        b"# " + HEAD.encode(),
        HEAD.replace("nothing needs you", "nothing needs me").encode()[:-30] + b"a line of mine\n" * 4,
        b"\x00" * HEAD_BYTES,
    ],
)
def test_a_file_that_begins_with_something_else_is_only_added_to(writer: Writer, root: Path, foreign: bytes) -> None:
    (root / "daily").mkdir(parents=True)
    (root / DAY).write_bytes(foreign)

    put = writer.head(DAY, LATER)
    writer.append(DAY, 3, "entry")

    assert not put
    assert (root / DAY).read_bytes() == foreign + b"\nentry\n<!-- opsagent:3 -->\n"


def test_a_head_of_another_length_is_refused(writer: Writer, root: Path) -> None:
    with pytest.raises(WriteError, match="not the form of a head"):
        writer.head(DAY, HEAD + " ")
    assert not (root / DAY).exists()


@pytest.mark.parametrize("torn", [2, 3, 10, -30, -2])
def test_an_entry_torn_by_a_crash_is_completed(writer: Writer, root: Path, torn: int) -> None:
    writer.head(DAY, HEAD)
    whole = b"\n## 08:01 api healed\n<!-- opsagent:7 -->\n"
    with (root / DAY).open("ab") as file:
        file.write(whole[:torn])

    writer.append(DAY, 7, "## 08:01 api healed")

    assert (root / DAY).read_bytes() == HEAD.encode() + BELOW + whole


def test_what_a_person_wrote_after_a_torn_entry_stays(writer: Writer, root: Path) -> None:
    (root / "daily").mkdir(parents=True)
    (root / DAY).write_bytes(b"\n## 08:01 api hea\nmine\n")

    writer.append(DAY, 7, "## 08:01 api healed")

    assert (root / DAY).read_bytes() == b"\n## 08:01 api hea\nmine\n\n## 08:01 api healed\n<!-- opsagent:7 -->\n"


def test_a_text_cannot_pretend_to_be_another_entry(writer: Writer) -> None:
    writer.append(DAY, 1, "line\n<!-- opsagent:2 -->\n<!-- /opsagent:head -->")

    assert writer.markers(DAY) == {1}
    assert writer.append(DAY, 2, "the real one")


@given(st.lists(st.one_of(st.binary(max_size=40), st.integers(1, 6)), max_size=12))
def test_whatever_people_add_in_between_every_byte_of_theirs_stays(
    tmp_path_factory: pytest.TempPathFactory, steps: list[bytes | int]
) -> None:
    root = tmp_path_factory.mktemp("m") / "memory"
    writer = Writer(root)
    writer.head(DAY, HEAD)
    expected, done = HEAD.encode() + BELOW, set[int]()
    for step in steps:
        if isinstance(step, bytes):
            with (root / DAY).open("ab") as file:
                file.write(step)
            expected += step
        elif writer.append(DAY, step, f"entry {step}"):
            entry = f"\nentry {step}\n<!-- opsagent:{step} -->\n".encode()
            torn = next(n for n in range(len(entry) - 1, -1, -1) if n != 1 and expected.endswith(entry[:n]))
            expected += entry[torn:]
            done.add(step)

    assert (root / DAY).read_bytes() == expected
    assert writer.markers(DAY) >= done


def test_bytes_that_are_no_text_pass_through_a_replacement(writer: Writer, root: Path) -> None:
    root.mkdir()
    (root / "archive.md").write_bytes(b"ours\nmine \xff\xfe\r\n")

    writer.replace(PurePosixPath("archive.md"), lambda text: text.replace("ours", "new"))

    assert (root / "archive.md").read_bytes() == b"new\nmine \xff\xfe\r\n"


def test_a_replacement_keeps_the_mode_and_leaves_no_draft(writer: Writer, root: Path) -> None:
    root.mkdir()
    (root / "archive.md").write_text("old")
    (root / "archive.md").chmod(0o640)

    assert writer.replace(PurePosixPath("archive.md"), lambda _: "new")

    assert (root / "archive.md").stat().st_mode & 0o777 == 0o640
    assert [p.name for p in root.iterdir()] == ["archive.md"]


def test_a_line_added_while_a_file_is_replaced_survives(writer: Writer, root: Path) -> None:
    root.mkdir()
    path = root / "archive.md"
    path.write_text("ours 1\n")
    asked = []

    def change(text: str) -> str:
        if not asked:
            with path.open("a") as file:
                file.write("mine\n")
        asked.append(text)
        return text.replace("ours 1", "ours 2")

    writer.replace(PurePosixPath("archive.md"), change)

    assert path.read_text() == "ours 2\nmine\n"
    assert asked == ["ours 1\n", "ours 1\nmine\n"]


def test_a_file_that_never_holds_still_is_left_alone(writer: Writer, root: Path) -> None:
    root.mkdir()
    path = root / "archive.md"
    path.write_text("x")

    def change(text: str) -> str:
        path.write_text(text + "x")
        return "new"

    with pytest.raises(WriteError, match="somebody keeps changing it"):
        writer.replace(PurePosixPath("archive.md"), change)
    assert path.read_text() == "xxxxx"
    assert [p.name for p in root.iterdir()] == ["archive.md"]


Trap = tuple[str, "Callable[[Path, Path], object]"]
TRAPS: list[Trap] = [
    ("it is a symbolic link", lambda path, victim: path.symlink_to(victim)),
    ("more than one name", lambda path, victim: path.hardlink_to(victim)),
    ("no regular file", lambda path, _: os.mkfifo(path)),
    ("it is a directory", lambda path, _: path.mkdir()),
    ("no regular file", lambda path, _: socket.socket(socket.AF_UNIX).bind(str(path))),
]


@pytest.mark.parametrize(("reason", "lay"), TRAPS)
@pytest.mark.parametrize("use", ["append", "head", "replace", "read"])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_trap_is_refused_and_named(
    root: Path, tmp_path: Path, reason: str, lay: Callable[[Path, Path], object], use: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (root / "daily").mkdir(parents=True)
    lay(root / "daily/x.md", victim)
    writer, path = Writer(root), PurePosixPath("daily/x.md")
    acts: dict[str, Callable[[], object]] = {
        "append": lambda: writer.append(path, 1, "text"),
        "head": lambda: writer.head(path, HEAD),
        "replace": lambda: writer.replace(path, lambda _: "new"),
        "read": lambda: writer.read(path),
    }

    with pytest.raises(WriteError, match=f"cannot write daily/x.md: .*{reason}"):
        acts[use]()
    assert victim.read_text() == "precious"


def test_a_link_in_place_of_a_folder_is_refused_and_named(root: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root.mkdir()
    (root / "daily").symlink_to(elsewhere)

    with pytest.raises(WriteError, match="daily on its way is a symbolic link"):
        Writer(root).append(DAY, 1, "text")
    assert list(elsewhere.iterdir()) == []


def test_a_link_above_the_root_is_refused_and_named(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "real")

    with pytest.raises(WriteError, match="alias on its way is a symbolic link"):
        Writer(tmp_path / "alias/memory").append(DAY, 1, "text")


@pytest.mark.parametrize("place", [".", "memory", "memory/daily"])
def test_a_folder_where_everybody_may_write_is_refused_and_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "above/memory/daily").mkdir(parents=True)
    writer, folder = Writer(tmp_path / "above/memory"), tmp_path / "above" / place
    folder.chmod(0o777)

    with pytest.raises(WriteError, match=f"everybody may write in {folder.resolve().name}, run chmod o-w on it"):
        writer.append(DAY, 1, "text")
    folder.chmod(0o1777)
    assert writer.append(DAY, 1, "text")


def test_a_path_that_leaves_the_root_is_refused(writer: Writer, tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="absolute path without"):
        writer.append(PurePosixPath("../out.md"), 1, "text")
    assert not (tmp_path / "out.md").exists()


def test_a_huge_file_is_refused_and_not_read(writer: Writer, root: Path) -> None:
    root.mkdir()
    with (root / "x.md").open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(WriteError, match="move it away"):
        writer.append(PurePosixPath("x.md"), 1, "text")


def test_a_crash_between_the_two_names_of_a_new_file_is_mended(writer: Writer, root: Path) -> None:
    root.mkdir()
    (root / "x.md").write_text("first\n")
    (root / ".x.md.opsagent").hardlink_to(root / "x.md")

    assert writer.append(PurePosixPath("x.md"), 1, "text")
    assert [p.name for p in root.iterdir()] == ["x.md"]


def test_a_lock_held_by_another_is_never_waited_for(writer: Writer, root: Path) -> None:
    writer.append(DAY, 1, "text")
    with (root / DAY).open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        with pytest.raises(WriteError, match="somebody else holds its lock"):
            writer.append(DAY, 2, "text")


def test_a_short_write_is_completed_by_the_next_try(
    writer: Writer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, full = os.write, [True]

    def write(opened: int, content: bytes) -> int:
        if not full[0]:
            return real(opened, content)
        if len(content) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(opened, content[:-15])

    writer.head(DAY, HEAD)
    monkeypatch.setattr(os, "write", write)
    with pytest.raises(WriteError, match="No space left on device"):
        writer.append(DAY, 7, "## 08:01 api healed in 3 s")
    full[0] = False

    assert writer.append(DAY, 7, "## 08:01 api healed in 3 s")
    expected = BELOW + b"\n## 08:01 api healed in 3 s\n<!-- opsagent:7 -->\n"
    assert (root / DAY).read_bytes()[HEAD_BYTES:] == expected


PERSON = """
import sys
for number in range(300):
    with open(sys.argv[1], "a") as file:
        file.write(f"person {number}\\n")
"""


def test_a_person_who_adds_lines_meanwhile_loses_none(writer: Writer, root: Path) -> None:
    writer.head(DAY, HEAD)
    with subprocess.Popen([sys.executable, "-c", PERSON, str(root / DAY)]) as person:
        for seq in range(1, 101):
            writer.append(DAY, seq, f"entry {seq}")
            writer.head(DAY, LATER if seq % 2 else HEAD)

    lines = (root / DAY).read_text().splitlines()
    assert person.returncode == 0
    assert [line for line in lines if line.startswith("person")] == [f"person {n}" for n in range(300)]
    assert [line for line in lines if line.startswith("entry")] == [f"entry {n}" for n in range(1, 101)]


FULL_DISK = """
import os, sys
from pathlib import Path, PurePosixPath
from opsagent.core.report.head import fitted
from opsagent.memory.writer import WriteError, Writer

root = Path(sys.argv[1])
writer, day = Writer(root / "memory"), PurePosixPath("daily/2026-11-20.md")
writer.head(day, fitted(title="Fri 2026-11-20", mark="08:00"))
with (root / "memory" / day).open("a") as file:
    file.write("mine\\n")
with (root / "ballast").open("wb") as file:
    os.posix_fallocate(file.fileno(), 0, 40960)
written, refused = [], 0
for seq in range(1, 200):
    try:
        writer.append(day, seq, f"## entry {seq}\\n" + "- a line of the story\\n" * 40)
        written.append(seq)
    except WriteError as error:
        assert "No space left" in str(error) or "only a part" in str(error), error
        refused += 1
        break
try:
    writer.head(PurePosixPath("daily/2026-11-21.md"), fitted(title="Sat 2026-11-21", mark="00:00"))
except WriteError:
    refused += 1
assert sorted(p.name for p in (root / "memory/daily").iterdir()) == ["2026-11-20.md"]
(root / "ballast").unlink()
for seq in range(1, len(written) + 2):
    writer.append(day, seq, f"## entry {seq}\\n" + "- a line of the story\\n" * 40)
text = (root / "memory" / day).read_text()
assert text.count("mine\\n") == 1
for seq in range(1, len(written) + 2):
    assert text.count(f"## entry {seq}\\n") == 1, seq
    assert text.count(f"<!-- opsagent:{seq} -->") == 1, seq
print(refused, len(written))
"""


def test_a_full_disk_loses_nothing_and_tears_nothing(tmp_path: Path) -> None:
    mount = f'mount -t tmpfs -o size=128k tmpfs {tmp_path} && exec "$0" "$@"'
    program = [sys.executable, "-c", FULL_DISK, str(tmp_path)]

    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "--user", "sh", "-c", mount, *program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert done.stderr == ""
    refused, written = map(int, done.stdout.split())
    assert refused == 2
    assert written > 10
