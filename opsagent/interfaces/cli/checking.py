"""`check`: look once, without the daemon, and record nothing. Its exit status is that of monitoring-plugins."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

import typer

from opsagent import checks
from opsagent.core import jobs
from opsagent.core.asking import JobsAsked
from opsagent.core.observation import Reading, Status, unknown
from opsagent.core.timing import spoken
from opsagent.interfaces.cli import daemon, place
from opsagent.interfaces.cli.clock import Wall
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.screen import fail, say, say_json, table
from opsagent.settings import Settings, Watched
from opsagent.store.notebook import Notebook

GRACE = timedelta(seconds=2)
"""How much longer than its own timeout a look may take before it is left behind."""
AT_ONCE = 32
EXIT = {Status.OK: 0, Status.WARNING: 1, Status.CRITICAL: 2, Status.UNKNOWN: 3}
WORST_FIRST = (Status.CRITICAL, Status.UNKNOWN, Status.WARNING, Status.OK)


@dataclass(slots=True)
class _Look:
    """One look on its way; it stays `unknown` when it does not come back."""

    watched: Watched
    reading: Reading
    seconds: float = 0.0


def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Checks or units; default: all.")] = None,
    *,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Look once, without the daemon. Nothing is recorded. Exits with 0 ok, 1 warning, 2 critical, 3 unknown."""
    settings = place.load(place.find(config), code=EXIT[Status.UNKNOWN])
    notebook = Notebook(settings.state)
    chosen = _chosen(settings, names or [])
    told = _told(config) if any(one.policy.job for one in chosen) else {}
    looks = look(tuple(_knowing(one, notebook, told) for one in chosen))
    if json_:
        say_json([_plain(one) for one in looks])
    else:
        say(_headline(looks))
        table(("check", "status", "took", "message"), [_row(one) for one in looks], wide="message")
        say(Wall(settings.zone).said)
    raise typer.Exit(EXIT[worst(looks)])


@dataclass(frozen=True, slots=True)
class _Told:
    """Stands in the place of a check that only the daemon can make."""

    reading: Reading

    def observe(self) -> Reading:
        return self.reading


def _told(config: str | None) -> dict[str, _Told]:
    """Return what the daemon says of the jobs, nothing where it is down: it has heard their pings."""
    found = daemon.question(place.find(config), JobsAsked()) or []
    return {one["name"]: _Told(jobs.reading_of(one["state"], one["message"])) for one in found}


def _knowing(one: Watched, notebook: Notebook, told: Mapping[str, _Told]) -> Watched:
    """Let a check know what its last look by the daemon kept; this look keeps nothing."""
    if one.policy.name in told:
        return Watched(policy=one.policy, check=told[one.policy.name])
    check = checks.remembering(one.check, partial(notebook.read, one.policy.name), lambda _: None)
    return Watched(policy=one.policy, check=check)


def _chosen(settings: Settings, names: list[str]) -> tuple[Watched, ...]:
    """Return the checks that were named, each once: by their own names or their unit's; all without a name."""
    policy, known = settings.policy, {one.policy.name: one for one in settings.watched}
    missing = [name for name in names if not policy.named(name)]
    if missing:
        fail(f"cannot find check {missing[0]!r}, known: {', '.join(known) or 'none'}", EXIT[Status.UNKNOWN])
    chosen = dict.fromkeys(check.name for name in names for check in policy.named(name))
    return tuple(known[name] for name in chosen) if names else settings.watched


def look(watched: tuple[Watched, ...]) -> list[_Look]:
    """Look with all checks side by side; one that does not come back in time is `unknown` and left behind."""
    looks = [_Look(one, unknown(_late(one), "timeout")) for one in watched]
    places = threading.Semaphore(AT_ONCE)
    threads = [threading.Thread(target=_observe, args=(one, places), daemon=True) for one in looks]
    for thread in threads:
        thread.start()
    longest = max((one.policy.timeout for one in watched), default=timedelta())
    rounds = 1 + len(watched) // AT_ONCE
    until = time.monotonic() + (rounds * (longest + GRACE)).total_seconds()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return [_Look(one.watched, one.reading, one.seconds) for one in looks]


def _late(watched: Watched) -> str:
    return f"no answer within {spoken(watched.policy.timeout + GRACE)}"


def _observe(one: _Look, places: threading.Semaphore) -> None:
    with places:
        started = time.monotonic()
        reading = checks.observe(one.watched.check)
        one.seconds = time.monotonic() - started
        one.reading = reading


def worst(looks: list[_Look]) -> Status:
    """Return the status that the exit status tells: critical over unknown over warning over ok."""
    seen = {one.reading.status for one in looks}
    return next((status for status in WORST_FIRST if status in seen), Status.UNKNOWN)


def _headline(looks: list[_Look]) -> str:
    counts = [(sum(one.reading.status is status for one in looks), status) for status in WORST_FIRST]
    return f"{worst(looks).upper()}: " + (", ".join(f"{n} {status}" for n, status in counts if n) or "nothing to check")


def _row(one: _Look) -> tuple[str, ...]:
    took = spoken(timedelta(seconds=one.seconds))
    return (one.watched.policy.name, one.reading.status, took, one.reading.message)


def _plain(one: _Look) -> dict[str, Any]:
    return {
        "name": one.watched.policy.name,
        "kind": one.watched.policy.kind,
        "unit": one.watched.policy.unit,
        "status": one.reading.status.value,
        "failure_class": one.reading.failure_class,
        "message": one.reading.message,
        "seconds": round(one.seconds, 3),
        "measures": [{"name": m.name, "value": m.value, "unit": m.unit} for m in one.reading.measures],
    }
