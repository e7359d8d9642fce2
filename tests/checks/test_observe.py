"""The door every look goes through."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

import pytest

from opsagent import checks
from opsagent.core.observation import Measure, Reading, Status


@dataclass(frozen=True)
class Fake:
    answer: Reading | Exception

    def observe(self) -> Reading:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_look_that_goes_wrong_is_unknown_and_says_why() -> None:
    reading = checks.observe(Fake(RuntimeError("the\nhost \x1b[31m is odd")))

    assert reading.status is Status.UNKNOWN
    assert reading.message == "cannot look: RuntimeError: the\\x0ahost \\x1b[31m is odd"


def test_a_message_is_cut_and_made_visible() -> None:
    reading = checks.observe(Fake(Reading(status=Status.OK, message="\u202e" + "x" * 10_000)))

    assert len(reading.message) == checks.MESSAGE_LIMIT
    assert reading.message.startswith("\\u202exxx")


def test_numbers_that_are_none_are_dropped() -> None:
    odd = tuple(Measure(name=name, value=float(name)) for name in ("nan", "inf", "1"))

    reading = checks.observe(Fake(Reading(status=Status.OK, message="", measures=odd)))

    assert [measure.name for measure in reading.measures] == ["1"]


def test_the_kinds_are_the_files() -> None:
    files = {path.stem for path in Path(checks.__file__).parent.glob("*.py")} - {"__init__"}

    assert set(checks.KINDS) == files
    assert set(checks.KINDS) >= {"http", "listen", "tcp", "unit", "units", "process", "cpu", "memory", "disk", "load"}
    assert set(checks.KINDS) >= {"certificate", "command", "file", "dns"}


def test_an_unknown_kind_is_named_with_those_there_are() -> None:
    known = ", ".join(checks.KINDS)
    with pytest.raises(ValueError, match=f"cannot find check kind 'dsik', known kinds: {known}$"):
        checks.kind("dsik")


@pytest.mark.parametrize("name", checks.KINDS)
def test_every_option_of_every_kind_is_explained(name: str) -> None:
    kind = checks.kind(name)

    assert is_dataclass(kind)
    explained = {line.strip().partition(":")[0] for line in (kind.__doc__ or "").splitlines() if ": " in line}
    assert {field.name for field in fields(kind)} - {"unit", "scope"} <= explained | {"timeout"}


@dataclass(frozen=True)
class Counting:
    """A kind that knows its last look: it answers with how many there were."""

    size: int = 1
    status: Status = Status.OK

    def observe_since(self, kept: str) -> tuple[Reading, str]:
        return Reading(status=self.status, message=f"{len(kept)} before"), kept + "x" * self.size


def test_a_check_that_compares_is_given_what_its_last_look_kept() -> None:
    kept = [""]
    check = checks.remembering(Counting(), lambda: kept[-1], kept.append)

    said = [checks.observe(check).message for _ in range(3)]

    assert said == ["0 before", "1 before", "2 before"]
    assert kept == ["", "x", "xx", "xxx"]


def test_a_check_that_wants_to_keep_too_much_is_unknown_and_keeps_nothing() -> None:
    kept: list[str] = []
    check = checks.remembering(Counting(size=checks.KEPT_LIMIT + 1), lambda: "", kept.append)

    reading = checks.observe(check)

    assert (reading.status, kept) == (Status.UNKNOWN, [])
    assert "cannot keep 131073 characters" in reading.message


def test_bad_news_is_told_also_by_a_check_that_wants_to_keep_too_much() -> None:
    check = checks.remembering(Counting(checks.KEPT_LIMIT + 1, Status.CRITICAL), lambda: "", lambda _: None)

    assert checks.observe(check).status is Status.CRITICAL


def test_a_check_that_does_not_compare_is_left_as_it_is() -> None:
    check = Fake(Reading(status=Status.OK, message=""))

    assert checks.remembering(check, str, print) is check
