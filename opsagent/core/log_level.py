"""How bad a line of a log says it is, by the well-known forms of saying so."""

from __future__ import annotations

import re

PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""syslog's, the worst first; the place is the number."""
ERR, WARNING, INFO = 3, 4, 6
_HEAD, _HEAD_OF_JSON = 240, 2000
"""Characters in which a line says how bad it is; what stands further on is what it talks about."""
_WORDS = {
    **dict.fromkeys(("emerg", "emergency", "panic"), 0),
    "alert": 1,
    **dict.fromkeys(("crit", "critical", "fatal"), 2),
    **dict.fromkeys(("err", "error", "eror", "severe"), ERR),
    **dict.fromkeys(("warn", "warning"), WARNING),
    "notice": 5,
    **dict.fromkeys(("info", "information", "log"), INFO),
    **dict.fromkeys(("debug", "trace"), 7),
}
_ANY = "|".join(sorted(_WORDS, key=len, reverse=True))
# Each form names what it finds; the one that stands first in the line counts.
_FORMS = re.compile(
    "|".join(
        (
            rf"\[(?:[a-z0-9_]{{1,32}}:)?(?P<bracket>{_ANY})\]",  # nginx, Apache, MySQL, many others
            rf"\b(?:level|lvl|severity|levelname|log\.level)\"?[=:] ?\"?(?P<key>{_ANY})\b",  # logfmt, JSON
            r"\"level\" ?: ?(?P<number>[1-6]0)\b",  # bunyan, pino
            rf"(?:^|[\s|(])(?P<upper>(?-i:{_ANY.upper()}))(?=[\s:|,)]|$)",  # Python, Java, PostgreSQL
            r"(?:^|[\s\]])(?:PHP )?(?P<colon>fatal|error|warning|notice|critical)(?: error)?: ",
            r"^(?-i:(?P<glog>[EWIF]))[01][0-9][0-3][0-9] [0-9]{2}:",  # Kubernetes and all that speak glog
            r"^<(?P<syslog>[0-9]{1,3})>",
            r"^[0-9]+:[MSCX] [^#*]{8,30}? (?P<redis>[#*.-]) ",
        )
    ),
    re.IGNORECASE | re.ASCII,
)
_GLOG = {"F": 2, "E": ERR, "W": WARNING, "I": INFO}
_REDIS = {"#": WARNING, "*": 5, "-": INFO, ".": 7}
_NUMBERS = {"60": 2, "50": ERR, "40": WARNING, "30": INFO, "20": 7, "10": 7}
_FACILITY = 8


def level_of(line: str) -> int | None:
    """Return the number of the priority that a line names, 0 the worst; None when it is in no form that is known."""
    found = _FORMS.search(line[: _HEAD_OF_JSON if line.startswith("{") else _HEAD])
    if found is None or found.lastgroup is None:
        return None
    said = found[found.lastgroup]
    match found.lastgroup:
        case "number":
            return _NUMBERS[said]
        case "glog":
            return _GLOG[said]
        case "redis":
            return _REDIS[said]
        case "syslog":
            return int(said) % _FACILITY
        case _:
            return _WORDS[said.lower()]
