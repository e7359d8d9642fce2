"""`failures`: what is known of failures is listed, found, shown, edited and tried, without a daemon."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tests.interfaces.instance import Instance, Log

PATTERN = """\
---
title: The shop's API has no room left
match:
  cause: {cause}
remedies:
  - restart
verified: true
---
Free /var/log/shop first: quokka.
"""


def written(instance: Instance, slug: str = "api-no-room", cause: str = "refused") -> Path:
    path = instance.state / "memory/failures/patterns" / f"{slug}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PATTERN.format(cause=cause))
    return path


def edited_by(instance: Instance, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    script = instance.directory / "editor.sh"
    script.write_text(f"#!/bin/sh\n{program}\n")
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    monkeypatch.setenv("TMPDIR", str(instance.directory))
    monkeypatch.setattr("tempfile.tempdir", None)


def test_a_file_and_what_no_file_describes_are_both_listed(instance: Instance, log: Log, now: datetime) -> None:
    label = log.incident("api", unit="api.service", at=now)
    written(instance)

    described, plain = sorted(instance.json("failures"), key=lambda one: one["status"])

    assert (described["slug"], described["verified"], described["occurrences"]) == ("api-no-room", True, 0)
    assert described["remedies"][0] | {"last": None} == {
        "do": "restart", "tried": 0, "worked": 0, "would": 0, "last": None, "median_seconds": None,
    }  # fmt: skip
    assert (plain["status"], plain["fingerprint"], plain["incidents"]) == ("no file", "api|tcp|refused", [label])


def test_a_failure_is_shown_by_slug_fingerprint_or_incident(instance: Instance, log: Log, now: datetime) -> None:
    label = log.incident("api", at=now)
    written(instance)

    names = ("api-no-room", "api|tcp|refused", label, label.rpartition("-")[2])
    shown = [instance.run("failures", "show", name).stdout for name in names]

    assert "Free /var/log/shop first: quokka." in shown[0]
    assert f"incident {label}" in shown[1]
    assert "once, last" in shown[1]
    assert shown[1] == shown[2] == shown[3]


def test_a_wrong_name_is_answered_with_near_ones(instance: Instance) -> None:
    written(instance)

    result = instance.run("failures", "show", "api-no-rom")

    assert (result.exit_code, result.stderr) == (
        1,
        "opsagent: cannot find a failure 'api-no-rom'; near it: api-no-room\n",
    )


def test_prose_and_entries_of_all_three_forms_are_found_the_best_first(instance: Instance) -> None:
    written(instance)
    index = instance.state / "memory/failures/failure-archive.md"
    index.write_text(
        "# Failure archive\n\n## Failure: Quokka broke - 2026-01-01\n\n- **Symptom**: it bit\n\n"
        "Failure: build hangs\nCause: a quokka in the cache\nResolution: clear it\nDetected: 2026-01-02\n\n"
        "## Pattern: Clone denied\n\n**Symptom**\n```\nquokka\n```\n---\nafter it: quokka\n"
    )

    found = instance.json("failures", "search", "quokka")

    assert [(one["title"], one["file"].rpartition("/")[2], one["line"]) for one in found] == [
        ("Quokka broke", "failure-archive.md", 3),
        ("build hangs", "failure-archive.md", 7),
        ("Clone denied", "failure-archive.md", 12),
        ("The shop's API has no room left", "api-no-room.md", 1),
    ]
    assert found[1]["excerpt"] == "Cause: a quokka in the cache"
    assert instance.run("failures", "search", "wombat").exit_code == 1


def test_an_entry_that_people_wrote_is_listed_and_shown_by_its_title(instance: Instance) -> None:
    written(instance)
    instance.state.joinpath("memory/failures/bug-patterns.md").write_text(
        "## Pattern: Clone denied\n\n**Root Cause**: no key\n**Correct Solution**: make one\n"
    )

    listed = instance.json("failures", "list")
    shown = instance.json("failures", "show", "clone denied")

    assert [(one["title"], one["status"]) for one in listed] == [
        ("The shop's API has no room left", "active"),
        ("Clone denied", "entry"),
    ]
    assert {**listed[1], "text": shown["text"]} == shown
    assert (shown["file"], shown["line"], shown["cause"]) == ("failures/bug-patterns.md", 1, "no key")
    assert shown["resolution"] == "make one"
    assert "failures/bug-patterns.md:1\n" in instance.run("failures", "show", "Clone denied").stdout
    assert "Clone denied" not in instance.run("failures", "stats").stdout


def test_the_figures_say_what_is_most_frequent(instance: Instance, log: Log, now: datetime) -> None:
    for check in ("api", "www", "api"):
        log.incident(check, at=now, closed=True)

    told = instance.json("failures", "stats")

    assert told["most_frequent"] == "api|tcp|refused"
    assert [one["occurrences"] for one in told["patterns"]] == [2, 1]


@pytest.mark.parametrize(("cause", "matches"), [("refused", True), ("disk-full", False)])
def test_a_pattern_is_tried_on_what_is_on_record(
    instance: Instance, log: Log, now: datetime, cause: str, matches: bool
) -> None:
    label = log.incident("api", at=now)

    result = instance.run("failures", "test", str(written(instance, cause=cause)), "--json")

    (row,) = json.loads(result.stdout)
    assert (result.exit_code, row["id"], row["matches"]) == (int(not matches), label, matches)
    assert row["why_not"] == ([] if matches else ["cause: it was refused"])


def test_a_file_that_is_no_pattern_is_an_error_of_use(instance: Instance) -> None:
    path = instance.directory / "draft.md"
    path.write_text("no front matter\n")

    result = instance.run("failures", "test", str(path))

    assert result.exit_code == 2
    assert f"{path}:1: has no front matter" in result.stderr


def test_a_pipe_is_no_pattern_and_keeps_nobody_waiting(instance: Instance) -> None:
    path = instance.directory / "pipe.md"
    os.mkfifo(path)

    assert f"cannot use {path}, allowed: a regular file" in instance.run("failures", "test", str(path)).stderr


@pytest.mark.parametrize("name", ["../../outside", "linked"])
def test_nothing_outside_of_the_archive_is_edited(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    outside = instance.state / "memory/outside.md"
    written(instance).with_name("linked.md").symlink_to(outside)
    outside.write_text("mine\n")
    edited_by(instance, monkeypatch, 'echo theirs > "$1"')

    assert instance.run("failures", "edit", name).exit_code > 0
    assert outside.read_text() == "mine\n"


def test_what_no_file_describes_cannot_be_edited(instance: Instance, log: Log, now: datetime) -> None:
    label = log.incident("api", at=now)

    assert "no pattern file describes it" in instance.run("failures", "edit", label).stderr


def test_a_link_that_waits_where_the_new_file_is_written_is_not_followed(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, outside = written(instance), instance.directory / "outside"
    outside.write_text("mine\n")
    for name in (f".{path.name}.{os.getpid()}", f".{path.name}.opsagent"):
        path.with_name(name).symlink_to(outside)
    edited_by(instance, monkeypatch, 'sed -i "s/quokka/wombat/" "$1"')

    assert instance.run("failures", "edit", "api-no-room").exit_code == 0
    assert outside.read_text() == "mine\n"
    assert not path.is_symlink()


def test_an_edited_pattern_is_put_in_place_with_its_rights(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(instance)
    path.chmod(0o660)
    edited_by(instance, monkeypatch, 'sed -i "s/quokka/wombat/" "$1"')

    assert instance.json("failures", "edit", "api-no-room")["changed"] is True

    assert "wombat" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o660
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_what_cannot_be_used_is_named_by_its_line_and_kept_and_the_file_stays_as_it_was(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(instance)
    edited_by(instance, monkeypatch, 'sed -i "s/^match:/mtch:/" "$1"')

    result = instance.run("failures", "edit", "api-no-room")

    assert result.exit_code == 1
    assert "does not say what it matches" in result.stderr
    (kept,) = instance.directory.glob("api-no-room-*.md")
    assert str(kept) in result.stderr
    assert "mtch:" in kept.read_text()
    assert path.read_text() == PATTERN.format(cause="refused")


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(instance)
    edited_by(instance, monkeypatch, f'echo mine >> "$1"; echo theirs >> {path}')

    result = instance.run("failures", "edit", "api-no-room")

    assert "changed by somebody else meanwhile" in result.stderr
    assert path.read_text().endswith("theirs\n")
