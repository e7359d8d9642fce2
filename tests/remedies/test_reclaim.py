"""What is told of disk that was freed, from root's report."""

from __future__ import annotations

import json

import pytest

from opsagent.core import reclaim
from opsagent.core.reclaim import Freed, Left
from opsagent.core.unit import JobOutcome
from opsagent.remedies.reclaim import told

DONE = JobOutcome(result="done", error="opsagent-act-reclaim.service: systemd said done")
APP = Freed(
    what="/var/log/app",
    size=1181116006,
    files=3,
    left=(Left(why="a link", count=5, paths=("/var/log/app/a\x1b[2J", "/var/log/app/b")),),
)
JOURNAL = Freed(what="the journal", size=83886080, files=1)


def report(*freed: Freed) -> dict[str, object]:
    found: dict[str, object] = json.loads(json.dumps(reclaim.plain(freed)))
    return found


def test_what_was_freed_and_what_was_left_alone_is_told_the_most_first() -> None:
    outcome = told(DONE, report(JOURNAL, APP))

    assert outcome.result == "done"
    assert outcome.error.startswith(
        "freed 1.2 GiB: 1.1 GiB of /var/log/app (3 files), 80.0 MiB of the journal (1 file)"
    )
    assert outcome.error.endswith("/var/log/app/b and 3 more (a link)")
    assert "\x1b" not in outcome.error


def test_what_freed_nothing_has_failed() -> None:
    assert told(DONE, report(Freed(what="apt's cache"))).result == "failed"
    assert told(DONE, report()).error == "freed nothing"


def test_of_a_run_that_was_cut_short_it_is_told_what_it_had_freed() -> None:
    cut = JobOutcome(result="timeout", error="no end in time")

    outcome = told(cut, report(JOURNAL))

    assert (outcome.result, outcome.error) == (
        "timeout",
        "freed 80.0 MiB: 80.0 MiB of the journal (1 file); then no end in time",
    )


@pytest.mark.parametrize("body", [{}, {"freed": 3}, {"freed": [{}]}, {"freed": [{"what": "a", "size": "x"}]}])
def test_a_report_that_cannot_be_read_takes_nothing_from_the_outcome(body: dict[str, object]) -> None:
    assert told(DONE, body) == DONE
