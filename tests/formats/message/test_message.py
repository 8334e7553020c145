"""Messages: exactly the form of the funds, the same bytes each time, and back to the file."""

from __future__ import annotations

import email
import email.policy
import gzip
import os
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.common.anomaly import AnomaliesFound
from formats.message import Encryption, Envelope, ReceivingKey, address, compose, decoded
from formats.signature import AES_256, TRIPLE_DES, Cipher
from tests.formats.signature.people import FUND, NURSE

FILE = b"000" + b"0" * 125 + b"1" * 128
SENT = datetime(2018, 1, 5, 10, 30, 59, 123456, tzinfo=UTC)
ENVELOPE = Envelope(address("01", "422"), "lot@ps.example", "00000012345678", SENT, 12)
assert isinstance(FUND.key, rsa.RSAPrivateKey)
KEY = ReceivingKey(FUND.key, FUND.certificate)


def test_the_message_is_the_one_of_the_reference() -> None:
    content = compose(ENVELOPE, FILE, compress=False)
    head, _, body = content.partition(b"\r\n\r\n")
    assert head.decode("ascii").split("\r\n") == [
        "Mime-Version: 1.0",
        "From: lot@ps.example",
        "To: 01422@422.01.rss.fr",
        "Subject: IR100500/00000012345678/2018010510305912345/00012",
        "Date: Fri, 05 Jan 2018 10:30:59 +0000",
        "Message-ID: <2018010510305912345@ps.example>",
        'Content-Type: multipart/mixed; boundary="=_2018010510305912345"',
    ]
    part = body.split(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    assert part == [
        "--=_2018010510305912345",
        "Content-Type: application/EDI-consent",
        "Content-Transfer-Encoding: base64",
        "Content-Description: IRIS/B2",
    ]


@pytest.mark.parametrize(
    ("test", "compress", "description"),
    [
        (False, False, "IRIS/B2"),
        (False, True, "IRIS/B2/Z"),
        (True, False, "IRISTEST/B2"),
        (True, True, "IRISTEST/B2/Z"),
    ],
)
def test_tests_and_compression_are_said(test: bool, compress: bool, description: str) -> None:
    envelope = Envelope(ENVELOPE.recipient, ENVELOPE.sender, "00000012345678", SENT, 1, test=test)
    content = compose(envelope, FILE, compress=compress)
    message = email.message_from_bytes(content, policy=email.policy.default)
    (part,) = message.iter_parts()
    assert part["Content-Description"] == description
    carried = part.get_content()
    assert (gzip.decompress(carried) if compress else carried) == FILE
    received = decoded(content)
    assert (received.content, received.description, received.test) == (FILE, "IRIS/B2", test)


def test_the_compressed_file_is_named_b2_gz_and_has_no_date() -> None:
    message = email.message_from_bytes(compose(ENVELOPE, FILE), policy=email.policy.default)
    (part,) = message.iter_parts()
    carried = part.get_content()
    assert carried[:8] == b"\x1f\x8b\x08\x08\0\0\0\0"
    assert carried[10:16] == b"B2.gz\0"


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert compose(ENVELOPE, FILE) == compose(ENVELOPE, FILE)


@pytest.mark.parametrize("cipher", [AES_256, TRIPLE_DES], ids=["AES", "3DES"])
def test_an_encrypted_message_shows_nothing_and_comes_back(cipher: Cipher) -> None:
    encryption = Encryption(FUND.certificate, os.urandom, cipher)
    content = compose(ENVELOPE, FILE, encryption=encryption)
    assert b"application/x-pkcs7-mime" in content
    assert b"EDI-consent" not in content
    received = decoded(content, KEY)
    assert (received.content, received.encrypted) == (FILE, True)
    assert code_of(content) == "FMT-665"


def test_a_fund_that_can_not_receive_is_told_before_anything_is_sent() -> None:
    with pytest.raises(AnomaliesFound) as found:
        compose(ENVELOPE, FILE, encryption=Encryption(NURSE.certificate, os.urandom))
    assert found.value.anomalies[0].code.id == "FMT-614"


@pytest.mark.parametrize(
    "wrong",
    [
        {"recipient": "01422@422.01.rss.fr\r\nBcc: pirate@example.test"},
        {"recipient": "caisse"},
        {"sender": "lot@ps.example\n"},
        {"sender": "Moi <lot@ps.example>"},
        {"sender_number": "12345678"},
        {"sender_number": "0000001234567\n"},
        {"version": "100500\r\nX: y"},
        {"description": "IRIS/B2\r\n\r\nx"},
        {"prefix": "ir"},
        {"invoices": 100_000},
        {"invoices": -1},
        {"sent_at": datetime(2018, 1, 5)},  # noqa: DTZ001
    ],
)
def test_what_can_not_stand_in_a_header_is_refused(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {
        "recipient": ENVELOPE.recipient,
        "sender": ENVELOPE.sender,
        "sender_number": ENVELOPE.sender_number,
        "sent_at": SENT,
        "invoices": 12,
    }
    with pytest.raises(AnomaliesFound) as found:
        Envelope(**{**right, **wrong})  # type: ignore[arg-type]
    found_in = [(anomaly.code.id, anomaly.values["name"]) for anomaly in found.value.anomalies]
    assert found_in == [("FMT-651", name) for name in wrong]


@pytest.mark.parametrize(("regime", "organism"), [("1", "422"), ("01", "42"), ("01", "42\n")])
def test_an_organism_has_two_and_three_characters(regime: str, organism: str) -> None:
    with pytest.raises(AnomaliesFound):
        address(regime, organism)


def code_of(mail: bytes, key: ReceivingKey | None = None, limit: int = 1 << 20) -> str:
    """Why a mail is refused."""
    with pytest.raises(AnomaliesFound) as found:
        decoded(mail, key, limit)
    return found.value.anomalies[0].code.id


PLAIN = compose(ENVELOPE, FILE, compress=False)
PACKED = compose(ENVELOPE, FILE)


@pytest.mark.parametrize(
    ("mail", "code"),
    [
        (b"", "FMT-661"),
        (b"Subject: bonjour\r\n\r\nbonjour", "FMT-661"),
        (PLAIN.replace(b"EDI-consent", b"octet-stream"), "FMT-661"),
        (PLAIN.replace(b"Encoding: base64", b"Encoding: 8bit"), "FMT-661"),
        (PLAIN.replace(b"Content-Description: IRIS/B2\r\n", b""), "FMT-661"),
        (PLAIN.replace(b"IRIS/B2", b"../../etc"), "FMT-661"),
        (PLAIN.replace(b"MDAwMDAw", b"MDA*MDAw", 1), "FMT-662"),
        (PLAIN.replace(b"IRIS/B2", b"IRIS/B2/Z"), "FMT-663"),
        (PACKED.replace(b"H4sICA", b"H4sJCA", 1), "FMT-663"),
    ],
    ids=["empty", "letter", "type", "encoding", "nature", "path", "base64", "not gzip", "gzip"],
)
def test_mail_that_is_not_a_fund_s_is_told(mail: bytes, code: str) -> None:
    assert code_of(mail) == code


def test_two_parts_are_one_too_many() -> None:
    boundary = b"--=_2018010510305912345"
    twice = PLAIN.replace(boundary + b"--", boundary + b"\r\n\r\nx\r\n" + boundary + b"--")
    assert code_of(twice) == "FMT-661"


def test_a_bomb_stops_at_the_limit() -> None:
    bomb = compose(ENVELOPE, bytes(50_000_000))
    assert len(bomb) < 100_000
    assert code_of(bomb) == "FMT-664"
    assert code_of(compose(ENVELOPE, bytes(2_000_000), compress=False)) == "FMT-664"


def test_gzip_is_recognised_without_the_mark() -> None:
    """Returns: gzip or not, whatever the description says (reference §3.3)."""
    mail = PACKED.replace(b"IRIS/B2/Z", b"NOEMIE")
    assert (decoded(mail).content, decoded(mail).description) == (FILE, "NOEMIE")


@pytest.mark.parametrize(
    ("proposed", "kept"),
    [
        ("retour.noe", "retour.noe"),
        ("../../etc/passwd", "passwd"),
        ("C:\\\\fund\\\\b2 du 5.bin", "b2_du_5.bin"),
        ("....", "message"),
        (".cache", "cache"),
        ("a" * 300, "a" * 80),
    ],
)
def test_names_from_outside_are_made_safe(proposed: str, kept: str) -> None:
    disposition = f'attachment; filename="{proposed}"'.encode()
    part = b"Content-Disposition: " + disposition + b"\r\nContent-Description"
    assert decoded(PLAIN.replace(b"Content-Description", part)).name == kept


def test_without_a_name_the_nature_names_the_file() -> None:
    assert decoded(PLAIN).name == "IRIS-B2"


def test_headers_that_are_not_plain_are_not_shown() -> None:
    mail = PLAIN.replace(b"Subject: IR", b"Subject: \x1b[2JIR").replace(b"lot@", b"lot\xe9@", 1)
    assert (decoded(mail).subject, decoded(mail).sender) == ("", "")


@settings(max_examples=200)
@given(st.integers(0), st.integers(0), st.binary(max_size=6))
def test_a_mutated_mail_is_read_or_told(start: int, length: int, new: bytes) -> None:
    start, length = start % len(PACKED), length % 40
    mail = PACKED[:start] + new + PACKED[start + length :]
    try:
        decoded(mail, KEY, 1 << 20)
    except AnomaliesFound as found:
        assert found.anomalies[0].code.id.startswith("FMT-6")
