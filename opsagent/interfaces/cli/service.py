"""`run`, `install`, `version`: the program on its host."""

import os
import sys
from typing import Annotated, NoReturn

import typer

from opsagent import __version__
from opsagent.interfaces.cli import place
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.screen import FAILED, USAGE, fail, say, say_json


def run(*, config: Config = None) -> None:
    """Run the daemon, in the foreground. Without settings it watches what it finds, and only that."""
    _become(place.own(config))


def _become(where: place.Place) -> NoReturn:
    """Replace this process by the daemon of one instance: a program without a command line in its memory."""
    argv = [sys.executable, "-P", "-m", "opsagent.interfaces.running"]
    argv += [f"--state={where.state}", f"--socket={where.socket}"]
    argv += [f"--settings={where.settings}"] if where.settings is not None else []
    environment = {"MALLOC_ARENA_MAX": "2", **os.environ}  # a heap for each of many threads costs, and gains nothing
    sys.stdout.flush()
    os.execve(sys.executable, argv, environment)  # noqa: S606 - ourselves, with an argument vector of our own


def install(
    *,
    refresh: Annotated[bool, typer.Option("--refresh", help="Renew what is made from the settings.")] = False,
    check: Annotated[bool, typer.Option("--check", help="With --refresh: only say what is stale.")] = False,
    json_: Json = False,
) -> None:
    """Set this host up, as root. First settings, rights of the service. After a change of the settings: --refresh."""
    from opsagent.host.systemd import connection  # noqa: PLC0415 - D-Bus, which only this command needs here
    from opsagent.interfaces import install as installing  # noqa: PLC0415
    from opsagent.settings import SettingsError  # noqa: PLC0415

    if check and not refresh:
        fail("cannot use --check alone, write: opsagent install --refresh --check", USAGE)
    try:
        if refresh:
            report = installing.refresh(place.load(place.find()), connection(), check=check)
        else:
            report = installing.install(place.discovered, place.read, connection())
        installing.tell(connection(), report)
    except installing.InstallError as error:
        fail(str(error))
    except SettingsError as error:
        fail("\n".join(["cannot use these settings:", *map(str, error.problems)]))
    except OSError as error:
        fail(f"cannot install: {error}")
    if json_:
        stale = [str(path) for path in report.stale] if check else []
        say_json({"fresh": not stale, "stale": stale, "lines": list(report.lines)})
    else:
        say("\n".join(report.lines))
    if check and not report.is_fresh:
        raise typer.Exit(FAILED)


def version(*, json_: Json = False) -> None:
    """Print the version."""
    if json_:
        say_json({"version": __version__})
    else:
        say(f"opsagent {__version__}")
