"""Options that many commands share."""

from typing import Annotated

import typer

Config = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="Settings; default: $OPSAGENT_CONFIG, /etc/opsagent, ~/.config."),
]
Json = Annotated[bool, typer.Option("--json", help="For programs: JSON, times in UTC.")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; kept with the record.")]
