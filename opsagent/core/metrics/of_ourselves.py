"""Numbers of the agent itself: does it look, may it act, can it record, and what does it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.metrics.family import Family, Kind, Sample, counter, gauge, states, unix
from opsagent.core.policy import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.metrics import Own
    from opsagent.core.metrics.tally import Tally
    from opsagent.core.world import World


def families(world: World, tally: Tally, troubles: int) -> Iterator[Family]:
    """Yield what says whether the promises can be kept; `troubles` counts what is wrong with us."""
    state = world.state
    yield Family(
        name="opsagent_build_info",
        kind=Kind.GAUGE,
        help="Always 1: the version that runs.",
        samples=(Sample(value=1.0, labels=(("version", state.version),)),),
    )
    yield gauge("opsagent_running", "1 while the daemon looks, 0 once it was stopped.", state.stopped_at is None)
    told = "When the thread that decides last came round; old: nobody looks."
    yield gauge("opsagent_last_round_timestamp_seconds", told, unix(world.now))
    yield from _beats(world, tally)
    modes = (mode.value for mode in Mode)
    yield states("opsagent_mode", "Whether an armed check may act.", "mode", modes, world.policy.mode.value)
    hold = bool(state.conditions.hold)
    yield gauge("opsagent_hold", "1 while root's HOLD file stops every action.", hold)
    yield gauge("opsagent_overloaded", "1 while the host is too busy to judge by time-outs.", _busy(world))
    yield gauge("opsagent_breaker_open", "1 while too much fails at once to repair.", state.breaker is not None)
    yield gauge("opsagent_rights_fit", "1 when the rule of polkit fits the settings.", not state.lacking)
    yield gauge("opsagent_event_log_writable", "1 when events can be recorded.", world.can_record)
    yield gauge("opsagent_troubles", "What is wrong with opsagent itself; see opsagent status.", troubles)
    good = not state.refused
    yield gauge("opsagent_settings_last_reload_successful", "1 when the newest settings are in force.", good)
    if tally.settings_at is not None:
        told = "When settings were last put into force."
        yield gauge("opsagent_settings_last_reload_success_timestamp_seconds", told, unix(tally.settings_at))
    if state.dead_man is not None:
        yield gauge("opsagent_dead_man_answers", "1 when the dead man's switch answered.", not state.dead_man.said)


def _busy(world: World) -> bool:
    return bool(world.state.conditions.overload)


def _beats(world: World, tally: Tally) -> Iterator[Family]:
    state = world.state
    yield counter("opsagent_heartbeats_total", "Full rounds of all checks.", (), {(): tally.heartbeats})
    yield gauge("opsagent_heartbeat_interval_seconds", "How often one is due.", world.policy.heartbeat.total_seconds())
    yield gauge("opsagent_heartbeat_duration_seconds", "How long the last one took.", tally.beat_seconds)
    late = (world.now - state.beat_due_at).total_seconds() if state.beat_due_at is not None else 0.0
    yield gauge("opsagent_heartbeat_lag_seconds", "How long the next one is overdue, 0 when it is not.", max(0.0, late))
    if state.last_heartbeat_at is not None:
        told = "When the last one was complete."
        yield gauge("opsagent_heartbeat_timestamp_seconds", told, unix(state.last_heartbeat_at))


def process(own: Own) -> Iterator[Family]:
    """Yield what our process costs, as Prometheus' own libraries name it."""
    yield gauge("opsagent_process_resident_memory_bytes", "Memory of the daemon.", own.memory)
    yield counter("opsagent_process_cpu_seconds_total", "Processor time of the daemon.", (), {(): own.cpu})
    yield gauge("opsagent_process_start_time_seconds", "When the daemon began.", unix(own.began_at))
    yield gauge("opsagent_process_threads", "Threads of the daemon.", own.threads)
    yield gauge("opsagent_process_open_fds", "Files and sockets that the daemon has open.", own.files)
