"""Options that many commands share."""

from typing import Annotated

import typer

from opsagent.core.asking import MOST_ASKED

Config = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="Settings; default: $OPSAGENT_CONFIG, /etc/opsagent, ~/.config."),
]
Json = Annotated[bool, typer.Option("--json", help="For programs: JSON, times in UTC.")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; kept with the record.")]
Limit = Annotated[int, typer.Option(min=1, max=MOST_ASKED, metavar="NUMBER", help="At most so many, the newest.")]
