"""Entries of a failure archive are read in the three forms in which people and agents keep them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from opsagent.core.archive.entry import MOST, Entry, entries

TEXT = """\
# Failure archive

## Failure: Quokka broke – 2026-01-01

- **Symptom**: it bit
  whoever came near
- **Cause**: hunger
- **Resolution**: feed it

Failure: build hangs
Cause: a quokka in the cache
Resolution: clear it
Detected: 2026-01-02

## Pattern: Clone denied

**Symptom**
```
# this is no heading
Permission denied (publickey)
```
**Root Cause**: the key is gone
**Correct Solution**
1. make a key
2. give it to the host

**Example Fix Location**: deploy.sh
---
no more of it

<!-- opsagent:pattern 0123456789ab -->
## Failure: api: dead – 2026-11-27

- **Symptom**: dead
<!-- /opsagent:pattern 0123456789ab -->
after it
"""  # noqa: RUF001 - people write such a dash


def read(text: str) -> tuple[Entry, ...]:
    return tuple(one for one, _ in entries("a.md", text))


def test_all_three_forms_are_read() -> None:
    assert read(TEXT)[:3] == (
        Entry(
            where="a.md",
            line=3,
            title="Quokka broke",
            symptom="it bit whoever came near",
            cause="hunger",
            resolution="feed it",
        ),
        Entry(where="a.md", line=10, title="build hangs", cause="a quokka in the cache", resolution="clear it"),
        Entry(
            where="a.md",
            line=15,
            title="Clone denied",
            symptom="# this is no heading Permission denied (publickey)",
            cause="the key is gone",
            resolution="1. make a key 2. give it to the host",
        ),
    )


def test_what_we_wrote_is_known_as_ours() -> None:
    assert [(one.title, one.ours) for one in read(TEXT)[3:]] == [("api: dead", True)]
    assert "after it" not in entries("a.md", TEXT)[3][1]


def test_only_the_first_two_hundred_are_read() -> None:
    assert len(read("Failure: x\nCause: y\n" * 300)) == MOST


@given(st.lists(st.sampled_from([*TEXT.splitlines(), "```", "**", "- **: x", "Failure:", "## Pattern:  "])))
@settings(max_examples=60, deadline=None)
def test_whatever_stands_there_it_never_raises_and_every_entry_has_a_title(lines: list[str]) -> None:
    assert all(one.title for one in read("\n".join(lines)))
