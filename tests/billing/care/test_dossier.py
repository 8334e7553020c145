"""What one item bills may forbid another's: weeks and deliveries of one patient."""

from __future__ import annotations

from datetime import date

from billing.care.cover import Situation
from billing.care.dossier import rate_all
from billing.care.invoice import AmcPayer, AmoPayer, PatientPayer, shape
from tests.billing.care.samples import (
    BED,
    BED_DELIVERY,
    D,
    amo,
    bed_and_delivery,
    codes,
    entry,
    facts,
    item,
)


def test_one_week_of_a_code_is_billed_once_even_by_two_items() -> None:
    older, younger = item(BED, id=9), item(BED, id=2, since=date(2025, 3, 19))
    due = [(younger, facts(weeks=6)), (older, facts(weeks=2))]
    rated = rate_all(due)
    assert [(line.item_id, line.units) for line in rated.lines] == [(9, (1, 2)), (2, (1, 2, 3))]
    rated = rate_all([(younger, facts(weeks=6)), (older, facts(weeks=4))])
    assert [(line.item_id, line.units) for line in rated.lines] == [(9, (1, 2, 3, 4)), (2, (3,))]
    assert codes(rated) == ["CAR-054"]


def test_two_patients_rent_the_same_bed_model() -> None:
    rated = rate_all([(item(), facts()), (item(id=2, patient_id=8), facts())])
    assert [line.quantity for line in rated.lines] == [4, 4]


def test_items_without_code_are_not_one_another() -> None:
    uncoded = entry("5.00", engine="rental", code="", type_letter="L")
    rated = rate_all([(item(uncoded, id=n), facts(uncoded)) for n in (1, 2)])
    assert (len(rated.lines), rated.anomalies) == (2, ())


def test_weeks_posted_for_another_item_are_passed_in() -> None:
    posted = ((date(2025, 3, 3), date(2025, 3, 10)),)
    rated = rate_all([(item(), facts(taken=posted))])
    assert [line.units for line in rated.lines] == [(2, 3, 4)]


def test_only_the_highest_delivery_of_a_placement() -> None:
    small = entry("17.68", engine="delivery", type_letter="V")
    due = [(item(small, id=1), facts(small)), (item(BED_DELIVERY, id=2), facts(BED_DELIVERY))]
    rated = rate_all(due)
    assert [line.total for line in rated.lines] == [D("230.00")]
    assert codes(rated) == ["CAR-054"]
    assert rated.anomalies[0].sentence == (
        "La période du 03/03/2025 de l'élément 1 (code 1243302) est déjà facturée à ce patient"
        " par un autre élément."
    )


def test_the_lower_delivery_stays_refused_once_the_higher_is_posted() -> None:
    small = entry("17.68", engine="delivery", type_letter="V")
    posted = ((date(2025, 3, 3), date(2025, 3, 4)),)
    assert codes(rate_all([(item(small), facts(small, taken=posted))])) == ["CAR-054"]


def test_a_second_placement_has_its_own_delivery() -> None:
    later = item(BED_DELIVERY, id=2, since=date(2025, 3, 4))
    due = [(item(BED_DELIVERY), facts(BED_DELIVERY)), (later, facts(BED_DELIVERY))]
    assert len(rate_all(due).lines) == 2


def test_who_pays_each_share() -> None:
    (invoice,) = shape(bed_and_delivery().lines)
    assert invoice.part_amo.payer == AmoPayer("01", "422", "0000")
    assert invoice.part_amc.payer == AmcPayer("75000000")
    assert invoice.part_patient.payer == PatientPayer(7)
    assert invoice.nature == "10"


def test_c2s_without_organism_is_paid_by_the_fund() -> None:
    c2s = (amo(situations=frozenset({Situation.C2S})),)
    (invoice,) = shape(bed_and_delivery(amo=c2s, amc=()).lines)
    assert invoice.part_amc.payer == AmoPayer("01", "422", "0000")
    assert invoice.part_amc.amount == D("112.16")


def test_one_invoice_a_pair_of_covers() -> None:
    march = date(2025, 3, 17)
    covers = (amo(until=march), amo(since=march, fund="131"))
    invoices = shape(bed_and_delivery(amo=covers).lines)
    assert [(x.amo.fund, x.total) for x in invoices] == [
        ("131", D("25.20")),
        ("422", D("255.20")),
    ]
