"""The made log of a bench is one that the daemon could have written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bench import history
from opsagent.core import events as ev
from opsagent.core.codec import read_all
from opsagent.core.snapshot import Snapshot
from opsagent.daemon.shortcut import brought_up
from opsagent.store import opening
from opsagent.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_a_made_log_is_sound_and_every_event_fits_what_went_before_it(tmp_path: Path) -> None:
    history.fill(tmp_path / "events.db", 1000, NOW)

    opened = opening.open_log(tmp_path / "events.db", host="bench", boot="b", now=NOW)
    rows = list(read_all(opened.log.replay()))
    _, present, skipped = brought_up(Snapshot(), rows, NOW)
    opened.log.close()

    assert (opened.damage, len(rows), skipped) == ("", 1000, 0)
    assert not any(isinstance(one.event, ev.UnknownEvent) for one in rows)
    assert len(present.state.past) == sum(isinstance(one.event, ev.IncidentClosed) for one in rows) > 40
    assert [one.at for one in rows] == sorted(one.at for one in rows)


def test_its_incidents_are_listed_as_those_of_the_daemon_are(tmp_path: Path) -> None:
    history.fill(tmp_path / "events.db", 500, NOW)

    with Reader.open(tmp_path / "events.db") as reader:
        listed = reader.incidents(since=NOW - timedelta(days=30), open_only=False, check=None, limit=100)

    assert len(listed) == len(set(listed)) > 20
    assert '"outcome":"verified"' in listed[0].replace(" ", "")
