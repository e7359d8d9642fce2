"""The documentation keeps its word: its links lead somewhere, its YAML loads, the commands that it names exist."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from pathlib import Path
from typing import Any

import pytest
import typer

from opsagent import remedies
from opsagent.interfaces import known
from opsagent.interfaces.cli import build
from opsagent.settings import load_text

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = ROOT / "docs" / "examples"
OURS = [page for page in PAGES if EXAMPLES not in page.parents]  # what a run wrote holds other people's words
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def outside_of_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", FENCED.sub("", text))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", outside_of_code(page.read_text(encoding="utf-8"))):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, fragment = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), target
        if fragment:
            headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert fragment in map(anchor, headings), target


def blocks(language: str) -> list[Any]:
    found = [(page, block) for page in OURS for block in FENCED.findall(page.read_text(encoding="utf-8"))]
    return [
        pytest.param(textwrap.dedent(text), id=f"{name(page)}-{number}")
        for number, (page, (_, said, text)) in enumerate(found)
        if said == language
    ]


def whole(text: str) -> str:
    """Return settings that a person may have, with this piece of them in its place."""
    if text.startswith("- "):
        return f"checks:\n{text}"
    if text.startswith("maintenance:"):
        return "checks:\n- {name: api, kind: listen, port: 80}\n- {name: shop, kind: listen, port: 81}\n" + text
    if text.startswith("repair: ["):
        return f"checks:\n- name: api\n  kind: unit\n  unit: api.service\n{textwrap.indent(text, '  ')}"
    return text


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_piece_of_settings_is_accepted(text: str) -> None:
    checks, notifiers = known.kinds()

    settings = load_text(whole(text), checks, remedies.KINDS, notifiers)

    assert settings.policy.checks or settings.policy.notifiers


@pytest.mark.parametrize("text", blocks("json"))
def test_every_piece_of_json_is_json(text: str) -> None:
    assert json.loads(text)


def told_to_run(page: Path, program: str) -> list[list[str]]:
    """Return the words after every mention of a program, in a block or in the text."""
    text = page.read_text(encoding="utf-8")
    lines = [line for _, said, block in FENCED.findall(text) if not said for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", FENCED.sub("", text))
    bare = [line.partition("  #")[0].strip().removeprefix("$ ").removeprefix("sudo ") for line in lines]
    return [shlex.split(line)[1:] for line in bare if line.startswith(f"{program} ")]


def command_of(words: list[str]) -> Any:
    """Return the command that these words call, or fail."""
    found: Any = typer.main.get_command(build())
    for word in words:
        inner = getattr(found, "commands", None)
        if inner is None:
            break
        assert word in inner, f"no command {word!r} in: opsagent {' '.join(words)}"
        found = inner[word]
    return found


@pytest.mark.parametrize("page", OURS, ids=name)
def test_every_command_that_is_named_exists(page: Path) -> None:
    for words in told_to_run(page, "opsagent"):
        if words[0].startswith(("-", "…")) or not re.match(r"^[a-z]+$", words[0]):
            continue
        known_options = {one for param in command_of(words).params for one in (*param.opts, *param.secondary_opts)}
        ours = words[: words.index("--")] if "--" in words else words  # what follows is another program's
        given = {word.partition("=")[0] for word in ours if word.startswith("--")}
        assert given <= known_options | {"--help"}, words


@pytest.mark.parametrize("page", OURS, ids=name)
def test_every_target_of_make_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    for words in told_to_run(page, "make"):
        assert words[0] in targets, words
