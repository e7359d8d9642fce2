"""The marks around our part of a pattern file; the first says what we wrote that a person may have changed since."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsagent.core.archive.pattern import Pattern

END = "<!-- /opsagent:seen -->"
_BEGIN = re.compile(r"^<!-- opsagent:seen ([0-9a-f]{12}) -->[ \t]*\r?$", re.MULTILINE)


def begin(pattern: Pattern) -> str:
    """Return the line before our part."""
    return f"<!-- opsagent:seen {_digest(pattern)} -->"


def is_ours(pattern: Pattern, text: str) -> bool:
    """Whether the match and the remedies of a file are still those that we wrote."""
    found = _BEGIN.search(text)
    return found is not None and found[1] == _digest(pattern)


def _digest(pattern: Pattern) -> str:
    meant = [asdict(pattern.match), [one.do for one in pattern.remedies]]
    return hashlib.sha256(json.dumps(meant, sort_keys=True).encode(errors="replace")).hexdigest()[:12]
