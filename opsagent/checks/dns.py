"""Whether a name resolves, by the host's own resolver or by one server, and to what it should."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from opsagent.checks.wire.address import check_port, parse_host
from opsagent.checks.wire.names import looked_up
from opsagent.checks.wire.query import query
from opsagent.checks.wire.stage import StageError, Stages, spoken
from opsagent.core.observation import Reading, Status, ok


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A name that must resolve.

    lookup: the name to resolve.
    server: address of the DNS server to ask (port 53); without it the host's own resolver is asked.
    port: port of that server.
    type: A for IPv4 or AAAA for IPv6 addresses; only with `server`.
    expect: addresses that must all be in the answer.
    timeout: longest time for the whole look.
    """

    lookup: str
    server: str = ""
    port: int = 53
    type: Literal["A", "AAAA"] = "A"
    expect: tuple[str, ...] = ()
    timeout: timedelta = timedelta(seconds=3)

    def __post_init__(self) -> None:
        """Refuse at once what could never be asked (ValueError)."""
        if parse_host(self.lookup) is not None:
            raise ValueError(f"cannot resolve {self.lookup!r}: it is an address, write a name")
        if self.server and parse_host(self.server) is None:
            raise ValueError(f"cannot ask server {self.server!r}: write its address")
        if self.type != "A" and not self.server:
            raise ValueError("cannot ask the host's own resolver for one type of address: name a server")
        check_port(self.port)
        for address in self.expect:
            if parse_host(address) is None:
                raise ValueError(f"cannot expect {address!r}: it is not an address")

    def observe(self) -> Reading:
        """Resolve and compare."""
        stages = Stages(self.timeout)
        try:
            found = self._asked(stages)
        except StageError as error:
            return replace(error.reading, measures=stages.measures())
        stages.done("resolve")
        told = f"{self.lookup} is {', '.join(found)} ({spoken(stages.seconds())})"
        missing = sorted({str(parse_host(address)) for address in self.expect} - set(found))
        if not missing:
            return ok(told, *stages.measures())
        return Reading(
            status=Status.CRITICAL,
            message=f"{told}, expected {', '.join(missing)}",
            failure_class="wrong",
            measures=stages.measures(),
        )

    def _asked(self, stages: Stages) -> tuple[str, ...]:
        if self.server:
            return query(self.lookup, self.type, (self.server, self.port), stages)
        return tuple(map(str, looked_up(self.lookup, stages)))
