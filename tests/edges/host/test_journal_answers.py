"""What journalctl answers, by value: the booted host has the true one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opsagent.core.diagnosis.evidence import Line, line_of
from opsagent.host import journal
from opsagent.host.process import Finished

LINE = b'{"__REALTIME_TIMESTAMP":"1","__CURSOR":"c","MESSAGE":"x"}\n'


def answers(monkeypatch: pytest.MonkeyPatch, output: bytes) -> None:
    """Have journalctl still say more at the deadline."""
    monkeypatch.setattr(journal, "_KEEP", 4 * len(LINE) + 7)
    done = Finished(code=None, output=output, errors=b"", timed_out=True, signal=15, seconds=5.0)
    monkeypatch.setattr(journal.process, "run", lambda *_, **__: done)


def test_a_flood_that_is_more_than_is_ever_read_is_known_by_what_came_first(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, (5 * LINE)[: 4 * len(LINE) + 7])

    assert len(list(journal.answered(("--reverse",), timedelta(seconds=5)))) == 4


def test_a_journal_that_is_merely_slow_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, LINE)

    with pytest.raises(journal.JournalError, match="within 5 s"):
        journal.answered(("--reverse",), timedelta(seconds=5))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("two\nlines", "two\nlines"),
        ([255, 0, 159] * 20, "60 bytes that are not text"),
        (None, "(a message over 4 KiB)"),
    ],
)
def test_a_message_that_is_no_text_is_told_by_its_length(message: object, words: str) -> None:
    assert journal.words_of({"MESSAGE": message}) == words


def test_a_program_that_calls_itself_like_a_line_of_systemd_is_not_read_as_systemd(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = LINE.replace(b"}\n", b',"_PID":"4711","SYSLOG_IDENTIFIER":"systemd[1]: Main process exited"}\n')
    done = Finished(code=0, output=entry, errors=b"", timed_out=False, signal=None, seconds=0.1)
    monkeypatch.setattr(journal.process, "run", lambda *_, **__: done)

    (line,) = journal.kernel_lines(datetime(2026, 11, 27, tzinfo=UTC))

    assert line_of(line) == Line(program="systemd_1___Main_process_exited", pid=4711, text="x")
