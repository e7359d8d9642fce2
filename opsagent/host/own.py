"""What our own process costs this host."""

from __future__ import annotations

from datetime import UTC, datetime

import psutil

from opsagent.core.metrics import Own


def own() -> Own:
    """Read memory, processor time, threads and open files of this process."""
    process = psutil.Process()
    with process.oneshot():
        times = process.cpu_times()
        return Own(
            memory=process.memory_info().rss,
            cpu=times.user + times.system,
            began_at=datetime.fromtimestamp(process.create_time(), UTC),
            threads=process.num_threads(),
            files=process.num_fds(),
        )
