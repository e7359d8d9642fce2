"""Reading settings in a process of its own: the daemon gets the result, and never carries what reading takes.

YAML, validation and the tables of all kinds cost 12 MiB of memory that is needed for half a second a month.
"""

from __future__ import annotations

import pickle
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.host import process
from opsagent.settings import Place, Problem, SettingsError

if TYPE_CHECKING:
    from opsagent.settings import Settings

WITHIN = timedelta(seconds=60)
LARGEST = 64 * 1024 * 1024


def read(path: Path | None) -> Settings:
    """Return the settings of a file, or those for what runs here. Raises SettingsError."""
    argv = [sys.executable, "-P", "-m", __name__, *([str(path.absolute())] if path else [])]
    try:
        done = process.run(argv, timeout=WITHIN, keep=LARGEST)
        if done.signal == signal.SIGHUP:  # `systemctl kill -s HUP` asks us to read, and hits who reads as well
            done = process.run(argv, timeout=WITHIN, keep=LARGEST)
    except process.CannotRunError as error:
        raise _cannot(path, str(error)) from error
    if done.code != 0:
        words = done.errors.decode("utf-8", "replace").strip().splitlines() or ["no answer"]
        raise _cannot(path, words[-1])
    found: Settings | tuple[Problem, ...] = pickle.loads(done.output)  # noqa: S301 - our own child, our own pipe
    if isinstance(found, tuple):
        raise SettingsError(found)
    return found


def _cannot(path: Path | None, why: str) -> SettingsError:
    place = Place(path=str(path or "(discovered)"), line=1)
    return SettingsError([Problem(place=place, text=f"cannot read the settings: {why}")])


def main(argv: list[str]) -> int:
    """Read, and write what came of it to stdout."""
    from opsagent.interfaces import known  # noqa: PLC0415 - only the child knows how to read

    answer: Settings | tuple[Problem, ...]
    try:
        answer = known.read(Path(argv[0]) if argv else None)
    except SettingsError as error:
        answer = error.problems
    sys.stdout.buffer.write(pickle.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
