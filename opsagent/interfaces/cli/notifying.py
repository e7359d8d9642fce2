"""`notify test`: does a message reach people? Through the daemon, or straight from here when it is down."""

from typing import Annotated, cast

import typer

from opsagent.core.commands import TestNotifier
from opsagent.core.message import Message, MessageKind
from opsagent.interfaces import client
from opsagent.interfaces.cli import clock, daemon, place
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.place import Place
from opsagent.interfaces.cli.screen import FAILED, fail, say, warn
from opsagent.notifiers import Notifier, NotifyError
from opsagent.settings import Channel

notify = typer.Typer(help="Try the ways to people.", no_args_is_help=True)


@notify.callback()
def ways() -> None:
    """Try the ways to people."""


@notify.command("test")
def send_one(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A notifier; default: all.")] = "",
    *,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Send one message to one notifier, or to all, and say what became of it."""
    where = place.find(config)
    command = TestNotifier(by=daemon.who(), notifier=name)
    try:
        client.ask(where.socket, {"kind": "status"}, timeout=2.0)
    except (client.DownError, client.NoAnswerError, PermissionError):
        warn(f"{daemon.DOWN} or does not answer: sending from here")
        _send(where, name, as_json=json_)
        return
    daemon.change(where, command, as_json=json_)


def _send(where: Place, name: str, *, as_json: bool) -> None:
    settings = place.load(where)
    channels = [channel for channel in settings.channels if name in {"", channel.policy.name}]
    if not channels:
        known = ", ".join(channel.policy.name for channel in settings.channels)
        fail(f"cannot find notifier {name or 'any'}, known: {known or 'none: add one to the settings'}")
    tried = []
    for channel in channels:
        tried.append(_tried(channel, settings.host))
        if not as_json:
            say(tried[-1][1])
    reached, said = all(delivered for delivered, _ in tried), "\n".join(text for _, text in tried)
    if as_json:
        daemon.outcome(said, accepted=reached, as_json=True)
    elif not reached:
        raise typer.Exit(FAILED)


def _tried(channel: Channel, host: str) -> tuple[bool, str]:
    """Send one message; return whether it was delivered, and what became of it."""
    now = clock.now()
    message = Message(
        key=f"test-{channel.policy.name}-{now:%Y%m%dT%H%M%S}",
        kind=MessageKind.TEST,
        host=host,
        title=f"[TEST] {host}: this is how opsagent reaches you",
        body=f"{daemon.who()} asked for it. Nothing is wrong.",
        reason="opsagent notify test",
        as_of=now,
    )
    try:
        delivered = cast("Notifier", channel.notifier).send(message, now=now)
    except NotifyError as error:
        return False, f"{channel.policy.name}: not delivered: {error}"
    targets = ", ".join(one.target for one in delivered)
    return True, f"{channel.policy.name}: delivered{f' to {targets}' if targets else ''}"
