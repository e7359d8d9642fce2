"""Fixtures: hosts for a test, and what a host said when its test failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.host.harness import Host, HostError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def host() -> Iterator[Host]:
    """Yield a fresh host for one test."""
    fresh = Host.up("fresh")
    yield fresh
    fresh.down()


@pytest.fixture(scope="module")
def shared_host() -> Iterator[Host]:
    """Yield one host for all tests of a module: for tests that leave it as they found it."""
    shared = Host.up("shared")
    yield shared
    shared.down()


@pytest.fixture
def installed_host() -> Iterator[Host]:
    """Yield a fresh host on which `make install` was run: not started yet, nothing armed."""
    fresh = Host.up("installed", installed=True)
    yield fresh
    fresh.down()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Show the last journal lines of every host of a failed test."""
    report = yield
    if report.failed and report.when == "call":
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Host) and value.pid:
                report.sections.append((f"journal of {name}", last_lines(value)))
    return report


def last_lines(host: Host) -> str:
    """Return what the host's journal ends with, or why it cannot be read."""
    try:
        return host.run(["journalctl", "-n", "60", "--no-pager", "-o", "short-precise"], check=False, timeout=5).stdout
    except HostError as error:
        return str(error)
