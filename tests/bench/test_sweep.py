"""The sweep's bench looks with the daemon's own lookout at endpoints that are really there."""

from __future__ import annotations

from bench import sweep


def test_every_endpoint_is_seen_to_be_good() -> None:
    with sweep.serving(0) as port:
        assert sweep.ours(port, many=20).good == 20
