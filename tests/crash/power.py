"""Cut the power after every step of one recorded run, and look what the next start makes of what the disk then holds.

The model is as mean as POSIX allows for one file: bytes last once their file is synced, names once their directory
is. It does not reorder writes between files.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tests.crash.harness import Child, trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.crash.harness import Program

CALLS = "openat,write,pwrite64,fsync,fdatasync,ftruncate,fallocate,rename,renameat,link,linkat,unlink,unlinkat,close"
LINE = re.compile(r"\d+ +(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?(?: .*)?")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
HANDLE = re.compile(r"(\w+)<((?:\\x[0-9a-f]{2})*)>")
MODES = ("none", "all", "torn", "names")
"""What is left: only what was synced; everything; half of what was not; every name, but only synced bytes."""


@dataclass(eq=False)
class File:
    """The bytes of a file, and those of them that are safe."""

    content: bytearray = field(default_factory=bytearray)
    synced: bytes = b""

    def put(self, place: int, data: bytes) -> None:
        self.content.extend(bytes(max(0, place - len(self.content))))
        self.content[place : place + len(data)] = data

    def cut(self, size: int) -> None:
        del self.content[size:]
        self.content.extend(bytes(size - len(self.content)))

    def left(self, mode: str) -> bytes:
        if mode == "all":
            return bytes(self.content)
        if mode == "torn" and len(self.content) > len(self.synced):
            return bytes(self.content[: (len(self.synced) + len(self.content)) // 2])
        return bytes(self.content) if mode == "torn" else self.synced


@dataclass
class Handle:
    """An open file: where the next write goes."""

    file: File
    place: int = 0
    appends: bool = False


class Disk:
    """A directory tree as the calls of a run leave it."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        before = {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        self.names = {path: File(bytearray(content), content) for path, content in before.items()}
        self.durable = dict(self.names)
        self.handles: dict[int, Handle] = {}
        self.said: list[str] = []

    def apply(self, call: str, args: str, result: int, path: str | None) -> bool:
        """Follow one call; tell whether it changed anything."""
        act = getattr(self, f"_{call}", None)
        return bool(act and result >= 0 and act(args, result, path))

    def _openat(self, args: str, result: int, path: str | None) -> bool:
        if path is None or not path.startswith(self.root) or Path(path).is_dir():
            self.handles.pop(result, None)
            return False
        made = path not in self.names
        self.handles[result] = Handle(self.names.setdefault(path, File()), appends="O_APPEND" in args)
        return made

    def _close(self, args: str, _result: int, _path: str | None) -> bool:
        self.handles.pop(int(args.partition("<")[0]), None)
        return False

    def _write(self, args: str, result: int, _path: str | None) -> bool:
        number, target = handle_of(args)
        data = text_of(args, 0)[:result]
        if target.startswith("pipe:"):
            self.said.append(data.decode())
            return True
        if number not in self.handles:
            return False
        handle = self.handles[number]
        place = len(handle.file.content) if handle.appends else handle.place
        handle.file.put(place, data)
        handle.place = place + len(data)
        return True

    def _pwrite64(self, args: str, result: int, _path: str | None) -> bool:
        number, _ = handle_of(args)
        if number not in self.handles:
            return False
        self.handles[number].file.put(int(args.rpartition(",")[2]), text_of(args, 0)[:result])
        return True

    def _ftruncate(self, args: str, _result: int, _path: str | None) -> bool:
        number, _ = handle_of(args)
        if number in self.handles:
            self.handles[number].file.cut(int(args.rpartition(",")[2]))
        return number in self.handles

    def _fallocate(self, args: str, _result: int, _path: str | None) -> bool:
        number, _ = handle_of(args)
        self.handles[number].file.cut(int(args.rpartition(",")[2]))
        return True

    def _fsync(self, args: str, _result: int, _path: str | None) -> bool:
        number, target = handle_of(args)
        if number in self.handles:
            self.handles[number].file.synced = bytes(self.handles[number].file.content)
            return True
        for path in {*self.names, *self.durable}:
            if path.rpartition("/")[0] == target:
                self._make_durable(path)
        return True

    _fdatasync = _fsync

    def _make_durable(self, path: str) -> None:
        if path in self.names:
            self.durable[path] = self.names[path]
        else:
            self.durable.pop(path, None)

    def _rename(self, args: str, _result: int, _path: str | None) -> bool:
        old, new = paths_of(args)
        self.names[new] = self.names.pop(old)
        return True

    _renameat = _rename

    def _link(self, args: str, _result: int, _path: str | None) -> bool:
        old, new = paths_of(args)
        self.names[new] = self.names[old]
        return True

    _linkat = _link

    def _unlink(self, args: str, _result: int, _path: str | None) -> bool:
        return self.names.pop(paths_of(args)[0], None) is not None

    _unlinkat = _unlink

    def left(self, mode: str) -> dict[str, bytes]:
        """Return the files that a power cut leaves."""
        names = self.durable if mode == "none" else self.names
        return {path: file.left(mode) for path, file in names.items() if not path.endswith("-shm")}


def handle_of(args: str) -> tuple[int, str]:
    """Return the first argument, a handle, and the path that it stands for."""
    found = HANDLE.match(args)
    return int(found[1]), plain(found[2]).decode("utf-8", "replace")


def text_of(args: str, number: int) -> bytes:
    """Return the n-th text among the arguments."""
    return plain(TEXT.findall(args)[number])


def paths_of(args: str) -> list[str]:
    """Return the paths among the arguments, joined with the directory handles before them."""
    found = []
    folder = ""
    for handle, place, text in re.findall(rf"{HANDLE.pattern}|{TEXT.pattern}", args):
        if handle:
            folder = plain(place).decode()
            continue
        path = plain(text).decode()
        found.append(path if path.startswith("/") else f"{folder}/{path}")
    return found


def plain(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


@dataclass
class Cut:
    """What is left at one moment, and what was said by then."""

    step: int
    mode: str
    files: dict[str, bytes]
    said: list[str]


def record(program: Program, directory: Path) -> str:
    """Run once under strace and return what it did."""
    child = Child.fork(program, directory)
    output = directory.with_name("trace")
    tracer = trace(child.pid, output, ["-xx", "-s", "2000000", "-e", f"trace={CALLS}"])
    child.converse(lambda _: None)
    child.end()
    tracer.wait()
    return output.read_text("ascii")


def cuts(recorded: str, disk: Disk) -> Iterator[Cut]:
    """Yield what each power cut leaves, each state of the disk once."""
    seen = set()
    for step, line in enumerate(recorded.splitlines()):
        found = LINE.fullmatch(line)
        if not found:
            continue
        path = None if found[4] is None else plain(found[4]).decode("utf-8", "replace")
        if not disk.apply(found[1], found[2], int(found[3]), path):
            continue
        for mode in MODES:
            left = disk.left(mode)
            state = hash((*sorted(left.items()), *disk.said))
            if state not in seen:
                seen.add(state)
                yield Cut(step=step, mode=mode, files=left, said=list(disk.said))


def replay(program: Program, step: int = 1) -> tuple[int, list[str]]:
    """Return how many states of the disk were tried (of all, or every n-th), and every violation."""
    base = Path(tempfile.mkdtemp(prefix="opsagent-power-"))
    (base / "run").mkdir()
    program.prepare(base / "run")
    disk = Disk(base / "run")
    recorded = record(program, base / "run")
    tried, wrong = 0, []
    for cut in islice(cuts(recorded, disk), 0, None, step):
        tried += 1
        wrong += [f"{cut.mode} after line {cut.step}: {what}" for what in after(program, base, cut)]
    shutil.rmtree(base)
    return tried, wrong


def after(program: Program, base: Path, cut: Cut) -> list[str]:
    """Lay out what is left, and start."""
    place = base / "left"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for folder in (base / "run").glob("**/"):
        (place / folder.relative_to(base / "run")).mkdir(exist_ok=True)
    for path, content in cut.files.items():
        file = place / Path(path).relative_to(base / "run")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return program.check(place, cut.said)
