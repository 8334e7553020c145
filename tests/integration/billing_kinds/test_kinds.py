"""Each rule kind from its file to posted rows; the books verify after each run, and a rerun
bills nothing twice."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from integration.flows.billing import run
from integration.flows.verify import verify
from integration.inbox import Outcome, import_paths
from tests.integration.billing.house import MONTHLY, House, contract, copies, fee

QUARTERLY = {"nombre": 3, "unite": "mois"}
CHEAPER = {"degressive": [{"above": 1000, "price": "0.008"}], "harmonise": True}
COPIER = [{"bien": "B1", "compteur": "NB"}]


def rule(kind: str, code: str, *costs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A rule of a kind in advance, monthly; None takes a field away."""
    made = {
        "code": code,
        "libelle": code,
        "type": kind,
        "terme": "a_echoir",
        "periodicite": MONTHLY,
        "decimales": 5,
        "couts": list(costs),
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


def cost(price: str, **changes: Any) -> dict[str, Any]:
    """A cost line at 20 % VAT."""
    return {"article": "ART", "prix": price, "tva": 20, **changes}


def bundle(code: str = "FR", units: int = 1000, **changes: Any) -> dict[str, Any]:
    """A monthly bundle at 0.01 in advance, trued up each quarter at 0.02, on B1's NB."""
    terms = {"units": units, "true_up": {"count": 3, "unit": "month"}, **changes.pop("terms", {})}
    costs = changes.pop("couts", [cost("0.01"), cost("0.02", famille="depassement")])
    return rule("bundle", code, *costs, parametres=terms, **{"compteurs": COPIER, **changes})


def machine(house: House, *rules: dict[str, Any], **module: Any) -> None:
    """Customer C1, machine B1 with NB, CO and A3 at 0 on 1 January 2026, one contract."""
    house.customers("C1")
    house.machine("B1", "C1", "NB", "CO", "A3")
    house.contracts(contract("K1", "C1", *rules, **module))
    house.readings(*(("B1", meter, "2026-01-01", 0, "pose") for meter in ("NB", "CO", "A3")))


def refusal(house: House, *rules: dict[str, Any]) -> str:
    """Why a file is refused."""
    house.customers("C1")
    house.machine("B1", "C1", "NB")
    path = house.folder / "refused.json"
    path.write_text(json.dumps(contract("K1", "C1", *rules)), "utf-8")
    (one,) = import_paths(house.app.office(), [path], "contracts")
    assert one.outcome is Outcome.REFUSED
    return " ".join(anomaly.sentence for anomaly in one.anomalies)


def bill_twice(house: House, day: str, **options: Any) -> list[tuple[Any, ...]]:
    """The lines a run adds; run again it adds none."""
    before = len(house.lines())
    house.bill(day, **options)
    added = house.lines()[before:]
    again = house.bill(day, **options)
    assert (again.invoices, again.failed) == (0, [])
    assert house.lines()[before:] == added
    return added


@pytest.mark.feature("A-MFX-01")
def test_a_fee_for_three_meters(house: House) -> None:
    meters = [{"bien": "B1", "compteur": meter} for meter in ("NB", "CO", "A3")]
    machine(house, rule("meter_fee", "XG", cost("4.00"), compteurs=meters))
    assert bill_twice(house, "2026-01-01") == [("XG", "2026-01-01", "2026-02-01", 3, 1200)]
    assert 3 * 4.00 == 12.00


@pytest.mark.feature("A-PP-01")
def test_a_share_of_the_other_lines(house: House) -> None:
    """5 % of 200.00 of other lines = 10.00, once, and not on another share."""
    share = {"terme": None, "periodicite": None, "position": 9}
    machine(
        house,
        fee("A", "120.00"),
        fee("B", "80.00", periodicite=QUARTERLY),
        rule("cost_share", "P", cost("5"), **share),
        rule("cost_share", "Q", cost("5"), **share),
    )
    lines = bill_twice(house, "2026-01-01")
    assert [(line[0], line[4]) for line in lines] == [
        ("A", 12000),
        ("B", 8000),
        ("P", 1000),
        ("Q", 1000),
    ]
    assert 200.00 * 5 / 100 == 10.00
    assert [(line[0], line[4]) for line in bill_twice(house, "2026-02-01")] == [
        ("A", 12000),
        ("P", 600),
        ("Q", 600),
    ]


def test_a_share_has_no_periodicity(house: House) -> None:
    assert "suit les autres règles" in refusal(
        house, rule("cost_share", "P", cost("5"), terme=None)
    )


def test_a_contract_with_a_share_waits_whole(house: House) -> None:
    """A is 6.00 to C2, under the threshold of 10.00: nothing of the contract is billed."""
    house.customers("C1", "C2")
    share = rule("cost_share", "P", cost("5"), terme=None, periodicite=None)
    rules = (fee("A", "6.00", cout={"payeur": "C2"}), fee("B", "80.00"), share)
    house.contracts(contract("K1", "C1", *rules))
    report = house.bill("2026-01-01", threshold=10)
    assert (report.invoices, len(report.deferred)) == (0, 1)
    assert house.bill("2026-01-01").invoices == 2
    assert ("P", 430) in [(line[0], line[4]) for line in house.lines()]  # 5 % of 86.00


@pytest.mark.feature("A-FR-01", "A-FR-02")
def test_bundles_and_their_true_up(house: House) -> None:
    """Bundle 1000 x 3, counter +3400: extra 400, billed 01/04 for Q1."""
    machine(house, bundle())
    for day in ("2026-01-01", "2026-02-01", "2026-03-01"):
        ((_, since, _, quantity, cents),) = bill_twice(house, day)
        assert (since, quantity, cents) == (day, 1000, 1000)
    house.readings(("B1", "NB", "2026-04-01", 3400, "client"))
    assert bill_twice(house, "2026-04-01") == [
        ("FR", "2026-01-01", "2026-04-01", 3400 - 1000 * 3, 800),
        ("FR", "2026-04-01", "2026-05-01", 1000, 1000),
    ]
    assert house.lines()[-2][3] == 400
    assert house.state("FR")["own"] == {
        "first": "2026-01-01",
        "last": "2026-04-01",
        "next": "2026-07-01",
        "cumulated": "1000",
        "counter": "3400",
        "extra": "400",
    }


@pytest.mark.feature("A-FR-03")
def test_a_monthly_true_up_on_a_quarterly_bundle_is_refused(house: House) -> None:
    monthly = {"true_up": {"count": 1, "unit": "month"}}
    sentence = refusal(house, bundle(periodicite=QUARTERLY, terms=monthly))
    assert "la période de régularisation n'est pas un multiple de celle du forfait" in sentence


@pytest.mark.feature("A-NCU-08")
def test_a_maximum_with_a_yearly_true_up_is_refused(house: House) -> None:
    terms = {"true_up": {"count": 1, "unit": "year"}, "calculation": "max"}
    assert "seule la somme" in refusal(house, bundle(periodicite=QUARTERLY, terms=terms))


@pytest.mark.feature("A-FR-17")
def test_a_grouped_rule_with_refund_off_is_refused(house: House) -> None:
    sentence = refusal(house, bundle(terms={"grouping": "price", "refund": False}))
    assert "demande contrôle et remboursement" in sentence


@pytest.mark.feature("A-FR-08")
def test_below_the_threshold_leaves_no_bundle_behind(house: House) -> None:
    machine(house, bundle())
    report = house.bill("2026-01-01", threshold=20)
    assert (report.invoices, len(report.deferred)) == (0, 1)
    assert house.state("FR") == {"next_theoretical": "2026-01-01"}
    assert house.rows("SELECT * FROM rule_event") == []
    lines = bill_twice(house, "2026-02-01")  # both months, 20.00 in all
    assert [line[3] for line in lines] == [1000, 1000]
    assert house.state("FR")["own"]["cumulated"] == "2000"


@pytest.mark.feature("A-FR-09")
def test_every_true_up_stays_in_the_events(house: House) -> None:
    machine(house, bundle())
    counters = {"2026-04-01": 3400, "2026-07-01": 6000, "2026-10-01": 9900}
    for month in range(1, 11):
        day = f"2026-{month:02d}-01"
        if day in counters:
            house.readings(("B1", "NB", day, counters[day], "client"))
        house.bill(day)
    history = [
        (own["last"], own["counter"], own.get("extra"), document)
        for state, document in house.rows(
            "SELECT state, document_id FROM rule_event ORDER BY sequence"
        )
        if "last" in (own := json.loads(state)["own"])
    ]
    assert history == [
        ("2026-04-01", "3400", "400", 4),
        ("2026-07-01", "6000", "-400", 7),  # no refund: no line, and trued up all the same
        ("2026-10-01", "9900", "900", 10),
    ]


@pytest.mark.feature("A-FR-13")
def test_bundle_and_true_up_on_two_invoices(house: House) -> None:
    machine(house, bundle(terms={"same_invoice": False}))
    for day in ("2026-01-01", "2026-02-01", "2026-03-01"):
        house.bill(day)
    house.readings(("B1", "NB", "2026-04-01", 3400, "client"))
    house.bill("2026-04-01")
    assert [(number, net) for number, _, _, net, _, _ in house.invoices()] == [
        (1, 1000),
        (2, 1000),
        (3, 1000),
        (4, 1000),
        (5, 800),
    ]


def test_a_bundle_taken_over_with_its_counter_included(house: House) -> None:
    """ARTIS's cumul holds the counter: 5000 + 2 × 1000 = 7000; then one month more, and 8300."""
    opening = {
        "prochaine_theorique": "2026-03-01",
        "derniere_theorique": "2026-02-01",
        "derniere_reelle": "2026-02-01",
        "derniere_facture": "F1",
        "compteurs": [{"bien": "B1", "compteur": "NB", "valeur": 5000, "date": "2026-01-01"}],
        "derniere_regularisation": "2026-01-01",
        "prochaine_regularisation": "2026-04-01",
        "cumul_forfaits": 7000,
        "cumul_inclut_compteur": True,
    }
    machine(house, bundle(reprise=opening))
    assert house.state("FR")["own"]["cumulated"] == "2000"
    house.bill("2026-03-01")
    house.readings(("B1", "NB", "2026-04-01", 8300, "client"))
    assert [line[3] for line in bill_twice(house, "2026-04-01")] == [300, 1000]


def test_a_flat_fee_takes_no_true_up_over(house: House) -> None:
    opening = {"prochaine_theorique": "2026-01-01", "cumul_forfaits": 10}
    assert "ne reprend pas ces régularisations" in refusal(
        house, fee("MF", "5.00", reprise=opening)
    )


def test_the_last_true_up_comes_behind_the_last_bundle(house: House) -> None:
    """A module of three months: on 1 April no bundle is left, the true-up is."""
    machine(house, bundle(), fin="2026-03-31")
    for day in ("2026-01-01", "2026-02-01", "2026-03-01"):
        house.bill(day)
    house.readings(("B1", "NB", "2026-04-01", 3100, "client"))
    assert bill_twice(house, "2026-04-01") == [("FR", "2026-01-01", "2026-04-01", 100, 200)]
    assert bill_twice(house, "2026-07-01") == []


def block(**changes: Any) -> dict[str, Any]:
    """A block of 5000 at 0.01 in advance for 12 months, overrun at 0.02, on B1's NB."""
    renewal = {"count": 12, "unit": "month"}
    terms = {"units": 5000, "renewal": renewal, **changes.pop("terms", {})}
    costs = [cost("0.01"), cost("0.02", famille="depassement")]
    return rule("block", "TR", *costs, parametres=terms, compteurs=COPIER, **changes)


def test_a_block_is_renewed_when_its_bound_is_passed(house: House) -> None:
    machine(house, block(terms={"overrun": "priced"}))
    assert bill_twice(house, "2026-01-01") == [("TR", "2026-01-01", "2027-01-01", 5000, 5000)]
    house.readings(("B1", "NB", "2026-02-01", 4000, "client"))
    assert bill_twice(house, "2026-02-01") == []
    house.readings(("B1", "NB", "2026-03-01", 5120, "client"))
    assert bill_twice(house, "2026-03-01") == [
        ("TR", "2026-03-01", "2027-03-01", 120, 240),
        ("TR", "2026-03-01", "2027-03-01", 5000, 5000),
    ]
    assert house.state("TR")["own"] == {"total": "5120", "bound": "10120", "checked": "2026-03-01"}


@pytest.mark.feature("A-TR-01")
def test_a_block_taken_over_with_its_bound(house: House) -> None:
    """Bound 20747, counter 20748: one block of 5000, bound 25747."""
    opening = {
        "prochaine_theorique": "2026-02-01",
        "derniere_theorique": "2026-01-01",
        "derniere_reelle": "2026-01-01",
        "derniere_facture": "F1",
        "compteurs": [{"bien": "B1", "compteur": "NB", "valeur": 17814}],
        "borne": 20747,
    }
    machine(house, block(reprise=opening))
    house.readings(("B1", "NB", "2026-02-01", 20748, "client"))
    assert [line[3] for line in bill_twice(house, "2026-02-01")] == [5000]
    assert house.state("TR")["own"]["bound"] == "25747"


def test_degressive_copies(house: House) -> None:
    """0-1000 at 0.010, above 0.008: 1500 copies = 10.00 + 4.00 = 14.00."""
    machine(house, copies("UC", "0.010", [("B1", "NB")], parametres=CHEAPER))
    house.readings(("B1", "NB", "2026-02-01", 1500, "client"))
    lines = bill_twice(house, "2026-02-01")
    assert [(line[3], line[4]) for line in lines] == [(1000, 1000), (500, 400)]
    assert [net for _, _, _, net, _, _ in house.invoices()] == [1400]


@pytest.mark.feature("A-FR-07")
def test_a_true_up_day_behind_the_bundle_day_is_told(house: House) -> None:
    """Bundle on the 1st, true-up on the 2nd: 5 bundles instead of 4, then 3 for 4."""
    house.customers("C1")
    house.machine("B1", "C1", "NB")
    late = {"true_up": {"count": 12, "unit": "month", "anchor": "2006-11-02"}}
    since = {"debut": "2006-11-01", "periodicite": QUARTERLY}
    signed = contract("K1", "C1", bundle(terms=late, **since), debut="2006-11-01")
    path = house.folder / "odd.json"
    path.write_text(json.dumps(signed), "utf-8")
    (one,) = import_paths(house.app.office(), [path], "contracts")
    assert one.outcome is Outcome.IMPORTED
    sentences = [notice.sentence for notice in one.notices if notice.code.id == "IMP-175"]
    assert len(sentences) == 1
    assert "le jour de régularisation (2) suit le jour du forfait (1)" in sentences[0]


def test_a_simulation_of_every_kind_plans_the_rows_billed(house: House) -> None:
    black, colour, large = ([{"bien": "B1", "compteur": meter}] for meter in ("NB", "CO", "A3"))
    by_price = {"grouping": "price", "refund": True, "true_up": {"count": 1, "unit": "month"}}
    machine(
        house,
        fee("MF", "25.00"),
        copies("UC", "0.010", [("B1", "A3")], parametres=CHEAPER),
        rule("meter_fee", "XG", cost("4.00"), compteurs=large),
        bundle("NB", compteurs=black, terms=by_price),
        bundle("CO", compteurs=colour, terms=by_price),
        block(),
        rule("cost_share", "PF", cost("5"), terme=None, periodicite=None),
    )
    for day, counter in (("2026-01-01", 0), ("2026-02-01", 2500), ("2026-03-01", 6100)):
        if counter:
            house.readings(*(("B1", meter, day, counter, "client") for meter in ("NB", "CO", "A3")))
        planned, _ = house.simulate(day)
        digest = hashlib.sha256()
        billed = run.bill(house.run(day), digest)
        assert (billed.anomalies, billed.failed) == ([], [])
        assert billed.invoices == 1
        assert planned.rows_digest == digest.hexdigest()
        assert verify(house.engine, house.app.organisation_id).fault is None


@pytest.mark.feature("A-NCU-13")
def test_a_meter_by_the_thousand_is_billed_from_the_technical_one(house: House) -> None:
    house.customers("C1")
    house.bring("assets", "bien;client;compteur;formule\nB1;C1;NB;\nB1;C1;MILLE;NB / 1000\n")
    house.contracts(contract("K1", "C1", copies("UC", "10.00", [("B1", "MILLE")])))
    house.readings(
        ("B1", "NB", "2026-01-01", 0, "pose"),
        ("B1", "NB", "2026-01-25", 17_500, "prestataire"),
    )
    assert bill_twice(house, "2026-02-01") == [("UC", "2026-01-01", "2026-02-01", 18, 18_000)]
    assert house.state("UC")["counters"] == {"2": 18}
    bill_twice(house, "2026-03-01")  # no reading: 18 units in 24 days, estimated and stored
    assert house.rows("SELECT meter_id, value FROM reading WHERE origin = 'estimate'") == [(2, 44)]
    house.execute("UPDATE meter SET formula = '' WHERE code = 'MILLE'")
    report = house.bill("2026-04-01")
    assert [anomaly.code.id for anomaly in report.anomalies] == ["RAT-143"]


@pytest.mark.feature("A-REL-21")
def test_a_meter_that_ended_and_one_that_is_not_printed(house: House) -> None:
    house.customers("C1")
    house.bring(
        "assets",
        "bien;client;compteur;imprimable;compteur_fin\nB1;C1;NB;non;\nB1;C1;CO;;31/01/2026\n",
    )
    pair = [("B1", "NB"), ("B1", "CO")]
    rules = [copies(meter, "0.01", [(asset, meter)]) for asset, meter in pair]
    house.contracts(contract("K1", "C1", rules[0]), contract("K2", "C1", rules[1]))
    for meter in ("NB", "CO"):
        house.readings(
            ("B1", meter, "2026-01-01", 0, "pose"),
            ("B1", meter, "2026-01-31", 500, "prestataire"),
        )
    report = house.bill("2026-02-01")
    assert [anomaly.sentence for anomaly in report.anomalies] == [
        "La grandeur « CO » du bien « B1 » n'est pas active : elle a pris fin le 31/01/2026."
    ]
    ((details,),) = house.rows("SELECT details FROM document_line")
    assert json.loads(details)["details"] == []
