"""Whose an entry of the journal is, and which of a day's entries are a warning or an error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.host import journal
from opsagent.host.journal_day import Line, Slice, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entry", "source"),
    [
        ({"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel"}, "kernel"),
        ({"_SYSTEMD_UNIT": "api.service", "SYSLOG_IDENTIFIER": "python3"}, "api.service"),
        ({"_SYSTEMD_UNIT": "init.scope", "_PID": "1", "UNIT": "api.service"}, "api.service"),
        ({"_PID": "71", "UNIT": "api.service", "SYSLOG_IDENTIFIER": "(api)"}, "api.service"),
        ({"_PID": "71", "UNIT": "api.service", "SYSLOG_IDENTIFIER": "liar"}, "liar"),
        ({"_SYSTEMD_UNIT": "report@14941.service"}, "report@*.service"),
        ({"_SYSTEMD_UNIT": "systemd-coredump@3-1204-0.service"}, "systemd-coredump@*.service"),
        ({"_SYSTEMD_UNIT": "postgresql@15-main.service"}, "postgresql@15-main.service"),
        ({"_SYSTEMD_UNIT": "cron.service", "SYSLOG_IDENTIFIER": "prune"}, "prune"),
        ({"_PID": "1", "UNIT": "cron.service", "SYSLOG_IDENTIFIER": "systemd"}, "cron.service"),
        ({"_SYSTEMD_UNIT": "user@1000.service", "SYSLOG_IDENTIFIER": "gedit"}, "gedit"),
        ({}, "?"),
    ],
)
def test_an_entry_belongs_to_what_an_operator_would_name(entry: dict[str, str], source: str) -> None:
    assert source_of(entry) == source


def test_a_report_of_the_kernel_counts_by_what_it_says_and_not_by_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [
        "python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
        "CPU: 0 UID: 0 PID: 29536 Comm: python3 Not tainted 6.18.44 #1",
        "Call Trace:",
        " <TASK>",
        " ? srso_alias_return_thunk+0x5/0xfbef5",
        "RIP: 0033:0x7f8a57eb254a",
        "Code: c5 fe 7f 07 c5",
        "R13: 00007f8a57ba00f8 R14: 00007f8a57c23910 R15: 0000000000a5f150",
        "Memory cgroup out of memory: Killed process 29536 (python3) total-vm:209276kB",
    ]
    lines = heard(monkeypatch, warnings=[{"_TRANSPORT": "kernel", "PRIORITY": "4", "MESSAGE": one} for one in said])

    assert [line.text for line in lines] == [said[0], said[-1]]


def test_what_a_program_prints_is_as_bad_as_its_words_say(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["ERROR no room", "WARNING low on room", "INFO no error", "psql: error: no password", "no errors found"]
    printed = [{"_SYSTEMD_UNIT": "api.service", "PRIORITY": "6", "MESSAGE": one} for one in said]

    lines = heard(monkeypatch, printed=printed)

    assert [(line.priority, line.text) for line in lines] == [(3, said[0]), (4, said[1]), (3, said[3])]


def heard(monkeypatch: pytest.MonkeyPatch, warnings: Sequence[Any] = (), printed: Sequence[Any] = ()) -> list[Line]:
    """Return the lines of an hour in which the journal had these."""

    def answered(asked: Sequence[str], _: timedelta) -> Iterator[dict[str, Any]]:
        return iter([*(warnings if "--priority=warning" in asked else printed)])

    monkeypatch.setattr(journal, "answered", answered)
    return [*Slice(NOON, NOON + timedelta(hours=1)).lines()]
