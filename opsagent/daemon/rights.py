"""What polkit lets us do, by the readable copy of its rule, beside what the settings arm."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.daemon import start
from opsagent.host import polkit

if TYPE_CHECKING:
    from opsagent.settings import Settings

COPY = Path("/etc/opsagent/polkit.json")
REFRESH = "run as root: opsagent install --refresh"
ACCOUNT = "opsagent"


def lacking(settings: Settings, copy: Path = COPY) -> str:
    """Return how the rule does not fit these settings (units by their primary names) and what to run, or "".

    Only the service's own user acts by this rule: root needs none, and for others there is none.
    """
    if start.user_name(os.geteuid()) != ACCOUNT:
        return ""
    try:
        found = copy.read_text(encoding="utf-8")
    except FileNotFoundError:
        found = None
    except (OSError, UnicodeDecodeError) as error:
        return f"cannot read {copy}: {error}; {REFRESH}"
    granted = {unit: polkit.verbs_of(remedies) for unit, remedies in settings.armed()}
    said = polkit.lacking(found, granted)
    return f"{said}; {REFRESH}" if said else ""
