"""restic, with its password in a file that only its owner reads: never in an argument, a variable or a word of ours.

What it says as JSON is handed on line by line; of the rest the last lines are kept, for they say what went wrong.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsagent.core.text import visible
from opsagent.host.process import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROGRESS = re.compile(r"\[[0-9:]+\] ")
LAST_LINES = 20
LONGEST_LINE = 64 << 20
END_WITHIN = 10.0
"""Seconds that it has to take its lock away once it was asked to end."""


class ResticError(Exception):
    """restic could not do it; the text is what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended: its exit code (3: a backup without some files that could not be read) and its last words."""

    code: int
    words: tuple[str, ...]

    @property
    def said(self) -> str:
        """What it said at its end, in a line."""
        words = [word.removeprefix("Fatal: ") for word in self.words if not _PROGRESS.match(word)]
        return visible("; ".join(words[-3:]), 300) or f"exit status {self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restic:
    """One repository. `password_file` is read by restic itself; `cache` is a directory of its owner's."""

    repository: str
    password_file: Path
    cache: Path

    def run(
        self, arguments: Sequence[str], *, within: float, heard: Callable[[dict[str, Any]], None] | None = None
    ) -> Ended:
        """Run one command of restic for at most `within` seconds. `heard` takes each JSON object that it prints.

        ResticError when it cannot be run, the password file is open to others, or the time is over.
        """
        if wrong := unfit(self.password_file):
            raise ResticError(wrong)
        argv = ["restic", "--repo", self.repository, "--password-file", str(self.password_file)]
        argv += ["--cache-dir", str(self.cache), *arguments]
        try:
            child = subprocess.Popen(  # argv comes from root's settings, never from a shell
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**ENVIRONMENT, "RESTIC_PROGRESS_FPS": "2"},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise ResticError(f"cannot run restic: {error.strerror}; is the package restic installed?") from error
        return _Listening(child, heard or _nobody).until(time.monotonic() + within)


def unfit(path: Path) -> str:
    """Say why a file must not hold a password, "" when it may: its owner's, closed to all others, not empty."""
    try:
        about = path.lstat()
    except OSError as error:
        return f"cannot find the password file {path}: {error.strerror}; see: opsagent backup --help"
    if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
        return f"cannot use the password file {path}, allowed: a regular file of its owner's with mode 0600"
    return "" if about.st_size else f"cannot use the password file {path}: it is empty"


def _nobody(said: dict[str, Any]) -> None:
    del said


@dataclass(slots=True)
class _Listening:
    """One running restic and what it says."""

    child: subprocess.Popen[bytes]
    heard: Callable[[dict[str, Any]], None]
    _words: list[str] = field(default_factory=list)
    _rest: bytes = b""

    def until(self, deadline: float) -> Ended:
        try:
            for line in self._lines(deadline):
                self._take(line)
            code = self.child.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise ResticError("it did not end in time") from None
        finally:
            self._end()
        return Ended(code=code, words=tuple(self._words[-LAST_LINES:]))

    def _lines(self, deadline: float) -> Iterator[bytes]:
        pipe = self.child.stdout
        if pipe is None:
            raise RuntimeError("cannot listen: it was started without a pipe")
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                chunk = os.read(pipe.fileno(), 1 << 16)
                *whole, self._rest = (self._rest + chunk).split(b"\n")
                yield from whole
                if not chunk:
                    yield self._rest
                    return
                if len(self._rest) > LONGEST_LINE:
                    raise ResticError("it says a line that does not end")
        raise ResticError("it did not end in time")

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        if line.startswith((b"{", b"[")):
            try:
                found = json.loads(line)
            except ValueError:
                found = None
            if found is not None:
                self.heard(found if isinstance(found, dict) else {"list": found})
                self._keep_error(found)
                return
        self._words.append(visible(line.decode(errors="replace"), 300))
        del self._words[:-LAST_LINES]

    def _keep_error(self, found: object) -> None:
        """An error in JSON: a file that cannot be read, or, of newer versions, why it ends."""
        if isinstance(found, dict) and found.get("message_type") in ("error", "exit_error"):
            error = found.get("error")
            said = found.get("message") or (error.get("message") if isinstance(error, dict) else error) or "error"
            self._words.append(visible(f"{found.get('item', '')}: {said}".strip(": "), 300))

    def _end(self) -> None:
        """Ask first: it takes its lock away, which would keep the next one out."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
            try:
                self.child.wait(timeout=END_WITHIN)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        if self.child.stdout is not None:
            self.child.stdout.close()
