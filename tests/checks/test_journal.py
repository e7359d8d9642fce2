"""The journal kind with files, and what it refuses; the journal itself is read in tests/host."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.checks.journal import Check
from opsagent.core.observation import Reading, Status

if TYPE_CHECKING:
    from pathlib import Path

ERROR = "2026/11/27 04:00:00 [error] 12#12: *1 connect() failed (111: Connection refused)\n"
WARNING = "2026/11/27 04:00:00 [warn] 12#12: *1 an upstream response is buffered\n"


class Looking:
    """A check with what it keeps from look to look."""

    def __init__(self, **options: Any) -> None:
        self.check = Check(**options)
        self.kept = ""

    def look(self, ago: timedelta = timedelta()) -> Reading:
        """Look, as if the look before had been so long ago."""
        if self.kept:
            told = json.loads(self.kept)
            told["at"] = (datetime.now(UTC) - ago).isoformat()
            self.kept = json.dumps(told)
        reading, self.kept = self.check.observe_since(self.kept)
        return reading


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "error.log"
    file.write_text(ERROR * 100)
    return file


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_what_was_there_before_the_first_look_is_no_burst(log: Path) -> None:
    assert Looking(file=str(log)).look().status is Status.OK


def test_twenty_errors_are_a_burst_and_warnings_are_not(log: Path) -> None:
    looking = Looking(file=str(log))
    looking.look()
    append(log, ERROR * 19 + WARNING * 50)
    before = looking.look()
    append(log, ERROR)
    after = looking.look()

    assert (before.status, before.message) == (
        Status.OK,
        f"19 errors of {log} in 10 min, 20 are too many",
    )
    assert (after.status, after.failure_class, after.measures[0].value) == (Status.CRITICAL, "errors", 20)


def test_errors_written_while_nobody_looked_are_told_and_never_bad(log: Path) -> None:
    looking = Looking(file=str(log))
    looking.look()
    append(log, ERROR * 100)
    reading = looking.look(ago=timedelta(hours=12))

    assert reading.status is Status.OK
    assert "nobody looked since" in reading.message


def test_a_short_restart_loses_no_burst(log: Path) -> None:
    looking = Looking(file=str(log))
    looking.look()
    append(log, ERROR * 25)

    assert looking.look(ago=timedelta(minutes=2)).status is Status.CRITICAL


def test_an_expression_is_bad_at_its_first_line_whatever_that_says_of_itself(log: Path) -> None:
    looking = Looking(file=str(log), expression="(?i)out of memory")
    looking.look()
    append(log, "Out of Memory: killed\n")
    reading = looking.look()

    assert (reading.status, reading.failure_class) == (Status.CRITICAL, "match")
    assert reading.message == f"1 line that matches '(?i)out of memory' of {log} in 10 min"


def test_another_question_begins_anew(log: Path) -> None:
    looking = Looking(file=str(log))
    looking.look()
    append(log, ERROR * 30)
    looking.check = Check(file=str(log), priority="warning")

    assert looking.look().status is Status.OK


@pytest.mark.parametrize("kept", ["", "{}", "nonsense", '{"question": 1}', "[]", '"x"'])
def test_whatever_was_kept_is_begun_anew_where_it_cannot_be_read(log: Path, kept: str) -> None:
    reading, _ = Check(file=str(log)).observe_since(kept)

    assert reading.status is Status.OK


def test_a_file_that_cannot_be_read_is_not_known_and_loses_nothing(log: Path) -> None:
    looking = Looking(file=str(log))
    looking.look()
    append(log, ERROR * 20)
    hidden = log.rename(log.with_name("away"))
    unread = looking.look()
    hidden.rename(log)

    assert unread.status is Status.UNKNOWN
    assert looking.look().status is Status.CRITICAL


def test_the_lines_that_count_are_its_evidence(log: Path) -> None:
    append(log, WARNING * 3)

    found = Check(file=str(log)).evidence()

    assert len(found) == 20
    assert set(found) == {ERROR.strip()}


def test_a_message_never_holds_what_a_line_says(log: Path) -> None:
    looking = Looking(file=str(log))
    looking.look()
    append(log, "[error] password=hunter2\n" * 20)

    assert "hunter2" not in looking.look().message
    assert "hunter2" not in looking.kept


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"expression": "(?=x)"}, "allowed: RE2 syntax"),
        ({"expression": "("}, "cannot use expression"),
        ({"expression": "x" * 1001}, "allowed: up to 1000"),
        ({"file": "error.log"}, "write the full path"),
        ({"file": "/a", "identifier": "b"}, "identifier"),
        ({"within": timedelta(seconds=4)}, "allowed: 5s to 1d"),
        ({"count": 0}, "allowed: 1 to"),
    ],
)
def test_what_could_never_be_counted_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Check(**options)
