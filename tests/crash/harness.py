"""Kill a program, or fail its disk, at every system call in turn, and look what its next start makes of it.

The program is forked with everything imported, and strace is attached to it before its first step: so a run takes
some 30 ms, and `when=N` counts only the program's own calls. A run in which nothing was injected is told apart
from one that survived: see `Sweep.hits`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash import whole

MOST = 400
"""No program here makes more calls of one kind; one that does never ends."""
PERSON = "person: line {} at {}\n"


@dataclass(frozen=True)
class Program:
    """What is swept. `run(directory, say)` returns an exit status; `check(directory, lines)` what is wrong after."""

    prepare: Callable[[Path], None]
    run: Callable[[Path, Callable[[str], None]], int]
    person: Callable[[Path, str], None]
    check: Callable[[Path, list[str]], list[str]]
    ends: frozenset[int] = frozenset({0})


@dataclass
class Sweep:
    """What a sweep found: how often each call was hit, and every violation with the place that shows it."""

    hits: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        return json.dumps({"hits": self.hits, "violations": self.violations})


def sweep(program: Program, calls: tuple[str, ...], inject: str, *, only_files: bool, step: int = 1) -> Sweep:
    """Inject into the 1st, 2nd, 3rd … of each call, until a run makes fewer; `inject` is strace's, {} is the number.

    Where it kills, only those `openat` count that make a file: to die in another is to die in the next call that
    changes the disk.
    """
    found = Sweep()
    base = Path(tempfile.mkdtemp(prefix="opsagent-crash-"))
    for call in calls:
        kills_at_open = call == "openat" and "SIGKILL" in inject
        numbers = making(program, base / "made") if kills_at_open else range(1, MOST, step)
        for number in numbers:
            directory = base / f"{call}-{number}"
            directory.mkdir()
            hit, wrong = one_run(program, directory, call, inject.format(number), only_files=only_files)
            shutil.rmtree(directory)
            if not hit:
                break
            found.hits[call] += 1
            found.violations += [f"{call} {number}: {what}" for what in wrong]
    shutil.rmtree(base)
    return found


def making(program: Program, directory: Path) -> list[int]:
    """Return which `openat` of an undisturbed run make a file, by their numbers."""
    directory.mkdir()
    program.prepare(directory)
    there = {str(path) for path in directory.rglob("*")}
    child = Child.fork(program, directory)
    tracer = trace(child.pid, directory / "trace", ["-e", "trace=openat"])
    child.converse(lambda count: program.person(directory, PERSON.format(count, "openat")))
    child.end()
    tracer.wait()
    found = []
    for number, line in enumerate((directory / "trace").read_text("utf-8", "replace").splitlines(), 1):
        path = line.rpartition("<")[2].rpartition(">")[0]
        if "O_CREAT" in line and path and path not in there:
            there.add(path)
            found.append(number)
    shutil.rmtree(directory)
    return found


def one_run(program: Program, directory: Path, call: str, inject: str, *, only_files: bool) -> tuple[bool, list[str]]:
    """Run once with one injection; tell whether it struck, and what was wrong afterwards."""
    program.prepare(directory)
    child = Child.fork(program, directory)
    output = directory / "trace"
    tracer = attach(child.pid, call, inject, output, paths(directory) if only_files else [])
    lines = child.converse(lambda count: program.person(directory, PERSON.format(count, call)))
    status = child.end()
    tracer.wait()
    killed = os.WIFSIGNALED(status)
    hit = killed or "(INJECTED)" in output.read_text("utf-8", "replace")
    program.person(directory, PERSON.format("after", call))
    wrong = program.check(directory, lines)
    if not killed and os.WEXITSTATUS(status) not in program.ends:
        wrong.append(f"ended with status {os.WEXITSTATUS(status)}: {child.errors()}")
    return hit, wrong


@dataclass
class Child:
    """A forked program that waits for a go at its first step and after every line it says."""

    pid: int
    ears: int
    mouth: int
    stderr: Path

    @classmethod
    def fork(cls, program: Program, directory: Path) -> Child:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        stderr = directory / "stderr"
        pid = os.fork()
        if pid == 0:
            os.close(ours_in)
            os.close(ours_out)
            live(program, directory, theirs_in, theirs_out)
        os.close(theirs_in)
        os.close(theirs_out)
        return cls(pid=pid, ears=ours_in, mouth=ours_out, stderr=stderr)

    def converse(self, between: Callable[[int], None]) -> list[str]:
        """Hear line by line; something happens between a line and the go for the next step."""
        lines: list[str] = []
        self.go()
        with os.fdopen(self.ears, "r", encoding="utf-8") as ears:
            for line in ears:
                lines.append(line)
                between(len(lines))
                self.go()
        return lines

    def go(self) -> None:
        try:
            os.write(self.mouth, b"\n")
        except BrokenPipeError:
            return

    def end(self) -> int:
        os.close(self.mouth)
        return os.waitpid(self.pid, 0)[1]

    def errors(self) -> str:
        return self.stderr.read_text("utf-8", "replace")[-600:] if self.stderr.exists() else ""


def live(program: Program, directory: Path, ears: int, mouth: int) -> None:
    """Be the program: the forked child never returns."""

    def say(line: str) -> None:
        os.write(mouth, f"{line}\n".encode())
        os.read(ears, 1)

    status = 70
    try:
        os.read(ears, 1)
        status = program.run(directory, say)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        (directory / "stderr").write_text("".join(traceback.format_exception(error)))
    finally:
        os._exit(status)


def attach(pid: int, call: str, inject: str, output: Path, only: list[str]) -> subprocess.Popen[bytes]:
    """Attach strace for one injection."""
    filters = [word for path in only for word in ("-P", path)]
    return trace(pid, output, ["-e", f"trace={call}", *filters, "-e", f"inject={call}:{inject}"])


def trace(pid: int, output: Path, how: list[str]) -> subprocess.Popen[bytes]:
    """Attach strace and return when it has the process in its hands."""
    argv = ["strace", "-f", "-y", "-o", str(output), "-e", "signal=none", *how, "-p", str(pid)]
    tracer = subprocess.Popen(argv, stderr=subprocess.PIPE)
    first = tracer.stderr.readline()
    if b"attached" not in first:
        os.kill(pid, signal.SIGKILL)
        raise RuntimeError(f"cannot trace: {first.decode()} {tracer.stderr.read().decode()}")
    return tracer


def paths(directory: Path) -> list[str]:
    """Return every file the programs may touch: strace matches names, and a missing one is silently never hit."""
    state = [directory / "state" / name for name in ("events.db", "events.db-wal", "ballast", "samples.db-wal", "")]
    memory = directory / "memory"
    notes = [memory / name for name in ("2026-11-21.md", *whole.FILES)]
    drafts = [path.with_name(f".{path.name}.opsagent") for path in notes]
    folders = {path.parent for path in notes}
    return [str(path) for path in (*state, *notes, *drafts, *folders)]
