"""What is found beside a failure where a tool is missing: less, said so, and never an error."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.host import evidence, inventory, process
from opsagent.host.cgroups import memory_used, traffic
from opsagent.host.systemd import utc_now

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_tool_that_is_missing_costs_its_own_part_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "ENVIRONMENT", {"PATH": str(tmp_path), "LANG": "C.UTF-8"})

    found = {part.title: part for part in evidence.gather("api.service", utc_now() - timedelta(minutes=1)).parts}

    assert found["log"].unread.startswith("cannot ")
    assert "journalctl" in found["log"].unread
    assert "journalctl" in found["kernel"].unread
    for title in ("listeners", "memory and load", "processes"):
        assert found[title].unread == ""
    assert found["processes"].lines


def test_a_host_without_a_package_tool_is_looked_at_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsagent.host.packages.ENVIRONMENT", {"PATH": str(tmp_path)})

    found = inventory.look((), ())

    assert found.listeners is not None
    assert found.mounts is not None
    assert found.units == ()


def test_the_traffic_of_a_unit_is_what_the_kernel_counts_for_its_group(tmp_path: Path) -> None:
    group = tmp_path / "system.slice" / "db.service"
    group.mkdir(parents=True)
    (group / "io.stat").write_text(
        "8:0 rbytes=1000 wbytes=200 rios=1 wios=2 dbytes=9 dios=0\n8:16 rbytes=5 wbytes=0 rios=1 wios=0\n"
    )
    (tmp_path / "system.slice" / "idle.service").mkdir()

    assert list(traffic(tmp_path)) == [("db.service", 1205)]


def test_the_memory_of_a_unit_is_its_own_in_both_hierarchies_of_the_kernel(tmp_path: Path) -> None:
    for folder, text in (
        ("system.slice/new.service", "anon 4096\nfile 999999\n"),
        ("memory/system.slice/old.service", "cache 999999\nrss 1\ntotal_rss 8192\n"),
        ("system.slice/odd.service", "no numbers here\n"),
    ):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "memory.stat").write_text(text)

    units = ("new.service", "old.service", "odd.service", "gone.service")

    assert list(memory_used(units, tmp_path)) == [("new.service", 4096), ("old.service", 8192)]
