"""A contract whose facts break the program is left out by itself, whatever its group."""

from __future__ import annotations

import pytest

from integration.flows.billing import culprits, gather, plan
from integration.flows.billing.run import bill
from integration.flows.verify import verify
from tests.integration.billing.house import House, contract, fee

DAY = "2026-01-01"
PAID = {"payeur": "LOUEUR"}


def _group(house: House, count: int = 7, *, grouped: bool = False) -> None:
    """Contracts K1… of as many customers, all paid by one lessor; K4's quantity is no number."""
    house.customers("LOUEUR", grouped=grouped)
    house.customers(*(f"C{n}" for n in range(1, count + 1)))
    house.contracts(
        *(contract(f"K{n}", f"C{n}", fee(f"R{n}", "10.00", cout=PAID)) for n in range(1, count + 1))
    )
    house.execute("""UPDATE rule SET terms = '{"quantity":"secret"}' WHERE code = 'R4'""")


def _billed(house: House) -> list[str]:
    return [row[0] for row in house.lines()]


def test_when_all_are_bad_the_search_ends_early(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three trials are allowed: K1, though good, waits with the others."""
    monkeypatch.setattr(culprits, "TRIALS", 3)
    _group(house)
    house.execute("""UPDATE rule SET terms = '{"quantity":"secret"}' WHERE code >= 'R2'""")
    report = house.bill(DAY)
    assert report.failed == [(n, "ValueError") for n in range(1, 8)]
    assert report.invoices == 0


@pytest.mark.parametrize("chunk", [500, 3])
def test_the_others_of_its_group_post(
    house: House, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """Also in a group larger than a chunk. It is named by id, class and code, never by value."""
    monkeypatch.setattr(gather, "LARGE", chunk)
    monkeypatch.setattr(plan, "LARGE", chunk)
    _group(house)
    simulated, _ = house.simulate(DAY)
    report = house.bill(DAY)
    assert report.failed == simulated.failed == [(4, "ValueError")]
    assert report.blocked == [4]
    assert (report.invoices, simulated.invoices) == (6, 6)
    assert _billed(house) == ["R1", "R2", "R3", "R5", "R6", "R7"]
    (anomaly,) = report.anomalies
    assert str(anomaly) == str(simulated.anomalies[0])
    assert str(anomaly) == (
        "RAT-217 Le contrat « K4 » fait échouer son calcul (ValueError). "
        "Vérifiez ce qui a été changé sur ce contrat ; les autres sont facturés sans lui."
    )
    again = house.bill(DAY)
    assert (again.invoices, again.failed) == (0, [(4, "ValueError")])
    house.execute("""UPDATE rule SET terms = '{"quantity":"1"}' WHERE code = 'R4'""")
    assert house.bill(DAY).failed == []
    assert _billed(house)[-1] == "R4"


def test_a_part_billed_before_is_found_by_posting_alone(house: House) -> None:
    """Planning goes well, the unique key refuses: the trial of a posting finds whom."""
    _group(house)
    house.execute("""UPDATE rule SET terms = '{"quantity":"1"}' WHERE code = 'R4'""")
    assert house.bill(DAY).invoices == 7
    house.execute("""UPDATE rule_state SET next_theoretical = '2026-01-01',
        state = '{"next_theoretical":"2026-01-01"}' WHERE rule_id IN (2, 6)""")
    report = bill(house.run("2026-02-01"))
    assert report.failed == [(2, "IntegrityError"), (6, "IntegrityError")]
    assert (report.invoices, len(_billed(house))) == (5, 12)
    assert [row[0] for row in house.invoices()] == list(range(1, 13))


def test_a_grouped_customer_waits_with_its_bad_contract(house: House) -> None:
    """Its own contracts share one invoice: none of them goes without the other."""
    house.customers("C1", grouped=True)
    house.customers("C2")
    house.contracts(
        *(contract(f"K{n}", "C1", fee(f"R{n}", "10.00")) for n in (1, 2)),
        contract("K3", "C2", fee("R3", "10.00")),
    )
    house.execute("""UPDATE rule SET terms = '{"quantity":"secret"}' WHERE code = 'R1'""")
    report = house.bill(DAY)
    assert (report.failed, report.blocked) == ([(1, "ValueError")], [1, 2])
    assert _billed(house) == ["R3"]


def test_when_none_is_bad_alone_the_group_waits_and_each_is_named(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that only appears when all the group is there, and nobody could foresee."""
    _group(house, 3)
    house.execute("""UPDATE rule SET terms = '{"quantity":"1"}'""")
    sound = plan.shape

    def shape(ratings: list[object], *given: object) -> object:
        if len(ratings) == 3 and all(rating.rules for rating in ratings):  # type: ignore[attr-defined]
            raise LookupError
        return sound(ratings, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(plan, "shape", shape)
    report = house.bill(DAY)
    assert report.failed == [(n, "LookupError") for n in (1, 2, 3)]
    assert (report.invoices, report.blocked) == (0, [1, 2, 3])
    assert verify(house.engine, 1).fault is None
