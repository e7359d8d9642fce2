"""From files to settings: read, unite, type, relate; every problem of every step is told at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from opsagent.core.backup.job import BackupOptions
from opsagent.settings import acts, backups, building, credentials, directories, reclaim, relations, restore, source
from opsagent.settings.merge import merge
from opsagent.settings.named import Item, Kinds, channel, paces, read_item, watched
from opsagent.settings.options import BACKUP_KINDS, CheckOptions, Document, NotifierOptions
from opsagent.settings.problem import Problem, SettingsError
from opsagent.settings.reading import adapter, keys_of
from opsagent.settings.rules import EVERYTHING
from opsagent.settings.tree import Mapping, parse, plain
from opsagent.settings.wording import problems_of

if TYPE_CHECKING:
    from pathlib import Path

    from opsagent.settings.model import Settings, Watched
    from opsagent.settings.source import Account, Source
    from opsagent.settings.tree import Node


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
    *,
    draft: bool = False,
) -> Settings:
    """Read the settings of `path` and the conf.d beside it; SettingsError holds everything that is wrong.

    Nobody runs a `draft`: who else may write it matters only where the system's settings stand.
    """
    account = account or source.this_account()
    known = Known(kinds=kinds, remedies=remedies, notifier_kinds=notifier_kinds)
    in_force = source.is_system_path(path) or not draft
    sources, problems = _read_all(path, trusted_only=in_force and (account.is_system or source.is_system_path(path)))
    # a person who looks at the system's settings need not be able to read the system's secrets
    looks_only = source.is_system_path(path) and not account.is_system
    reading = _settings_of(sources, problems, known, looks_only=looks_only, service=source.is_system_path(path))
    reading.problems += directories.unwritable(reading.root, account, looks_only=looks_only) if draft else ()
    reading.must_be_good()
    settings = reading.settings(account, tuple(sources), path)
    if in_force and settings.state.is_relative_to(source.SYSTEM_STATE):
        _, problems = _read_all(path, trusted_only=True)
        if problems:
            raise SettingsError(problems)
    return settings


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
    return load_texts([(name, text)], kinds, remedies, notifier_kinds, account)


def load_texts(
    texts: Iterable[tuple[str, str]],
    kinds: Kinds,
    remedies: Collection[str],
    notifier_kinds: Kinds,
    account: Account | None = None,
) -> Settings:
    """Read settings that stand in no file any more: each text with the name that problems call it."""
    account = account or source.this_account()
    made = [source.Source.of(name, text.encode()) for name, text in texts]
    known = Known(kinds=kinds, remedies=remedies, notifier_kinds=notifier_kinds)
    reading = _settings_of(made, [], known, looks_only=False)
    reading.must_be_good()
    return reading.settings(account, tuple(made), None)


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
    return building.settings_of(document, building.with_failed_units(checks, document, kinds), (), account, None)


def _read_all(path: Path, *, trusted_only: bool) -> tuple[list[Source], list[Problem]]:
    files, problems = source.files_of(path)
    sources = []
    for each in files:
        found, wrong = source.read(each, trusted_only=trusted_only)
        sources += [found] if found else []
        problems += wrong
    return sources, problems


def _settings_of(
    sources: list[Source], problems: list[Problem], known: Known, *, looks_only: bool, service: bool = False
) -> _Reading:
    """Read the documents and find everything that is wrong. Raises SettingsError where there is nothing to read."""
    if not sources:
        raise SettingsError(problems)
    parsed = [parse(each.path, each.text) for each in sources]
    root, wrong = merge([root for root, _ in parsed])
    root.whole = root.whole and not problems
    reading = _Reading(root, known, [*problems, *(each for _, found in parsed for each in found), *wrong])
    reading.problems += credentials.unreadable(root, looks_only=looks_only)
    reading.problems += relations.closed_to_the_service(root) if service else ()
    reading.relate()
    return reading


class _Reading:
    """One document on its way to settings; what could not be read is in `problems`."""

    def __init__(self, root: Mapping, known: Known, problems: list[Problem]) -> None:
        self.root = root
        self.known = known
        self.problems = problems
        self.document = self._document()
        self.checks = self._items("checks", "check", CheckOptions, known.kinds)
        self.backups = self._items("backups", "backup", BackupOptions, BACKUP_KINDS)
        self.notifiers = self._items("notifiers", "notifier", NotifierOptions, known.notifier_kinds)

    def _document(self) -> Document:
        # a key with nothing behind it is what is left when everything below it is commented out
        values = {key: plain(node) for key, node in self.root.items.items() if plain(node) is not None}
        try:
            document: Document = adapter(Document).validate_python(values)
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

    def must_be_good(self) -> None:
        """Raise SettingsError with everything that is wrong, if anything is."""
        if self.problems:
            raise SettingsError(self.problems)

    def relate(self) -> None:
        """Look at what must fit together; that a name is missing is only sure when nothing was left out."""
        checks, notifiers = relations.listed(self.root, "checks"), relations.listed(self.root, "notifiers")
        windows = relations.listed(self.root, "maintenance")
        self.problems += relations.repeated_names(checks, "check")
        self.problems += relations.repeated_names(checks, "check", "uuid")
        self.problems += [each for item in self.checks for each in paces(item, self.document)]
        self.problems += relations.repeated_names(notifiers, "notifier")
        for check in checks:
            self.problems += relations.repairs(check, self.known.remedies, relations.text_of(self.root, "scope"))
        self.problems += acts.problems(self.root)
        self.problems += reclaim.problems(self.root)
        self.problems += restore.problems(self.root)
        self.problems += backups.problems(self.root)
        self.problems += relations.circles(checks)
        self.problems += relations.dependants(checks)
        self.problems += relations.escalation(self.root)
        for window in windows:
            self.problems += relations.never_ends(window)
        if self.root.whole:
            self._find_names(checks, notifiers, windows)

    def _find_names(self, checks: list[Node], notifiers: list[Node], windows: list[Node]) -> None:
        names = relations.names(checks) | {building.FAILED_UNITS} | backups.check_names(self.root)
        for check in checks:
            self.problems += relations.unknown_names(check, "depends_on", names, "check")
            self.problems += relations.verifiers(check, names)
        for window in windows:
            self.problems += relations.unknown_names(window, "checks", names | {EVERYTHING}, "check")
        changes = self.root.items.get("changes")
        if changes is not None:
            self.problems += relations.unknown_names(changes, "developers", relations.names(notifiers), "notifier")
        for level in relations.levels(self.root):
            self.problems += relations.unknown_names(level, "notify", relations.names(notifiers), "notifier")

    def settings(self, account: Account, sources: tuple[Source, ...], path: Path | None) -> Settings:
        """Build the settings; only called without problems."""
        checks = tuple(watched(item, self.document) for item in self.checks)
        channels = tuple(channel(item) for item in self.notifiers)
        checks = building.with_failed_units(checks, self.document, self.known.kinds)
        settings = building.settings_of(self.document, checks, channels, account, path)
        settings = acts.timed(backups.with_jobs(settings, self.backups, self.known.kinds))
        return replace(settings, sources=sources, secrets=credentials.secrets_of(self.root))
