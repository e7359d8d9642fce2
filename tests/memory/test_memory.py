from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent.core import events as ev
from opsagent.core.codec import Recorded
from opsagent.core.phase import Phase
from opsagent.core.report.head import HEAD_BYTES
from opsagent.core.state import State
from opsagent.memory import memory as memory_file
from opsagent.memory.layout import PLACES, Layout
from opsagent.memory.memory import Memory
from tests.core.environment.hosts import host, listener
from tests.core.report.telling import NIGHT, Telling

if TYPE_CHECKING:
    from collections.abc import Callable

DAILY = "daily/2026-11-18.md"
INCIDENT = "incidents/2026/11/OPS-20261118-001.md"
ARCHIVE = "failures/failure-archive.md"


def same(text: str) -> str:
    return text


def keeper(root: Path, layout: str = "standalone", redact: Callable[[str], str] = same) -> Memory:
    return Memory(root, layout=layout, host="web-1", redact=redact)


def tell(memory: Memory, night: Telling) -> None:
    """Hand over what was not told yet, one event a turn."""
    for step in night.steps:
        memory.remember([step])
    night.steps.clear()


def pattern(night: Telling, seq: int, *, healed: bool = False) -> None:
    event = ev.PatternSeen(
        fingerprint="api.service|http|dead",
        title="api.service dead",
        symptom="api: dead",
        cause="dead",
        resolution="restart api.service worked (attempt 1)" if healed else "not known yet",
        seconds=None,
        healed=healed,
    )
    night.take(event, seq)


def healed_night() -> Telling:
    night = Telling()
    seq = night.incident()
    pattern(night, seq)
    night.end(seq, night.order(seq), "verified")
    pattern(night, seq, healed=True)
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    night.take(ev.IncidentClosed(), seq, after=1800)
    return night


ENVIRONMENTS = [("standalone", "knowledge"), ("ai-memory", "ai-memory/knowledge"), ("openclaw", "memory")]


@pytest.mark.parametrize(("layout", "folder"), ENVIRONMENTS)
def test_the_environment_is_a_block_in_a_file_of_people_and_written_when_it_changes(
    root: Path, layout: str, folder: str
) -> None:
    night, memory = Telling(), keeper(root, layout)
    beat = ev.HeartbeatDone(good=1, bad=0, blind=0, late=0.0, seconds=0.1)
    night.take(ev.EnvironmentLearned(environment=host(listener(6379))))
    night.take(beat)
    tell(memory, night)
    (path,) = (root / folder).glob("*environment.md")
    assert "tcp 6379 at 127.0.0.1" in path.read_text()
    path.write_text(path.read_text() + "ask ann before you move redis\n")
    before = path.stat()

    night.take(beat, after=1800)
    tell(memory, night)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns), "nothing had changed"

    night.take(ev.EnvironmentDrifted(lines=("moved",), environment=host(listener(6380))))
    tell(memory, night)
    assert "tcp 6380 at 127.0.0.1" in path.read_text()
    assert "6379" not in path.read_text()
    assert path.read_text().endswith("ask ann before you move redis\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "memory"


def files(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_healed_night_is_found_in_three_files_each_fact_once(root: Path) -> None:
    memory = keeper(root)

    tell(memory, healed_night())

    found = files(root)
    assert sorted(found) == [DAILY, ARCHIVE, INCIDENT]
    assert found[DAILY].startswith("# Wed 2026-11-18 · web-1 · nothing needs you\n<!-- opsagent:head 02:49 ")
    assert found[DAILY].count("## 02:14 api healed") == 1
    assert found[INCIDENT].startswith("# OPS-20261118-001 · api is down · SEV2 · closed")
    assert "**Recurrence-Count**: 1\n" in found[ARCHIVE]
    assert "**Verified**: yes\n" in found[ARCHIVE]
    assert memory.trouble == ""


@pytest.mark.parametrize("layout", Layout)
def test_every_layout_tells_the_same_story(root: Path, layout: Layout) -> None:
    tell(keeper(root, layout), healed_night())

    at = PLACES[layout]
    text = (root / at.daily(date(2026, 11, 18))).read_text()
    assert text.count("## 02:14 api healed") == 1
    assert text.startswith("# 2026-11-18\n" if layout is Layout.AI_MEMORY else "# Wed 2026-11-18 · web-1")
    assert ("- **Agent** opsagent on web-1 · times Europe/Berlin\n" in text) == (layout is Layout.AI_MEMORY)
    link = re.search(r"\]\(([^)]+)\)", text)
    assert link
    assert (root / at.daily(date(2026, 11, 18)).parent / link[1]).resolve() == root / at.incidents / INCIDENT[10:]
    assert (root / at.archive).exists()


def test_a_shared_file_is_only_added_to(root: Path) -> None:
    path = root / "ai-memory/daily/2026-11-18.md"
    path.parent.mkdir(parents=True)
    path.write_text("# 2026-11-18\n## another agent's work\n")

    tell(keeper(root, "ai-memory"), healed_night())

    assert path.read_text().startswith("# 2026-11-18\n## another agent's work\n\n## 02:14 api healed")
    assert "opsagent:head" not in path.read_text()


def test_nothing_is_written_while_nothing_happens(root: Path) -> None:
    memory = keeper(root)
    tell(memory, healed_night())
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*.md")}

    memory.catch_up(Telling().state, NIGHT + timedelta(minutes=5))

    assert {path: path.stat().st_mtime_ns for path in root.rglob("*.md")} == before


def test_the_head_follows_what_happens(root: Path) -> None:
    memory, night = keeper(root), Telling()
    seq = night.incident()
    night.page(seq)
    tell(memory, night)
    assert "**1 needs you: api is down**" in (root / DAILY).read_text()[:100]

    night.good(seq)
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    tell(memory, night)

    text = (root / DAILY).read_bytes()
    assert text.startswith("# Wed 2026-11-18 · web-1 · nothing needs you".encode())
    assert text[:HEAD_BYTES].endswith(b"<!-- /opsagent:head -->\n")


def test_a_host_that_new_settings_rename_has_its_new_name_in_the_same_file(root: Path) -> None:
    memory, night = keeper(root), Telling()
    night.incident()
    tell(memory, night)

    memory.rename("db-1")
    memory.catch_up(night.state, night.at)

    assert files(root)[DAILY].splitlines()[0].startswith("# Wed 2026-11-18 · db-1 · ")
    assert files(root)[DAILY].count("<!-- opsagent:head") == 1


def test_what_a_person_writes_stays_where_it_is(root: Path) -> None:
    memory, night = keeper(root), Telling()
    seq = night.incident()
    night.page(seq)
    tell(memory, night)
    for path in (DAILY, INCIDENT):
        with (root / path).open("a") as file:
            file.write("04:05 rollback blocked. Second pair of eyes at 9.\n")

    night.good(seq)
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    tell(memory, night)

    assert (root / DAILY).read_text().count("04:05 rollback blocked. Second pair of eyes at 9.\n") == 1
    assert (root / INCIDENT).read_text().endswith("changes it -->\n04:05 rollback blocked. Second pair of eyes at 9.\n")


def test_every_text_passes_the_redaction(root: Path) -> None:
    memory = keeper(root, redact=lambda text: text.replace("hunter2", "[redacted:password:7]"))
    night = Telling()
    seq = night.incident(message="login failed password=hunter2")
    night.take(ev.EvidenceGathered(source="journal", lines=("password=hunter2",)), seq)
    night.take(
        ev.PatternSeen(
            fingerprint="f",
            title="t",
            symptom="password=hunter2",
            cause="hunter2",
            resolution="hunter2",
            seconds=None,
            healed=False,
        ),
        seq,
    )
    night.page(seq)

    tell(memory, night)

    for name, text in files(root).items():
        assert "hunter2" not in text, name
        assert "[redacted:password:7" in text, name
    assert len((root / DAILY).read_bytes().split(b"<!-- write anywhere below")[0]) == HEAD_BYTES


def test_an_unwritable_disk_is_told_and_caught_up(root: Path) -> None:
    root.parent.chmod(0o755)
    root.write_text("a file where the folder should be")
    memory, night = keeper(root), healed_night()
    tell(memory, night)

    assert "cannot write daily/2026-11-18.md: memory on its way is no directory" in memory.trouble
    assert memory.waiting == 1

    root.unlink()
    memory.catch_up(night.state, night.at + timedelta(seconds=4))
    assert memory.waiting == 1
    memory.catch_up(night.state, night.at + timedelta(seconds=6))

    assert (memory.trouble, memory.waiting) == ("", 0)
    assert sorted(files(root)) == [DAILY, ARCHIVE, INCIDENT]


def test_trouble_with_one_file_does_not_hold_up_the_others(root: Path, tmp_path: Path) -> None:
    (root / "daily").mkdir(parents=True)
    (root / DAILY).symlink_to(tmp_path / "elsewhere")
    memory = keeper(root)

    tell(memory, healed_night())

    assert memory.trouble == f"cannot write {DAILY}: it is a symbolic link"
    assert (root / INCIDENT).exists()
    assert (root / ARCHIVE).exists()
    assert not (tmp_path / "elsewhere").exists()


def test_more_than_the_backlog_holds_is_left_to_a_rebuild(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_file, "BACKLOG", 3)
    root.write_text("in the way")
    memory, night = keeper(root), Telling()
    for _ in range(5):
        night.take(ev.BreakerClosed(), after=60)
    rows = [step[2] for step in night.steps]
    tell(memory, night)
    assert (memory.waiting, memory.missing_since) == (3, date(2026, 11, 18))

    root.unlink()
    memory.catch_up(night.state, night.at + timedelta(minutes=1))
    found = memory.rebuild(rows, since=memory.missing_since)

    assert (found.written, found.present, found.trouble) == (2, 3, "")
    assert memory.missing_since is None
    assert (root / DAILY).read_text().count("repairs go on") == 5


def applied(zone: str = "Europe/Berlin") -> ev.SettingsApplied:
    return ev.SettingsApplied(digest="d", text="", zone=zone, mode="auto", checks=("api",), armed=("api",))


def test_a_rebuild_writes_again_what_is_missing_and_nothing_twice(root: Path) -> None:
    night = Telling()
    night.take(applied())
    seq = night.incident()
    pattern(night, seq)
    night.end(seq, night.order(seq), "verified")
    rows = [step[2] for step in night.steps]
    tell(keeper(root), night)
    before = files(root)
    incident = next(name for name in before if name.startswith("incidents"))
    again = keeper(root)

    assert again.rebuild(rows).written == 0
    assert {name: text for name, text in files(root).items() if name != DAILY} == {
        name: text for name, text in before.items() if name != DAILY
    }
    (root / DAILY).unlink()
    (root / incident).unlink()
    (root / ARCHIVE).unlink()
    assert again.rebuild(rows).written == 2

    after = files(root)
    assert after == before


def test_after_a_rebuild_the_daemon_puts_todays_head_back(root: Path) -> None:
    night = Telling()
    night.take(applied())
    rows = [step[2] for step in night.steps]
    memory = keeper(root)
    memory.rebuild(rows)

    memory.catch_up(night.state, night.at)

    assert (root / DAILY).read_text().startswith("# Wed 2026-11-18 · web-1 · nothing needs you")


def test_a_rebuild_of_one_day_leaves_the_others_alone(root: Path) -> None:
    night = Telling(at=datetime(2026, 11, 17, 12, tzinfo=UTC))
    night.take(applied())
    night.take(ev.BreakerClosed(), after=86400)
    night.take(ev.BreakerClosed(), after=86400)
    rows = [step[2] for step in night.steps]

    found = keeper(root).rebuild(rows, date=date(2026, 11, 18))

    assert found.written == 1
    assert sorted(files(root)) == ["daily/2026-11-18.md"]


def test_a_rebuild_of_one_day_tells_its_incidents_to_their_end(root: Path) -> None:
    night = Telling(at=datetime(2026, 11, 18, 22, 50, tzinfo=UTC))
    night.take(applied())
    seq = night.incident()
    night.page(seq)
    night.at += timedelta(hours=1)
    night.good(seq)
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)

    keeper(root).rebuild([step[2] for step in night.steps], date=date(2026, 11, 18))

    incident = next(text for name, text in files(root).items() if name.startswith("incidents"))
    assert incident.startswith("# OPS-20261118-002 · api is down · SEV2 · resolved")
    assert sorted(name for name in files(root) if name.startswith("daily")) == [DAILY]


def test_a_quiet_day_leaves_its_figures_in_a_shared_file(root: Path) -> None:
    memory, night = keeper(root, "ai-memory"), Telling(at=datetime(2026, 11, 18, 22, 50, tzinfo=UTC))
    beat = ev.HeartbeatDone(good=3, bad=0, blind=0, late=0, seconds=1)
    for _ in range(3):
        night.take(beat, after=1800)

    tell(memory, night)

    assert files(root) == {}
    night.take(beat, after=86400)
    tell(memory, night)
    text = (root / "ai-memory/daily/2026-11-19.md").read_text()
    assert "\n## 24:00 the day · nothing needs you\n- **Agent** opsagent on web-1 · times Europe/Berlin\n" in text
    assert "\n- Heartbeats 3 of 47, last 01:20 · " in text


def test_a_start_brings_in_what_a_crash_left_out(root: Path) -> None:
    night = healed_night()
    rows = [step[2] for step in night.steps]
    tell(keeper(root), Telling(steps=night.steps[:4]))

    memory = keeper(root)
    memory.rebuild(rows, since=date(2026, 11, 17))

    text = next(path for path in (root / "daily").iterdir()).read_text()
    assert text.count("api healed") == 1


def test_impossible_events_do_not_stop_a_rebuild(root: Path) -> None:
    night = healed_night()
    rows = [step[2] for step in night.steps]
    out_of_place = Recorded(seq=2, at=NIGHT, event=ev.Relapsed(to=Phase.PAGED, message="no"), incident=1)

    found = keeper(root).rebuild([*rows[:2], out_of_place, *rows[2:]])

    assert (found.written, found.trouble) == (1, "")


def test_a_night_over_midnight_is_in_two_files(root: Path) -> None:
    night = Telling(at=datetime(2026, 11, 18, 22, 59, tzinfo=UTC))
    night.take(ev.BreakerClosed())
    night.take(ev.BreakerClosed(), after=120)

    tell(keeper(root), night)

    assert "## 23:59 ten quiet minutes" in (root / DAILY).read_text()
    assert "## 00:01 ten quiet minutes" in (root / "daily/2026-11-19.md").read_text()


def test_a_day_for_an_agent_rolls_over_before_it_is_too_long_to_be_read(root: Path) -> None:
    memory, night = keeper(root, "openclaw"), Telling()
    for number in range(60):
        night.take(ev.SettingsRefused(errors=tuple(f"file.yaml:{number}: {'wrong ' * 30}" for _ in range(4))), after=60)

    tell(memory, night)

    texts = {path.name: path.read_text() for path in (root / "memory").glob("2026-11-18-opsagent*.md")}
    assert len(texts) > 3
    assert all(len(text.encode()) < 15_000 for text in texts.values())
    markers = [
        int(seq) for text in texts.values() for seq in re.findall(r"^<!-- opsagent:(\d+) -->$", text, re.MULTILINE)
    ]
    assert sorted(markers) == list(range(1, 61))
    last = max(texts, key=lambda name: int(re.findall(r"-(\d+)\.md|$", name)[0] or 1))
    assert "nothing needs you" in texts[last][:80]
    first = texts["2026-11-18-opsagent.md"]
    assert "The day goes on in `2026-11-18-opsagent-2.md`: read that one first." in first[:300]
    assert memory.trouble == ""


def test_a_rebuild_finds_an_entry_in_whatever_part_it_stands(root: Path) -> None:
    night = Telling()
    for number in range(30):
        night.take(ev.SettingsRefused(errors=tuple(f"file.yaml:{number}: {'wrong ' * 40}" for _ in range(4))), after=60)
    rows = [step[2] for step in night.steps]
    memory = Memory(root, layout="openclaw", host="web-1", redact=same)
    memory.rebuild(rows)

    found = Memory(root, layout="openclaw", host="web-1", redact=same).rebuild(rows)

    assert (found.written, found.present) == (0, 30)


def test_an_entry_is_never_longer_than_a_reader_stands(root: Path) -> None:
    night = Telling()
    seq = night.incident()
    for _ in range(60):
        night.end(seq, night.order(seq, also=tuple(f"{n}.service" for n in range(20))), "failed", "x" * 400)
    night.page(seq)

    tell(keeper(root, "openclaw"), night)

    assert (root / "memory/2026-11-18-opsagent.md").stat().st_size < 15_000


READ_ONLY = """
import sys
from datetime import timedelta
from pathlib import Path
import subprocess
from tests.core.report.telling import Telling
from tests.memory.test_memory import healed_night, keeper, tell

root = Path(sys.argv[1])
memory = keeper(root / "memory")
subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
night = healed_night()
tell(memory, night)
print(memory.trouble)
subprocess.run(["mount", "-o", "remount,rw", str(root)], check=True)
memory.catch_up(night.state, night.at + timedelta(seconds=6))
print(memory.trouble or "caught up", sum(1 for _ in (root / "memory").rglob("*.md")))
"""


def test_a_disk_that_turned_read_only_is_caught_up_when_it_is_writable_again(tmp_path: Path) -> None:
    mount = f'mount -t tmpfs -o size=1m tmpfs {tmp_path} && exec "$0" "$@"'
    program = [sys.executable, "-c", READ_ONLY, str(tmp_path)]

    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "--user", "sh", "-c", mount, *program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"cannot write {DAILY}: Read-only file system", "caught up 3"]


@pytest.mark.parametrize("layout", ["standalone", "ai-memory", "openclaw"])
@pytest.mark.parametrize(
    ("zone", "begin"),
    [
        ("America/New_York", datetime(2026, 11, 1, 3, 0, tzinfo=UTC)),  # the night of 25 hours
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 13, 0, tzinfo=UTC)),  # half an hour is left out
    ],
)
def test_a_rebuild_from_nothing_is_what_was_written_live(
    tmp_path: Path, layout: str, zone: str, begin: datetime
) -> None:
    host, live = Telling(state=State(zone=zone, mode="auto"), at=begin), keeper(tmp_path / "live", layout)
    host.take(applied(zone))
    for number in range(20):
        seq = host.incident("api", "api.service", f"exit {number} " + "and many words " * 15)
        host.end(seq, host.order(seq), "failed")
        host.page(seq)
        host.good(seq)
        pattern(host, seq)
        host.take(ev.IncidentResolved(reason="good"), seq, after=300)
        host.take(ev.IncidentClosed(), seq, after=1800)
        host.take(ev.HeartbeatDone(good=1, bad=0, blind=0, late=0, seconds=1))
    for step in host.steps:
        live.remember([step])

    again = keeper(tmp_path / "again", layout)
    again.rebuild([step[2] for step in host.steps])

    assert len(files(tmp_path / "live")) > 20
    assert files(tmp_path / "again") == files(tmp_path / "live")
