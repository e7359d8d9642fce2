"""The status page beside the Markdown, as HTML and as JSON: each is replaced whole, for readers are many."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from opsagent.core.page import as_json, markup
from opsagent.core.page.model import Links
from opsagent.memory import place
from opsagent.memory.layout import PLACES, Layout

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path, PurePosixPath

    from opsagent.core.page.model import Page


class PageFiles:
    """Writes the two files below one memory root. Only the daemon does, one page at a time."""

    def __init__(self, root: Path, *, layout: str) -> None:
        """`layout` is a word of `Layout`."""
        self._root = root
        self._places = PLACES[Layout(layout)]

    def links(self, today: date) -> Links:
        """Return where other files are, seen from the page."""
        at = self._places.page
        return Links(
            incidents=self._seen(self._places.incidents),
            today=self._seen(self._places.daily(today)),
            data=at.with_suffix(".json").name,
        )

    def put(self, page: Page) -> None:
        """Replace both files. Raises `WriteError`."""
        at = self._places.page
        self._replace(at, markup.document(page).encode("utf-8", "replace"))
        self._replace(at.with_suffix(".json"), as_json.text(page).encode("ascii"))

    def _seen(self, path: PurePosixPath) -> str:
        return os.path.relpath(path, self._places.page.parent)

    def _replace(self, path: PurePosixPath, content: bytes) -> None:
        """Put a new file in the place of whatever has its name: a link that lies there is replaced, not followed."""
        with place.named(path), place.folder(self._root, path.parts[:-1]) as at:
            draft = place.drafted(at, path.name, content, place.FILE_MODE)
            os.rename(draft, path.name, src_dir_fd=at, dst_dir_fd=at)
