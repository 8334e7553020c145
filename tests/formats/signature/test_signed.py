"""Detached signatures: verified, crossed with other implementations, and never fooled by a byte."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from formats.common.anomaly import AnomaliesFound
from formats.signature import certificates, sign, verify
from integration.readers.issue import identity
from tests.formats.signature.people import (
    AUTHORITY,
    FUND,
    NOW,
    NURSE,
    SINCE,
    STRANGER,
    TRUSTED,
    UNTIL,
)

CONTENT = b"1FR000000001 LOT 001\r\n\xe9\x00"
SIGNATURE = sign(CONTENT, NURSE.key, NURSE.certificate, NOW)
DETACHED = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]


def codes(content: bytes, signature: bytes, at: datetime = NOW) -> list[str]:
    """The anomalies a verification finds."""
    with pytest.raises(AnomaliesFound) as found:
        verify(content, signature, TRUSTED, at)
    return [anomaly.code.id for anomaly in found.value.anomalies]


def test_the_signer_and_the_time_are_told() -> None:
    signer = verify(CONTENT, SIGNATURE, TRUSTED, NOW)
    assert (signer.name, signer.serial) == ("CN=ESSAI CPS", NURSE.certificate.serial_number)
    assert (signer.signed_at, signer.not_after) == (NOW, UNTIL)


def test_an_rsa_key_signs_the_same_bytes_each_time() -> None:
    once = sign(CONTENT, FUND.key, FUND.certificate, NOW)
    assert sign(CONTENT, FUND.key, FUND.certificate, NOW) == once
    assert verify(CONTENT, once, TRUSTED, NOW).name == "CN=01422@422.01.rss.fr"


def test_nothing_and_a_megabyte_are_signed_too() -> None:
    for content in (b"", bytes(1_000_000)):
        assert verify(content, sign(content, NURSE.key, NURSE.certificate, NOW), TRUSTED, NOW)


def test_a_signing_time_after_2049_is_written_and_read() -> None:
    late = datetime(2050, 1, 1, 8, tzinfo=UTC)
    signature = sign(CONTENT, NURSE.key, NURSE.certificate, late)
    assert verify(CONTENT, signature, TRUSTED, NOW).signed_at == late


def test_key_and_certificate_must_belong_together() -> None:
    with pytest.raises(ValueError, match="don't match"):
        sign(CONTENT, NURSE.key, FUND.certificate, NOW)


@pytest.mark.parametrize("position", range(len(CONTENT)))
def test_any_byte_changed_in_the_content_is_found(position: int) -> None:
    for bit in range(8):
        altered = bytearray(CONTENT)
        altered[position] ^= 1 << bit
        assert codes(bytes(altered), SIGNATURE) == ["FMT-602"]


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("bit", range(8))
def test_any_byte_changed_in_the_signature_is_found(bit: int) -> None:
    for position in range(len(SIGNATURE)):
        altered = bytearray(SIGNATURE)
        altered[position] ^= 1 << bit
        assert set(codes(CONTENT, bytes(altered))) <= {"FMT-601", "FMT-602", "FMT-603", "FMT-604"}


@settings(max_examples=150)
@given(st.binary(max_size=400), st.integers(0), st.integers(1, 255))
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_any_change_to_any_signed_file_is_found(content: bytes, position: int, change: int) -> None:
    signature = sign(content, NURSE.key, NURSE.certificate, NOW)
    whole = bytearray(content + signature)
    whole[position % len(whole)] ^= change
    codes(bytes(whole[: len(content)]), bytes(whole[len(content) :]))


@settings(max_examples=300)
@given(st.integers(0), st.integers(0, 60), st.binary(max_size=12))
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_cuts_and_insertions_are_found(start: int, length: int, new: bytes) -> None:
    start %= len(SIGNATURE)
    altered = SIGNATURE[:start] + new + SIGNATURE[start + length :]
    assume(altered != SIGNATURE)
    codes(CONTENT, altered)


@pytest.mark.parametrize(
    "broken", [b"", b"0", SIGNATURE[:-1], SIGNATURE + b"\0", b"\x30\x80" + SIGNATURE, CONTENT]
)
def test_what_is_no_signature_is_malformed(broken: bytes) -> None:
    assert codes(CONTENT, broken) == ["FMT-601"]


def test_a_stranger_and_an_old_card_are_told_together() -> None:
    signature = sign(CONTENT, STRANGER.key, STRANGER.certificate, NOW)
    assert codes(CONTENT, signature) == ["FMT-603"]
    assert codes(CONTENT, signature, datetime(2021, 1, 1, tzinfo=UTC)) == ["FMT-603", "FMT-604"]
    assert codes(CONTENT, SIGNATURE, datetime(2016, 12, 31, tzinfo=UTC)) == ["FMT-604"]


def test_a_card_is_no_authority() -> None:
    """Even trusted by mistake: a certificate it issued, or its own, proves nothing."""
    forged = identity(NURSE, "FAUSSE CPS", SINCE, UNTIL)
    for one in (NURSE, forged):
        signature = sign(CONTENT, one.key, one.certificate, NOW)
        with pytest.raises(AnomaliesFound) as found:
            verify(CONTENT, signature, (NURSE.certificate,), NOW)
        assert [anomaly.code.id for anomaly in found.value.anomalies] == ["FMT-603"]


def test_the_validity_is_told_in_french() -> None:
    with pytest.raises(AnomaliesFound) as found:
        verify(CONTENT, SIGNATURE, TRUSTED, datetime(2021, 2, 3, tzinfo=UTC))
    assert found.value.anomalies[0].sentence == (
        "Le certificat du signataire est valable du 01/01/2017 au 01/01/2020, pas le 03/02/2021."
    )


def library_signature(options: list[pkcs7.PKCS7Options], hash_: SHA256 | SHA512) -> bytes:
    """The same content, signed by the library's own builder."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(CONTENT)
    return builder.add_signer(FUND.certificate, FUND.key, hash_).sign(Encoding.DER, options)  # type: ignore[arg-type]


def test_the_signature_of_the_library_verifies() -> None:
    signer = verify(CONTENT, library_signature(DETACHED, SHA256()), TRUSTED, NOW)
    assert signer.name == "CN=01422@422.01.rss.fr"
    assert signer.signed_at is not None


@pytest.mark.parametrize(
    ("options", "hash_"),
    [
        ([pkcs7.PKCS7Options.Binary], SHA256()),
        ([*DETACHED, pkcs7.PKCS7Options.NoAttributes], SHA256()),
        ([*DETACHED, pkcs7.PKCS7Options.NoCerts], SHA256()),
        (DETACHED, SHA512()),
    ],
    ids=["attached", "no attributes", "no certificate", "other digest"],
)
def test_other_forms_of_cms_are_refused(
    options: list[pkcs7.PKCS7Options], hash_: SHA256 | SHA512
) -> None:
    assert codes(CONTENT, library_signature(options, hash_)) == ["FMT-601"]


def test_the_library_finds_our_certificate() -> None:
    assert pkcs7.load_der_pkcs7_certificates(SIGNATURE) == [NURSE.certificate]


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl command on this machine")
def test_openssl_verifies_ours(tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "signature").write_bytes(SIGNATURE)
    (tmp_path / "ca.pem").write_text(AUTHORITY.certificate_pem)
    command = (
        "openssl cms -verify -binary -inform DER -in signature -content content -CAfile ca.pem "
        f"-attime {int(NOW.timestamp())} -purpose any -out /dev/null"
    )
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)


def test_authorities_are_read_from_pem() -> None:
    pem = AUTHORITY.certificate_pem + FUND.certificate_pem
    assert certificates(pem.encode()) == [AUTHORITY.certificate, FUND.certificate]
    with pytest.raises(AnomaliesFound):
        certificates(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
