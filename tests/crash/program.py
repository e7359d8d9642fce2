"""What the crash tests kill: the real way of an event into the log, the outbox and the Markdown, and a repair.

`run` does some turns as the agent does them and says aloud what it promises (`ack 3`), does (`repair 4`) and tells
(`tell k3`). `recover` is what the next start does. `faults` compares what is on the disk with what was said.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from opsagent.core.log_row import (
    OPENING,
    Batch,
    IncidentRow,
    NewRow,
    OutboxRow,
    OutboxState,
    OutboxUpdate,
    StoreError,
    StoreTrouble,
)
from opsagent.core.report.head import HEAD_BYTES
from opsagent.memory.writer import WriteError, Writer
from opsagent.store.opening import open_log
from opsagent.store.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.store.eventlog import EventLog

NOW = datetime(2026, 11, 21, 2, 14, 7, tzinfo=UTC)
DAY = PurePosixPath("2026-11-21.md")
TURNS = 2
"""The first makes the files, the second finds them; a third would go the way of the second."""
ENDS_IN_DOUBT = 3
CANNOT_OPEN = 4


@dataclass
class Said:
    """What a program promised, did and told before it ended."""

    acked: list[int] = field(default_factory=list)
    repaired: list[int] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def hear(self, line: str) -> None:
        """Take one line of output."""
        word, _, rest = line.strip().partition(" ")
        if word == "ack":
            self.acked += [int(seq) for seq in rest.split()]
        elif word == "repair":
            self.repaired.append(int(rest))
        elif word == "tell":
            self.told.append(rest)


def prepare(directory: Path) -> None:
    """Make the folders that are there before opsagent starts."""
    (directory / "state").mkdir()
    (directory / "memory").mkdir()


def person_writes(directory: Path, line: str) -> None:
    """Append a line to the day's file, once it is there, as `echo >>` does; and keep what was written."""
    if (directory / "memory" / DAY).exists():
        for file in (directory / "memory" / DAY, directory / "person"):
            with file.open("ab") as opened:
                opened.write(line.encode())


class Daemon:
    """The write path with its rooms plugged together as the daemon does it."""

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        self.say = say
        self.log: EventLog = open_log(directory / "state" / "events.db", host="web-1", boot="b", now=NOW).log
        self.pending = Pending(self.log)
        self.memory = Writer(directory / "memory")

    def start(self) -> None:
        """Settle what a crash left: repairs without an outcome, Markdown behind the log, messages not told."""
        rows = tuple(self.log.replay())
        ended = {row.because for row in rows if row.type == "repair_ended"}
        for row in rows:
            if row.type == "repair_started" and row.seq not in ended:
                self.settle(row.seq, "unknown")
        self.catch_up()
        self.tell()

    def turn(self, number: int) -> None:
        """Confirm an incident, repair it, write it down, tell people."""
        at = NOW + timedelta(minutes=number)
        seq = self.pending.next_seq
        opened = NewRow(at=at, type="opened", v=1, data="x" * 200, incident=OPENING)
        message = OutboxRow(key=f"k{seq}", seq=seq, notifier="mail", payload="{}", next_at=at, incident=seq)
        incident = IncidentRow(
            seq=seq,
            label=f"OPS-20261121-{number + 1:03}",
            key="api",
            check="api",
            state="repairing",
            opened_at=at,
            closed_at=None,
            json="{}",
        )
        batch = Batch(at=at, rows=(opened,), outbox=(message,), incidents=(incident,))
        self.acknowledge(self.pending.commit_or_hold(batch))
        self.repair(at, seq)
        self.catch_up()
        self.tell()

    def acknowledge(self, rows: tuple) -> None:
        """Promise what is on the disk, and nothing that is only held."""
        if self.pending.trouble is None:
            self.say("ack " + " ".join(str(row.seq) for row in rows))

    def repair(self, at: datetime, because: int) -> None:
        """Record the repair, then do it; one that cannot be recorded is not done."""
        intent = NewRow(at=at, type="repair_started", v=1, data="{}", incident=because, because=because)
        try:
            rows = self.pending.commit(Batch(at=at, rows=(intent,)))
        except StoreError as error:
            if error.kind is StoreTrouble.DOUBT:
                raise
            return
        self.say(f"ack {rows[0].seq}")
        self.say(f"repair {rows[0].seq}")
        self.settle(rows[0].seq, "verified")

    def settle(self, intent: int, outcome: str) -> None:
        """Record what became of a repair."""
        ended = NewRow(at=NOW, type="repair_ended", v=1, data=f'"{outcome}"', because=intent)
        self.acknowledge(self.pending.commit_or_hold(Batch(at=NOW, rows=(ended,))))

    def catch_up(self) -> None:
        """Bring the Markdown up to the log. What cannot be written now is written later."""
        with suppress(WriteError, StoreError):
            self.memory.head(DAY, head(self.log.last_seq))
            there = self.memory.markers(DAY)
            for row in self.log.replay():
                if row.seq not in there:
                    self.memory.append(DAY, row.seq, f"## {row.type}\n- **Saw** {row.seq}")

    def tell(self) -> None:
        """Tell people, then note that they were told."""
        for message in self.pending.due(NOW + timedelta(days=1)):
            self.say(f"tell {message.key}")
            told = OutboxUpdate(key=message.key, state=OutboxState.SENT, attempts=1, next_at=NOW)
            self.pending.commit_or_hold(Batch(at=NOW, outbox_updates=(told,)))

    def stop(self) -> None:
        """Record what was held, if the disk lets us, and close."""
        with suppress(StoreError):
            self.pending.flush(NOW)
        self.log.close()


class NaiveDaemon(Daemon):
    """How one would write it at first: the Markdown by what one remembers, the message noted before it is told."""

    def catch_up(self) -> None:
        """Append what is newer than the noted number, then note it."""
        done = int(self.log.meta("written") or 0)
        self.memory.head(DAY, head(self.log.last_seq))
        for row in self.log.replay(after=done):
            with (self.memory._root / DAY).open("ab") as file:
                file.write(f"\n## {row.type}\n- **Saw** {row.seq}\n<!-- opsagent:{row.seq} -->\n".encode())
            self.log.set_meta("written", str(row.seq), NOW)


class CarelessDaemon(Daemon):
    """Says what it hopes for: it acknowledges whatever the disk answered."""

    def acknowledge(self, rows: tuple) -> None:
        """Promise without looking."""
        self.say("ack " + " ".join(str(row.seq) for row in rows))


class HastyDaemon(Daemon):
    """Does not wait for the disk: a commit may be lost with the power."""

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        super().__init__(directory, say)
        self.log._db.execute("PRAGMA synchronous=NORMAL")


def head(last_seq: int) -> str:
    """Return a head of the right length."""
    top = f"# Sat 2026-11-21 · web-1 · {last_seq} recorded\n<!-- opsagent:head 02:14 · do not edit -->\n"
    end = "\n<!-- /opsagent:head -->\n"
    return top + "." * (HEAD_BYTES - len((top + end).encode())) + end


def run(directory: Path, say: Callable[[str], None], kind: type[Daemon] = Daemon) -> int:
    """Start, do the turns, stop. Return the exit status."""
    try:
        daemon = kind(directory, say)
        daemon.start()
    except StoreError:
        return CANNOT_OPEN
    try:
        for number in range(TURNS):
            daemon.turn(number)
    except StoreError as error:
        return ENDS_IN_DOUBT if error.kind is StoreTrouble.DOUBT else 1
    daemon.stop()
    return 0


def recover(directory: Path, said: Said, kind: type[Daemon] = Daemon) -> list[str]:
    """Start again on a healthy disk, and return what is wrong then."""
    daemon = kind(directory, said.hear)
    daemon.start()
    found = faults(directory, daemon.log, said)
    daemon.log.close()
    return found


def faults(directory: Path, log: EventLog, said: Said) -> list[str]:
    """Compare the log and the Markdown with what was promised, done and told."""
    rows = tuple(log.replay())
    seqs = [row.seq for row in rows]
    wrong = []
    if lost := set(said.acked) - set(seqs):
        wrong.append(f"acknowledged and lost: {sorted(lost)}")
    if log.unsound or list((directory / "state").glob("*damaged*")):
        wrong.append("the log is damaged")
    if log._db.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
        wrong.append("the log fails its integrity check")
    intents = [row.seq for row in rows if row.type == "repair_started"]
    if not set(said.repaired) <= set(intents) or len(said.repaired) != len(set(said.repaired)):
        wrong.append(f"repaired {said.repaired}, recorded {intents}")
    outcomes = sorted(row.because for row in rows if row.type == "repair_ended")
    if outcomes != intents:
        wrong.append(f"repairs {intents} have the outcomes {outcomes}")
    return wrong + faults_in_messages(rows, said) + faults_in_markdown(directory, seqs)


def faults_in_messages(rows: tuple, said: Said) -> list[str]:
    """Every message is told, and of all at most one is told twice."""
    wanted = {f"k{row.seq}" for row in rows if row.type == "opened"}
    wrong = [f"never told: {sorted(wanted - set(said.told))}"] if wanted - set(said.told) else []
    if len(said.told) - len(set(said.told)) > 1:
        wrong.append(f"told more than one twice: {said.told}")
    return wrong


def faults_in_markdown(directory: Path, seqs: list[int]) -> list[str]:
    """Every event stands in the day's file once, and every line a person wrote stands in it still."""
    day = directory / "memory" / DAY
    text = day.read_text("utf-8") if day.exists() else ""
    counts = {seq: (text.count(f"<!-- opsagent:{seq} -->\n"), text.count(f"**Saw** {seq}\n")) for seq in seqs}
    wrong = [
        f"event {seq}: marker and text stand {n} times in the Markdown" for seq, n in counts.items() if n != (1, 1)
    ]
    written = directory / "person"
    lines = written.read_text("utf-8").splitlines() if written.exists() else []
    return wrong + [f"a person's line is gone: {line}" for line in lines if line not in text]
