"""One more check for settings that are there: of a port that nobody watches, or of a unit. It only watches."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from opsagent.core.denied import malformed
from opsagent.core.environment import check_name, named
from opsagent.host.bus import BusError, BusLostError
from opsagent.host.discovery import Finding, FindingKind, page_of
from opsagent.host.inventory import who_listens
from opsagent.host.listeners import ListenersError
from opsagent.host.systemd import connection
from opsagent.interfaces import init
from opsagent.settings import SettingsError
from opsagent.settings.targets import targets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from opsagent.core.environment import Listener
    from opsagent.settings import Settings

_HEAD = "# Written by `opsagent init --add {name}`. Nothing is armed: it only watches.\nchecks:\n"


class AddingError(Exception):
    """No check can be added; the text says why and what is allowed."""


def proposed(settings: Settings, name: str) -> tuple[str, str]:
    """Return the check that would watch `name` (as `opsagent environment` names it, a unit, or a port).

    The check's own name, and the YAML of a file in conf.d. Raises AddingError.
    """
    try:
        listeners = who_listens(targets(settings), settings.scope.value)
    except ListenersError as error:
        raise AddingError(str(error)) from error
    fitting = [one for one in listeners if name in _names(one)]
    check = _of_listener(fitting, name) if fitting else _of_unit(settings, name, listeners)
    taken = {one.name for one in settings.policy.checks}
    free = init.free(check.name, taken)
    return free, _HEAD.format(name=name) + init.written(replace(check, name=free))


def _names(one: Listener) -> frozenset[str]:
    """Return what a person may call a listener."""
    port = str(one.port)
    of_unit = {one.unit, named(one.unit)} if one.unit else {one.process or ""}
    return frozenset({check_name(one.unit, one.port), port, f"{one.protocol} {port}", *of_unit})


def _of_listener(fitting: Sequence[Listener], name: str) -> init.Check:
    unwatched = [one for one in fitting if not one.watched_by]
    if not unwatched:
        raise AddingError(f"cannot add {name!r}: {', '.join(fitting[0].watched_by)} watches it already")
    if len(unwatched) > 1:
        names = ", ".join(check_name(one.unit, one.port) for one in unwatched)
        raise AddingError(f"cannot tell which listener {name!r} is, allowed: {names}")
    one = unwatched[0]
    if one.chosen:
        raise AddingError(f"cannot add port {one.port}: the kernel chose it, the next start has another")
    found = Finding(
        kind=FindingKind.LISTENER,
        name=f"{one.protocol} {one.port}",
        unit=one.unit,
        protocol=one.protocol,
        address=one.addresses[0],
        port=one.port,
        note=one.process or "",
    )
    page = page_of(found)
    return init.of_page(page) if page is not None and init.is_page(page) else init.of_listener(found)


def _of_unit(settings: Settings, name: str, listeners: Sequence[Listener]) -> init.Check:
    unit = name if not malformed(name) else f"{name}.service"
    if watching := [one.name for one in settings.policy.checks if one.unit == unit]:
        raise AddingError(f"cannot add {name!r}: {', '.join(watching)} watches it already")
    try:
        found = None if malformed(unit) else connection(settings.scope.value).snapshot(unit)
    except (BusError, BusLostError) as error:
        raise AddingError(f"cannot ask systemd for {unit}: {error}") from error
    if found is None or found.load_state != "loaded":
        known = sorted({check_name(one.unit, one.port) for one in listeners if not one.watched_by and not one.chosen})
        raise AddingError(
            f"cannot find {name!r}, allowed: a unit, or what listens unwatched: {', '.join(known) or 'nothing'}"
        )
    note = f"is {found.active_state} ({found.sub_state}) now"
    return init.of_unit(Finding(kind=FindingKind.SERVICE, name=found.name, unit=found.name, note=note))


def add(main: Path, name: str, text: str, read: Callable[[], object], own: Callable[[int], None]) -> Path:
    """Write the file beside the settings `main` and read all of them again; take it back where they are bad then.

    `own` gives an open file to those who must read it. Raises AddingError, and then nothing was written.
    """
    target = main.absolute().parent / "conf.d" / f"{name}.yaml"
    try:
        target.parent.mkdir(mode=0o755, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise AddingError(
            f"cannot write {target}: {error.strerror}, allowed: a new file in a directory you may write"
        ) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            own(handle)
            stream.write(text)
        read()
    except (OSError, SettingsError) as error:
        target.unlink()
        problems = getattr(error, "problems", None) or (error,)
        raise AddingError("\n".join(["cannot add this check, nothing was written:", *map(str, problems)])) from error
    return target
