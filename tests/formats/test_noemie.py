"""NOEMIE: the constructed sample, every dialect's odd cases, controls that don't add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats import noemie
from formats.common.anomaly import AnomaliesFound
from formats.fixedwidth import changed, layout
from formats.noemie import (
    InvoiceReturn,
    LumpSum,
    Recovery,
    RejectionReason,
    Return,
    Share,
    ShareReturn,
    State,
    Transfer,
    Unknown,
    entities_in,
    read,
    write,
    write_return,
)
from formats.noemie import entities as e

SAMPLE = Path(__file__).parents[1] / "data" / "noemie" / "578" / "constructed_paid_and_rejected.noe"

ADDRESSES = {
    "sender_type": "CT",
    "sender": "00000001016422",
    "recipient_type": "TP",
    "recipient": "00000752600015",
    "application": "NO",
    "file_id": "R00042",
}
PERSON = e.Person(
    level="05",
    nir="1800175056001",
    nir_key="03",
    birth_name="DUPONT",
    used_name="DUPONT",
    first_name="MARIE",
    own_nir="1800175056001",
    own_nir_key="03",
    birth_date="800112",
    birth_rank="1",
    own_name="DUPONT",
    own_first_name="MARIE",
)
JANUARY_15 = date(2026, 1, 15)


def _invoice(number: str) -> e.InvoiceStart:
    return e.InvoiceStart(
        level="04",
        number=number,
        complement="000000",
        lot="007",
        lot_date=JANUARY_15,
        kind="B",
        invoice_date=JANUARY_15,
        nature="AS",
    )


def _share(state: str, paid: int) -> e.AmoShare:
    return e.AmoShare(level="06", requested_cents=1820, state=state, paid_cents=paid, sign="P")


def _control(closed: str, count: int, amount: int) -> e.Control:
    return e.Control(level="99", closed=closed, count=count, amount_cents=amount, sign="P")


REASON = e.Rejection(
    level="07",
    code="0250",
    label="L'ASSURE EST ABSENT DE NOTRE REFERENTIEL",
    rejection_level="F",
    share="O",
    done_on=date(2026, 1, 1),
    executant="752600015",
    line=1,
    rank=1,
)

CONSTRUCTED: list[object] = [
    e.FileStart(
        **ADDRESSES,
        created_on=date(2026, 1, 20),
        norm="0578",
        encryption="N",
        currency="U",
        flow="R",
        length="128",
    ),
    e.TransferStart(
        level="02", made_on=date(2026, 1, 20), label="VIR CPAM LOIRE 0000123", payer="01422"
    ),
    e.ReturnType(level="03", code="01"),
    _invoice("000000042"),
    PERSON,
    _share("P", 1820),
    _control("102", 1, 1820),
    _invoice("000000043"),
    PERSON,
    _share("R", 0),
    REASON,
    _control("102", 1, 0),
    _control("071", 2, 1820),
    e.FileEnd(**ADDRESSES, records=14, flow="R", batches=1, amount_cents=1820, sign="P"),
]


def _read(*entities: object) -> Return:
    return read(BytesIO(write(entities)), "retour.noe")


def _codes(result: Return) -> list[str]:
    return [anomaly.code.id for anomaly in result.anomalies]


def test_the_constructed_sample_pays_one_invoice_and_rejects_the_other() -> None:
    result = read(BytesIO(SAMPLE.read_bytes()), "retour.noe")
    (transfer,) = result.transfers
    assert transfer.label.endswith("0123")
    assert (transfer.made_on, transfer.payer) == (date(2026, 1, 20), "01422")
    paid, rejected = transfer.invoices
    assert (paid.number, paid.lot, paid.kind) == ("000000042", "007", "B")
    assert paid.amo == ShareReturn(requested_cents=1820, state=State.PAID, paid_cents=1820)
    assert rejected.amo == ShareReturn(requested_cents=1820, state=State.REJECTED, paid_cents=0)
    (reason,) = rejected.rejections
    assert (reason.code, reason.share, reason.level) == ("0250", Share.AMO, "F")
    assert (paid.amc, rejected.amc) == (None, None)
    assert transfer.paid_cents == 1820
    assert result.anomalies == ()


def test_the_constructed_sample_is_written_byte_for_byte() -> None:
    sample = SAMPLE.read_bytes()
    ours = write(CONSTRUCTED)
    assert ours == sample


def test_line_ends_between_entities_are_accepted() -> None:
    lines = b"\r\n".join(write([entity]) for entity in CONSTRUCTED) + b"\r\n"
    assert read(BytesIO(lines)) == read(BytesIO(write(CONSTRUCTED)))


def test_an_unknown_entity_is_kept_and_skipped() -> None:
    raw = write(CONSTRUCTED[:3]) + b"77704INCONNUE@" + write(CONSTRUCTED[3:])
    found: list = []
    kept = [x for x in entities_in(BytesIO(raw), found, "r.noe") if isinstance(x, Unknown)]
    assert kept == [Unknown(b"77704INCONNUE@")]
    result = read(BytesIO(raw), "r.noe")
    assert len(result.transfers[0].invoices) == 2
    assert str(result.anomalies[0]).startswith("FMT-201 r.noe, ligne 4, octet 236 :")
    assert _codes(result) == ["FMT-201", "FMT-211"]  # one entity more than the 999 says


def test_an_entity_of_the_wrong_length_costs_only_itself() -> None:
    share = write([_share("P", 1820)])
    raw = write(CONSTRUCTED[:5]) + share[:10] + share[11:] + write(CONSTRUCTED[6:])
    result = read(BytesIO(raw))
    assert [i.number for i in result.transfers[0].invoices] == ["000000042", "000000043"]
    assert _codes(result)[0] == "FMT-202"


@pytest.mark.parametrize(
    ("at", "field", "value"),
    [(6, "amount_cents", 1821), (6, "count", 9), (12, "count", 3), (13, "records", 15)],
)
def test_controls_that_do_not_add_up_are_reported_and_refuse_nothing(
    at: int, field: str, value: int
) -> None:
    entities = list(CONSTRUCTED)
    entities[at] = changed(entities[at], **{field: value})
    result = _read(*entities)
    assert _codes(result) == ["FMT-211"]
    assert result.transfers[0].paid_cents == 1820


@pytest.mark.parametrize(
    ("at", "fields", "said"),
    [
        (
            13,
            {"amount_cents": 1819},
            "FMT-211 r.noe, ligne 14, colonnes 86-96, octet 950 : L'entité 999 annonce 1819 pour"
            " « Cumul des montants du fichier », le fichier contient 1820.",
        ),
        (
            13,
            {"batches": 4},
            "FMT-211 r.noe, ligne 14, colonnes 83-85, octet 950 : L'entité 999 annonce 4 pour"
            " « Nombre de lots », le fichier contient 1.",
        ),
        (
            13,
            {"file_id": "R00043"},
            "FMT-111 r.noe, ligne 14, colonnes 50-55, octet 950 : Enregistrement 999, zone"
            " « Identification du fichier » : R00043 au lieu de R00042 (entité 000).",
        ),
        (
            4,
            {"nir_key": "04"},
            "FMT-022 r.noe, ligne 5, colonnes 6-18, octet 276 : La clé du NIR « *** » est fausse.",
        ),
        (
            4,
            {"own_nir": "1800175056002"},
            "FMT-022 r.noe, ligne 5, colonnes 86-98, octet 276 : La clé du NIR « *** » est fausse.",
        ),
        (
            5,
            {"sign": "Z"},
            "FMT-216 r.noe, ligne 6, colonne 23, octet 428 : L'entité 198 porte le signe « Z », ni"
            " P ni N : on ne sait qui doit la somme.",
        ),
        (
            3,
            {"kind": "Z"},
            "FMT-217 r.noe, ligne 4, colonne 30, octet 236 : Entité 102, zone « Type de facture » :"
            " « Z » n'est pas dans la table de la norme (A, B, C, D, E, F, L, P, R).",
        ),
    ],
)
def test_a_wrong_key_control_or_value_is_told_with_its_byte_and_columns(
    at: int, fields: dict[str, object], said: str
) -> None:
    entities = list(CONSTRUCTED)
    entities[at] = changed(entities[at], **fields)
    (found,) = noemie.check(BytesIO(write(entities)), "r.noe").anomalies
    assert str(found).startswith(said)
    assert {"record", "zone", "value"} <= set(found.values)


def test_a_blank_address_in_999_and_a_blank_nir_say_nothing() -> None:
    entities = list(CONSTRUCTED)
    entities[4] = changed(PERSON, own_nir="", own_nir_key="00")
    entities[13] = changed(entities[13], sender_type="", application="")
    assert _read(*entities).anomalies == ()


def test_a_lump_sum_has_its_nir_checked() -> None:
    lump = e.LumpDetail(level="05", code="00007", nir="1800175056001", nir_key="04")
    end = changed(CONSTRUCTED[-1], records=3, batches=0, amount_cents=0)
    assert _codes(_read(CONSTRUCTED[0], lump, end)) == ["FMT-022"]


def test_the_writer_of_returns_refuses_what_its_reader_would_report() -> None:
    result = _read(*CONSTRUCTED)
    (transfer,) = result.transfers
    odd = replace(transfer, invoices=(replace(transfer.invoices[0], kind="Z"),))
    with pytest.raises(AnomaliesFound, match="FMT-217"):
        write_return(replace(result, transfers=(odd,)))


def test_a_return_without_end_still_tells_what_it_says() -> None:
    raw = write(CONSTRUCTED)[:-130]
    result = read(BytesIO(raw))
    assert result.transfers[0].paid_cents == 1820
    assert _codes(result) == ["FMT-203", "FMT-213"]


def test_blank_facultative_numbers_are_zeros() -> None:
    raw = bytearray(write(CONSTRUCTED))
    at = raw.index(b"294070250")
    raw[at + 102 : at + 122] = b" " * 20  # date, executant, line, rank
    result = read(BytesIO(bytes(raw)))
    (reason,) = result.transfers[0].invoices[1].rejections
    assert (reason.done_on, reason.line) == (None, 0)
    assert result.anomalies == ()


def test_older_dialect_without_071() -> None:
    result = _read(
        CONSTRUCTED[0],
        e.AccountingDay(level="02", made_on=date(2026, 1, 20)),
        e.Lot(level="03", created_on=JANUARY_15, number="007"),
        e.OldInvoice(level="04", number="000000044"),
        e.OldRejection(level="05", line=3, code="0250", label="ASSURE INCONNU"),
        changed(CONSTRUCTED[-1], records=6, amount_cents=0),
    )
    (transfer,) = result.transfers
    assert (transfer.made_on, transfer.payer) == (date(2026, 1, 20), "00000001016422")
    (invoice,) = transfer.invoices
    assert (invoice.number, invoice.lot, invoice.lot_date) == ("000000044", "007", JANUARY_15)
    assert (invoice.rejections[0].code, invoice.rejections[0].level) == ("0250", "L")
    assert result.anomalies == ()


def test_a_share_before_any_invoice_is_reported() -> None:
    result = _read(
        CONSTRUCTED[0], _share("P", 1820), changed(CONSTRUCTED[-1], records=3, batches=0)
    )
    assert _codes(result) == ["FMT-214"]


def test_a_person_is_never_quoted() -> None:
    raw = write(CONSTRUCTED).replace(b"8001121DUPONT", b"80O1121DUPONT")
    result = read(BytesIO(raw))
    told = " ".join(map(str, result.anomalies))
    assert told
    assert "DUPONT" not in told
    assert "1800175056001" not in told


SHARES = st.none() | st.builds(
    ShareReturn,
    requested_cents=st.integers(0, 99_999_999),
    state=st.sampled_from(State),
    paid_cents=st.integers(-99_999_999, 99_999_999),
)
WORDS = st.text("ABCDEFGHIJ'éà-0123456789", min_size=1, max_size=28)
DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))
DIGITS = "0123456789"
RETURNED = st.builds(
    InvoiceReturn,
    number=st.text(DIGITS, min_size=9, max_size=9),
    lot=st.text(DIGITS, min_size=3, max_size=3),
    lot_date=st.none() | DAYS,
    invoice_date=st.none() | DAYS,
    kind=st.sampled_from("BDFP"),
    nir=st.sampled_from(["", "1800175056001", "190102A004123"]),
    amo=SHARES,
    amc=SHARES.map(lambda s: s and ShareReturn(**_fields(s), amc="0012345678")),
    rejections=st.lists(
        st.builds(
            RejectionReason,
            code=st.text(DIGITS, min_size=4, max_size=4),
            label=WORDS,
            level=st.sampled_from("AFL"),
            share=st.sampled_from(Share),
            done_on=st.none() | DAYS,
            line=st.integers(0, 999),
            rank=st.integers(0, 99),
        ),
        max_size=2,
    ).map(tuple),
    comments=st.lists(WORDS, max_size=1).map(tuple),
)
TRANSFERS = st.builds(
    Transfer,
    made_on=DAYS,
    label=st.lists(WORDS, min_size=1, max_size=2).map(" ".join),
    payer=st.just("01422"),
    payee=st.text(DIGITS, min_size=15, max_size=15),
    return_type=st.sampled_from(["01", "02"]),
    invoices=st.lists(RETURNED, max_size=3).map(tuple),
    recoveries=st.lists(
        st.builds(
            Recovery,
            reference=st.just("DETTE1"),
            recorded_on=st.none() | DAYS,
            nature=st.just("IND"),
            operation=st.just("RPR"),
            amount_cents=st.integers(-9_999, 9_999),
            balance_cents=st.integers(0, 9_999),
        ),
        max_size=1,
    ).map(tuple),
    lump_sums=st.lists(
        st.builds(LumpSum, code=st.just("00007"), amount_cents=st.integers(0, 9_999)), max_size=1
    ).map(tuple),
)


def _fields(share: ShareReturn) -> dict:
    return {name: getattr(share, name) for name in ("requested_cents", "state", "paid_cents")}


@settings(max_examples=40)
@given(transfers=st.lists(TRANSFERS, max_size=3))
def test_every_return_survives_the_round_trip(transfers: list[Transfer]) -> None:
    asked = Return(
        sender="00000001016422",
        recipient="00000752600015",
        file_id="R00042",
        created_on=date(2026, 1, 20),
        transfers=tuple(transfers),
        anomalies=(),
    )
    assert read(BytesIO(write_return(asked))) == asked


@settings(max_examples=100)
@given(data=st.data())
def test_a_mutated_return_ends_in_a_result(data: st.DataObject) -> None:
    content = bytearray(write(CONSTRUCTED))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 60))] = data.draw(st.binary(max_size=60))
        content = content or bytearray(b"@")
    result = read(BytesIO(bytes(content)), "retour.noe")
    told = " ".join(map(str, result.anomalies))
    assert "800175056" not in told
    assert "DUPONT" not in told


def test_all_27_entities_have_the_length_of_the_reference() -> None:
    lengths = {number: layout(cls).length for number, cls in e.ENTITIES.items()}
    assert lengths == {
        "000": 128,
        "010": 14,
        "020": 21,
        "040": 21,
        "070": 12,
        "071": 86,
        "080": 15,
        "081": 22,
        "100": 15,
        "102": 40,
        "103": 152,
        "110": 88,
        "120": 57,
        "150": 8,
        "160": 23,
        "198": 24,
        "199": 49,
        "210": 118,
        "220": 118,
        "250": 47,
        "261": 19,
        "262": 134,
        "290": 98,
        "294": 153,
        "295": 135,
        "990": 43,
        "999": 128,
    }
