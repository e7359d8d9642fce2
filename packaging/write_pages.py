"""Writes opsagent(1) and opsagent.yaml(5) from the reference: `python packaging/write_pages.py VERSION MAN-FOLDER`."""

from __future__ import annotations

import gzip
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from markdown_it.token import Token

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
BOTH = """
## Files

`/etc/opsagent/opsagent.yaml`, `/etc/opsagent/conf.d/*.yaml`: the settings of the host's instance.

`/etc/opsagent/HOLD`: while it exists nothing is repaired; its first line is the reason.

`/var/lib/opsagent`: the event log, the samples, and below `memory` what people and agents read.

## See also

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the manual: where it stands, what it is in a few words, which file of the reference it says."""

    name: str
    section: int
    title: str
    source: str
    also: str


PAGES = (
    Page(
        name="opsagent",
        section=1,
        title="the on-call engineer that lives on this host",
        source="cli.md",
        also="`opsagent.yaml`(5), `systemctl`(1), `/usr/share/doc/opsagent/docs`",
    ),
    Page(
        name="opsagent.yaml",
        section=5,
        title="settings of opsagent",
        source="settings.md",
        also="`opsagent`(1), `/usr/share/doc/opsagent/opsagent.yaml`",
    ),
)


def manual(page: Page, version: str) -> str:
    """Return a page as roff."""
    text = (REFERENCE / page.source).read_text(encoding="utf-8") + BOTH + page.also
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(re.sub(r"<!--.*?-->", "", text))
    head = [
        f'.TH {page.name.upper()} {page.section} "" "opsagent {version}"',
        ".nh\n.ad l",
        f".SH NAME\n{plain(page.name)} \\- {plain(page.title)}",
        ".SH DESCRIPTION",
    ]
    return "\n".join([*head, *blocks(tokens)]) + "\n"


def blocks(tokens: list[Token]) -> Iterator[str]:
    """Yield roff, block by block. The title is left out: the page has one of its own."""
    place = 0
    while place < len(tokens):
        token = tokens[place]
        end = closing(tokens, place)
        inner = tokens[place + 1 : end]
        if token.type == "heading_open" and token.tag != "h1":
            yield heading(token.tag, inline(inner[0]))
        elif token.type == "paragraph_open":
            yield f".PP\n{line(inline(inner[0]))}"
        elif token.type == "table_open":
            yield from table(inner)
        elif token.type in {"fence", "code_block"}:
            yield f".PP\n.nf\n{plain(token.content.rstrip())}\n.fi"
        elif token.type == "list_item_open":
            yield '.IP "\\(bu" 2'
            yield from (block.removeprefix(".PP\n") for block in blocks(inner))
        elif token.type.endswith("_list_open"):
            yield from blocks(inner)
        place = end + 1


def closing(tokens: list[Token], place: int) -> int:
    """Return where a block ends: at the token that closes it, at itself when nothing does."""
    if tokens[place].nesting != 1:
        return place
    level = tokens[place].level
    return next(at for at in range(place + 1, len(tokens)) if tokens[at].level == level and tokens[at].nesting == -1)


def heading(tag: str, text: str) -> str:
    """Return a heading: a section, or below one and for a command a part of it."""
    is_part = tag != "h2" or text.startswith("opsagent ")
    return f".SS {text}" if is_part else f".SH {text.upper()}"


def table(tokens: list[Token]) -> Iterator[str]:
    """Yield each row as a term and what it means; cells between the first and the last stand behind the term."""
    cells = [inline(tokens[at + 1]) for at, token in enumerate(tokens) if token.type in {"th_open", "td_open"}]
    width = sum(token.type == "th_open" for token in tokens)
    titles = cells[:width]
    for at in range(width, len(cells), width):
        first, *between, last = cells[at : at + width]
        said = [
            cell if title == "value" else f"{title} {cell}"
            for title, cell in zip(titles[1:], between, strict=False)
            if cell
        ]
        behind = f" ({', '.join(said)})" if said else ""
        yield f".TP\n{line(first)}{behind}\n{line(last)}"


def inline(token: Token) -> str:
    """Return a line of text: code is bold, a link is its words."""
    return "".join(pieces(token.children or ()))


def pieces(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "code_inline":
            yield f"\\fB{plain(token.content)}\\fR"
        elif token.type == "strong_open":
            yield "\\fB"
        elif token.type == "strong_close":
            yield "\\fR"
        elif token.type == "softbreak":
            yield " "
        elif token.type == "text":
            yield plain(token.content)


def plain(text: str) -> str:
    """Return text that roff prints as it stands."""
    return re.sub(r"^(?=[.'])", r"\\&", text.replace("\\", "\\e").replace("-", "\\-"), flags=re.MULTILINE)


def line(text: str) -> str:
    """Return a line that does not begin as a request, whatever it begins with."""
    return f"\\&{text}" if text[:1] in {".", "'"} else text


def main() -> None:
    version, folder = sys.argv[1], Path(sys.argv[2])
    for page in PAGES:
        packed = gzip.compress(manual(page, version).encode(), mtime=0)
        (folder / f"man{page.section}" / f"{page.name}.{page.section}.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
