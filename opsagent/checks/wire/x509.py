"""When a certificate is valid and for whom, read from its DER bytes without trusting it first."""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass
from datetime import UTC, datetime

_SEQUENCE, _INTEGER, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x02, 0xA0, 0x17, 0x18
_SET, _OCTETS, _DNS_NAME = 0x31, 0x04, 0x82
_CRITICAL = b"\x01\x01\xff"
_COMMON_NAME, _OTHER_NAMES = b"\x06\x03\x55\x04\x03", b"\x06\x03\x55\x1d\x11"
"""Object identifiers 2.5.4.3 and 2.5.29.17, with their headers."""
_LONGEST_NAME = 253
_LONG_FORM = 0x80
_MAX_LENGTH_BYTES = 4
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """The span in which a certificate is valid (UTC)."""

    begins: datetime
    ends: datetime

    def days_left(self) -> float:
        """Return the days until it ends, negative when it has ended."""
        return (self.ends.timestamp() - time.time()) / _DAY

    def days_until(self) -> float:
        """Return the days until it begins, negative when it has begun."""
        return (self.begins.timestamp() - time.time()) / _DAY


def validity(der: bytes) -> Validity:
    """Read the validity of one certificate; ValueError if these bytes are not a certificate."""
    span, _ = _element(_from_validity(der), _SEQUENCE)
    begins, span = _time(span)
    ends, _ = _time(span)
    return Validity(begins=begins, ends=ends)


def subject(der: bytes) -> str:
    """Return for whom a certificate is: its common name, else its first DNS name, else ""; ValueError as above."""
    _, fields = _element(_from_validity(der), _SEQUENCE)
    names, rest = _element(fields, _SEQUENCE)
    name = _common_name(names) or _first_dns_name(rest)
    return name.decode("utf-8", "replace")[:_LONGEST_NAME]


def _from_validity(der: bytes) -> bytes:
    """Return what stands in a certificate from its validity on."""
    certificate, _ = _element(der, _SEQUENCE)
    fields, _ = _element(certificate, _SEQUENCE)
    if fields[:1] == bytes([_VERSION]):
        _, fields = _element(fields, _VERSION)
    for tag in (_INTEGER, _SEQUENCE, _SEQUENCE):  # serial number, signature algorithm, issuer
        _, fields = _element(fields, tag)
    return fields


def _common_name(names: bytes) -> bytes:
    while names:
        group, names = _element(names, _SET)
        pair, _ = _element(group, _SEQUENCE)
        if pair.startswith(_COMMON_NAME):
            return _any_element(pair[len(_COMMON_NAME) :])[1]
    return b""


def _first_dns_name(rest: bytes) -> bytes:
    """Find the extension by its identifier; a flag may stand between it and its names."""
    _, found, after = rest.partition(_OTHER_NAMES)
    if not found:
        return b""
    names, _ = _element(_element(after.removeprefix(_CRITICAL), _OCTETS)[0], _SEQUENCE)
    while names:
        tag, name, names = _any_element(names)
        if tag == _DNS_NAME:
            return name
    return b""


def from_pem(text: str) -> tuple[bytes, ...]:
    """Return the DER bytes of every certificate in a PEM file; ValueError if one is damaged or there is none."""
    found = []
    for block in text.split(_BEGIN)[1:]:
        body, end, _ = block.partition(_END)
        if not end:
            raise ValueError("a certificate has no end")
        try:
            found.append(base64.b64decode("".join(body.split()), validate=True))
        except binascii.Error as error:
            raise ValueError("a certificate is not base64") from error
    if not found:
        raise ValueError("there is no certificate in it")
    return tuple(found)


def _any_element(der: bytes) -> tuple[int, bytes, bytes]:
    """Split the first element, whatever its tag, into the tag, its content and what follows it."""
    tag = der[0] if der else 0
    return (tag, *_element(der, tag))


def _element(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """Split the first element, which must have this tag, into its content and what follows it."""
    header = 2
    if len(der) < header or der[0] != tag:
        raise ValueError("not a certificate")
    length = der[1]
    if length & _LONG_FORM:
        count = length ^ _LONG_FORM
        if not 1 <= count <= _MAX_LENGTH_BYTES:
            raise ValueError("not a certificate")
        header += count
        length = int.from_bytes(der[2:header], "big")
    content = der[header : header + length]
    if len(content) != length:
        raise ValueError("a certificate is cut off")
    return content, der[header + length :]


def _time(der: bytes) -> tuple[datetime, bytes]:
    """Read one time of either kind; a two-digit year from 50 on is of the last century (RFC 5280)."""
    generalized = der[:1] == bytes([_GENERALIZED_TIME])
    content, rest = _element(der, _GENERALIZED_TIME if generalized else _UTC_TIME)
    text = content.decode("ascii", "replace")
    if not generalized:
        text = ("19" if text >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC), rest
