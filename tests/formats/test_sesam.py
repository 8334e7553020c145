"""SESAM-Vitale, ARL and B2-retour: trees come back, rules are found broken, numbers follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats import arl, b2_retour, sesam
from formats.common.anomaly import AnomaliesFound
from formats.fixedwidth import changed, encode_all
from formats.noemie.model import State
from formats.sesam.records import OURS
from tests.formats.samples import (
    COMPLEMENTARY,
    NOTICES,
    RECEIVED,
    REFUSED,
    SAMPLES,
    SERVICE,
    SESAM,
    claim,
    sesam_file,
    sheet,
)

(CONTENT,) = SAMPLES["sesam"]


def _codes(items: list[Any]) -> list[tuple[str, str, int]]:
    found = sesam.check(BytesIO(encode_all(items)), "essai.sv").anomalies
    return [(a.code.id, str(a.values.get("record", "")), a.place.start) for a in found]


def test_a_sesam_file_comes_back() -> None:
    assert sesam.read(BytesIO(CONTENT)) == SESAM
    assert sesam.check(BytesIO(CONTENT)).records == 35


def test_a_lot_is_signed_over_its_exact_bytes() -> None:
    lots = list(sesam.batches_in(CONTENT))
    assert [(start.batch, start.kind) for start, _ in lots] == [
        ("998", "F"), ("999", "D"), ("001", "F")
    ]  # fmt: skip
    assert b"".join([CONTENT[:128], *(exact for _, exact in lots), CONTENT[-128:]]) == CONTENT


def test_numbers_are_cyclic() -> None:
    assert [sesam.next_batch(1), sesam.next_batch(999)] == [2, 1]
    assert [sesam.next_number(42), sesam.next_number(999_999_999)] == [43, 1]


FAULTS = [
    ("SVF", "version", "XX", "FMT-243", 33),
    ("SVL", "sender", "752600023", "FMT-111", 4),
    ("SVL", "kind", "D", "FMT-242", 0),
    ("FSE", "nir_key", "04", "FMT-022", 20),
    ("FSE", "created_on", date(2026, 1, 16), "FMT-113", 13),
    ("FSE", "invoice", "000000000", "FMT-241", 4),
    ("CPS", "invoice", "000000041", "FMT-111", 4),
    ("CPS", "national_id", "10001234567", "FMT-022", 15),
    ("VIT", "own_nir_key", "04", "FMT-022", 36),
    ("AMC", "since", date(2027, 1, 1), "FMT-113", 85),
    ("ACT", "line", "002", "FMT-111", 13),
    ("ACT", "amo_cents", 1000, "FMT-111", 57),
    ("ACT", "amc_cents", 729, "FMT-112", 57),
    ("ACT", "done_on", date(2026, 1, 16), "FMT-113", 16),
    ("LPP", "code", "1241764", "FMT-022", 18),
    ("LPP", "sequence", "02", "FMT-111", 16),
    ("LPP", "total_cents", 1821, "FMT-111", 0),
    ("FIN", "services", 2, "FMT-111", 13),
    ("FIN", "total_cents", 1821, "FMT-111", 16),
    ("FIN", "insured_cents", 0, "FMT-111", 43),
    ("SVM", "batch", "001", "FMT-111", 4),
    ("SVM", "sheets", 3, "FMT-111", 7),
    ("SVM", "records", 3, "FMT-111", 11),
    ("SVM", "amc_cents", 3, "FMT-111", 41),
    ("SVZ", "batches", 2, "FMT-111", 19),
    ("SVZ", "records", 2, "FMT-111", 22),
    ("SVZ", "file_id", "SV0002", "FMT-111", 13),
]


@pytest.mark.parametrize(("name", "field", "value", "code", "column"), FAULTS)
def test_each_broken_rule_of_a_sesam_file_is_found(
    name: str, field: str, value: object, code: str, column: int
) -> None:
    items: list[Any] = list(sesam.records(SESAM))
    at = next(i for i, item in enumerate(items) if type(item) is OURS.by_name[name].cls)
    items[at] = changed(items[at], **{field: value})
    assert (code, column) in [(found, start) for found, _, start in _codes(items)]


@pytest.mark.parametrize("missing", range(35))
def test_a_missing_record_is_found(missing: int) -> None:
    items = list(sesam.records(SESAM))
    del items[missing]
    assert _codes(items)


def test_a_sheet_needs_its_vitale_card_and_a_claim_its_organism() -> None:
    for lot, kind in (((sheet(complementary=COMPLEMENTARY),), "VIT"), ((claim(),), "AMC")):
        items = list(sesam.records(sesam_file(lot)))
        cls = OURS.by_name[kind].cls
        del items[next(i for i, item in enumerate(items) if type(item) is cls)]
        assert "FMT-102" in [code for code, _, _ in _codes(items)]
        with pytest.raises(AnomaliesFound, match="FMT-102"):
            sesam.read(BytesIO(encode_all(items)))


def test_a_lot_that_does_not_follow_the_one_before_is_refused() -> None:
    first, *others = SESAM.batches
    with pytest.raises(AnomaliesFound, match="FMT-111"):
        sesam.write(replace(SESAM, batches=(replace(first, batch=5), *others)))


SERVICES = st.builds(
    replace,
    st.just(SERVICE),
    quantity=st.integers(0, 1200),
    rate_pct=st.sampled_from([60, 65]),
    act=st.sampled_from(["MAD", "", "TROPLONG", "é"]),
    products=st.sampled_from([(), SERVICE.products, SERVICE.products * 2]),
)


@settings(max_examples=80)
@given(
    numbers=st.lists(st.integers(0, 10**9), min_size=1, max_size=4),
    services=st.lists(SERVICES | st.just(SERVICE), max_size=3).map(tuple),
    claims=st.booleans(),
)
def test_what_the_writer_writes_its_reader_accepts(
    numbers: list[int], services: tuple[sesam.Service, ...], claims: bool
) -> None:
    make: Any = claim if claims else sheet
    asked = sesam_file(tuple(make(f"{n:09d}", services=services) for n in numbers))
    try:
        content = sesam.write(asked)
    except AnomaliesFound as refused:
        assert refused.anomalies
        return
    assert sesam.check(BytesIO(content)).sound
    assert sesam.write(sesam.read(BytesIO(content))) == content


def test_records_of_our_layout_say_so() -> None:
    marks = {zone.mark.value for table in OURS.tables for zone in table.zones}
    sources = {zone.source for table in OURS.tables for zone in table.zones}
    assert (marks, sources) == ({"G"}, {"E"})


# -- ARL ---------------------------------------------------------------------------------------


def test_acknowledgements_come_back() -> None:
    (content,) = SAMPLES["arl"]
    assert content[:33] == b"ARLP00000752600015AB12C3007260115"
    received, refused = arl.read(BytesIO(content))
    assert (received, refused) == (RECEIVED, REFUSED)
    assert (received.positive, received.whole_file) == (True, False)
    assert (refused.positive, refused.whole_file) == (False, True)
    assert refused.reason in arl.REASONS


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"verdict": "X"}, "FMT-231"),
        ({"verdict": "N"}, "FMT-232"),
        ({"reason": "DBLE"}, "FMT-232"),
        ({"received_at": "240000"}, "FMT-233"),
        ({"batch_created_on": date(2026, 1, 16)}, "FMT-113"),
    ],
)
def test_an_acknowledgement_that_makes_no_sense_is_refused(
    changes: dict[str, object], code: str
) -> None:
    wrong = changed(RECEIVED, **changes)
    with pytest.raises(AnomaliesFound, match=code):
        arl.write([wrong])
    with pytest.raises(AnomaliesFound, match=code):
        arl.read(BytesIO(encode_all([wrong])))


# -- B2-retour ---------------------------------------------------------------------------------


def _notice(**changes: Any) -> b2_retour.Notice:
    sound = b2_retour.Notice(
        organism="CPAM 422",
        outcome="1",
        share="3",
        invoice="000000042",
        amo_cents=1092,
        amc_cents=728,
        paid_amo_cents=1092,
        paid_amc_cents=728,
    )
    return changed(sound, **changes)


def _return(*notices: b2_retour.Notice) -> Any:
    return b2_retour.read(BytesIO(encode_all(notices)), "essai.b2r")


def test_notices_come_back_as_the_same_return() -> None:
    (content,) = SAMPLES["b2-retour"]
    assert len(content) == 3 * 128
    assert b2_retour.read(BytesIO(content)) == NOTICES


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("1", State.PAID), ("2", State.REJECTED), ("6", State.DEFERRED)],
)
def test_an_outcome_is_the_state_of_its_shares(outcome: str, state: State) -> None:
    paid = 1092 if outcome == "1" else 0
    result = _return(_notice(outcome=outcome, paid_amo_cents=paid, paid_amc_cents=0))
    ((invoice,),) = [transfer.invoices for transfer in result.transfers]
    assert (invoice.amo.state, invoice.amc.state) == (state, state)
    assert (invoice.amo.requested_cents, invoice.amo.paid_cents) == (1092, paid)
    assert result.anomalies == ()


def test_both_shares_of_an_invoice_meet_in_it() -> None:
    result = _return(_notice(share="1"), _notice(share="2"), _notice(share="2"))
    ((invoice,),) = [transfer.invoices for transfer in result.transfers]
    assert invoice.amo and invoice.amc
    assert [a.code.id for a in result.anomalies] == ["FMT-223"]


def test_a_recovery_takes_back() -> None:
    result = _return(_notice(outcome="3", paid_amc_cents=0))
    assert [r.amount_cents for t in result.transfers for r in t.recoveries] == [-1092]


@pytest.mark.parametrize(
    ("changes", "code", "column"),
    [
        ({"outcome": "9"}, "FMT-221", 14),
        ({"share": "4"}, "FMT-221", 15),
        ({"outcome": "2"}, "FMT-222", 62),
        ({"insured": "180017505600104"}, "FMT-022", 31),
    ],
)
def test_each_broken_rule_of_a_notice_is_found(
    changes: dict[str, str], code: str, column: int
) -> None:
    found = b2_retour.check(BytesIO(encode_all([_notice(**changes)]))).anomalies
    assert [(a.code.id, a.place.start) for a in found] == [(code, column)]
    assert "180017505600104" not in str(found[0])


def test_what_notices_can_not_say_is_refused() -> None:
    (transfer,) = NOTICES.transfers
    with pytest.raises(AnomaliesFound, match="FMT-224"):
        b2_retour.write(replace(NOTICES, transfers=(replace(transfer, comments=("x",)),)))


def test_the_same_share_twice_is_found_by_the_check_and_refused_by_the_writer() -> None:
    twice = encode_all([_notice(), _notice()])
    said = [str(one) for one in b2_retour.check(BytesIO(twice), "avis").anomalies]
    assert [one[:60] for one in said] == [
        "FMT-223 avis, ligne 2, colonnes 16-24, octet 128 : La part A",
        "FMT-223 avis, ligne 2, colonnes 16-24, octet 128 : La part A",
    ]
    (transfer,) = NOTICES.transfers
    doubled = replace(transfer, invoices=transfer.invoices * 2)
    with pytest.raises(AnomaliesFound, match="FMT-223"):
        b2_retour.write(replace(NOTICES, transfers=(doubled,)))
