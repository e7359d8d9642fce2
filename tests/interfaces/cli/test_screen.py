"""Tables on wide and narrow terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.interfaces.cli import screen

if TYPE_CHECKING:
    import pytest

COLUMNS = ("level", "about", "finding", "to do")
ROWS = [("red", "people", "nobody is told of anything", "add notifiers to the settings"), ("ok", "dbus", "answers", "")]


def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int) -> list[str]:
    monkeypatch.setattr(screen, "WIDE", width)
    screen.table(COLUMNS, ROWS, wide="finding")
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_where_there_is_room_it_is_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    head, _, first, *_ = shown(monkeypatch, capsys, 100)

    assert head.split() == ["level", "about", "finding", "to", "do"]
    assert first == "red     people   nobody is told of anything   add notifiers to the settings"


def test_where_there_is_none_no_word_of_it_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(monkeypatch, capsys, 50)

    assert lines == [
        "red  people",
        "    nobody is told of anything",
        "    add notifiers to the settings",
        "ok  dbus",
        "    answers",
    ]
