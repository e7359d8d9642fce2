"""What of the failure archive is not heeded, each with its place and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.policy import CheckPolicy, Policy, RemedyRule
from opsagent.interfaces.doctor.archive import examine

if TYPE_CHECKING:
    from pathlib import Path

POLICY = Policy(
    host="h", checks=(CheckPolicy(name="shop", kind="unit", unit="shop.service", repair=(RemedyRule(do="restart"),)),)
)
HEAD = "---\ntitle: x\nmatch:\n  unit: shop\n"


def found(memory: Path, **named: str) -> list[str]:
    for name, text in named.items():
        file = memory / f"failures/patterns/{name}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return [f"{one.level} {one.about} {one.text}" for one in examine(memory, "standalone", POLICY)]


def test_where_there_is_no_archive_nothing_is_said(tmp_path: Path) -> None:
    assert found(tmp_path) == []


def test_a_good_archive_is_said_to_be_good(tmp_path: Path) -> None:
    assert found(tmp_path, a=f"{HEAD}remedies: [restart, tell]\n---\n", b=f"{HEAD}---\n") == [
        "ok failure archive 2 patterns read, all of them are heeded"
    ]


def test_of_what_nothing_watches_no_remedy_is_allowed(tmp_path: Path) -> None:
    (said,) = found(tmp_path, a=HEAD.replace("shop", "other") + "remedies: [restart]\n---\n")

    assert said.endswith("a.md:5 names restart, which `repair:` does not allow there, allowed: tell")


def test_one_file_that_holds_every_repair_back_is_named_with_how_many(tmp_path: Path) -> None:
    text = "---\ntitle: x\nmatch: {unit: '*'}\nremedies: [tell]\n---\n"

    broad, _ = found(tmp_path, a=text, b=text.replace("'*'", "shop").replace("tell", "stop"))

    assert broad == (
        "warn failures/patterns/a.md:4 says tell whatever the cause is: nothing is tried; "
        "checks that it holds back: 1 (shop)"
    )
    for narrower in (text.replace("'*'}", "'*', cause: disk-full}"), text.replace("[tell", "[restart, tell")):
        assert "says tell" not in "".join(found(tmp_path, a=narrower))


def test_broken_yaml_a_bad_expression_and_a_forbidden_remedy_are_named_with_their_lines(tmp_path: Path) -> None:
    broken, expression, forbidden = found(
        tmp_path,
        a="---\ntitle: x\nmatch: [\n---\n",
        b=f"{HEAD}  log: '(a+)+\\1'\n---\n",
        c=f"{HEAD}remedies:\n  - restart\n  - do: act\n    name: renew\n---\n",
    )

    assert broken.startswith("warn failures/patterns/a.md:4 cannot read this as YAML")
    assert expression.startswith("warn failures/patterns/b.md:5 cannot use the expression")
    assert "allowed: the syntax of RE2" in expression
    assert forbidden == (
        "warn failures/patterns/c.md:8 names act renew, which `repair:` does not allow there, allowed: restart, tell"
    )
