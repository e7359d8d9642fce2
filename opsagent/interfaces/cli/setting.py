"""`init`, `validate`, `settings`: the settings file, before the daemon reads it."""

import contextlib
import grp
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from opsagent.core.quantity import spell
from opsagent.interfaces import address
from opsagent.interfaces.cli import place
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.place import Place
from opsagent.interfaces.cli.screen import FAILED, USAGE, fail, say, say_json, table
from opsagent.settings import Settings, SettingsError

settings = typer.Typer(help="Show the settings, or their schema.", no_args_is_help=True)


def init(
    path: Annotated[
        str | None, typer.Argument(metavar="PATH", help="Default: /etc/opsagent/opsagent.yaml for root.")
    ] = None,
    *,
    add: Annotated[
        str, typer.Option(metavar="NAME", help="Add one check to the settings in use: see opsagent environment.")
    ] = "",
    json_: Json = False,
) -> None:
    """Write settings from what runs here. Everything is watched, nothing armed. Never overwrites."""
    if add:
        _add(place.find(path), add, as_json=json_)
        return
    target = Path(path) if path else place.usual_settings()
    if os.path.lexists(target):
        fail(f"cannot write {target}: it is there already, and is never overwritten; allowed: a new path")
    _write_new(target, place.discovered())
    if json_:
        say_json({"path": str(target)})
    else:
        say(f"wrote {target}: nothing is armed, it only watches. Look at it, then: opsagent validate {target}")


def _add(where: Place, name: str, *, as_json: bool) -> None:
    """Add a check of what is called `name` on this host, in a file of its own."""
    from opsagent.interfaces import adding  # noqa: PLC0415 - with the bus, which the other commands need not

    if where.settings is None:
        fail("cannot add a check to settings that are not there, allowed: after opsagent init")
    own = _let_the_service_read if address.SYSTEM_SETTINGS in where.settings.absolute().parents else _nobody_else
    try:
        check, text = adding.proposed(place.load(where), name)
        path = adding.add(where.settings, check, text, lambda: place.read(where.settings), own)
    except adding.AddingError as error:
        fail(str(error))
    if as_json:
        say_json({"path": str(path), "check": check})
        return
    then = "systemctl reload opsagent" if where.is_system else "restart opsagent run"
    say(f"wrote {path}: check {check} only watches. To put it in force: {then}")


def _nobody_else(handle: int) -> None:
    del handle


def _write_new(target: Path, text: str) -> None:
    """Create the file or fail; between the look above and this another may have made it."""
    try:
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    except OSError as error:
        fail(f"cannot write {target}: {error.strerror}, allowed: a new file in a directory you may write")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        if target.parent == address.SYSTEM_SETTINGS:
            _let_the_service_read(handle)
        stream.write(text)


def _let_the_service_read(handle: int) -> None:
    """The host's own instance is not root, and can read only what its group may."""
    with contextlib.suppress(KeyError, PermissionError):  # nothing is installed yet, or we are not root
        os.fchown(handle, -1, grp.getgrnam(place.SYSTEM_ACCOUNT).gr_gid)


def validate(
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE", help="Default: the settings in use.")] = None,
    *,
    json_: Json = False,
) -> None:
    """Tell what is wrong with settings. Everything at once, each as file:line with what is allowed."""
    usual = place.settings_file(None)
    found = [Path(file) for file in files or ([str(usual)] if usual else [])]
    if not found:
        fail("cannot find any settings, allowed: a file (make one with: opsagent init)", USAGE)
    verdicts = [_verdict(path) for path in found]
    if json_:
        say_json(verdicts)
    for verdict in () if json_ else verdicts:
        say(_said(verdict))
    if not all(verdict["good"] for verdict in verdicts):
        raise typer.Exit(FAILED)


def _verdict(path: Path) -> dict[str, Any]:
    """Return what is wrong with a file, or what it says, as `validate --json` shows it."""
    try:
        read = place.read(path, draft=True)
    except SettingsError as error:
        wrong = [{"file": one.place.path, "line": one.place.line, "text": one.text} for one in error.problems]
        return {"file": str(path), "good": False, "problems": wrong, "checks": None, "armed": None, "mode": None}
    armed = [check.name for check in read.policy.checks if check.repair]
    about = {"checks": len(read.watched), "armed": armed, "mode": read.policy.mode.value}
    return {"file": str(path), "good": True, "problems": [], **about}


def _said(verdict: dict[str, Any]) -> str:
    if not verdict["good"]:
        return "\n".join(f"{one['file']}:{one['line']}: {one['text']}" for one in verdict["problems"])
    armed = ", ".join(verdict["armed"]) or "none"
    return f"{verdict['file']}: good. {verdict['checks']} checks, armed: {armed}, mode {verdict['mode']}"


@settings.command()
def schema() -> None:
    """Print the JSON Schema, for editors."""
    from opsagent import remedies  # noqa: PLC0415 - with the kinds of checks, half a second of imports
    from opsagent.interfaces import known  # noqa: PLC0415
    from opsagent.settings.schema import schema as schema_of  # noqa: PLC0415

    kinds, notifier_kinds = known.kinds()
    say_json(schema_of(kinds, remedies.KINDS, notifier_kinds))


@settings.command()
def show(*, json_: Json = False, config: Config = None) -> None:
    """Show the settings in force, with the defaults filled in. Addresses of notifiers may be secret: left out."""
    where = place.find(config)
    read = place.load(where)
    shown = _shown(read, where)
    if json_:
        say_json(shown)
        return
    for key in ("files", "host", "zone", "state", "memory", "layout", "scope", "mode", "heartbeat", "fast_loop"):
        value = shown[key]
        say(f"{key:10} {', '.join(value) or 'none' if isinstance(value, list) else value}")
    rows = [tuple(_cell(check[key]) for key in _COLUMNS) for check in shown["checks"]]
    table(_COLUMNS, rows, wide="repair")
    notifiers = [f"{one['name']} ({one['kind']})" for one in shown["notifiers"]]
    say(f"notifiers: {', '.join(notifiers) or 'none: nobody is told'}")


_COLUMNS = ("name", "kind", "unit", "every", "timeout", "criticality", "repair", "depends_on")


def _cell(value: Any) -> str:
    return (", ".join(value) if isinstance(value, list) else value) or "-"


def _shown(read: Settings, where: Place) -> dict[str, Any]:
    policy = read.policy
    return {
        "files": [source.path for source in read.sources],
        "host": policy.host,
        "zone": policy.zone,
        "state": str(read.state),
        "memory": str(read.memory),
        "socket": str(where.socket),
        "textfile": str(read.metrics.textfile) if read.metrics.textfile else None,
        "layout": read.layout.value,
        "scope": read.scope.value,
        "mode": policy.mode.value,
        "heartbeat": spell(policy.heartbeat),
        "fast_loop": spell(policy.fast_loop),
        "checks": [
            {
                "name": check.name,
                "kind": check.kind,
                "unit": check.unit,
                "every": spell(check.every),
                "timeout": spell(check.timeout),
                "criticality": check.criticality.value,
                "repair": [rule.do for rule in check.repair],
                "depends_on": list(check.depends_on),
            }
            for check in policy.checks
        ],
        "notifiers": [{"name": one.name, "kind": one.kind} for one in policy.notifiers],
    }
