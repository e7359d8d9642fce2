from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from opsagent.core import events as ev
from opsagent.core.codec import Recorded
from opsagent.core.report.archive import archived, pattern_key, seen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsagent.core.report.archive import Pattern

AT = datetime(2026, 11, 18, 2, 41, tzinfo=UTC)
FIELDS = [
    *("Symptom", "Cause", "Resolution", "Detected", "Fingerprint", "Pattern-Key"),
    *("Recurrence-Count", "First-Seen", "Last-Seen", "Verified", "See Also"),
]


def told(
    patterns: Mapping[str, Pattern],
    incident: int,
    *,
    days: int = 0,
    healed: bool = False,
    resolution: str = "",
    name: str = "api",
) -> Mapping[str, Pattern]:
    event = ev.PatternSeen(
        fingerprint=f"{name}.service|http|refused",
        title=f"{name}.service refused",
        symptom="connection refused",
        cause="refused",
        resolution=resolution or ("restart api.service worked (attempt 1)" if healed else "not known yet"),
        seconds=3.0 if healed else None,
        healed=healed,
    )
    recorded = Recorded(seq=incident + 1, at=AT + timedelta(days=days), event=event, incident=incident)
    return seen(patterns, recorded, f"OPS-20261118-{incident:03d}")


def test_a_new_kind_of_failure_has_every_field_in_order() -> None:
    text = archived("", told({}, 7))

    assert re.findall(r"^- \*\*(.+?)\*\*: ", text, re.MULTILINE) == FIELDS
    assert "# Failure archive\n" in text
    assert "\n## Failure: api.service refused – 2026-11-18\n" in text  # noqa: RUF001 - the form that archives have
    assert "- **Fingerprint**: api.service|http|refused\n" in text
    assert "- **Pattern-Key**: http.refused\n" in text
    assert "- **Verified**: no\n- **See Also**: OPS-20261118-007\n" in text


def test_an_incident_that_is_told_of_twice_counts_once() -> None:
    text = archived("", told(told({}, 7), 7, healed=True))

    assert "- **Recurrence-Count**: 1\n" in text
    assert "- **Resolution**: restart api.service worked (attempt 1)\n" in text
    assert "- **Verified**: yes\n" in text


def test_the_same_failure_again_folds_into_its_entry() -> None:
    once = archived("", told({}, 7, healed=True))

    twice = archived(once, told(told({}, 7, healed=True), 9, days=3))

    assert twice.count("## Failure:") == 1
    assert "- **Recurrence-Count**: 2\n- **First-Seen**: 2026-11-18\n- **Last-Seen**: 2026-11-21\n" in twice
    assert "- **See Also**: OPS-20261118-007, OPS-20261118-009\n" in twice


def test_what_worked_once_is_not_forgotten_when_it_comes_again() -> None:
    patterns = told(told({}, 7, healed=True), 9)

    text = archived("", told(patterns, 9, resolution="good again without a repair by opsagent"))

    assert "- **Resolution**: restart api.service worked (attempt 1)\n" in text


def test_how_it_ended_replaces_not_known_yet() -> None:
    text = archived("", told(told({}, 7), 7, resolution="resolved by anna"))

    assert "- **Resolution**: resolved by anna\n" in text


def test_an_event_of_another_kind_changes_nothing() -> None:
    patterns = told({}, 7)

    assert seen(patterns, Recorded(seq=9, at=AT, event=ev.BreakerClosed())) is patterns


@given(st.lists(st.text(max_size=60).map(lambda text: text.replace("opsagent", "")), min_size=3, max_size=3))
def test_what_people_wrote_around_our_entries_stays_as_it_is(theirs: list[str]) -> None:
    text = theirs[0]
    for number, more in enumerate(theirs[1:]):
        text = archived(text, told({}, number, name=f"unit{number}")) + more

    again = archived(text, told(told({}, 0, name="unit0", healed=True), 50, name="unit0"))

    ours = re.compile(r"<!-- opsagent:pattern (\w+) -->\n.*?<!-- /opsagent:pattern \1 -->", re.DOTALL)
    assert ours.sub("X", again) == ours.sub("X", text)
    assert again != text
    for more in theirs:
        assert more in again


def test_writing_it_again_changes_nothing() -> None:
    text = archived("mine\n", told({}, 7))

    assert archived(text, told({}, 7)) == text


def test_an_entry_that_a_person_took_out_of_our_marks_is_theirs() -> None:
    text = re.sub(r"<!--.*?-->\n?", "", archived("", told({}, 7)))

    again = archived(text, told({}, 7))

    assert again.startswith(text)
    assert again.count("## Failure:") == 2


def test_a_key_has_two_levels_without_names() -> None:
    assert pattern_key("web-1.service|http|status 500") == "http.status-500"
    assert pattern_key("") == "unknown"
