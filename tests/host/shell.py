"""A shell on a fresh host with opsagent installed: `python -m tests.host.shell`; after it a command runs that alone.

Nothing is started and nothing armed; leave the shell, and the host is gone.
"""

from __future__ import annotations

import subprocess
import sys

from tests.host.harness import Host


def main() -> int:
    """Return the exit status of the shell, or of the command that was given."""
    host = Host.up("shell", installed=True)
    try:
        return subprocess.run(host.command(sys.argv[1:] or ["bash", "-i"]), check=False).returncode
    finally:
        host.down()


if __name__ == "__main__":
    sys.exit(main())
