"""Whose files these are: what root makes in the daemon's directory must be the daemon's."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def follow_directory(handle: int, directory: Path) -> None:
    """Give a file that root just made to whoever owns its directory; others own what they make already.

    A root without the right to give files away (in some containers) keeps it.
    """
    if os.geteuid() == 0:
        above = directory.stat()
        with suppress(PermissionError):
            os.fchown(handle, above.st_uid, above.st_gid)
