"""What is kept of every look: few numbers, under names that nobody but the settings gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.observation import Measure, Observation, Reading, Status
from opsagent.daemon.sampling import Sampling, past, usual
from opsagent.store.history import History
from opsagent.store.samples import NAME, Samples

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def test_names_that_a_program_prints_never_become_series_of_their_own(tmp_path: Path) -> None:
    kept = Sampling(tmp_path, lambda: 0.0, NOON)

    for number in range(500):
        hostile = Measure(name=f'x{number}"}} 1\n# HELP', value=float(number))
        reading = Reading(status=Status.OK, message="fine", measures=(hostile, hostile))
        kept.add(Observation(check="plugin", reading=reading, at=NOON + timedelta(seconds=number)))
    kept.end()

    with History.open(tmp_path / "samples.db") as history:
        assert history.checks() == ("plugin",)
        assert len(history.read("plugin", NOON, NOON + timedelta(minutes=10))) == 500
    assert b"HELP" not in (tmp_path / "samples.db").read_bytes()


def test_the_past_of_a_number_is_read_beside_the_writer(tmp_path: Path) -> None:
    assert past(tmp_path, ("root",), NOON) == {}
    seconds = [0.0]
    kept = Sampling(tmp_path, lambda: seconds[0], NOON)
    for number in range(10):
        reading = Reading(status=Status.OK, message="fine", measures=(Measure(name="disk", value=70.0 + number),))
        kept.add(Observation(check="root", reading=reading, at=NOON + timedelta(minutes=number)))
    seconds[0] = 61.0
    kept.turn(NOON + timedelta(minutes=10))

    found = past(tmp_path, ("root", "other"), NOON + timedelta(minutes=10))

    assert found == {"root": ((NOON, 72.0), (NOON + timedelta(minutes=5), 77.0)), "other": ()}
    kept.end()


def looked(state: Path, minutes: int) -> None:
    """Write a look a minute: 12 ms each, but for the last ten, which took a second."""
    samples = Samples.open(state / NAME, NOON - timedelta(minutes=minutes))
    for ago in range(minutes, 0, -1):
        samples.add("web", NOON - timedelta(minutes=ago), Status.OK, 1.0 if ago <= 10 else 0.012, None)
    samples.flush(NOON)
    samples.close()


def test_what_is_usual_is_the_median_of_the_week_before_and_not_what_goes_on_now(tmp_path: Path) -> None:
    looked(tmp_path, minutes=90)
    assert round(usual(tmp_path, "web", NOON) or 0, 4) == 0.012


def test_less_than_an_hour_makes_nothing_usual(tmp_path: Path) -> None:
    assert usual(tmp_path, "web", NOON) is None
    looked(tmp_path, minutes=40)
    assert usual(tmp_path, "web", NOON) is None
    assert usual(tmp_path, "never-seen", NOON) is None
