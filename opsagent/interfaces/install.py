"""What root does once per host and after a change of the settings: files outside our own state, made from them.

The rule for polkit, the readable copy of it, the units of acts and backups, and what the service may write beside its
state directory. `refresh` with `check` only compares: everybody may ask whether these files still fit the settings.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.checks import container
from opsagent.core import restoring
from opsagent.core.acts import KEEP, OF_ROOT, RECLAIM, RESTORE, STORE, is_act, unit_of
from opsagent.host import backup_units, polkit, root_acts, unit_files
from opsagent.host.bus import BusError, BusLostError
from opsagent.settings.source import HOMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Protocol

    from opsagent.core.acts import Act
    from opsagent.core.unit import UnitSnapshot
    from opsagent.host.systemd import Systemd
    from opsagent.settings import Settings

    class Units(Protocol):
        """What is asked of systemd: what a unit's real name is, and whether our own runs."""

        def snapshot(self, unit: str) -> UnitSnapshot | None:
            """Read a unit, None when there is none of that name."""


COPY = Path("/etc/opsagent/polkit.json")
SETTINGS = Path("/etc/opsagent/opsagent.yaml")
STATE = Path("/var/lib/opsagent")
UNITS = Path("/etc/systemd/system")
DROP_IN = Path("/etc/systemd/system/opsagent.service.d/50-memory.conf")
_OURS = ("opsagent-act-*.service", "opsagent-backup-*.*", "opsagent-containers*", "opsagent-drill-*.*")
PROGRAM = str(Path(sys.prefix) / "bin/opsagent")
USER = "opsagent"
REFRESH = "run as root: opsagent install --refresh"
SERVICE = "opsagent.service"
NEXT_STEPS = (
    f"read the settings, change what is not as you want it: {SETTINGS}",
    "start it, now and at every boot: systemctl enable --now opsagent",
    "see what it sees: opsagent status",
)
UPGRADE_STEPS = (
    "let the program that was installed now take over, in a second: systemctl restart opsagent",
    "see that all is well: opsagent doctor",
)


class InstallError(Exception):
    """Something that only root may do, or that must never be done, was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the installed files are like: `stale` names those that do not fit, `lines` say what was found or done.

    `renewed` are unit files that were written or removed: systemd must be told to read them.
    """

    stale: tuple[Path, ...] = ()
    lines: tuple[str, ...] = ()
    renewed: tuple[Path, ...] = ()

    @property
    def is_fresh(self) -> bool:
        """Whether nothing is left to do."""
        return not self.stale


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A file as it should be; None: it should not be there."""

    path: Path
    content: str | None
    mode: int = 0o644


def install(text: Callable[[], str], load: Callable[[Path], Settings], units: Units, root: Path = Path("/")) -> Report:
    """Write the first settings if there are none (`text`: what `init` writes), then refresh. InstallError unless root.

    Settings that are there already are never changed.
    """
    _need_root()
    path = _below(root, SETTINGS)
    lines = [f"kept the settings {SETTINGS}"]
    if not path.exists():
        _write(_Wanted(path=path, content=text(), mode=0o640), group=USER)
        lines = [f"wrote the first settings {SETTINGS}: nothing is armed, it only watches"]
    done = refresh(load(path), units, root=root)
    todo = UPGRADE_STEPS if _runs(units) else NEXT_STEPS
    steps = ["next:", *(f"  {number}. {step}" for number, step in enumerate(todo, 1))]
    return Report(lines=(*lines, *done.lines, *steps), renewed=done.renewed)


def refresh(settings: Settings, units: Units, *, check: bool = False, root: Path = Path("/")) -> Report:
    """Bring the installed files in line with the settings, or with `check` only say which are not.

    InstallError when the settings ask for what is never granted, or when not root and not `check`.
    """
    settings = _with_real_names(settings, units)
    granted, lines = _granted(settings, units)
    outside = _outside(settings)
    try:
        wanted = (*_wanted(granted, (*outside, *_of_textfile(settings))), *_units(settings, root))
    except ValueError as error:
        raise InstallError(str(error)) from error
    stale = [file for file in wanted if not _fits(file, root)]
    if check:
        said = [line for file in stale for line in (f"{file.path} does not fit the settings", *_shown(file))]
        return Report(stale=tuple(file.path for file in stale), lines=(*lines, *said, *([REFRESH] if stale else [])))
    _need_root()
    _make_directories(settings, outside, root)
    for file in stale:
        _bring(file, root)
    said = [f"{'wrote' if file.content else 'removed'} {file.path}" for file in stale] or ["nothing to renew"]
    if any(file.path == DROP_IN for file in stale):
        said.append("run: systemctl daemon-reload && systemctl try-restart opsagent")
    renewed = tuple(file.path for file in stale if file.path.parent == UNITS)
    return Report(lines=(*lines, *said, _summary(granted)), renewed=renewed)


def _make_directories(settings: Settings, outside: tuple[Path, ...], root: Path) -> None:
    for directory in outside:
        _make(_below(root, directory))
    kept = [STORE] if any(restoring.files_of(settings.policy, unit) for unit in settings.units()) else []
    for name in (*kept, *(name for job in settings.backups for name in backup_units.directories(job))):
        _below(root, Path(name)).mkdir(mode=0o700, parents=True, exist_ok=True)


def tell(systemd: Systemd, report: Report) -> None:
    """Have systemd read what was renewed, and switch sockets and timers on. InstallError where it does not."""
    if not report.renewed:
        return
    switched = [path for path in report.renewed if path.suffix in (".socket", ".timer")]
    try:
        systemd.switch_off([path.name for path in switched if not path.exists()])
        systemd.read_units()
        systemd.switch_on([path.name for path in switched if path.exists()])
    except (BusError, BusLostError) as error:
        raise InstallError(f"cannot have systemd read its units, run: systemctl daemon-reload ({error})") from error


def _runs(units: Units) -> bool:
    """Whether our service runs: not where no systemd answers, as in an image that is being built."""
    try:
        service = units.snapshot(SERVICE)
    except BusLostError:
        return False
    return service is not None and service.active_state == "active"


def _granted(settings: Settings, units: Units) -> tuple[dict[str, frozenset[str]], list[str]]:
    """Resolve aliases, for polkit is asked about the primary name; a unit that is not there keeps its own."""
    found: dict[str, frozenset[str]] = {}
    lines = []
    for name, remedies in settings.armed():
        unit = None if is_act(name) else units.snapshot(name)  # an act's unit is ours, perhaps not written yet
        if unit is None and not is_act(name):
            lines.append(f"there is no unit {name} now; its rule is written for this name")
        primary = unit.name if unit else name
        found[primary] = found.get(primary, frozenset()) | polkit.verbs_of(remedies)
    return found, lines


def _outside(settings: Settings) -> tuple[Path, ...]:
    """Return the directories that the service must write beside its usual one."""
    outside = tuple(path for path in (settings.state, settings.memory) if not path.is_relative_to(STATE))
    return _not_at_home(outside)


def _of_textfile(settings: Settings) -> tuple[Path, ...]:
    """Return the directory of node_exporter's textfiles. It is not ours: neither made nor changed."""
    textfile = settings.metrics.textfile
    return _not_at_home((textfile.parent,)) if textfile is not None and not textfile.is_relative_to(STATE) else ()


def _not_at_home(outside: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return them; InstallError for one in a home directory, which the sandbox shows read-only."""
    for path in outside:
        if any(path.is_relative_to(home) for home in HOMES):
            raise InstallError(f"cannot let the service write {path}: for a home directory run opsagent as that user")
    return outside


def _wanted(granted: Mapping[str, frozenset[str]], outside: tuple[Path, ...]) -> tuple[_Wanted, ...]:
    return (
        _Wanted(path=Path(polkit.RULES_FILE), content=polkit.rule(granted)),
        _Wanted(path=COPY, content=polkit.copy(granted)),
        _Wanted(path=DROP_IN, content=_drop_in(outside)),
    )


def _units(settings: Settings, root: Path) -> tuple[_Wanted, ...]:
    """Return the units that the settings ask for, and those of ours that nothing asks for any more."""
    wanted = {UNITS / act.unit: unit_files.act(act) for act in (*settings.acts, *_made_acts(settings))}
    readers = unit_files.container_readers(_containers(settings), f"{sys.prefix}/bin/python")
    backups = [backup_units.texts(job, settings.backup_records, settings.state, PROGRAM) for job in settings.backups]
    wanted |= _reclaim(settings)
    wanted |= {UNITS / name: text for texts in (readers, *backups) for name, text in texts.items()}
    found = (path for pattern in _OURS for path in _below(root, UNITS).glob(pattern))
    there = [UNITS / path.name for path in sorted(found)]
    gone = [path for path in there if path not in wanted and _is_made(_below(root, path))]
    made = tuple(_Wanted(path=path, content=text) for path, text in sorted(wanted.items()))
    return (*made, *(_Wanted(path=path, content=None) for path in gone))


def _made_acts(settings: Settings) -> Iterator[Act]:
    """Return the acts that the remedies of the checks are, beside those that stand in the settings as such."""
    for check in settings.policy.checks:
        for rule in (one for one in check.repair if one.do in OF_ROOT):
            whole = replace(rule, files=restoring.files_of(settings.policy, check.unit or ""))
            yield root_acts.act_of(whole, check.unit or "")
            if rule.do == RESTORE:
                yield root_acts.act_of(replace(whole, do=KEEP), check.unit or "")


def _with_real_names(settings: Settings, units: Units) -> Settings:
    """Return the settings with the armed units by their primary names, for the daemon asks by those."""
    names: dict[str, str] = {}
    for unit in {check.unit for check in settings.policy.checks if check.unit and check.repair}:
        found = units.snapshot(unit)
        names[unit] = found.name if found else unit
    checks = tuple(replace(one, unit=names.get(one.unit or "", one.unit)) for one in settings.policy.checks)
    return replace(settings, policy=replace(settings.policy, checks=checks))


def _reclaim(settings: Settings) -> dict[Path, str]:
    """Return the unit that frees disk; what is ours, and every backup, is spared by it."""
    if settings.reclaim.is_empty:
        return {}
    ours = (settings.state, settings.memory, settings.backup_records, sys.prefix, STORE)
    backups = (path for job in settings.backups for path in backup_units.directories(job))
    spared = tuple(dict.fromkeys(map(str, (*ours, *backups))))
    return {UNITS / unit_of(RECLAIM): unit_files.reclaim(settings.reclaim, spared, f"{sys.prefix}/bin/python")}


def _containers(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return the containers that are asked about through root, by whose they are ("" is root)."""
    asked = [
        one.check for one in settings.watched if isinstance(one.check, container.Check) and one.check.is_through_root
    ]
    return {
        user: tuple(sorted({one.container for one in asked if one.user == user}))
        for user in sorted({one.user for one in asked})
    }


def _is_made(path: Path) -> bool:
    """Whether we wrote it: what somebody put beside ours is not ours to remove."""
    try:
        return path.read_text(encoding="utf-8").startswith(unit_files.MARK)
    except (OSError, UnicodeDecodeError):
        return False


def _drop_in(outside: tuple[Path, ...]) -> str | None:
    """Return what lets the service write there; a directory that went away must not keep it from starting."""
    if not outside:
        return None
    quoted = (str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") for path in outside)
    lines = "".join(f'ReadWritePaths="-{path}"\n' for path in quoted)
    return f"# Made by `opsagent install --refresh`: what the service writes outside {STATE}.\n[Service]\n{lines}"


def _make(directory: Path) -> None:
    """Make a directory that the group of opsagent shares; one that is there keeps its owner and mode."""
    if not directory.exists():
        directory.mkdir(parents=True)
        made = os.open(
            directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        )  # whoever owns the one above may swap it
        try:
            shutil.chown(made, USER, USER)
            os.fchmod(made, 0o2770)
        finally:
            os.close(made)


def _fits(file: _Wanted, root: Path) -> bool:
    """Compare a file with what it should be. One that we may not look at is judged by its readable copy alone."""
    try:
        return _below(root, file.path).read_text(encoding="utf-8") == file.content
    except FileNotFoundError:
        return file.content is None
    except PermissionError:
        return True


def _shown(file: _Wanted) -> list[str]:
    """Show what root would run from then on, before it is written."""
    is_one = file.path.parent == UNITS and is_act(file.path.name)
    return [f"    {line}" for line in (file.content or "").splitlines()] if is_one else []


def _bring(file: _Wanted, root: Path) -> None:
    if file.content is None:
        _below(root, file.path).unlink()
    else:
        _write(_Wanted(path=_below(root, file.path), content=file.content, mode=file.mode))


def _write(file: _Wanted, group: str | None = None) -> None:
    """Write beside and rename, so that polkit and systemd never read half a file."""
    file.path.parent.mkdir(parents=True, exist_ok=True)
    beside = file.path.with_name(f".{file.path.name}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, file.mode)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        os.fchmod(handle, file.mode)
        if group:
            shutil.chown(beside, group=group)
        stream.write(file.content or "")
        stream.flush()
        os.fsync(handle)
    beside.replace(file.path)


def _summary(granted: Mapping[str, frozenset[str]]) -> str:
    if not granted:
        return "no unit is armed: polkit refuses everything"
    allowed = "; ".join(f"{unit}: {', '.join(sorted(verbs))}" for unit, verbs in sorted(granted.items()))
    return f"polkit allows: {allowed}"


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _need_root() -> None:
    if os.geteuid() != 0:
        yours = "an instance of your own is simply run: opsagent run"
        raise InstallError(f"cannot change the rights of opsagent: root is needed, run it with sudo; {yours}")
