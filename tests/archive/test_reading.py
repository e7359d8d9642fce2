"""Pattern files are read as people write them: what cannot be used is named with its line, and harms nothing else."""

from __future__ import annotations

import os
import pickle
import runpy
import time
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsagent.archive import child, expressions, files, front, reading
from opsagent.core.archive.pattern import Match
from opsagent.memory import guides
from opsagent.redact import redact

PLACE = "failures/patterns/shop.md"
GOOD = """---
title: Shop cannot write
match: {unit: shop*, exit: 1, log: No space left}
remedies: [{do: reclaim, tried: 3}, {do: act, name: renew}, restart]
verified: yes
---
# Whatever a person writes
"""


def save(root: Path, name: str, text: str = GOOD) -> Path:
    file = root / "failures/patterns" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def why(text: str) -> str:
    found, refused = front.pattern(PLACE, "shop", text, None)
    assert found is None
    return "\n".join(map(str, refused))


def test_a_text_and_a_number_are_lists_where_lists_are_meant() -> None:
    found, refused = front.pattern(PLACE, "shop", GOOD, None)

    assert refused == ()
    assert found is not None
    assert found.match == Match(unit=("shop*",), exit=("1",), log=("No space left",))
    assert [one.do for one in found.remedies] == ["reclaim", "act renew", "restart"]
    assert (found.title, found.verified, found.status) == ("Shop cannot write", True, "active")


def test_what_is_to_be_done_is_read_from_the_prose(tmp_path: Path) -> None:
    save(tmp_path, "shop.md", f"{GOOD}- [ ] ask the vendor\n- [x] done\n")

    (found,) = reading.read(tmp_path, "standalone", redact).patterns

    assert found.tasks == ("ask the vendor",)


def test_title_and_match_are_all_that_people_must_write() -> None:
    found, refused = front.pattern(PLACE, "shop", "---\r\ntitle: x\r\nmatch:\r\n  cause: disk-full\r\n---\r\n", None)

    assert refused == ()
    assert found is not None
    assert found.match == Match(cause=("disk-full",))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("# a note", f"{PLACE}:1: has no front matter, allowed: a first line `---`"),
        ("---\ntitle: x\n", f"{PLACE}:1: has a front matter without an end, allowed: a line `---`"),
        ("---\ntitle: [x\n---\n", "cannot read this as YAML"),
        ("---\ntitle: x\ntitle: y\n---\n", f"{PLACE}:3: cannot set 'title' twice"),
        ("---\ntitle: &a x\ncause: *a\n---\n", f"{PLACE}:2: cannot use the anchor"),
        ("---\n- x\n---\n", "allowed: keys such as 'title: …'"),
        ("---\nmatch: {unit: x}\n---\n", "has no title"),
        ("---\ntitle: x\n---\n", "allowed: `match:` with one or more of unit, result, exit, cause, log"),
        ("---\ntitle: x\nmatch: {units: x}\n---\n", f"{PLACE}:3: cannot match by 'units', allowed: unit, result"),
        ("---\ntitle: x\nmatch:\n  unit:\n---\n", f"{PLACE}:4: says nothing of unit"),
        ("---\ntitle: x\nmatch: {unit: 'a[bc]'}\n---\n", f"{PLACE}:3: cannot use these units, allowed: up to 20"),
        (f"---\ntitle: x\nmatch: {{unit: '{'*a' * 200}'}}\n---\n", "names of 255 characters, with `*` and `?`"),
        ("---\ntitle: x\nmatch: {unit: {a: b}}\n---\n", "cannot use this as an item of unit"),
        ("---\ntitle: x\nmatch: {unit: x}\nremedies: [[restart]]\n---\n", f"{PLACE}:4: cannot use this as a remedy"),
        (
            "---\ntitle: x\nmatch: {unit: x}\nstatus: off\n---\n",
            f"{PLACE}:4: cannot use the status 'off', allowed: active",
        ),
        (
            "---\ntitle: x\nmatch:\n  log: ['a', '(a)\\1']\n---\n".replace("'a', ", ""),
            f"{PLACE}:4: cannot use the expression '(a)\\1' (",
        ),
        (f"---\ntitle: x\nmatch: {{unit: x}}\ncause: {'x' * 20_000}\n---\n", "characters, allowed: up to 16384"),
        (f"---\na: {'[' * 500}\n---\n", "cannot nest deeper"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line_and_what_is_allowed(text: str, named: str) -> None:
    assert named in why(text)


def test_a_key_that_nobody_knows_is_named_and_the_rest_is_used() -> None:
    found, refused = front.pattern(PLACE, "shop", "---\ntitle: x\nmatch: {unit: x}\nremedys: [stop]\n---\n", None)

    assert found is not None
    assert "shop.md:4: does not know 'remedys', allowed: fingerprint, title" in str(refused[0])


def test_of_several_expressions_only_the_good_ones_are_used() -> None:
    text = "---\ntitle: x\nmatch:\n  log:\n    - disk full\n    - 'a(?=b)'\n---\n"

    found, refused = front.pattern(PLACE, "shop", text, None)

    assert found is not None
    assert found.match.log == ("disk full",)
    assert str(refused[0]).startswith(f"{PLACE}:6: cannot use the expression 'a(?=b)'")


@given(st.text(max_size=400) | st.builds("---\n{}\n---\n{}".format, st.text(max_size=200), st.text(max_size=50)))
@settings(max_examples=60, deadline=None)
def test_whatever_a_file_holds_reading_never_raises(text: str) -> None:
    found, refused = front.pattern(PLACE, "shop", text, None)

    assert found is not None or refused


def test_files_are_read_and_traps_are_named_and_left(tmp_path: Path) -> None:
    good = save(tmp_path, "good.md")
    save(tmp_path, "README.md", "no pattern")
    broken = save(tmp_path, "broken.md", "---\ntitle: [\n---\n")
    save(tmp_path, "large.md", GOOD + "x" * files.LARGEST)
    os.mkfifo(good.with_name("pipe.md"))
    good.with_name("link.md").symlink_to(good)
    os.link(save(tmp_path, "two.md"), tmp_path / "second-name")

    found = reading.read(tmp_path, "standalone", redact)

    assert [one.slug for one in found.patterns] == ["good"]
    assert [one.path.rpartition("/")[2].partition(":")[0] for one in found.refused] == [
        *("broken.md", "large.md", "link.md", "pipe.md", "two.md")
    ]
    assert broken.read_text() == "---\ntitle: [\n---\n"


def test_the_child_reads_what_we_would(tmp_path: Path) -> None:
    save(tmp_path, "good.md")
    save(tmp_path, "broken.md", "---\n")
    names = sorted(files.stamps(tmp_path, "standalone"))

    assert child.read(tmp_path, "standalone", names) == files.read(tmp_path, "standalone", names)


def test_a_reader_that_is_ended_has_told_of_the_files_before(tmp_path: Path) -> None:
    save(tmp_path, "good.md")
    found = files.read(tmp_path, "standalone", ["good.md"])
    whole = pickle.dumps(found[0])

    assert child.told(whole + whole[:-5]) == child.told(whole) == found


def test_secrets_are_taken_out_and_an_expression_with_one_is_no_expression(tmp_path: Path) -> None:
    secret = "password=correct-horse-battery-staple-77"
    save(tmp_path, "a.md", f"---\ntitle: with {secret}\nmatch: {{unit: x}}\n---\n")
    save(tmp_path, "b.md", f"---\ntitle: b\nmatch: {{unit: x, log: '{secret}'}}\n---\n")

    found = reading.read(tmp_path, "standalone", redact)

    assert [one.slug for one in found.patterns] == ["a"]
    assert "correct-horse" not in str(found)
    assert "b.md:1: cannot use an expression in which a secret" in str(found.refused[0])


def test_more_than_five_hundred_files_are_not_read_and_that_is_said(tmp_path: Path) -> None:
    found = files.archive(files.read(tmp_path, "standalone", ["x.md"] * 501), "standalone", more=1)

    assert "holds 1 files more than are read" in str(found.refused[0])


def test_a_thousand_mistakes_of_one_file_are_not_all_on_record(tmp_path: Path) -> None:
    save(tmp_path, "a.md", GOOD.replace("verified", "".join(f"k{n}: x\n" for n in range(1000)) + "verified"))

    found = reading.read(tmp_path, "standalone", redact)

    assert (len(found.patterns), len(found.refused)) == (1, files.MOST_OF_FILE + 1)
    assert "has 990 more things that cannot be used" in str(found.refused[-1])


def test_a_stamp_that_is_no_time_harms_nobody() -> None:
    with NamedTemporaryFile(dir="/dev/shm") as file:
        os.utime(file.name, (2**40, 2**40))

        assert guides.saved_at(Path(file.name)) is None


def test_expressions_find_the_last_line_that_says_it() -> None:
    lines = ["disk full on /a", "disk full on /b", "other"]

    assert [(one.expression, one.line) for one in expressions.said(("full", "nothing"), lines)] == [
        ("full", "disk full on /b")
    ]


def test_a_hostile_expression_costs_a_bounded_time() -> None:
    """Python's own engine would not come back in the lifetime of this host."""
    hostile = [f"(a?){{{n}}}a{{{n}}}c" for n in range(150, 200)] + ["(x+x+)+y"] * 50
    lines = ["a" * 480 + "x" * 20] * 250

    begun = time.process_time()
    expressions.said(hostile, lines)

    assert time.process_time() - begun < 20 * expressions.WITHIN


def test_the_reference_names_every_key_and_limit_as_it_is() -> None:
    folder = Path(__file__).parents[2] / "docs/reference"
    fresh = runpy.run_path(str(folder / "write_patterns.py"))["text"]()

    assert (folder / "patterns.md").read_text() == fresh, "run: .venv/bin/python docs/reference/write_patterns.py"
