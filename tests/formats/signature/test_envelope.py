"""Envelopes: ours open, the library's open, and nobody else's key opens them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES128, AES256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.common.anomaly import AnomaliesFound
from formats.signature import AES_256, TRIPLE_DES, Cipher, opened, sealed
from integration.readers.issue import identity
from tests.formats.signature.people import AUTHORITY, FUND, NURSE, SINCE, UNTIL

CONTENT = b"Content-Type: application/EDI-consent\r\n\r\n\x00\xff"
OTHER = identity(AUTHORITY, "01999@999.01.rss.fr", SINCE, UNTIL, receives=True)
BINARY = [pkcs7.PKCS7Options.Binary]


def rsa_key(key: object) -> rsa.RSAPrivateKey:
    """A key known to be RSA."""
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def code_of(envelope: bytes) -> str:
    """Why it does not open."""
    with pytest.raises(AnomaliesFound) as found:
        opened(envelope, rsa_key(FUND.key), FUND.certificate)
    return found.value.anomalies[0].code.id


@pytest.mark.parametrize("cipher", [AES_256, TRIPLE_DES], ids=["AES", "3DES"])
@pytest.mark.parametrize("content", [b"", CONTENT, bytes(100_000)])
def test_what_is_sealed_opens(content: bytes, cipher: Cipher) -> None:
    envelope = sealed(content, FUND.certificate, os.urandom, cipher)
    assert opened(envelope, rsa_key(FUND.key), FUND.certificate) == content


def test_the_library_opens_ours() -> None:
    envelope = sealed(CONTENT, FUND.certificate, os.urandom)
    key = rsa_key(FUND.key)
    assert pkcs7.pkcs7_decrypt_der(envelope, FUND.certificate, key, []) == CONTENT


@pytest.mark.parametrize("algorithm", [AES128, AES256])
def test_ours_opens_the_library_s(algorithm: type[AES128] | type[AES256]) -> None:
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(CONTENT).add_recipient(FUND.certificate)
    builder = builder.add_recipient(OTHER.certificate)
    envelope = builder.set_content_encryption_algorithm(algorithm).encrypt(Encoding.DER, BINARY)
    assert opened(envelope, rsa_key(FUND.key), FUND.certificate) == CONTENT


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl command on this machine")
def test_openssl_and_ours_open_each_other_s_3des(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(FUND.key_pem)
    (tmp_path / "fund.pem").write_text(FUND.certificate_pem)
    (tmp_path / "content").write_bytes(CONTENT)
    ours = sealed(CONTENT, FUND.certificate, os.urandom, TRIPLE_DES)
    (tmp_path / "ours").write_bytes(ours)
    for words in (
        "-decrypt -inform DER -in ours -inkey key.pem -recip fund.pem -binary -out opened",
        "-encrypt -des3 -binary -in content -outform DER -out theirs fund.pem",
    ):
        subprocess.run(
            ["openssl", "cms", *words.split()], cwd=tmp_path, check=True, capture_output=True
        )
    assert (tmp_path / "opened").read_bytes() == CONTENT
    theirs = (tmp_path / "theirs").read_bytes()
    assert opened(theirs, rsa_key(FUND.key), FUND.certificate) == CONTENT


def test_an_envelope_for_somebody_else_is_told() -> None:
    assert code_of(sealed(CONTENT, OTHER.certificate, os.urandom)) == "FMT-612"


def test_a_certificate_that_receives_nothing_is_refused() -> None:
    with pytest.raises(AnomaliesFound) as found:
        sealed(CONTENT, NURSE.certificate, os.urandom)
    assert found.value.anomalies[0].code.id == "FMT-614"


@pytest.mark.parametrize("broken", [b"", b"0\x03\x02\x01\x05", CONTENT])
def test_what_is_no_envelope_is_told(broken: bytes) -> None:
    assert code_of(broken) == "FMT-611"


@settings(max_examples=100)
@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_damaged_envelope_is_an_anomaly_or_other_bytes(position: int, change: int) -> None:
    """CBC proves nothing: a damaged envelope may open to other bytes, never to an exception."""
    envelope = bytearray(sealed(CONTENT, FUND.certificate, os.urandom))
    envelope[position % len(envelope)] ^= change
    try:
        opened(bytes(envelope), rsa_key(FUND.key), FUND.certificate)
    except AnomaliesFound as found:
        assert found.anomalies[0].code.id in {"FMT-611", "FMT-612", "FMT-613"}
