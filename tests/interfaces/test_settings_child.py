"""Settings read by a process of its own are the same settings, and the same errors."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from opsagent.interfaces import known, settings_child
from opsagent.settings import SettingsError

if TYPE_CHECKING:
    from tests.interfaces.instance import Instance


def test_the_child_reads_what_would_be_read_here(instance: Instance) -> None:
    here, there = known.read(instance.settings), settings_child.read(instance.settings)

    assert there.policy == here.policy
    assert (there.state, there.memory, there.sources) == (here.state, here.memory, here.sources)
    assert [type(one.check) for one in there.watched] == [type(one.check) for one in here.watched]


def test_every_error_comes_back_with_its_line(instance: Instance) -> None:
    instance.settings.write_text("checks: [{name: a, kind: nope}]\nzone: Mars\n")

    with pytest.raises(SettingsError) as here:
        known.read(instance.settings)
    with pytest.raises(SettingsError) as there:
        settings_child.read(instance.settings)

    assert there.value.problems == here.value.problems


def test_a_child_that_dies_is_an_error_of_the_settings(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(SettingsError, match="cannot read the settings: no answer"):
        settings_child.read(instance.settings)


def test_a_child_that_cannot_be_started_is_an_error_of_the_settings(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", os.devnull)

    with pytest.raises(SettingsError, match="cannot read the settings: cannot run"):
        settings_child.read(instance.settings)
