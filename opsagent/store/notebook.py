"""What a check must know at its next look: one small file each. No truth of ours: what is lost is begun anew."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from opsagent.store import draft

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME = "looks"
_LARGEST = 256 * 1024  # bytes


class Notebook:
    """The directory `looks` of a state directory. Different checks may be read and written from different threads."""

    def __init__(self, state: Path) -> None:
        """Nothing is made before there is something to keep."""
        self._directory = state / NAME
        self._known: dict[str, str] = {}
        self._written: dict[str, str] = {}

    def read(self, check: str) -> str:
        """Return what this check kept, "" if nothing, or nothing that can be read."""
        if check not in self._known:
            self._known[check] = self._written[check] = self._read(check)
        return self._known[check]

    def hold(self, check: str, text: str) -> None:
        """Keep it for the next look of this process: what it was learned from is not in the log yet."""
        self._known[check] = text

    def held(self, check: str) -> str | None:
        """Return what is held and not written yet, None when nothing is."""
        known = self._known.get(check)
        return known if known != self._written.get(check) else None

    def drop(self, check: str) -> None:
        """Forget what was held: what that look saw was told to nobody, the next one is to see it again."""
        self._known.pop(check, None)

    def write(self, check: str, text: str) -> None:
        """Keep it over a restart too, where the disk lets us: it is never worth stopping for."""
        if check not in self._known or text == self._written.get(check):
            return  # a check that is no longer in the settings leaves nothing
        self._written[check] = text
        with contextlib.suppress(OSError):
            self._replace(check, text)

    def forget_others(self, checks: Iterable[str]) -> None:
        """Drop what was kept for checks that are no longer in the settings."""
        kept = set(checks)
        self._known = {check: text for check, text in self._known.items() if check in kept}
        self._written = {check: text for check, text in self._written.items() if check in kept}
        with contextlib.suppress(OSError):
            for path in self._directory.iterdir():
                if path.name not in kept:
                    path.unlink()

    def _read(self, check: str) -> str:
        try:
            fd = os.open(self._directory / check, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(fd, encoding="utf-8") as file:
                return file.read(_LARGEST)
        except (OSError, UnicodeDecodeError):
            return ""

    def _replace(self, check: str, text: str) -> None:
        self._directory.mkdir(mode=0o750, exist_ok=True)
        beside = self._directory / f".{check}.new"
        with os.fdopen(draft.opened(beside), "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        beside.replace(self._directory / check)
