"""`doctor`: what keeps opsagent from keeping its promises, and what to do about it."""

from dataclasses import asdict

import typer

from opsagent.interfaces import doctor as examining
from opsagent.interfaces.cli import clock, place
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.screen import say, say_json, table
from opsagent.settings import SettingsError


def doctor(*, json_: Json = False, config: Config = None) -> None:
    """Examine this installation. A finding per line with what to do. Exits with 0 ok, 1 warn, 2 red."""
    where = place.find(config)
    try:
        settings = place.read(where.settings)
    except SettingsError as error:
        found = examining.of_settings(where.settings, error)
    else:
        found = examining.of_settings(where.settings, settings)
        found += examining.examine(settings, where.socket, clock.now(), is_system=where.is_system)
    if json_:
        say_json([asdict(finding) for finding in found])
    else:
        table(("level", "about", "finding", "to do"), [(f.level, f.about, f.text, f.do) for f in found], wide="finding")
        say(f"{sum(f.level == 'red' for f in found)} red, {sum(f.level == 'warn' for f in found)} to see to")
    raise typer.Exit(examining.EXIT[examining.worst(found)])
