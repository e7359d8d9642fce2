"""Samples: what goes in comes out, small enough, and not for ever."""

from __future__ import annotations

import math
import os
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.log_row import StoreError, StoreTrouble
from opsagent.core.observation import Status
from opsagent.store import chunks, samples, slots
from opsagent.store.chunks import Sample
from opsagent.store.history import History
from opsagent.store.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 21, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 20), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
looks = st.builds(
    Sample,
    at=moments,
    status=st.sampled_from(Status),
    value=st.none() | st.floats(width=32, allow_nan=False),
    failure_class=st.none() | st.sampled_from(["refused", "timeout", "status"]),
)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Samples]:
    opened = Samples.open(tmp_path / samples.NAME, NOW)
    yield opened
    opened.close()


def look_each_minute(kept: Samples, check: str, begin: datetime, count: int) -> None:
    for minute in range(count):
        kept.add(check, begin + minute * MINUTE, Status.OK, float(minute), None)
        kept.flush(begin + minute * MINUTE)


@given(st.lists(looks, min_size=1, max_size=40))
def test_what_is_packed_is_unpacked(found: list[Sample]) -> None:
    found.sort(key=lambda sample: sample.at)

    assert chunks.unpack(chunks.pack(found)) == tuple(found)


@given(st.lists(looks, min_size=1, max_size=40))
def test_sums_survive_packing_to_four_digits(found: list[Sample]) -> None:
    summed = slots.slots_of(found)

    again = slots.unpack(slots.pack(summed))

    assert [(slot.at, slot.counts) for slot in again] == [(slot.at, slot.counts) for slot in summed]
    for one, other in zip(summed, again, strict=True):
        if one.greatest is not None and math.isfinite(one.greatest) and abs(one.greatest) > 1e-30:
            assert other.greatest == pytest.approx(one.greatest, rel=1e-4)


def test_every_look_is_read_back_with_all_it_said(kept: Samples) -> None:
    kept.add("api", NOW, Status.OK, 0.25, None)
    kept.add("api", NOW + MINUTE, Status.CRITICAL, None, "timeout")
    kept.add("www", NOW, Status.UNKNOWN, None, "blind")
    kept.flush(NOW + MINUTE)

    read = kept.history().read("api", NOW, NOW + DAY)

    assert read == (
        Sample(at=NOW, status=Status.OK, value=0.25),
        Sample(at=NOW + MINUTE, status=Status.CRITICAL, failure_class="timeout"),
    )
    assert kept.history().checks() == ("api", "www")
    assert kept.history().read("nobody", NOW, NOW + DAY) == ()


def test_a_span_leaves_its_end_out_across_chunks(kept: Samples) -> None:
    look_each_minute(kept, "api", NOW, samples.CHUNK + 20)

    read = kept.history().read("api", NOW + 10 * MINUTE, NOW + (samples.CHUNK + 10) * MINUTE)

    assert [sample.value for sample in read] == [float(value) for value in range(10, samples.CHUNK + 10)]
    assert kept._connection.execute("SELECT count(*) FROM full").fetchone() == (1,)


def test_what_was_not_flushed_is_lost_and_what_was_is_not(kept: Samples, tmp_path: Path) -> None:
    kept.add("api", NOW, Status.OK, None, None)
    kept.flush(NOW)
    kept.add("api", NOW + MINUTE, Status.OK, None, None)

    with History.open(tmp_path / samples.NAME) as history:
        assert len(history.read("api", NOW, NOW + DAY)) == 1


def test_after_thirty_days_looks_are_summed_up_by_five_minutes(kept: Samples) -> None:
    look_each_minute(kept, "api", NOW, samples.CHUNK)
    later = NOW + samples.FULL_FOR + DAY

    kept.flush(later)

    assert kept.history().read("api", NOW, later) == ()
    sums = kept.history().sums("api", NOW, later)
    assert len(sums) == math.ceil(samples.CHUNK / 5)
    assert (sums[1].at, sums[1].counts) == (NOW + 5 * MINUTE, (5, 0, 0, 0))
    assert (sums[1].least, sums[1].greatest) == (5.0, 9.0)
    assert sums[1].mean == pytest.approx(7, rel=1e-4)


def test_recent_looks_are_summed_up_when_asked(kept: Samples) -> None:
    kept.add("api", NOW, Status.CRITICAL, None, "refused")
    kept.add("api", NOW + MINUTE, Status.OK, 1.5, None)
    kept.flush(NOW)

    sums = kept.history().sums("api", NOW, NOW + DAY)

    assert [slot.counts for slot in sums] == [(1, 0, 1, 0)]
    assert (sums[0].count(Status.CRITICAL), sums[0].mean) == (1, 1.5)


def test_after_four_hundred_days_nothing_is_left(kept: Samples) -> None:
    look_each_minute(kept, "api", NOW, samples.CHUNK)
    kept.flush(NOW + samples.FULL_FOR + DAY)

    kept.flush(NOW + samples.SUMMED_FOR + DAY)

    assert kept.history().sums("api", NOW, NOW + samples.SUMMED_FOR) == ()


def test_a_check_that_is_rarely_looked_at_is_forgotten_in_time_too(kept: Samples) -> None:
    kept.add("certificate", NOW, Status.OK, 80.0, None)
    kept.flush(NOW)

    for days in range(0, 405, 3):
        kept.flush(NOW + days * DAY)

    assert kept.history().sums("certificate", NOW - DAY, NOW + 405 * DAY) == ()


def test_a_hundred_checks_a_minute_for_thirty_days_take_less_than_fifty_megabytes(kept: Samples) -> None:
    dice = random.Random(1)
    for minute in range(1024):
        for check in range(4):
            at = NOW + minute * MINUTE + timedelta(milliseconds=13 * check + dice.randrange(12))
            value = None if check == 0 else round(dice.gauss(0.02, 0.005), 4)
            kept.add(f"c{check}", at, Status.OK, value, None)
        kept.flush(NOW + minute * MINUTE)

    packed = kept._connection.execute("SELECT sum(length(data)), count(*) FROM full").fetchone()

    per_sample = packed[0] / (packed[1] * samples.CHUNK)
    pages = 2 * per_sample * 100 * 60 * 24 * 30
    assert pages < 50_000_000, f"{per_sample:.2f} bytes a look, twice that in pages"


def test_a_damaged_file_is_kept_and_a_new_one_begun(kept: Samples, tmp_path: Path) -> None:
    kept.close()
    path = tmp_path / samples.NAME
    path.write_bytes(os.urandom(20_000))

    again = Samples.open(path, NOW)
    again.add("api", NOW, Status.OK, None, None)
    again.flush(NOW)

    assert again.set_aside == tmp_path / "samples.db.damaged-20261121T000000Z"
    assert again.set_aside.stat().st_size == 20_000
    assert len(again.history().read("api", NOW, NOW + DAY)) == 1
    again.close()


def test_a_disk_that_refuses_leaves_the_looks_buffered(kept: Samples) -> None:
    kept.add("api", NOW, Status.OK, None, None)
    kept._connection.execute("PRAGMA query_only=ON")

    with pytest.raises(StoreError) as caught:
        kept.flush(NOW)

    assert caught.value.kind is StoreTrouble.READONLY
    kept._connection.execute("PRAGMA query_only=OFF")
    kept.flush(NOW)
    assert len(kept.history().read("api", NOW, NOW + DAY)) == 1


def test_no_samples_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="not written it yet"):
        History.open(tmp_path / samples.NAME)
