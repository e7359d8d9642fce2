"""What we write of a failure is read back as it was meant, and renewing it leaves every byte that is not ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsagent.archive import front
from opsagent.core.archive.pattern import Match, Pattern, Record, Spell
from opsagent.core.experience import Tally, Try
from opsagent.core.incident import Action, Incident, Moment
from opsagent.core.phase import Outcome, Phase
from opsagent.core.report.pattern_file import folded, pattern_file
from opsagent.core.report.pattern_part import Seen
from opsagent.redact import redact

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
PLACE = "failures/patterns/shop-disk-full.md"
MADE = Pattern(
    slug="shop-disk-full",
    title="shop: disk full",
    match=Match(unit=("shop.service",), cause=("disk-full",)),
    fingerprint="shop.service|unit|disk-full",
    cause="disk-full",
)
INCIDENT = Incident(
    seq=7,
    key="shop.service",
    check="shop",
    checks=("shop",),
    unit="shop.service",
    state=Phase.REPAIRING,
    failure_class="dead",
    reason='it said: "no: space" # left',
    because="it could not write: no space left",
    certainty="sure",
    label="OPS-20261127-001",
    first_bad_at=NOON,
    timeline=(
        Moment(seq=8, at=NOON, text="evidence: log", quoted=("write: No space left", "<!-- /opsagent:seen -->", "```")),
    ),
)
FIRST = Record(count=1, first_at=NOON, last_at=NOON, spells=(Spell(incident=7, number=0, label="OPS-20261127-001"),))
LATER = replace(
    FIRST,
    count=3,
    last_at=NOON + timedelta(days=1),
    spells=(
        *FIRST.spells,
        Spell(incident=7, number=1, label="OPS-20261127-001"),
        Spell(incident=9, number=0, label="OPS-20261128-001"),
    ),
)
TRIED = tuple(Try(at=NOON, worked=seconds is not None, seconds=seconds) for seconds in (2.0, None, 2.4))
FILED = frozenset({"OPS-20261127-001"})
FIRST_SEEN = Seen(incident=INCIDENT, record=FIRST, filed=FILED)
RESTART = (Tally(label="restart", tries=TRIED),)


def made() -> str:
    return pattern_file(MADE, FIRST_SEEN, redact)


def read(text: str) -> Pattern:
    found, refused = front.pattern(PLACE, "shop-disk-full", text, None)
    assert refused == ()
    assert found is not None
    return found


def renewed(text: str, record: Record = LATER) -> str:
    return folded(text, Seen(incident=INCIDENT, record=record, tried=RESTART, filed=FILED), str)


def test_it_is_read_back_as_it_was_meant() -> None:
    text = made()

    found = read(text)
    assert (found.pattern_key, "redacted" in text) == ("unit.disk-full", False)
    assert (found.title, found.match, found.fingerprint) == (MADE.title, MADE.match, MADE.fingerprint)
    assert (found.cause, found.ours, found.status) == ("disk-full", True, "active")


@pytest.mark.parametrize(
    "said",
    [
        "# shop: disk full",
        '- **Symptom**: it said: "no: space" # left',
        "write: No space left",
        "systemctl status shop.service",
        "[OPS-20261127-001](../../incidents/2026/11/OPS-20261127-001.md)",
        "What you write stays",
    ],
)
def test_a_person_finds_what_was_seen_and_where_to_write(said: str) -> None:
    assert said in made()


def test_a_repeat_renews_what_is_ours() -> None:
    text = renewed(made())

    assert "occurrences: 3\n" in text
    assert 'remedies:\n  - do: "restart"\n    tried: 3\n    worked: 2\n' in text
    assert "| restart | 3 | 2 | 2.2 s |" in text
    assert "Seen 3 times; the latest incidents: OPS-20261128-001" in text
    assert text.count("OPS-20261127-001](") == 1
    assert text.count("<!-- /opsagent:seen -->") == 1
    assert read(text).ours
    assert [one.do for one in read(text).remedies] == ["restart"]
    assert renewed(text) == text


def test_a_link_is_only_written_to_an_incident_that_has_a_file() -> None:
    assert (
        "the latest incidents: OPS-20261128-001, [OPS-20261127-001](../../incidents/2026/11/OPS-20261127-001.md)\n"
        in renewed(made())
    )


def test_what_ended_it_is_told_once_it_is_over() -> None:
    action = Action(
        seq=9,
        at=NOON + timedelta(seconds=5),
        remedy="restart",
        unit="shop.service",
        outcome=Outcome.VERIFIED,
        reason="",
        attempt=1,
    )
    over = replace(INCIDENT, actions=(action,), mitigated_at=NOON + timedelta(seconds=7))

    text = folded(made(), Seen(incident=over, record=FIRST), str)

    assert "- **Ended by**: restart, 2 s after it was ordered; it was bad for 7 s\n" in text
    assert "Ended by" not in made()


def test_what_a_person_changed_wins_and_only_counters_are_renewed() -> None:
    mine = made().replace("remedies: []", "remedies:  # mine\n  - do: restart\n    tried: 0 # so far\n  - do: tell")
    mine = mine.replace("status: active", "owner: ann").replace("Write here", "Ann wrote here")

    text = renewed(mine)
    assert not read_any(text).ours
    assert "remedies:  # mine\n  - do: restart\n    tried: 3 # so far\n  - do: tell\n" in text
    assert "owner: ann\n" in text
    assert "Ann wrote here" in text
    assert "| restart | 3 | 2 |" in text


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("    tried: 3\n", "    tried: 3  # twice by night\n"),
        ("occurrences: 3\n", "\n  - do: tell\noccurrences: 3\n"),
        ("    worked: 2\n", "# ann: only after nine\n    worked: 2\n"),
        ("remedies:\n", "remedies:\n\n  # ann: never by night\n"),
    ],
)
def test_whatever_a_person_adds_to_our_list_is_heeded_and_stays(ours: str, theirs: str) -> None:
    mine = renewed(made()).replace(ours, theirs, 1)

    assert not read_any(mine).ours
    assert theirs in renewed(mine)


def test_what_only_looks_like_a_remedy_is_no_counter_of_ours() -> None:
    note = "notes: |\n  - do: restart\n    tried: by ann, in vain\nstatus: active"
    mine = made().replace("status: active", note).replace("remedies: []", "remedies: [restart]")

    assert note in renewed(mine)


def read_any(text: str) -> Pattern:
    found, _ = front.pattern(PLACE, "x", text, None)
    assert found is not None
    return found


def test_marks_that_a_person_took_away_stay_away() -> None:
    text = made().replace("<!-- /opsagent:seen -->", "")

    assert renewed(text).partition("\n---\n")[2] == text.partition("\n---\n")[2]


@pytest.mark.parametrize("text", ["", "no front matter\n", "---\nnever ends\noccurrences: 1\n"])
def test_what_is_no_pattern_file_is_left_as_it_is(text: str) -> None:
    assert renewed(text) == text


FOREIGN = st.text(st.characters(exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=30)


@given(FOREIGN, FOREIGN, st.text(max_size=60), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=60, deadline=None)
def test_whatever_stands_beside_our_counters_stays(key: str, note: str, prose: str, end: str) -> None:
    lines = ["---", f" {key}", "occurrences: 1 # " + note, "title: t", f"x: {note}", "---", prose]
    text = end.join(lines)

    assert renewed(text) == text.replace("occurrences: 1 #", "occurrences: 3 #", 1)
