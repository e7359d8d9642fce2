"""`run`, `install`, `version`: the program on its host."""

from typing import Annotated

import typer

from opsagent import __version__
from opsagent.interfaces.cli import place
from opsagent.interfaces.cli.options import Config
from opsagent.interfaces.cli.screen import FAILED, USAGE, fail, say


def run(*, config: Config = None) -> None:
    """Run the daemon in the foreground, as systemd does. Without settings it watches what it finds, and only that."""
    from opsagent.interfaces import running  # noqa: PLC0415 - everything there is; only this command needs it

    raise typer.Exit(running.run(place.find(config)))


def install(
    *,
    refresh: Annotated[bool, typer.Option("--refresh", help="Renew what is made from the settings.")] = False,
    check: Annotated[bool, typer.Option("--check", help="With --refresh: only say what is stale.")] = False,
) -> None:
    """Set this host up (root): first settings, rights of the service. After a change of the settings: --refresh."""
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
    except installing.InstallError as error:
        fail(str(error))
    except SettingsError as error:
        fail("\n".join(["cannot use these settings:", *map(str, error.problems)]))
    except OSError as error:
        fail(f"cannot install: {error}")
    say("\n".join(report.lines))
    if check and not report.is_fresh:
        raise typer.Exit(FAILED)


def version() -> None:
    """Print the version."""
    say(f"opsagent {__version__}")
