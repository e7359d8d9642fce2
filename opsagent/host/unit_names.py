"""How systemd spells a unit's name in a D-Bus object path. Pure."""

from __future__ import annotations

import re
import string

UNIT_PATHS = "/org/freedesktop/systemd1/unit/"
_PLAIN = frozenset((string.ascii_letters + string.digits).encode())


def object_path(name: str) -> str:
    """Return the object path of a unit: every byte but ASCII letters and digits becomes `_` and two hex digits."""
    return UNIT_PATHS + "".join(chr(byte) if byte in _PLAIN else f"_{byte:02x}" for byte in name.encode())


def name_of(path: str) -> str | None:
    """Return the unit name that an object path spells, or None when it is no unit's path."""
    if not path.startswith(UNIT_PATHS):
        return None
    return re.sub(r"_([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), path.removeprefix(UNIT_PATHS))
