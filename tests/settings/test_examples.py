"""The example settings are loaded, hold every key there is, and tell the defaults truly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent import remedies
from opsagent.core.acts import Act
from opsagent.core.backup.job import BackupOptions, Keep, Paths, Sqlite
from opsagent.core.policy import Confirm, HostBudget, RemedyRule, UnitBudget
from opsagent.settings import Account, default_settings, load
from opsagent.settings.options import (
    CheckOptions,
    Deadman,
    Document,
    Http,
    NotifierOptions,
    Repair,
    Step,
    Steps,
    Window,
)
from opsagent.settings.reading import keys_of
from opsagent.settings.tree import parse, plain
from tests.settings.conftest import KINDS, NOTIFIERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.settings import Settings

CONFIG = Path(__file__).parent.parent.parent / "config"
MAIN = (CONFIG / "opsagent.yaml").read_text(encoding="utf-8")
SWITCHED_OFF = re.compile(r"^#(?=\S|  )", re.MULTILINE)
EVERYTHING_ON = SWITCHED_OFF.sub("", MAIN)


def test_the_example_is_loaded_with_its_conf_d(tmp_path: Path) -> None:
    # a user's own account: the tree this stands in need not belong to root
    settings = load(
        CONFIG / "opsagent.yaml", KINDS, remedies.KINDS, NOTIFIERS, Account(uid=1000, name="ada", home=tmp_path)
    )

    assert [check.name for check in settings.policy.checks] == [
        "failed-units", "processor", "ram", "load", "root-disk", "nginx", "nginx-disk",
    ]  # fmt: skip
    assert settings.armed() == ()


def test_everything_switched_on_is_loaded_too(read: Callable[..., Settings]) -> None:
    settings = read(EVERYTHING_ON)

    assert {check.kind for check in settings.policy.checks} == set(KINDS)
    assert {notifier.kind for notifier in settings.policy.notifiers} == set(NOTIFIERS)
    assert dict(settings.armed()) == {
        "api.service": ("restart", "restart_with_dependants"),
        "opsagent-act-signal-sigabrt-api.service": ("act",),
        "opsagent-act-stop-redis-server.service": ("act",),
        "postgresql@15-main.service": ("restart",),
        "redis-server.service": ("restart",),
    }
    assert settings.deadman is not None
    assert len(settings.policy.maintenance) == 1


def test_what_is_switched_on_is_the_default(read: Callable[..., Settings], account: Account) -> None:
    policy = read(MAIN).policy
    default = default_settings(KINDS, account).policy

    assert (policy.mode, policy.heartbeat, policy.fast_loop) == (default.mode, default.heartbeat, default.fast_loop)
    assert (policy.per_unit, policy.per_host) == (default.per_unit, default.per_host)


def test_the_checks_tell_the_defaults_of_their_kinds(read: Callable[..., Settings]) -> None:
    written = {each.policy.kind: each for each in read(MAIN).watched}
    short = "\n".join(f"- {{name: {kind}, kind: {kind}}}" for kind in ("units", "cpu", "memory", "load"))
    bare = read(f"checks:\n{short}\n- {{name: disk, kind: disk, path: /}}")

    for each in bare.watched:
        assert written[each.policy.kind].check == each.check
        assert written[each.policy.kind].policy.hold == each.policy.hold
        assert written[each.policy.kind].policy.timeout == each.policy.timeout


@pytest.mark.parametrize(
    ("path", "cls"),
    [
        ((), Document),
        (("checks", "api"), CheckOptions),
        (("checks", "api", "confirm"), Confirm),
        (("deadman",), Deadman),
        (("http",), Http),
        (("repair",), Repair),
        (("acts", 0), Act),
        (("backups", "app"), BackupOptions),
        (("backups", "app"), Sqlite),
        (("backups", "app", "keep"), Keep),
        (("backups", "files"), Paths),
        (("repair", "per_unit"), UnitBudget),
        (("repair", "per_host"), HostBudget),
        (("maintenance", 0), Window),
        (("escalation", "levels", 0), Step),
        *((("checks", kind), cls) for kind, cls in KINDS.items()),
        *((("notifiers", kind), cls) for kind, cls in NOTIFIERS.items()),
    ],
)
def test_every_key_there_is_is_written(path: tuple[str | int, ...], cls: type) -> None:
    root, _ = parse("opsagent.yaml", EVERYTHING_ON)
    node = plain(root)
    for step in path:
        if isinstance(node, list) and isinstance(step, str):
            node = next(item for item in node if step in {item["kind"], item["name"]})
        else:
            node = node[step]

    common = {key.key for key in (*keys_of(CheckOptions), *keys_of(NotifierOptions))}
    alone = {"playbook"} if cls is CheckOptions else set()  # never beside `repair`: another check has it
    missing = {key.key for key in keys_of(cls)} - set(node) - alone
    assert (
        missing - (common if path[:1] in {("checks",), ("notifiers",)} and cls is not CheckOptions else set()) == set()
    )


def test_the_rest_of_the_keys_is_written_somewhere() -> None:
    for cls in (Steps, RemedyRule, NotifierOptions):
        for key in keys_of(cls):
            assert re.search(rf"\b{key.key}\b", MAIN)
