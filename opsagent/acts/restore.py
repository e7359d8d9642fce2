"""`opsagent-act-restore-….service`: puts the files that its arguments name back as they were when the unit was good."""

from __future__ import annotations

import sys
import time

from opsagent.acts import kept_files
from opsagent.core.acts import STORE
from opsagent.redact import redact


def main(*paths: str) -> int:
    """Restore what differs, tell how, and last of all in one line what was done and what not; 1 when nothing was."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    done, left = [], []
    for path in paths:
        try:
            found = kept_files.restore(path, STORE, stamp)
        except (kept_files.RefusedError, OSError) as error:
            left.append(f"left {path} alone: {error}")
            continue
        if found is not None:
            print(redact("\n".join(found.diff)), flush=True)  # noqa: T201 - a program of its own: the journal is its screen
            done.append(f"restored {path}" + (f", what was refused is {found.beside}" if found.beside else ""))
    said = [*(done or ["restored nothing"]), *(left if done or left else ["all is as it was when the unit was good"])]
    print("; ".join(said), flush=True)  # noqa: T201 - as above
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
