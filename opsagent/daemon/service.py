"""The running daemon: everything made, wired, started, fed to the watchdog, and stopped."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from opsagent import __version__, checks
from opsagent.agent import Agent
from opsagent.core import codec, contract, inbox
from opsagent.core.log_row import StoreError
from opsagent.core.observation import Source
from opsagent.core.snapshot import Snapshot
from opsagent.daemon import archive, files, loop, sampling, shortcut, start
from opsagent.daemon.answers import Answers
from opsagent.daemon.changes import Changes
from opsagent.daemon.clock import Clock
from opsagent.daemon.deadman import DeadMan
from opsagent.daemon.errands import Errands
from opsagent.daemon.guides import Reader, readers
from opsagent.daemon.hands import Hands
from opsagent.daemon.heartbeat import Heartbeat
from opsagent.daemon.inventory import Inventory
from opsagent.daemon.judging import judged
from opsagent.daemon.keeping import Keeping
from opsagent.daemon.listening import Listening
from opsagent.daemon.lookout import MOST, Lookout
from opsagent.daemon.measuring import Measuring
from opsagent.daemon.reviewing import Reviewer
from opsagent.daemon.rights import Rights
from opsagent.daemon.rounds import Rounds
from opsagent.daemon.showing import Showing
from opsagent.daemon.troubles import TEXTFILE, Troubles
from opsagent.daemon.word import Word
from opsagent.host import systemd
from opsagent.host.bus import BusError, BusLostError
from opsagent.host.conditions import conditions
from opsagent.host.notify import Supervisor
from opsagent.memory import labels
from opsagent.memory.memory import Memory
from opsagent.settings import Settings, SettingsError
from opsagent.store.notebook import Notebook

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.commands import Command
    from opsagent.core.observation import Observation
    from opsagent.core.policy import Policy
    from opsagent.core.state import State
    from opsagent.core.unit import UnitSnapshot
    from opsagent.settings import Watched

log = structlog.get_logger("opsagent")

Load = Callable[[], Settings]
Serve = Callable[[Answers, threading.Event], None]
OnHeartbeat = Callable[[Mapping[str, Any]], None]
BROKEN = 70  # EX_SOFTWARE of sysexits.h
LAST_WORDS = 1.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What whoever starts us gives: how to read the settings, how to serve questions, whom to show heartbeats."""

    load: Load
    serve: Serve | None = None
    on_heartbeat: OnHeartbeat | None = None


class Service:
    """One instance of the daemon, from start to stop."""

    def __init__(self, settings: Settings, doors: Doors, redact: Callable[[str], str]) -> None:
        """Make everything; nothing runs yet. Raises LockedError, StoreError, OSError."""
        self.clock = Clock()
        self.settings, self._snapshots = start.with_real_names(settings)
        self._doors = doors
        self._stop, self._reload = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._supervisor = Supervisor.from_environment()
        self._ground = start.stand(self.settings, self.clock.now(), self._supervisor.starting)
        self._sampling = sampling.Sampling(self.settings.state, self.clock.running, self.clock.now())
        self._keeper = shortcut.Keeper(settings.state, self._ground.opened.log)
        self._loop = loop.Loop(self.clock, self._looked)
        self._memory = Memory(settings.memory, layout=settings.layout, host=settings.host, redact=redact)
        self._troubles = Troubles(self._ground.pending, self._memory)
        self._rights = Rights()
        self._hands = Hands(self._loop.post, self.clock.now, self._remember, self._rights)
        self._agent = self._made_agent(redact)
        self._measuring = Measuring(self._agent, self.clock, self._troubles.sentences)
        self._showing = Showing(self.settings, self.clock.running, redact)
        self._listening = Listening(self._hands, self._loop.post, self._known, self._stop)
        self._notebook = Notebook(self.settings.state)
        self._lookout = Lookout(self._loop.post, self.clock.now, 8, self._listening.before_bad, self._notebook)
        self._heartbeat = Heartbeat(self._lookout)
        self._errands = Errands(self._loop.post)
        self._inventory = Inventory(self._errands, self.clock.running, redact)
        self._changes = self._made_changes(redact)
        self._reviewer, self._keeping = Reviewer(self._errands), Keeping(self._errands)
        self._archive, self._readers = self._made_readers(redact)
        self._rounds = Rounds(self._due, self._beat, self._look_at_host)
        self._answers = Answers(
            self._agent,
            self._loop.post,
            self.clock.now,
            self._plan,
            log=self.settings.state / "events.db",
            unwritten=self._troubles.sentences,
            figures=self._measuring.families,
        )
        self._word = Word(self.settings.state, self._answers.status, self.clock.now, self.clock.running)
        self._deadman = DeadMan(self.clock.running, self._loop.post)

    def _made_agent(self, redact: Callable[[str], str]) -> Agent:
        return Agent(
            policy=self.settings.policy,
            state=self._ground.state,
            log=self._ground.pending,
            effects=self._hands,
            redact=redact,
            taken=labels.taken(self.settings.memory),
        )

    def _made_changes(self, redact: Callable[[str], str]) -> Changes:
        ended_well = self._ground.state.stopped_at is not None
        made = Changes(self.settings, self._errands, self._loop.post, self.clock, redact, ended_well=ended_well)
        self._hands.before_order = made.before_order
        return made

    def _made_readers(self, redact: Callable[[str], str]) -> tuple[archive.Reader, tuple[Reader, ...]]:
        of_patterns = archive.Reader(self.settings, self._loop.post, self.clock.running, redact)
        return of_patterns, readers(self.settings, self._errands, self.clock.running, redact)

    def run(self) -> int:
        """Run until told to stop; return the exit code."""
        # At a terminal SIGHUP says that the terminal is gone, and its person with it.
        hangup = self._stop if os.isatty(0) else self._reload
        for number, flag in ((signal.SIGTERM, self._stop), (signal.SIGINT, self._stop), (signal.SIGHUP, hangup)):
            signal.signal(number, partial(self._signalled, flag))
        self._begin()
        self._supervisor.ready(loop.sentence(self._agent, self._troubles.sentences()))
        while not self._stop.is_set():
            if not self._turned() or not self._is_alone():
                return BROKEN
        return self._end()

    def _turned(self) -> bool:
        """Do one turn. A mistake of ours is said, and the next turn comes; if it lasts, the watchdog ends us."""
        try:
            self._turn()
        except StoreError as error:
            log.critical("the event log is in doubt; ending, so that the next start reads it anew", error=str(error))
            return False
        except Exception:
            log.exception("a turn failed; this is a mistake in opsagent")
            self._stop.wait(1)
        return True

    def _is_alone(self) -> bool:
        """Whoever deletes our lock lets a second daemon write into the same log: the next start takes a new one."""
        alone = self._ground.held.is_ours_still()
        if not alone:
            log.critical("somebody deleted our lock; ending before a second daemon writes beside us")
        return alone

    def _signalled(self, flag: threading.Event, *_: object) -> None:
        flag.set()
        self._loop.nudge()

    def _begin(self) -> None:
        now = self.clock.now()
        state = self._ground.state
        recent = (now - timedelta(days=1)).date()
        past = self._ground.past
        rows = self._ground.opened.log.replay(past.state.seq)
        self._memory.rebuild(codec.read_all(rows), since=recent, begin=past)
        self._hands.describe = self._describe
        self._hands.archive = lambda: self._agent.state.archive
        cursor = self._ground.opened.log.meta("stops") or ""
        self._hands.use(self.settings, cursor, state.at or now)
        for snapshot in self._snapshots.values():
            self._hands.relate(snapshot)
        missed = start.missed(state, now)
        arrivals: list[inbox.Arrival] = [
            inbox.Started(version=__version__, pid=start.own_pid(), missed=missed),
            self._settings_read(),
            *(one.now() for one in self._readers),
            *start.salvaged(self._ground.opened),
            *self._as_found(),
        ]
        self._agent.handle(arrivals, now)
        for incident, action, scope in start.orphans(state, self.settings.policy):
            self._hands.settle(incident, action, scope)
        self._take_spool()
        self._watch(now)
        for listen in self._listening.works():
            self._thread("listen", listen)
        self._thread("archive", lambda: self._archive.watch(self._stop))
        if self._doors.serve is not None:
            serve = self._doors.serve
            self._thread("serve", lambda: serve(self._answers, self._stop))
        log.info("opsagent is up", checks=len(self.settings.watched), mode=self.settings.policy.mode)

    def _as_found(self) -> list[inbox.Arrival]:
        """Return the units as they are, with who stopped what since we last looked: before any look judges them."""
        stops, cursor = self._hands.stops()
        return [inbox.UnitSeen(snapshot=one, stops=stops, cursor=cursor) for one in self._snapshots.values()]

    def _thread(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _settings_read(self) -> inbox.SettingsRead:
        sources = self.settings.sources
        text = "\n".join(f"# {one.path}\n{one.text}" for one in sources)
        digest = "+".join(one.sha256 for one in sources) or "none"
        return inbox.SettingsRead(policy=self.settings.policy, digest=digest, text=text)

    def _watch(self, now: datetime) -> None:
        """Look at the checks of these settings from now on."""
        watched = {one.policy.name: one for one in self.settings.watched}
        looking = {name: self._remembering(one) for name, one in watched.items()}
        self._lookout.watch(looking, min(MOST, max(8, len(watched) // 4)))
        self._notebook.forget_others(watched)
        self._paces = dict.fromkeys({one.policy.every for one in watched.values()}, now)
        files.write(self.settings.state / "watch.json", files.watch_list(self.settings))
        self._rounds.begin(self.settings.policy, now)

    def _remembering(self, one: Watched) -> Watched:
        name, book = one.policy.name, self._notebook
        if one.policy.job is not None:
            return judged(one, lambda: self._agent.state, self.clock.now)
        return replace(one, check=checks.remembering(one.check, partial(book.read, name), partial(book.hold, name)))

    def _turn(self) -> None:
        self._loop.turn(self._agent, self._lookout, self._rounds, self._loop.wait_for(self._agent, self._lookout))
        self._troubles.turn(self._agent.state, self.clock.now())
        self._sampling.turn(self.clock.now())
        self._reviewer.turn(self.settings, self._agent.state, self.clock.now())
        for one in self._readers:
            one.turn()
        self._measuring.turn(self.settings.metrics.textfile, self._errands, self.clock.now())
        self._troubles.note(TEXTFILE, self._measuring.trouble)
        self._showing.turn(self._agent.world(self.clock.now()), self._wrong(), self._errands)
        self._troubles.note_page(self._showing.trouble)
        self._changes.turn(self._loop.is_idle)
        self._keeping.turn(self._agent.world(self.clock.now()))
        self._finish_heartbeat()
        if self._reload.is_set():
            self._reload.clear()
            self._read_again()
        self._supervisor.status(loop.sentence(self._agent, self._troubles.sentences()))
        self._supervisor.alive()
        late = self.clock.running() - self._word.left_at > 2 * self.settings.policy.fast_loop.total_seconds()
        self._deadman.turn(self.settings.deadman, self._agent.state, self.clock.now(), late=late)

    def _due(self, pace: timedelta) -> None:
        """A pace's round is due; called by the scheduler's thread."""
        self._paces[pace] = self.clock.now()
        for one in self.settings.watched:
            if one.policy.every == pace:
                self._lookout.look(one.policy.name, Source.FAST_LOOP)

    def _beat(self, planned: datetime) -> None:
        """A heartbeat is due; called by the scheduler's thread."""
        self._heartbeat.begin(self.settings, planned, self.clock.now())
        self._listening.resync()
        self._inventory.begin(self.settings)

    def _finish_heartbeat(self) -> None:
        beat = self._heartbeat.done(self.clock.now(), is_idle=self._loop.is_idle())
        if beat is None:
            return
        now = self.clock.now()
        lines = tuple(filter(None, (self._sampling.complaint(),)))
        self._ground.opened.log.restore_ballast()
        self._agent.handle([replace(beat, lines=lines)], now)
        self._keeper.note(Snapshot(state=self._agent.state, patterns=self._memory.patterns), now)
        self._take_spool()
        if self._doors.on_heartbeat is not None:
            self._doors.on_heartbeat(self._answers.status())

    def _look_at_host(self) -> None:
        """Read the host's conditions, and leave word of how we stand for those who cannot ask us."""
        try:
            found = conditions(systemd.connection("system").system_state)
        except (BusError, BusLostError):
            found = conditions(lambda: "unknown")
        self._loop.post(inbox.HostSeen(conditions=self._loop.with_lateness(found)))
        self._loop.post(inbox.RightsSeen(lacking=self._rights.lacking(self.settings)))
        if (listeners := self._inventory.glance(self.settings)) is not None:
            self._loop.post(listeners)
        self._word.leave()

    def _known(self) -> tuple[Policy, State]:
        return self.settings.policy, self._agent.state

    def _wrong(self) -> list[str]:
        """Return what is wrong with us rather than with the host, a sentence each."""
        return [*self._troubles.sentences(), *contract.troubles(self._agent.state)]

    def _plan(self) -> tuple[Mapping[str, datetime], datetime]:
        planned = {
            one.name: self._paces.get(one.every, self.clock.now()) + one.every for one in self.settings.policy.checks
        }
        return planned, self._rounds.next_heartbeat_at

    def _describe(self, incident: int) -> tuple[str | None, str, str]:
        return self._answers.describe(incident)

    def _remember(self, steps: Sequence[tuple[State, State, Recorded]]) -> None:
        loop.said(steps)
        self._memory.remember(steps)
        self._measuring.told(steps)
        self._showing.changed()
        self._word.changed()

    def _looked(self, seen: Observation) -> None:
        self._sampling.add(seen)
        self._measuring.look(seen)
        self._showing.looked(seen)

    def _take_spool(self) -> None:
        """Carry out what waited in the spool."""

        def carry_out(command: Command) -> None:
            self._agent.handle([inbox.Asked(command=command, reply=start.ignore_answer)], self.clock.now())

        start.take_spool(self.settings.state / "spool", self._ground, carry_out)

    def _read_again(self) -> None:
        """Read the settings again; bad ones change nothing but are told loudly."""
        self._supervisor.reloading()
        try:
            self._apply(*start.with_real_names(self._doors.load()))
        except SettingsError as error:
            lines = tuple(str(problem) for problem in error.problems)
            log.error("the new settings are refused, the old ones stay in force", errors=lines)  # noqa: TRY400 - a person's mistake, not ours
            self._agent.handle([inbox.SettingsWrong(errors=lines)], self.clock.now())
        finally:
            self._supervisor.ready(loop.sentence(self._agent, self._troubles.sentences()))

    def _apply(self, settings: Settings, snapshots: dict[str, UnitSnapshot]) -> None:
        """Put settings into force that were found good."""
        self._say_what_waits(settings)
        self.settings = replace(settings, state=self.settings.state, memory=self.settings.memory)
        self._snapshots = snapshots
        self._memory.rename(settings.host)
        self._hands.use(self.settings, "", self.clock.now())
        for snapshot in snapshots.values():
            self._hands.relate(snapshot)
        self._agent.handle([self._settings_read()], self.clock.now())
        self._watch(self.clock.now())
        self._changes.use(self.settings)
        self._listening.resync()
        log.info("settings applied", checks=len(self.settings.watched))

    def _say_what_waits(self, new: Settings) -> None:
        """Where we keep things, and for whom, is fixed at the start: say so rather than let somebody wonder."""
        fixed = ("state", "memory", "layout", "scope", "http")
        waiting = [name for name in fixed if getattr(new, name) != getattr(self.settings, name)]
        if waiting:
            log.warning("these settings take effect at the next start: systemctl restart opsagent", keys=waiting)

    def _end(self) -> int:
        self._supervisor.stopping("stopping")
        self._rounds.end()
        for thread in self._threads:
            thread.join(LAST_WORDS)  # the socket is taken away, the bus is left; whoever hangs is left behind
        now = self.clock.now()
        self._agent.handle([inbox.Stopping(reason="asked to stop")], now)
        self._memory.catch_up(self._agent.state, now)
        self._measuring.end(now)
        self._showing.end(self._agent.world(now), self._wrong())
        self._word.tell()
        self._changes.end(self._loop.is_idle)
        self._sampling.end()
        self._ground.opened.log.close()
        self._ground.held.release()
        log.info("opsagent has stopped")
        return 0


def run(settings: Settings, doors: Doors, redact: Callable[[str], str]) -> int:
    """Run one instance of the daemon in this process until SIGTERM or SIGINT; SIGHUP reads the settings again.

    At a terminal SIGHUP ends it too.
    """
    return Service(settings, doors, redact).run()
