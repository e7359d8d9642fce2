"""`metrics`: the daemon's own figures."""

# no `annotations` from __future__ in the files of commands: typer reads them when the program runs
from typing import Any

from opsagent.core.asking import MetricsAsked
from opsagent.core.metrics import Family, Kind, Sample
from opsagent.core.metrics.text import text
from opsagent.interfaces.cli import daemon, place
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.screen import fail, say, say_json


def metrics(*, json_: Json = False, config: Config = None) -> None:
    """Print the daemon's figures for Prometheus. Checks, incidents, repairs, budget, outbox, its own cost."""
    found = daemon.question(place.find(config), MetricsAsked())
    if found is None:
        fail(f"cannot measure: {daemon.DOWN}, and its figures are its own; allowed: opsagent status")
    if json_:
        say_json(found)
    else:
        say(text(map(_family, found)).rstrip("\n"))


def _family(told: dict[str, Any]) -> Family:
    samples = tuple(
        Sample(value=one["value"], labels=tuple(one["labels"].items()), suffix=one["name"].removeprefix(told["name"]))
        for one in told["samples"]
    )
    return Family(name=told["name"], kind=Kind(told["type"]), help=told["help"], samples=samples)
