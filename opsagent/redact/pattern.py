"""Patterns that people write in settings and failure files: compiled by RE2, so that none can stall the daemon."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import re2

LONGEST = 1000
# What one pattern may cost to compile and run; a counted repetition of a counted repetition is what passes it.
_MEMORY = 1 << 20


class PatternError(ValueError):
    """The pattern cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that was checked; matching takes time linear in the text. Raises PatternError when made."""

    text: str
    _compiled: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile it, or say what is wrong with it."""
        if len(self.text) > LONGEST:
            raise PatternError(f"cannot use a pattern of {len(self.text)} characters, allowed: up to {LONGEST}")
        chosen = re2.Options()
        chosen.log_errors = False
        chosen.max_mem = _MEMORY
        try:
            compiled = re2.compile(self.text, chosen)
        except (re2.error, UnicodeEncodeError) as error:
            raise PatternError(f"cannot use the pattern {self.text!r}: {_reason(error)}") from error
        object.__setattr__(self, "_compiled", compiled)

    def found_in(self, text: str) -> bool:
        """Tell whether it matches anywhere in the text."""
        return self._compiled.search(text.encode("utf-8", "replace").decode()) is not None


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    words = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return f"{words} (look-around and back-references are not supported)" if "invalid perl operator" in words else words
