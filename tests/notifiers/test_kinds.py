"""The kinds of notifier are the files of the room."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from opsagent.notifiers import KINDS, kind

ROOT = Path(__file__).parent.parent.parent


def test_every_file_is_a_kind() -> None:
    assert KINDS == ("apprise", "command", "journal", "webhook")


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_explains_each_of_its_fields(name: str) -> None:
    notifier = kind(name)

    assert is_dataclass(notifier)
    assert notifier.__doc__
    assert [one.name for one in fields(notifier) if f"{one.name}: " not in notifier.__doc__] == []


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="cannot find notifier kind 'mail', known kinds: apprise, command, journal"):
        kind("mail")


def test_loading_every_kind_loads_neither_apprise_nor_asyncio() -> None:
    program = (
        "import sys; from opsagent.notifiers import KINDS, kind\n"
        "for name in KINDS: kind(name)\n"
        "print({'apprise', 'asyncio', 'requests'} & set(sys.modules))"
    )

    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "set()"
