"""`replay`: settings of a file against the log and the samples of an instance, as the daemon writes them."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core import inbox
from opsagent.core.observation import Observation, Reading
from opsagent.core.sampled import class_of
from opsagent.interfaces import known
from opsagent.store.eventlog import EventLog
from opsagent.store.pending import Pending
from opsagent.store.samples import NAME, Samples
from tests.core.story_host import StoryHost

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interfaces.instance import Instance

YAML = """\
host: web-1
state: {state}
checks:
  - {{name: root, kind: disk, path: /, warning: 80, critical: 97}}
  - {{name: page, kind: http, url: "http://127.0.0.1:8080/", criticality: important}}
"""
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lived(instance: Instance) -> Instance:
    """Live through three hours in which a disk fills to 96 % and a page is down for ten minutes."""
    instance.settings.write_text(YAML.format(state=instance.state))
    settings = known.read(instance.settings, draft=True)
    checks = {one.policy.name: one.check for one in settings.watched}
    begin = datetime.now(UTC) - timedelta(hours=3)
    host = StoryHost(settings.policy, begin)
    log = EventLog(instance.state / "events.db", host="web-1", boot="boot").open()
    samples = Samples.open(instance.state / NAME, begin)
    host.agent._log = Pending(log)
    source = settings.sources[0]
    read = inbox.SettingsRead(policy=settings.policy, digest=source.sha256, text=f"# {source.path}\n{source.text}")
    host.take(inbox.Started(version="1", pid=1), read)
    for minute in range(175):
        host.now = begin + minute * MINUTE
        used = 60.0 + (36.0 if minute > 90 else 0.0)
        down = Reading(status="critical", message="refused", failure_class="refused")  # type: ignore[arg-type]
        up = checks["page"].graded(0.25, 0)  # type: ignore[attr-defined]
        looks = {"root": checks["root"].graded(used, 0), "page": down if 30 <= minute < 40 else up}  # type: ignore[attr-defined]
        for name, reading in looks.items():
            seen = Observation(check=name, reading=reading, at=host.now)
            value = reading.measures[0].value if reading.measures else None
            samples.add(name, seen.at, reading.status, value, class_of(reading))
            host.take(inbox.Looked(seen=seen))
        samples.flush(host.now)
    samples.close()
    log.close()
    return instance


def changed(instance: Instance, tmp_path: Path, *pairs: tuple[str, str]) -> str:
    text = YAML.format(state=instance.state)
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "draft" / "new.yaml"
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(0o1777)  # everybody may write there, as in /tmp: nobody runs these settings
    path.write_text(text)
    return str(path)


def test_the_settings_in_force_tell_what_happened(lived: Instance, tmp_path: Path) -> None:
    found = lived.json("replay", "--settings", changed(lived, tmp_path))

    assert found["differences"] == []
    assert found["before"] == found["after"] == {"incidents": 2, "repairs": 0, "pages": found["before"]["pages"]}
    assert found["before"]["pages"] > 0
    assert "nothing would differ" in lived.run("replay", "--settings", changed(lived, tmp_path)).stdout


def test_a_number_on_record_is_judged_by_the_new_limit(lived: Instance, tmp_path: Path) -> None:
    lower = lived.json("replay", "--settings", changed(lived, tmp_path, ("critical: 97", "critical: 95")))
    higher = lived.json("replay", "--settings", changed(lived, tmp_path, ("warning: 80", "warning: 97")))

    (worse,), (gone,) = lower["differences"], higher["differences"]
    assert (worse["check"], worse["before"]["severity"], worse["after"]["severity"]) == ("root", "SEV4", "SEV2")
    assert worse["how"]
    assert (gone["key"], gone["how"], gone["after"]) == ("root", ["would not have been"], None)
    assert any("judged anew" in note["text"] for note in higher["notes"])


def test_an_answer_that_took_too_long_for_new_settings_is_an_incident(lived: Instance, tmp_path: Path) -> None:
    slow = ('8080/"', '8080/", expect: {max_latency: 200ms}')
    found = lived.json("replay", "--settings", changed(lived, tmp_path, slow))

    assert any("earlier" in how for one in found["differences"] for how in one["how"])


def test_what_was_never_looked_at_is_said_and_not_guessed(lived: Instance, tmp_path: Path) -> None:
    more = ("checks:\n", "checks:\n  - {name: api-2, kind: tcp, host: 127.0.0.1, port: 1}\n")
    found = lived.json("replay", "--settings", changed(lived, tmp_path, more, ("8080", "8081")))

    said = {note["check"]: note["text"] for note in found["notes"]}
    assert said["api-2"] == "no record: api-2 is new"
    assert said["page"] == "no record: page asks something else than it did"
    assert [one["key"] for one in found["differences"]] == ["page"]
    renamed = lived.json("replay", "--settings", changed(lived, tmp_path, ("name: page", "name: site")))
    said = {note["check"]: note["text"] for note in renamed["notes"]}
    assert said["page"] == "page is in force and not in these settings: nothing of it would be"


def test_what_happened_after_the_last_look_that_is_written_is_left_out_and_called_no_difference(
    lived: Instance, tmp_path: Path
) -> None:
    host = StoryHost(known.read(lived.settings, draft=True).policy, datetime.now(UTC) - timedelta(seconds=30))
    log = EventLog(lived.state / "events.db", host="web-1", boot="boot").open()
    host.agent._log = Pending(log)
    for _ in range(3):
        host.bad("page")
        host.now += timedelta(seconds=5)
    log.close()

    found = lived.json("replay", "--settings", changed(lived, tmp_path))

    assert found["before"]["incidents"] == 2
    assert found["differences"] == []


def test_what_was_decided_a_moment_after_the_last_look_by_it_is_no_difference(lived: Instance, tmp_path: Path) -> None:
    host = StoryHost(known.read(lived.settings, draft=True).policy, datetime.now(UTC) - timedelta(seconds=30))
    log = EventLog(lived.state / "events.db", host="web-1", boot="boot").open()
    samples = Samples.open(lived.state / NAME, host.now)
    host.agent._log = Pending(log)
    down = Reading(status="critical", message="refused", failure_class="refused")  # type: ignore[arg-type]
    for _ in range(3):
        seen = Observation(check="page", reading=down, at=host.now)
        samples.add("page", seen.at, down.status, None, class_of(down))
        host.now += timedelta(milliseconds=100)
        host.take(inbox.Looked(seen=seen))
        host.now += timedelta(seconds=5)
    samples.close()
    log.close()

    found = lived.json("replay", "--settings", changed(lived, tmp_path))

    assert found["before"]["incidents"] == 3
    assert found["differences"] == []


def test_without_a_look_on_record_it_is_said_that_they_are_written_once_a_minute(
    lived: Instance, tmp_path: Path
) -> None:
    told = lived.run("replay", "--settings", changed(lived, tmp_path), "--since", "1m")

    assert told.exit_code != 0
    assert "written once a minute" in told.output


def test_a_person_at_a_terminal_sees_how_far_it_is_and_then_only_the_result(lived: Instance, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    program = [sys.executable, "-c", "from opsagent.interfaces.cli import main; main()"]
    argv = [*program, "replay", "--settings", changed(lived, tmp_path)]
    with subprocess.Popen([*argv, "--config", str(lived.settings)], stdout=subprocess.PIPE, stderr=theirs) as running:
        os.close(theirs)
        assert running.stdout is not None
        said = running.stdout.read().decode()
    shown = os.read(ours, 65536).decode()
    os.close(ours)

    assert said.startswith("nothing would differ\n")
    assert "the record is read" in shown
    assert re.search(r"\d+ % of the record, \d{4}-\d\d-\d\dT", shown)
    assert "\r\x1b[Kthe record begins at" in shown


def test_a_span_of_nothing_is_an_error_of_use(lived: Instance, tmp_path: Path) -> None:
    for words in (["--since", "0d"], ["--since", "1h", "--until", "2h"], ["--since", "2999-01-01"]):
        told = lived.run("replay", "--settings", changed(lived, tmp_path), *words)
        assert (told.exit_code, "allowed: a --since that lies before now" in told.output) == (2, True)


def test_a_rehearsal_tells_what_would_happen_now_and_names_the_checks_there_are(lived: Instance) -> None:
    found = lived.json("rehearse", "page")

    assert (found["check"], list(found["tales"])) == ("page", ["nothing helps"])
    assert found["tales"]["nothing helps"][0] == {"after_seconds": 0.0, "text": "page fails for the first time"}
    assert "      +0:00  page fails for the first time\n" in lived.run("rehearse", "page").stdout
    unknown = lived.run("rehearse", "pag")
    assert (unknown.exit_code, "known: root, page" in unknown.output) == (2, True)
