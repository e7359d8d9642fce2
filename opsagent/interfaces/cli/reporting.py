"""`raise`: what people see that no check does."""

from typing import Annotated

import typer

from opsagent.core.commands import Raise
from opsagent.interfaces.cli import daemon, place
from opsagent.interfaces.cli.options import Config, Json


def raise_(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is wrong, in one sentence.")],
    *,
    service: Annotated[
        str, typer.Option(metavar="NAME", help="What it is about: a check, a unit, or a word of your own.")
    ] = "",
    sev: Annotated[
        str, typer.Option(metavar="SEV1..SEV4", help="How bad; default: by the service, SEV3 for what is not watched.")
    ] = "",
    paying: Annotated[bool, typer.Option("--paying", help="Paying customers are hit: SEV2 at least.")] = False,
    data: Annotated[bool, typer.Option("--data", help="Data is lost or wrong: SEV1.")] = False,
    security: Annotated[
        bool, typer.Option("--security", help="Somebody got in, or may have: SEV1, and nothing is repaired by itself.")
    ] = False,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Report trouble that no check sees. It is an incident at once; only a person resolves it."""
    command = Raise(
        by=daemon.who(), text=text, service=service, sev=sev.upper(), paying=paying, data=data, security=security
    )
    daemon.change(place.find(config), command, as_json=json_)
