"""What is known of each kind of failure, from incidents, files and what was learned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from opsagent.core.archive.known import known
from opsagent.core.incident import Incident
from opsagent.core.occurrence import Occurrence
from opsagent.core.phase import Phase

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_an_incident_that_reopened_failed_twice_and_the_last_time_is_its_second() -> None:
    incident = Incident(
        seq=1,
        label="OPS-20260301-001",
        key="api.service",
        check="api",
        checks=("api",),
        unit="api.service",
        state=Phase.PAGED,
        failure_class="died",
        fingerprint="api.service|unit|died",
        reason="died",
        first_bad_at=NOON,
        earlier=(Occurrence(at=NOON, fingerprint="api.service|unit|died"),),
        again_at=NOON + timedelta(minutes=5),
    )

    (found,) = known((), (incident,), {})

    assert (found.occurrences, found.last_at) == (2, incident.again_at)
