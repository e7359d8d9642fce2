"""The page's files in every layout: replaced whole, no trap followed, links that lead to the Markdown."""

from __future__ import annotations

import json
import os
import stat
from datetime import date
from typing import TYPE_CHECKING

import pytest

from opsagent.core.page.model import Page, page
from opsagent.memory.layout import PLACES, Layout
from opsagent.memory.page import PageFiles
from opsagent.memory.place import WriteError
from tests.core.story_host import NOON, StoryHost
from tests.core.test_stories import POLICY

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 18)


def made(files: PageFiles) -> Page:
    return page(StoryHost(POLICY).agent.world(NOON), {}, files.links(TODAY))


@pytest.mark.parametrize("layout", Layout)
def test_its_links_lead_to_the_files_of_every_layout(tmp_path: Path, layout: Layout) -> None:
    files = PageFiles(tmp_path, layout=layout)
    files.put(made(files))

    places, links = PLACES[layout], files.links(TODAY)
    at = tmp_path / places.page
    assert (at.parent / links.incidents).resolve() == tmp_path / places.incidents
    assert (at.parent / links.today).resolve() == tmp_path / places.daily(TODAY)
    assert json.loads((at.parent / links.data).read_text())["v"] == 1
    assert at.read_text().startswith("<!doctype html>\n")
    assert stat.S_IMODE(at.stat().st_mode) == 0o660
    assert sorted(one.name for one in at.parent.iterdir()) == sorted({at.name, links.data})


def test_a_link_in_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    root = tmp_path / "memory"
    root.mkdir()
    (root / "status.html").symlink_to(victim)
    os.mkfifo(root / "status.json")
    files = PageFiles(root, layout="standalone")

    files.put(made(files))

    assert victim.read_text() == "mine"
    assert not (root / "status.html").is_symlink()
    assert (root / "status.json").is_file()


def test_a_directory_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "status.html").mkdir()
    files = PageFiles(tmp_path, layout="standalone")

    with pytest.raises(WriteError, match=r"cannot write status\.html: it is a directory"):
        files.put(made(files))


def test_lone_surrogates_of_a_log_are_written_all_the_same(tmp_path: Path) -> None:
    files = PageFiles(tmp_path, layout="standalone")
    world = StoryHost(POLICY).agent.world(NOON)

    files.put(page(world, {}, files.links(TODAY), troubles=["a byte \udcff of a log"]))

    assert "of a log" in (tmp_path / "status.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "status.json").read_text())["troubles"] == ["a byte \udcff of a log"]
