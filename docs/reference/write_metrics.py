"""Writes metrics.md beside this file from the code: `.venv/bin/python docs/reference/write_metrics.py`."""  # noqa: INP001 - a program, not a module of a package

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from opsagent.core import metrics  # noqa: E402 - this tree
from opsagent.core.health import Health  # noqa: E402 - this tree
from opsagent.core.metrics import Family, Own, Tally, tally  # noqa: E402 - this tree
from opsagent.core.metrics.tally import BUCKETS  # noqa: E402 - this tree
from opsagent.core.observation import Observation, ok  # noqa: E402 - this tree
from opsagent.core.policy import CheckPolicy, NotifierPolicy, Policy, RemedyRule  # noqa: E402 - this tree
from opsagent.core.state import DeadMan, State  # noqa: E402 - this tree
from opsagent.core.world import World  # noqa: E402 - this tree

AT = datetime(2026, 1, 1, tzinfo=UTC)
INTRODUCTION = f"""\
# Metrics

<!-- written by docs/reference/write_metrics.py from the code; change it there, not this file -->

What `opsagent metrics` prints and `metrics: {{textfile: …}}` writes, in Prometheus' text format. Names and labels are
only ever added, never changed. Labels are names of your settings and words of closed lists, never texts of others.
Counters begin at zero when the daemon starts. The figures of our own process are called `opsagent_process_…`, because
node_exporter, which shows the textfile, has a `process_…` of its own. Buckets of latencies, in seconds:
{", ".join(f"{end:g}" for end in BUCKETS)}.

| name | kind | labels | meaning |
|---|---|---|---|
"""


def everything() -> tuple[Family, ...]:
    """Return all families, as of a host that has one of everything."""
    check = CheckPolicy(name="api", kind="http", unit="api.service", repair=(RemedyRule(do="restart"),))
    policy = Policy(host="web-1", checks=(check,), notifiers=(NotifierPolicy(name="hook", kind="webhook"),))
    state = State(beat_due_at=AT, last_heartbeat_at=AT, proven={"hook": AT}, dead_man=DeadMan(at=AT, since=AT))
    seen = tally.looked(Tally(settings_at=AT), Observation(check="api", reading=ok("good"), at=AT))
    world = World(state=state, policy=policy, looks={"api": Health(check="api", at=AT)}, now=AT)
    return metrics.families(world, seen, Own(memory=1, cpu=1.0, began_at=AT, threads=1, files=1))


def text() -> str:
    """Return the page."""
    return INTRODUCTION + "".join(map(_row, everything()))


def _row(family: Family) -> str:
    labels = dict.fromkeys(name for sample in family.samples for name, _ in sample.labels)
    told = ", ".join(f"`{name}`" for name in labels)
    return f"| `{family.name}` | {family.kind} | {told} | {family.help} |\n"


if __name__ == "__main__":
    (HERE / "metrics.md").write_text(text(), encoding="utf-8")
