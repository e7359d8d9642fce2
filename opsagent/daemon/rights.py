"""What polkit lets us do, by the readable copy of its rule, beside what the settings arm, and by its own no."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.daemon import start
from opsagent.host import polkit

if TYPE_CHECKING:
    from opsagent.settings import Settings

COPY = Path("/etc/opsagent/polkit.json")
RULES = Path(polkit.RULES_FILE).parent
REFRESH = "run as root: opsagent install --refresh"
ACCOUNT = "opsagent"


class Rights:
    """Only the service's own user acts by this rule: root needs none, and for others there is none.

    The rule itself cannot be read by us. That it is not what the copy says shows when an order is refused.
    """

    def __init__(self, copy: Path = COPY, rules: Path = RULES, account: str = ACCOUNT) -> None:
        """Nothing was refused yet. `copy` is the readable copy, `rules` the folder of the rule."""
        self._copy = copy
        self._rules = rules
        self._ours = start.user_name(os.geteuid()) == account
        self._refused: tuple[str, tuple[int, ...]] = ("", ())

    def refused(self, order: str) -> None:
        """Take note that polkit said no to an order such as `restart api.service`.

        That is believed until the rule or its copy is written anew.
        """
        self._refused = (order, self._written())

    def lacking(self, settings: Settings) -> str:
        """Return how the rule does not fit these settings (units by their primary names) and what to run, or ""."""
        if not self._ours:
            return ""
        said = self._by_copy(settings)
        order, written = self._refused
        if said or not order or written != self._written():
            return said
        return f"polkit refused {order}, which its rule should allow; {REFRESH}"

    def _by_copy(self, settings: Settings) -> str:
        try:
            found = self._copy.read_text(encoding="utf-8")
        except FileNotFoundError:
            found = None
        except (OSError, UnicodeDecodeError) as error:
            return f"cannot read {self._copy}: {error}; {REFRESH}"
        granted = {unit: polkit.verbs_of(remedies) for unit, remedies in settings.armed()}
        said = polkit.lacking(found, granted)
        return f"{said}; {REFRESH}" if said else ""

    def _written(self) -> tuple[int, ...]:
        """When they were written last; a folder tells by its own time, also where it may not be entered."""
        return (_written_at(self._copy), _written_at(self._rules))


def _written_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
