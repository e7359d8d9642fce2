"""The files that say how we stand while nobody can ask us."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsagent.daemon.word import PACE, Word
from tests.daemon.at_once import Watch

if TYPE_CHECKING:
    from pathlib import Path


def test_how_we_stand_is_told_when_it_is_news_or_old_and_that_we_live_each_time(tmp_path: Path) -> None:
    clock, asked = Watch(), []
    word = Word(tmp_path, lambda: {"asked": asked.append(1) or len(asked)}, clock.now, clock.running)
    word.leave()
    lives = tmp_path / "heartbeat.json"
    lives.unlink()

    word.leave()
    same = len(asked)
    word.changed()
    word.leave()
    news = len(asked)
    clock.seconds += PACE
    word.leave()

    assert lives.exists()
    assert (same, news, len(asked)) == (1, 2, 3)
    assert json.loads((tmp_path / "status.json").read_bytes()) == {"asked": 3}
