"""A clock of a host's own, for a test to set: the machine's, which all hosts share, is never set.

The programs of the host are told another time; what the kernel stamps itself (files, processes) keeps the machine's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    from tests.host.harness import Host

_SOURCE = Path(__file__).with_name("clock.c")
_PRELOAD = "LD_PRELOAD=/opt/clock.so"
_GIVE = """
cc -shared -fPIC -O1 -x c -o /opt/clock.so -
head -c 8 /dev/zero >/etc/clock
mkdir -p /etc/systemd/system.conf.d
printf '[Manager]\\nManagerEnvironment=%s\\nDefaultEnvironment=%s\\n' "$1" "$1" >/etc/systemd/system.conf.d/clock.conf
systemctl daemon-reload
systemctl daemon-reexec
systemctl restart systemd-journald
"""


def give(host: Host) -> None:
    """Give a host a clock of its own; what runs already, save PID 1 and the journal, keeps the machine's."""
    host.run(["bash", "-ec", _GIVE, "bash", _PRELOAD], stdin=_SOURCE.read_text())


def setting(by: timedelta) -> str:
    """Return the command that sets the clock of a host so much ahead of the machine's."""
    number = "".join(f"\\x{byte:02x}" for byte in int(by.total_seconds()).to_bytes(8, "little", signed=True))
    return f"printf '{number}' | dd of=/etc/clock conv=notrunc status=none"
