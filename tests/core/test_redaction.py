"""What other people wrote goes through one door: secrets are taken out, and nothing invisible stays."""

from __future__ import annotations

from opsagent.core import events as ev
from opsagent.core.redaction import clean_event


def test_lines_of_other_people_are_recorded_without_anything_that_controls_a_terminal() -> None:
    seen = ev.EvidenceGathered(source="log", lines=("red \x1b[31m alarm \x07", "back \u202e wards"))

    event = clean_event(seen, lambda text: text)

    assert isinstance(event, ev.EvidenceGathered)
    assert event.lines == (r"red \x1b[31m alarm \x07", r"back \u202e wards")


def test_a_secret_is_looked_for_before_its_characters_are_written_out() -> None:
    seen = ev.EvidenceGathered(source="log", lines=("key \x1b[1mhunter2",))

    event = clean_event(seen, lambda text: text.replace("\x1b[1mhunter2", "[redacted]"))

    assert isinstance(event, ev.EvidenceGathered)
    assert event.lines == ("key [redacted]",)
