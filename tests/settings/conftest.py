from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opsagent import checks, notifiers, remedies
from opsagent.settings import Account, Settings, SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KINDS = {name: checks.kind(name) for name in checks.KINDS}
NOTIFIERS = {name: notifiers.kind(name) for name in notifiers.KINDS}


@pytest.fixture
def account(tmp_path: Path) -> Account:
    """A person of this host, not its system."""
    return Account(uid=1000, name="ada", home=tmp_path / "home")


@pytest.fixture
def read(tmp_path: Path, account: Account) -> Callable[..., Settings]:
    """Loads a text as opsagent.yaml; keyword arguments are more files of conf.d."""

    def _read(text: str, **more: str) -> Settings:
        main = tmp_path / "opsagent.yaml"
        main.write_text(text, encoding="utf-8")
        (tmp_path / "conf.d").mkdir(exist_ok=True)
        for name, content in more.items():
            (tmp_path / "conf.d" / f"{name}.yaml").write_text(content, encoding="utf-8")
        return load(main, KINDS, remedies.KINDS, NOTIFIERS, account)

    return _read


@pytest.fixture
def problems(read: Callable[..., Settings], tmp_path: Path) -> Callable[..., list[str]]:
    """Everything that is wrong with a text, as `line: sentence`, with the file's name where it is not the main one."""

    def _problems(text: str, **more: str) -> list[str]:
        try:
            read(text, **more)
        except SettingsError as error:
            return str(error).replace(f"{tmp_path}/opsagent.yaml:", "").replace(f"{tmp_path}/", "").splitlines()
        return []

    return _problems
