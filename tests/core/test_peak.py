from __future__ import annotations

from datetime import UTC, datetime

import pytest

from opsagent.core.peak import Peak

WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-27T06:59", False),  # a Friday; Berlin is an hour ahead in winter
        ("2026-11-27T07:00", True),
        ("2026-11-27T18:59", True),
        ("2026-11-27T19:00", False),
        ("2026-11-28T12:00", False),
        ("2026-07-24T06:00", True),  # two hours ahead in summer
    ],
)
def test_hours_are_of_the_wall_clock(now: str, expected: bool) -> None:
    peak = Peak(begins="08:00", ends="20:00", days=WEEK, warning=80)

    assert peak.includes(at(now), "Europe/Berlin") is expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-27T22:30", True),  # Friday night
        ("2026-11-28T05:59", True),  # which is still Friday's
        ("2026-11-28T06:00", False),
        ("2026-11-28T22:30", False),
        ("2026-11-23T05:00", False),  # Monday morning is Sunday's night
    ],
)
def test_hours_over_midnight_belong_to_the_day_they_begin_on(now: str, expected: bool) -> None:
    peak = Peak(begins="22:00", ends="06:00", days=WEEK, warning=80)

    assert peak.includes(at(now), "UTC") is expected


@pytest.mark.parametrize(
    ("begins", "ends", "limits", "words"),
    [
        ("8:00", "20:00", {"warning": 1}, "cannot read '8:00' as from"),
        ("08:00", "24:00", {"warning": 1}, "cannot read '24:00' as to"),
        ("08:00", "08:00", {"warning": 1}, "two different times"),
        ("08:00", "20:00", {}, "cannot use peak without limits"),
        ("08:00", "20:00", {"warning": 2, "critical": 1}, "cannot use warning 2 with critical 1"),
    ],
)
def test_hours_that_never_are_or_change_nothing_are_refused(
    begins: str, ends: str, limits: dict[str, float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Peak(begins=begins, ends=ends, **limits)
