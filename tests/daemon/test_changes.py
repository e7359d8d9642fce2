"""What others change is told once, and what merely came into the settings is no change."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from opsagent import remedies
from opsagent.core import inbox
from opsagent.daemon.changes import Changes
from opsagent.daemon.clock import Clock
from opsagent.daemon.errands import Errands
from opsagent.interfaces import known
from opsagent.settings import load_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opsagent.settings import Settings


class AtOnce(Errands):
    """Runs what is begun before it returns."""

    def begin(self, name: str, work: Callable[[], inbox.Arrival | None]) -> bool:
        assert name
        work()
        return True


def settings(folder: Path, *patterns: str) -> Settings:
    checks, notifiers = known.kinds()
    text = f"host: web-1\nstate: {folder}/state\nchanges: {{files: [{', '.join(patterns)}]}}\n"
    return load_text(text, checks, remedies.KINDS, notifiers)


def test_files_that_new_settings_name_were_there_before_also_when_an_order_is_given_right_after(tmp_path: Path) -> None:
    for name in ("one.conf", "two.conf"):
        (tmp_path / name).write_text("a\n")
    (tmp_path / "state").mkdir()
    posted: list[inbox.Arrival] = []
    looking = Changes(
        settings(tmp_path, f"{tmp_path}/one.conf"), AtOnce(posted.append), posted.append, Clock(), str, ended_well=True
    )
    looking.turn(lambda: True)

    looking.use(settings(tmp_path, f"{tmp_path}/*.conf"))
    looking.before_order()
    looking.turn(lambda: True)
    (tmp_path / "two.conf").write_text("b\n")
    looking.before_order()

    found = [change for arrival in posted if isinstance(arrival, inbox.ChangesFound) for change in arrival.changes]
    assert [(one.subject, one.what) for one in found] == [
        (f"{tmp_path}/two.conf", "changed: 1 added, 1 removed"),
    ]


def test_what_is_seen_while_the_queue_is_asked_is_not_kept_before_it_is_recorded(tmp_path: Path) -> None:
    (tmp_path / "one.conf").write_text("a\n")
    (tmp_path / "state").mkdir()
    posted: list[inbox.Arrival] = []
    looking = Changes(
        settings(tmp_path, f"{tmp_path}/one.conf"), AtOnce(posted.append), posted.append, Clock(), str, ended_well=True
    )
    looking.turn(lambda: True)

    def write(text: str) -> bool:
        (tmp_path / "one.conf").write_text(text)
        looking.before_order()
        return True

    write("b\n")
    looking.turn(lambda: write("c\n"))
    first = (tmp_path / "state/changes.json").read_text()
    looking.turn(lambda: True)
    second = (tmp_path / "state/changes.json").read_text()

    digests = [hashlib.sha256(text).hexdigest() for text in (b"b\n", b"c\n")]
    assert [digest in first for digest in digests] == [True, False]
    assert [digest in second for digest in digests] == [False, True]
