"""How long a certificate is still valid, in a file or as a server shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from opsagent.checks.wire.address import check_port, parse_host
from opsagent.checks.wire.dial import dial, secure, shown, trust
from opsagent.checks.wire.stage import BlindError, StageError, Stages
from opsagent.checks.wire.x509 import Validity, from_pem, validity
from opsagent.core.observation import Measure, Reading, Status
from opsagent.core.quantity import in_order, within

_FILE_LIMIT = 1_048_576
_YEARS = 3650
"""Days: no authority signs for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A certificate, either of a `file` or of a `host`, that must still be valid for some days.

    file: PEM file; of several certificates in it, the first to end counts.
    host: name or address of a TLS server.
    port: its port.
    server_name: the name to ask the server for, when it is not `host`.
    warning: days left under which it is a finding; three weeks leave time to renew by hand.
    critical: days left under which it is critical.
    ca_file: PEM file of the authorities to trust instead of the host's own.
    insecure: true looks only at the dates, not at who signed it.
    timeout: longest time for the whole look.
    """

    file: str = ""
    host: str = ""
    port: int = 443
    server_name: str = ""
    warning: float = 21.0
    critical: float = 7.0
    ca_file: str = ""
    insecure: bool = False
    timeout: timedelta = timedelta(seconds=5)

    def __post_init__(self) -> None:
        """Refuse at once what could never be asked (ValueError)."""
        if bool(self.file) == bool(self.host):
            raise ValueError("cannot look at a certificate without exactly one of: file, host")
        if self.host:
            parse_host(self.host)
        check_port(self.port)
        within("warning", self.warning, 0, _YEARS)
        within("critical", self.critical, 0, _YEARS)
        in_order(("critical", self.critical), ("warning", self.warning))

    def observe(self) -> Reading:
        """Read the dates and compare."""
        stages = Stages(self.timeout)
        try:
            spans = [validity(der) for der in self.seen(stages)]
        except StageError as error:
            return error.reading
        except ValueError as error:
            wrong, failure_class = ("is not a", "output") if self.file else ("shows no", "tls")
            told = f"{self.where} {wrong} certificate: {error}"
            return Reading(status=Status.CRITICAL, message=told, failure_class=failure_class)
        return self._graded(self.where, min(spans, key=lambda span: span.ends))

    @property
    def where(self) -> str:
        """The file, or the server as host:port."""
        return self.file or shown(self.host, self.port)

    def seen(self, stages: Stages | None = None) -> tuple[bytes, ...]:
        """Return the certificates (DER) that are there now, at least one. Raises StageError."""
        return self._of_file() if self.file else (self._of_server(stages or Stages(self.timeout)),)

    def _of_file(self) -> tuple[bytes, ...]:
        try:
            with Path(self.file).open(encoding="ascii", errors="replace") as opened:
                return from_pem(opened.read(_FILE_LIMIT))
        except FileNotFoundError as error:
            raise StageError(f"certificate {self.file} does not exist", "absent") from error
        except OSError as error:
            raise BlindError(f"cannot read certificate {self.file}: {error.strerror}") from error
        except ValueError as error:
            raise StageError(f"{self.file} is not a certificate: {error}", "output") from error

    def _of_server(self, stages: Stages) -> bytes:
        context = trust(self.ca_file, insecure=self.insecure)
        sock = dial(self.host, self.port, stages)
        with secure(sock, self.server_name or self.host, self.port, context, stages) as secured:
            der = secured.getpeercert(binary_form=True)
        if not der:
            raise StageError(f"{self.where} shows no certificate", "tls")
        return der

    def _graded(self, where: str, span: Validity) -> Reading:
        days = span.days_left()
        status, failure_class = Status.OK, None
        told = f"certificate of {where} is valid until {span.ends:%Y-%m-%d} ({days:.0f} days)"
        if span.days_until() > 0:
            told = f"certificate of {where} is not valid before {span.begins:%Y-%m-%d %H:%M} UTC"
            status, failure_class = Status.CRITICAL, "wrong"
        elif days < 0:
            told = f"certificate of {where} ended {span.ends:%Y-%m-%d}, {-days:.0f} days ago"
            status, failure_class = Status.CRITICAL, "expired"
        elif days < self.critical:
            status, failure_class = Status.CRITICAL, "expiring"
        elif days < self.warning:
            status, failure_class = Status.WARNING, "expiring"
        if self.insecure:
            told += " (signature not verified)"
        reading = Reading(status=status, message=told, failure_class=failure_class)
        return replace(reading, measures=(Measure(name="tls_days", value=days),))
