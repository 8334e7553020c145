"""The simulated reader: what it answers, what it refuses, and how a card counts."""

from __future__ import annotations

import contextlib
import io
import os
import stat
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from formats import arl, sesam
from formats.arl import Acknowledgement
from formats.common.anomaly import AnomaliesFound
from formats.signature import verify
from integration.readers.errors import SSV_ERRORS, CardRefused, ssv_error
from integration.readers.issue import cps_card, vitale_card
from integration.readers.mock import MockReader
from integration.readers.pin import Pin, pin_from_file
from integration.readers.protocol import CardReader, Securing, Signed
from tests.faults.killing import run
from tests.formats.samples import sesam_file, sheet
from tests.integration.readers.cards import (
    AUTHORITY,
    DAY,
    HOLDER,
    INSURED,
    NEVER_SHOWN,
    NEW_PIN,
    NOW,
    OWNER,
    PATIENT,
    PIN,
    SITUATION,
    UNBLOCK,
    WRONG,
    automatic,
    cps,
    fill,
    put,
    typed,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A reader with both cards in."""
    return fill(tmp_path / "cards")


def reader_with_session(folder: Path) -> MockReader:
    """A reader whose provider's card has been read."""
    reader = MockReader(folder)
    reader.read_cps(typed(folder, PIN))
    return reader


def refusal(does: Callable[[], object]) -> int:
    """The SSV code a function answers."""
    with pytest.raises(CardRefused) as refused:
        does()
    return refused.value.code


def anomaly(does: Callable[[], object]) -> str:
    """The anomaly a function finds."""
    with pytest.raises(AnomaliesFound) as found:
        does()
    return found.value.anomalies[0].code.id


def tries_left(folder: Path) -> int | None:
    """What the card has left, asked to a reader that has just started."""
    return MockReader(folder).status().tries_left


def test_the_provider_is_read(folder: Path) -> None:
    reader: CardReader = MockReader(folder)
    card = reader.read_cps(typed(folder, PIN))
    assert (card.holder.id_type, card.holder.id_number) == ("8", "10001234567")
    assert card.situations[0].billing_number == "759999993"
    assert (card.signs_invoices, card.signs_batches, card.test) == (True, True, True)


@pytest.mark.parametrize(
    ("day", "covered", "codes", "amc"),
    [
        (date(2018, 1, 5), True, ["415"], True),
        (date(2017, 12, 31), True, ["011"], False),
        (date(2017, 1, 1), True, ["011"], False),
        (date(2018, 12, 31), True, ["415"], True),
        (date(2019, 1, 1), False, [], False),
        (date(2016, 12, 31), True, [], False),
    ],
)
@pytest.mark.feature("Q-DOS-05")
def test_rights_are_those_of_the_day_ends_included(
    folder: Path, day: date, covered: bool, codes: list[str], amc: bool
) -> None:
    vitale = reader_with_session(folder).read_vitale(day)
    (patient,) = vitale.patients
    assert patient.covered is covered
    assert [cover.code for cover in patient.cover] == codes
    assert (patient.amc is not None) is amc
    insured = vitale.insured
    assert (insured.regime, insured.fund, insured.centre) == ("01", "751", "0001")


@pytest.mark.feature("Q-TEL-03")
def test_f35_a_card_blocks_at_the_third_wrong_pin_and_the_issuer_s_code_unblocks_it(
    folder: Path,
) -> None:
    answers = []
    for _ in range(4):
        reader = MockReader(folder)  # the counter survives restarts
        answers.append(refusal(lambda reader=reader: reader.read_cps(typed(folder, WRONG))))
    assert answers == [0xF003, 0xF003, 0xF002, 0xF002]
    assert refusal(lambda: MockReader(folder).read_cps(typed(folder, PIN))) == 0xF002
    MockReader(folder).unblock(UNBLOCK, NEW_PIN)
    assert tries_left(folder) == 3
    assert refusal(lambda: MockReader(folder).read_cps(typed(folder, PIN))) == 0xF003
    assert MockReader(folder).read_cps(typed(folder, NEW_PIN)).holder.id_number == "10001234567"


def test_a_right_pin_gives_the_three_tries_back(folder: Path) -> None:
    for _ in range(2):
        assert refusal(lambda: MockReader(folder).read_cps(typed(folder, WRONG))) == 0xF003
    assert tries_left(folder) == 1
    reader_with_session(folder)
    assert tries_left(folder) == 3


def block(folder: Path, pin: str) -> None:
    """Three wrong PINs."""
    for _ in range(3):
        refusal(lambda: MockReader(folder).read_cps(typed(folder, pin)))


def test_a_card_is_unblocked_ten_times_at_most(folder: Path) -> None:
    for left in range(9, -1, -1):
        block(folder, WRONG)
        MockReader(folder).unblock(UNBLOCK, PIN)
        assert MockReader(folder).status().unblocks_left == left
    block(folder, WRONG)
    assert anomaly(lambda: MockReader(folder).unblock(UNBLOCK, PIN)) == "TEL-514"
    assert refusal(lambda: MockReader(folder).read_cps(typed(folder, PIN))) == 0xF002


def test_a_wrong_issuer_s_code_counts_and_a_card_that_works_spends_none(folder: Path) -> None:
    assert anomaly(lambda: MockReader(folder).unblock(UNBLOCK, PIN)) == "TEL-512"
    block(folder, WRONG)
    assert anomaly(lambda: MockReader(folder).unblock(UNBLOCK, "12")) == "TEL-503"
    assert anomaly(lambda: MockReader(folder).unblock("00000000", PIN)) == "TEL-513"
    status = MockReader(folder).status()
    assert (status.tries_left, status.unblocks_left) == (0, 9)


def test_f35_a_machine_never_tries_twice_a_pin_that_was_wrong(folder: Path) -> None:
    assert refusal(lambda: MockReader(folder).read_cps(automatic(folder, WRONG))) == 0xF003
    for _ in range(5):
        for digits in (WRONG, PIN):
            pin = automatic(folder, digits)
            assert anomaly(lambda pin=pin: MockReader(folder).read_cps(pin)) == "TEL-502"
    assert tries_left(folder) == 2
    MockReader(folder).read_cps(typed(folder, PIN))
    assert MockReader(folder).read_cps(automatic(folder, PIN)).test


@pytest.mark.parametrize("kill_at", [1, 2])
def test_f35_a_crash_loop_burns_one_try_at_most(folder: Path, kill_at: int) -> None:
    """Killed once the mark is left, then once the card has counted: run again, nothing is tried."""

    def work() -> None:
        MockReader(folder).read_cps(automatic(folder, WRONG))

    assert run(work, kill_at).killed
    left = tries_left(folder)
    assert left == {1: 3, 2: 2}[kill_at]
    for _ in range(4):
        assert anomaly(work) == "TEL-502"
    assert tries_left(folder) == left


def test_f35_a_person_killed_at_each_try_never_gets_one_back(folder: Path) -> None:
    def work() -> None:
        MockReader(folder).read_cps(typed(folder, PIN))

    for left in (2, 1, 0):
        assert run(work, 2).killed
        assert tries_left(folder) == left
    assert refusal(work) == 0xF002


def at_once(work: Callable[[], object], times: int) -> None:
    """Do the work in several processes at the same moment; refusals are expected."""
    children = []
    for _ in range(times):
        child = os.fork()
        if not child:
            with contextlib.suppress(AnomaliesFound):
                work()
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def test_f35_wrong_pins_at_the_same_moment_are_all_counted(folder: Path) -> None:
    at_once(lambda: MockReader(folder).read_cps(typed(folder, WRONG)), 2)
    assert tries_left(folder) == 1


def test_f35_of_machines_at_the_same_moment_one_tries(folder: Path) -> None:
    at_once(lambda: MockReader(folder).read_cps(automatic(folder, WRONG)), 4)
    assert tries_left(folder) == 2


def test_an_unblock_killed_is_counted(folder: Path) -> None:
    block(folder, WRONG)
    assert run(lambda: MockReader(folder).unblock(UNBLOCK, PIN), 1).killed
    assert MockReader(folder).status().unblocks_left == 9
    assert MockReader(folder).status().tries_left == 0


def test_a_refusal_before_the_pin_leaves_a_machine_free(folder: Path) -> None:
    put(folder, "", "")
    assert refusal(lambda: MockReader(folder).read_cps(automatic(folder, PIN))) == 0xF001
    put(folder, "cps.toml", "", read_cps="F004")
    assert refusal(lambda: MockReader(folder).read_cps(automatic(folder, PIN))) == 0xF004
    put(folder, "cps.toml", "")
    assert MockReader(folder).read_cps(automatic(folder, PIN)).test


def test_a_silent_reader_leaves_a_doubt(folder: Path) -> None:
    put(folder, "cps.toml", "", read_cps="0400")
    assert refusal(lambda: MockReader(folder).read_cps(automatic(folder, PIN))) == 0x0400
    put(folder, "cps.toml", "")
    assert anomaly(lambda: MockReader(folder).read_cps(automatic(folder, PIN))) == "TEL-502"


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"tries_left": 9}', '{"tries": 1}'])
def test_f35_a_broken_counter_closes_the_card(folder: Path, kept: str) -> None:
    block(folder, WRONG)
    (folder / "cps.counters.json").write_text(kept)
    assert anomaly(lambda: MockReader(folder).read_cps(typed(folder, PIN))) == "TEL-511"


FUNCTIONS: dict[str, Callable[[MockReader, Path], object]] = {
    "status": lambda reader, folder: reader.status(),
    "read_cps": lambda reader, folder: reader.read_cps(typed(folder, PIN)),
    "read_vitale": lambda reader, folder: reader.read_vitale(DAY),
    "format_invoices": lambda reader, folder: reader.format_invoices([], Securing.DEGRADED, NOW),
    "format_batch": lambda reader, folder: reader.format_batch([], NOW),
    "format_file": lambda reader, folder: reader.format_file([], NOW),
    "translate_arl": lambda reader, folder: reader.translate_arl(b""),
    "unblock": lambda reader, folder: reader.unblock(UNBLOCK, PIN),
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_code_comes_on_demand_from_every_function(folder: Path, function: str) -> None:
    for error in SSV_ERRORS:
        for code in {error.first, error.last}:
            reader = MockReader(folder, {function: code})
            assert refusal(lambda reader=reader: FUNCTIONS[function](reader, folder)) == code
    assert tries_left(folder) == 3


def test_the_table_covers_the_reference_without_overlap() -> None:
    ends = [(error.first, error.last) for error in SSV_ERRORS]
    assert ends == sorted(ends)
    assert all(last < first for (_, last), (first, _) in pairwise(ends))
    seen = [1, 2, 4, 8, 64, 512, 1024, 2048, *range(32769, 32786), 61441, 61443, 61444, 61457]
    seen += [61460, 61461, 61478, 61680, 61695, 61696, 61697, 62976, *range(62992, 63088)]
    seen += [63088, 63104, 63217, 63218, *range(63488, 63500)]
    assert all(any(first <= code <= last for first, last in ends) for code in seen)
    assert ssv_error(0xF002).mark == "G"
    assert ssv_error(0x1234).meaning == "code inconnu de nos documents"


def test_a_refusal_speaks_french() -> None:
    assert str(CardRefused(0xF011).anomalies[0]) == (
        "TEL-501 Le lecteur de cartes répond F011 : la carte Vitale est absente. "
        "Introduisez la carte Vitale. Aucun nouvel essai n'est fait sans vous."
    )


def test_cards_absent_and_removed(folder: Path) -> None:
    assert refusal(lambda: MockReader(folder).read_vitale(DAY)) == 0xF807
    reader = reader_with_session(folder)
    reader.read_vitale(DAY)
    put(folder, "cps.toml", "")
    assert refusal(lambda: reader.read_vitale(DAY)) == 0xF011
    secured = Securing.SECURED
    assert refusal(lambda: reader.format_invoices([b"FSE"], secured, NOW)) == 0xF011
    (folder / "other.toml").write_text(vitale_card(INSURED, [PATIENT]))
    put(folder, "cps.toml", "other.toml")
    assert refusal(lambda: reader.format_invoices([b"FSE"], secured, NOW)) == 0xF015
    put(folder, "", "vitale.toml")
    assert refusal(lambda: reader.read_vitale(DAY)) == 0xF001


def test_test_and_real_cards_are_not_mixed(folder: Path) -> None:
    (folder / "vitale.toml").write_text(vitale_card(INSURED, [PATIENT], test=False))
    assert refusal(lambda: reader_with_session(folder).read_vitale(DAY)) == 0xF026


def test_mutual_and_amc_rights_together_are_refused(folder: Path) -> None:
    both = {**PATIENT, "mutual_rights": [{"since": date(2018, 1, 1)}]}
    (folder / "vitale.toml").write_text(vitale_card(INSURED, [both]))
    assert refusal(lambda: reader_with_session(folder).read_vitale(DAY)) == 0xF0F0
    assert reader_with_session(folder).read_vitale(date(2017, 6, 1)).patients


def test_invoices_are_sealed_signed_batched_and_verified(folder: Path) -> None:
    reader = reader_with_session(folder)
    reader.read_vitale(DAY)
    invoices = reader.format_invoices([b"FSE 1", b"FSE 2"], Securing.SECURED, NOW)
    assert all(len(invoice.mac) == 32 for invoice in invoices)
    assert invoices[0].mac != invoices[1].mac
    batch = reader.format_batch(invoices, NOW, (b"<", b">"))
    file = reader.format_file([batch, batch], NOW)
    assert (batch.content, file.content) == (b"<FSE 1FSE 2>", b"<FSE 1FSE 2><FSE 1FSE 2>")
    trusted = (AUTHORITY.certificate,)
    signed = [Signed(invoice.content, invoice.signature) for invoice in invoices]
    for one in (*signed, batch, file):
        assert verify(one.content, one.signature, trusted, NOW).name == "CN=PRESTATAIRE ESSAI"


def test_the_cards_sign_the_very_bytes_of_a_sesam_file(folder: Path) -> None:
    content = sesam.write(sesam_file((sheet("000000001"), sheet("000000002"))))
    (batch_start, batch_bytes) = next(sesam.batches_in(content))
    first, last = batch_bytes[:128], batch_bytes[-128:]
    sheets = [b"FSE" + one for one in batch_bytes[128:-128].split(b"FSE")[1:]]
    assert (len(sheets), batch_start.batch) == (2, "998")

    reader = reader_with_session(folder)
    reader.read_vitale(DAY)
    invoices = reader.format_invoices(sheets, Securing.SECURED, NOW)
    batch = reader.format_batch(invoices, NOW, (first, last))
    file = reader.format_file([batch], NOW, (content[:128], content[-128:]))
    assert (batch.content, file.content) == (batch_bytes, content)
    assert verify(batch_bytes, batch.signature, (AUTHORITY.certificate,), NOW)
    assert sesam.check(io.BytesIO(file.content)).sound


def test_without_the_patient_s_card_an_invoice_is_signed_and_not_sealed(folder: Path) -> None:
    put(folder, "cps.toml", "")
    reader = reader_with_session(folder)
    (degraded,) = reader.format_invoices([b"FSE"], Securing.DEGRADED, NOW)
    (plain,) = reader.format_invoices([b"FSE"], Securing.UNSECURED, NOW)
    assert (degraded.mac, bool(degraded.signature)) == (b"", True)
    assert (plain.mac, plain.signature) == (b"", b"")


def test_another_card_signs_no_batch_and_rights_to_sign_are_asked(folder: Path) -> None:
    reader = reader_with_session(folder)
    invoices = reader.format_invoices([b"FSE"], Securing.DEGRADED, NOW)
    (folder / "cps.toml").write_text(cps(AUTHORITY))
    assert refusal(lambda: reader.format_batch(invoices, NOW)) == 0xF807
    other = reader_with_session(folder)
    assert refusal(lambda: other.format_batch(invoices, NOW)) == 0xF004
    (folder / "cps.toml").write_text(cps(signs_invoices=False, signs_batches=False))
    unable = reader_with_session(folder)
    assert refusal(lambda: unable.format_invoices([b""], Securing.DEGRADED, NOW)) == 0xF004
    assert refusal(lambda: unable.format_batch([], NOW)) == 0xF004


def test_an_acknowledgement_is_translated_without_a_card(folder: Path) -> None:
    put(folder, "", "")
    answer = Acknowledgement(
        verdict="P",
        sender="00000759999993",
        file_id="000001",
        batch="001",
        batch_created_on=DAY,
        received=2,
        total_cents=12_345,
        received_on=DAY,
        received_at="103000",
        reason="",
        label="",
    )
    assert MockReader(folder).translate_arl(arl.write([answer])) == (answer,)
    assert anomaly(lambda: MockReader(folder).translate_arl(b"ARL"))


def test_closing_ends_the_session(folder: Path) -> None:
    reader = reader_with_session(folder)
    reader.close()
    assert refusal(lambda: reader.read_vitale(DAY)) == 0xF807


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("cps.toml", "kind = ", "ce n'est pas du TOML"),
        ("cps.toml", 'kind = "cps"', "clés à revoir : "),
        ("cps.toml", cps().replace("BEGIN CERT", "BEGIN CARD"), "la clé ou le certificat"),
        ("vitale.toml", vitale_card(INSURED, [PATIENT] * 7), "clés à revoir : patient"),
        ("vitale.toml", vitale_card({**INSURED, "name": "x"}, [PATIENT]), "insured.name"),
        ("vitale.toml", vitale_card(INSURED, [{**PATIENT, "rights": [{}] * 4}]), "rights"),
        ("reader.toml", 'cps = "absent.toml"', "il n'existe pas"),
        ("reader.toml", '[faults]\nstatus = "f1"', "faults.status"),
    ],
)
def test_a_card_file_that_is_wrong_is_told_without_its_content(
    folder: Path, name: str, text: str, cause: str
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(AnomaliesFound) as found:
        reader_with_session(folder).read_vitale(DAY)
    (anomaly,) = found.value.anomalies
    assert anomaly.code.id == "TEL-515"
    assert cause in str(anomaly)
    assert not any(word in str(anomaly) for word in NEVER_SHOWN)


def test_nothing_personal_is_in_a_repr(folder: Path) -> None:
    reader = reader_with_session(folder)
    vitale = reader.read_vitale(DAY)
    invoices = reader.format_invoices([PIN.encode()], Securing.SECURED, NOW)
    shown = f"{vitale!r}{invoices!r}{typed(folder, PIN)!r}{reader!r}"
    assert not any(word in shown for word in (*NEVER_SHOWN, "MODÈLE", "Odette"))


def test_a_card_file_holds_no_pin() -> None:
    text = cps_card(OWNER, PIN, UNBLOCK, HOLDER, [SITUATION])
    head = text.partition("-----BEGIN")[0]  # keys and hashes may hold any four digits
    assert f'"{PIN}"' not in text
    assert UNBLOCK not in head


@pytest.mark.parametrize("digits", ["", "123", "123456789", "12a4", "１２３４"])
def test_what_is_no_pin_is_refused_before_any_card(tmp_path: Path, digits: str) -> None:
    assert anomaly(lambda: typed(tmp_path, digits)) == "TEL-503"


def test_a_pin_file_is_the_owner_s_alone(tmp_path: Path) -> None:
    file, mark = tmp_path / "pin", tmp_path / "mark"
    assert anomaly(lambda: pin_from_file(file, mark)) == "TEL-503"
    file.write_text(f"{PIN}\n")
    file.chmod(0o640)
    assert anomaly(lambda: pin_from_file(file, mark)) == "TEL-503"
    file.chmod(0o600)
    assert pin_from_file(file, mark) == Pin(PIN, typed=False, mark=mark)
    (tmp_path / "link").symlink_to(file)
    assert anomaly(lambda: pin_from_file(tmp_path / "link", mark)) == "TEL-503"


def test_counters_are_the_owner_s_alone(folder: Path) -> None:
    reader_with_session(folder)
    assert stat.S_IMODE((folder / "cps.counters.json").stat().st_mode) == 0o600
