"""Whether the rule of polkit fits the settings: by its readable copy, and by what polkit itself refuses."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

import pytest

from opsagent import remedies
from opsagent.daemon.rights import Rights
from opsagent.host import polkit
from opsagent.interfaces import known
from opsagent.settings import load_text

if TYPE_CHECKING:
    from pathlib import Path

_checks, _notifiers = known.kinds()
ARMED = load_text(
    "checks: [{name: api, kind: unit, unit: api.service, repair: [restart]}]", _checks, remedies.KINDS, _notifiers
)
ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """Yield a folder with the copy and the folder of the rule, as `install --refresh` leaves them."""
    (tmp_path / "rules.d").mkdir()
    install(tmp_path)
    return tmp_path


def install(etc: Path, *, verbs: tuple[str, ...] = ("restart",)) -> None:
    (etc / "rules.d" / ".new").write_text("")
    (etc / "rules.d" / ".new").replace(etc / "rules.d" / "50-opsagent.rules")
    (etc / "polkit.json").write_text(polkit.copy({"api.service": verbs}))


def rights_of(etc: Path, account: str = ME) -> Rights:
    return Rights(etc / "polkit.json", etc / "rules.d", account)


def test_rights_that_fit_lack_nothing_and_a_copy_that_does_not_fit_says_what(etc: Path) -> None:
    assert rights_of(etc).lacking(ARMED) == ""

    install(etc, verbs=())

    assert "polkit does not allow: restart api.service" in rights_of(etc).lacking(ARMED)
    assert rights_of(etc, account="somebody-else").lacking(ARMED) == ""


def test_what_polkit_refused_although_the_copy_grants_it_is_lacking_until_the_rule_is_written_anew(etc: Path) -> None:
    rights = rights_of(etc)
    (etc / "rules.d" / "50-opsagent.rules").unlink()

    rights.refused("restart api.service")

    said = "polkit refused restart api.service, which its rule should allow; run as root: opsagent install --refresh"
    assert [rights.lacking(ARMED), rights.lacking(ARMED)] == [said, said]

    install(etc)

    assert rights.lacking(ARMED) == ""
