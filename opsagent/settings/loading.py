"""From files to settings: read, unite, type, relate; every problem of every step is told at once."""

from __future__ import annotations

import socket
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from opsagent.core.observation import Severity
from opsagent.core.policy import CheckPolicy, Escalation, Level, Maintenance, Policy
from opsagent.settings import relations, source
from opsagent.settings.merge import merge
from opsagent.settings.model import Channel, Settings, Watched
from opsagent.settings.named import Item, Kinds, channel, read_item, watched
from opsagent.settings.options import CheckOptions, Document, NotifierOptions, Scope
from opsagent.settings.problem import Problem, SettingsError
from opsagent.settings.reading import adapter, keys_of
from opsagent.settings.tree import Mapping, parse, plain
from opsagent.settings.wording import problems_of

if TYPE_CHECKING:
    from pathlib import Path

    from opsagent.settings.options import Ladder, Step
    from opsagent.settings.source import Account, Source

FAILED_UNITS = "failed-units"
"""The check of kind `units` that every host gets unless its settings have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What there is to choose from: kinds of checks with their classes, remedies, kinds of notifiers."""

    kinds: Kinds
    remedies: Collection[str]
    notifier_kinds: Kinds


def load(
    path: Path,
    kinds: Kinds,
    remedies: Collection[str],
    notifier_kinds: Kinds,
    account: Account | None = None,
) -> Settings:
    """Read the settings of `path` and the conf.d beside it; SettingsError holds everything that is wrong."""
    account = account or source.this_account()
    sources, problems = _read_all(path, account)
    known = Known(kinds=kinds, remedies=remedies, notifier_kinds=notifier_kinds)
    return _settings_of(sources, problems, known).settings(account, tuple(sources), path)


def load_text(
    text: str,
    kinds: Kinds,
    remedies: Collection[str],
    notifier_kinds: Kinds,
    account: Account | None = None,
    *,
    name: str = "discovered",
) -> Settings:
    """Read settings that stand in no file, as those written for a host without any; problems call them `name`."""
    account = account or source.this_account()
    made = source.Source.of(name, text.encode())
    known = Known(kinds=kinds, remedies=remedies, notifier_kinds=notifier_kinds)
    return _settings_of([made], [], known).settings(account, (made,), None)


def _settings_of(sources: list[Source], problems: list[Problem], known: Known) -> _Reading:
    """Read the documents, or raise SettingsError with everything that is wrong."""
    roots = []
    for each in sources:
        root, wrong = parse(each.path, each.text)
        roots.append(root)
        problems = [*problems, *wrong]
    if not roots:
        raise SettingsError(problems)
    root, wrong = merge(roots)
    reading = _Reading(root, known, [*problems, *wrong])
    if not problems:
        reading.relate()
    if reading.problems:
        raise SettingsError(reading.problems)
    return reading


def default_settings(
    kinds: Kinds,
    account: Account | None = None,
    host: str | None = None,
    state: Path | None = None,
    checks: tuple[Watched, ...] = (),
) -> Settings:
    """Return what is in force without any settings: the checks given and the failed units, nothing armed."""
    account = account or source.this_account()
    document = Document(host=host, state=state or account.home / ".local/state/opsagent")
    return _settings(document, _with_failed_units(checks, document, kinds), (), account, None)


def _read_all(path: Path, account: Account) -> tuple[list[Source], list[Problem]]:
    files, problems = source.files_of(path)
    trusted_only = account.is_system or _is_system_path(path)
    sources = []
    for each in files:
        found, wrong = source.read(each, trusted_only=trusted_only)
        sources += [found] if found else []
        problems += wrong
    return sources, problems


def _is_system_path(path: Path) -> bool:
    return source.SYSTEM_DIRECTORY in path.absolute().parents


class _Reading:
    """One document on its way to settings; what could not be read is in `problems`."""

    def __init__(self, root: Mapping, known: Known, problems: list[Problem]) -> None:
        self.root = root
        self.known = known
        self.problems = problems
        self.document = self._document()
        self.checks = self._items("checks", "check", CheckOptions, known.kinds)
        self.notifiers = self._items("notifiers", "notifier", NotifierOptions, known.notifier_kinds)

    def _document(self) -> Document:
        try:
            document: Document = adapter(Document).validate_python(plain(self.root))
        except ValidationError as error:
            self.problems += problems_of(error, self.root, "", keys_of(Document))
            return Document()
        return document

    def _items(self, key: str, what: str, common: type, kinds: Kinds) -> list[Item]:
        items = []
        for node in relations.listed(self.root, key):
            item, wrong = read_item(node, what, common, kinds)
            items += [item] if item else []
            self.problems += wrong
        return items

    def relate(self) -> None:
        """Look at what must fit together; only sensible when no file was left out."""
        checks, notifiers = relations.listed(self.root, "checks"), relations.listed(self.root, "notifiers")
        names = relations.names(checks) | {FAILED_UNITS}
        self.problems += relations.repeated_names(checks, "check")
        self.problems += relations.repeated_names(notifiers, "notifier")
        for check in checks:
            self.problems += relations.unknown_names(check, "depends_on", names, "check")
            self.problems += relations.repairs(check, self.known.remedies)
        self.problems += relations.circles(checks)
        self.problems += relations.escalation(self.root, relations.names(notifiers))
        for window in relations.listed(self.root, "maintenance"):
            self.problems += relations.unknown_names(window, "checks", names, "check")

    def settings(self, account: Account, sources: tuple[Source, ...], path: Path | None) -> Settings:
        """Build the settings; only called without problems."""
        checks = tuple(watched(item, self.document) for item in self.checks)
        channels = tuple(channel(item) for item in self.notifiers)
        checks = _with_failed_units(checks, self.document, self.known.kinds)
        settings = _settings(self.document, checks, channels, account, path)
        return replace(settings, sources=sources)


def _with_failed_units(checks: tuple[Watched, ...], document: Document, kinds: Kinds) -> tuple[Watched, ...]:
    """Add the check of the host's failed units unless there is one."""
    if "units" not in kinds or any(each.policy.kind == "units" for each in checks):
        return checks
    taken = {each.policy.name for each in checks}
    name = FAILED_UNITS if FAILED_UNITS not in taken else f"{FAILED_UNITS}-of-host"
    policy = CheckPolicy(name=name, kind="units", every=document.fast_loop, scope=document.scope.value)
    return (*checks, Watched(policy=policy, check=kinds["units"]()))


def _settings(
    document: Document,
    checks: tuple[Watched, ...],
    channels: tuple[Channel, ...],
    account: Account,
    path: Path | None,
) -> Settings:
    state = _at_home(document.state, account) or _state(document.scope, account, path)
    zone = document.zone or source.host_zone()
    policy = Policy(
        host=document.host or socket.gethostname(),
        zone=zone,
        mode=document.repair.mode,
        heartbeat=document.heartbeat,
        fast_loop=document.fast_loop,
        checks=tuple(each.policy for each in checks),
        per_unit=document.repair.per_unit,
        per_host=document.repair.per_host,
        notifiers=tuple(each.policy for each in channels),
        escalation=_escalation(document, channels),
        maintenance=_maintenance(document, zone),
    )
    return Settings(
        policy=policy,
        memory=_at_home(document.memory, account) or state / "memory",
        state=state,
        layout=document.layout,
        scope=document.scope,
        deadman=document.deadman,
        watched=checks,
        channels=channels,
        path=path,
    )


def _state(scope: Scope, account: Account, path: Path | None) -> Path:
    """The system's instance keeps its state under /var/lib, a user's own under the user's home."""
    system = path is not None and (account.is_system or _is_system_path(path))
    return source.SYSTEM_STATE if system and scope is Scope.SYSTEM else account.home / ".local/state/opsagent"


def _at_home(path: Path | None, account: Account) -> Path | None:
    if path is None or path.parts[:1] != ("~",):
        return path
    return account.home.joinpath(*path.parts[1:])


def _escalation(document: Document, channels: tuple[Channel, ...]) -> Escalation:
    """Without levels everybody is told at once."""
    everyone = tuple(each.policy.name for each in channels)
    steps = document.escalation
    default = (Level(name="everyone", after=timedelta(), notify=everyone),) if everyone else ()
    ladders: list[tuple[Severity, Ladder | None]] = [(each, getattr(steps, each.value)) for each in Severity]
    return Escalation(
        levels=_levels(steps.levels) or default,
        by_severity=tuple((severity, _levels(ladder.levels)) for severity, ladder in ladders if ladder is not None),
    )


def _levels(steps: tuple[Step, ...]) -> tuple[Level, ...]:
    return tuple(Level(name=step.name, after=step.after, notify=step.notify) for step in steps)


def _maintenance(document: Document, zone: str) -> tuple[Maintenance, ...]:
    return tuple(
        Maintenance(
            checks=window.checks,
            begins=window.begins,
            lasts=window.lasts,
            zone=window.zone or zone,
            repairs=window.also == "repairs",
        )
        for window in document.maintenance
    )
