"""The state disk is full, or the memory cannot be written: nothing is lost, nothing is done that cannot be recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.scenarios.watched import STATE, Watched, check, quiet_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.harness import Host

FILL = f"""
rm -f {STATE}/ballast
cat /dev/zero >{STATE}/filler
while printf x >>{STATE}/filler; do :; done
true"""


@pytest.fixture
def watched(stage_host: Host) -> Iterator[Watched]:
    """Yield a stage for the daemon."""
    stage = Watched(stage_host)
    yield stage
    stage.end()
    stage_host.run(["sh", "-c", f"umount -l {STATE} 2>/dev/null; umount -l {STATE}/memory 2>/dev/null; true"])


def test_on_a_full_disk_nothing_is_done_that_cannot_be_recorded_and_nothing_is_lost(watched: Watched) -> None:
    unit = watched.worker()
    owner = watched.host.run(["sh", "-c", "echo uid=$(id -u opsagent),gid=$(id -g opsagent)"]).stdout.strip()
    watched.host.run(["mount", "-t", "tmpfs", "-o", f"size=8m,mode=2770,{owner}", "tmpfs", STATE])
    watched.begin(check())
    pid = watched.pid()
    watched.host.run(["bash", "-c", FILL])

    watched.signal(unit)

    watched.wait(lambda: watched.got("page"), what="a page although the disk is full", within=20)
    quiet_for(1)
    assert watched.restarts(unit) == 0
    assert watched.pid() == pid
    assert "cannot be written" in watched.host.show("opsagent", "StatusText")

    watched.host.run(["rm", f"{STATE}/filler"])

    watched.healed("worker")
    assert watched.acted("worker") == [("restart", "verified")]
    assert watched.restarts(unit) == 1
    assert watched.pid() == pid
    # the log and the Markdown, each once
    watched.wait(lambda: watched.log().count('"can be written again"') == 2, what="all to be caught up")
    assert watched.log().count('"cannot be written"') == 2
    (one,) = watched.incidents("worker")
    assert one["id"] in watched.daily()
    watched.kill()
    assert [found["id"] for found in watched.incidents("worker")] == [one["id"]]


def test_a_memory_that_is_read_only_is_caught_up_and_told_once(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check())
    before = watched.daily()
    inside = ["nsenter", "-t", str(watched.pid()), "-m", "mount"]
    watched.host.run([*inside, "--bind", f"{STATE}/memory", f"{STATE}/memory"])
    watched.host.run([*inside, "-o", "remount,bind,ro", f"{STATE}/memory"])

    watched.signal(unit)

    watched.healed("worker")
    assert watched.daily() == before
    assert watched.log().count('"cannot be written"') == 1
    assert "memory" in watched.host.show("opsagent", "StatusText")

    watched.host.run([*inside, "-o", "remount,bind,rw", f"{STATE}/memory"])

    (one,) = watched.incidents("worker")
    watched.wait(lambda: one["id"] in watched.daily(), what="the memory to be caught up")
    assert watched.log().count('"can be written again"') == 1
