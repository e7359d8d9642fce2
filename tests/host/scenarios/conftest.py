"""Fixtures: one furnished host for a module's scenarios, and a clean stage on it for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.harness import Host
from tests.host.scenarios.stage import Stage, furnish

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def stage_host() -> Iterator[Host]:
    """Yield the host on which the scenarios of a module are played, one after the other."""
    host = Host.up("stage", installed=True)
    furnish(host)
    yield host
    host.down()


@pytest.fixture
def stage(stage_host: Host) -> Iterator[Stage]:
    """Yield a stage; afterwards opsagent is stopped and the services of the scenario are gone."""
    stage = Stage(stage_host)
    yield stage
    stage.end()
