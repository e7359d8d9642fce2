from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.backups import running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opsagent.backups.work import Work
    from opsagent.core.backup.job import Job

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.fixture
def work(tmp_path: Path) -> Callable[..., Work]:
    """Makes the work of a job, so many hours after noon; its records are in `tmp_path/records`."""

    def _work(job: Job, hours: float = 0, said: list[str] | None = None) -> Work:
        tell = said.append if said is not None else str
        return running.work_of(job, tmp_path / "records", NOON + timedelta(hours=hours), tell)  # type: ignore[arg-type]

    return _work
