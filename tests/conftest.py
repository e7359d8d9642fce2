"""What holds for every test: in continuous integration nothing may be skipped, and no property has a deadline."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Generator

# How long an example takes says how busy the machine is, and nothing of the code.
HERE = Path(__file__).parent
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


WAITING = (
    "crash",
    "host/scenarios/test_package",
    "host/test_install",
    "host",
    "interfaces/cli",
    "monitoring",
    "notifiers",
)
"""What waits more than it computes, the longest first: begun before the rest, for the rest then fills the waits."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker is left with it at the end; each module stays in one piece."""
    items.sort(key=lambda item: place_of(item.path.relative_to(HERE).as_posix()))


def place_of(module: str) -> int:
    """Return the place of a module's kind in the order."""
    return next((place for place, begin in enumerate(WAITING) if module.startswith(begin)), len(WAITING))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one where CI=true: a test that did not run has proved nothing."""
    return forbid_skipping((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for a module that skips itself."""
    return forbid_skipping((yield))


def forbid_skipping(report: Report) -> Report:
    """Return the report, failed if it says skipped. An expected failure is reported as skipped, and stays."""
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped: {report.longrepr}"
    return report
