"""The dates of a certificate and for whom it is, read from its bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from opsagent.checks.wire.x509 import from_pem, subject, validity

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509.oid import ObjectIdentifier


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate(key: RSAPrivateKey, begins: datetime, ends: datetime) -> bytes:
    return certificate_of(key, {NameOID.COMMON_NAME: "x" * 60}, begins=begins, ends=ends)


def certificate_of(
    key: RSAPrivateKey,
    names: dict[ObjectIdentifier, str],
    *others: str,
    begins: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    ends: datetime = datetime(2027, 1, 1, tzinfo=UTC),
) -> bytes:
    name = x509.Name([x509.NameAttribute(kind, text) for kind, text in names.items()])
    builder = x509.CertificateBuilder()
    if others:
        also = x509.SubjectAlternativeName([x509.RFC822Name("ann@example.org"), *map(x509.DNSName, others)])
        builder = builder.add_extension(also, critical=not names)
    return (
        builder.subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(2**150)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (datetime(2020, 2, 29, 23, 59, 59, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        (datetime(1999, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (datetime(1951, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)),
        (datetime(2025, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_both_dates_are_read_in_either_spelling(key: RSAPrivateKey, begins: datetime, ends: datetime) -> None:
    found = validity(certificate(key, begins, ends))

    assert (found.begins, found.ends) == (begins, ends)


def test_days_are_counted_from_now(key: RSAPrivateKey) -> None:
    now = datetime.now(UTC)
    found = validity(certificate(key, now - timedelta(days=3), now + timedelta(days=4)))

    assert found.days_left() == pytest.approx(4, abs=0.01)
    assert found.days_until() == pytest.approx(-3, abs=0.01)


def test_every_cut_of_a_certificate_is_refused(key: RSAPrivateKey) -> None:
    der = certificate(key, datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))

    for length in range(len(der)):
        with pytest.raises(ValueError):
            validity(der[:length])


@pytest.mark.parametrize(
    ("names", "others", "whom"),
    [
        ({NameOID.COMMON_NAME: "www.example.org"}, ("other.example.org",), "www.example.org"),
        ({NameOID.ORGANIZATION_NAME: "Ours", NameOID.COMMON_NAME: "böse.example"}, (), "böse.example"),
        ({NameOID.ORGANIZATION_NAME: "Ours"}, ("a.example.org", "b.example.org"), "a.example.org"),
        ({}, ("a.example.org",), "a.example.org"),
        ({NameOID.ORGANIZATION_NAME: "Ours"}, (), ""),
    ],
)
def test_a_certificate_is_for_its_common_name_or_else_its_first_dns_name(
    key: RSAPrivateKey, names: dict[ObjectIdentifier, str], others: tuple[str, ...], whom: str
) -> None:
    assert subject(certificate_of(key, names, *others)) == whom


@given(st.binary(max_size=300))
def test_bytes_that_are_no_certificate_are_a_value_error_and_nothing_else(noise: bytes) -> None:
    for der in (noise, b"\x30\x84\xff\xff\xff\xff" + noise, b"\x30\x03\x30\x01" + noise):
        with pytest.raises(ValueError):
            validity(der)
        with pytest.raises(ValueError):
            subject(der)


def test_text_around_a_certificate_is_ignored() -> None:
    text = "Subject: x\n-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\nbye"

    assert from_pem(text) == (b"\x01\x02\x03",)
