"""Quantities of flat fees changed by a file, with their trail; activation and its warnings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integration.cli import BAD_INPUT, DONE
from tests.integration.billing.house import House, contract, copies, fee, house_at
from tests.integration.prices.desk import Desk

HEADER = "contrat;module;regle;quantite\n"


def _file(desk: Desk, *rows: str) -> Path:
    path = desk.house.folder / "regles.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def desk(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A fee of three units and copies."""
    house.customers("C1")
    house.machine("B1", "C1")
    own = copies("UC", "0.01", [("B1", "NB")])
    house.contracts(contract("K1", "C1", fee("MF", "10.00", "3")), contract("K2", "C1", own))
    return Desk(house, monkeypatch, capsys)


@pytest.mark.feature("A-RFC-24")
def test_quantity_3_to_5_on_10_05(desk: Desk) -> None:
    """Changed between two billings: the next one bills 5; the trail keeps value, date, author."""
    house = desk.house
    house.app = replace(house.app, clock=lambda: datetime(2026, 5, 10, 9, tzinfo=UTC))
    house.bill("2026-05-01")
    path = _file(desk, "K1;M1;MF;5")
    code, out, _ = desk.run("rules", "import", path)
    assert (code, out.splitlines()[:2]) == (DONE, ["K1 / M1 / MF", "  quantite : 3 → 5"])
    assert not house.rows("SELECT * FROM rule_change")
    assert desk.run("rules", "import", path, "--apply", "--author", "Dupond")[0] == DONE
    house.bill("2026-06-01")
    fees = [line for line in house.lines() if line[0] == "MF"]
    assert [(line[1], int(line[3])) for line in fees][-2:] == [("2026-05-01", 3), ("2026-06-01", 5)]
    rows = house.rows("SELECT field, before, after, author, changed_at FROM rule_change")
    assert rows == [("quantity", "3", "5", "Dupond", "2026-05-10T09:00:00+00:00")]


def test_a_file_is_applied_whole_or_not_at_all(desk: Desk) -> None:
    path = _file(desk, "K1;M1;MF;5", "K2;M1;UC;5", "K9;M1;MF;5", "K1;M1;MF;6")
    code, _, err = desk.run("rules", "import", path, "--apply")
    assert code == BAD_INPUT
    assert [line.split()[0] for line in err.splitlines()] == ["IMP-202", "IMP-201", "IMP-203"]
    assert desk.house.rows("SELECT terms FROM rule ORDER BY id")[0] == ('{"quantity":"3"}',)
    code, out, _ = desk.run("rules", "import", _file(desk, "K1;M1;MF;"), "--apply")
    assert (code, out) == (DONE, "Rien à modifier.\n")


@pytest.mark.feature("A-OFF-08")
def test_offered_and_financed_copies_are_two_columns(desk: Desk) -> None:
    """Exported beside each other; a file that comes back may change each alone."""
    given = {"offered": 1000, "financed": 500}
    rules = copies("UC", "0.01", [("B1", "NB")], parametres=given), fee("MF", "10.00")
    desk.house.contracts(contract("K3", "C1", *rules))
    path = desk.house.folder / "regles.csv"
    assert desk.run("rules", "export", path, "--contract", "K3")[0] == DONE
    (row, other) = desk.rows(path)
    assert (row["copies_offertes"], row["copies_financees"], row["quantite"]) == ("1000", "500", "")
    assert list(other.values()) == ["K3", "M1", "MF", "1", "", ""]
    assert desk.run("rules", "import", path) == (DONE, "Rien à modifier.\n", "")
    row["copies_financees"] = "600"
    assert desk.run("rules", "import", desk.save(path, [row]), "--apply")[0] == DONE
    ((terms,),) = desk.house.rows("SELECT terms FROM rule WHERE terms LIKE '%financed%'")
    assert terms == '{"financed":600,"offered":1000}'
    assert desk.run("rules", "export", path)[1] == f"4 règles dans {path}.\n"


def test_a_billing_planned_before_a_change_is_planned_again(desk: Desk) -> None:
    """The change is an event of the rule: the plan's move no longer fits."""
    desk.run("rules", "import", _file(desk, "K1;M1;MF;5"), "--apply")
    rows = desk.house.rows("SELECT kind, sequence, state FROM rule_event")
    assert rows == [("manual", 1, "{}")]
    assert desk.house.rows("SELECT events FROM rule_state ORDER BY rule_id") == [(1,), (0,)]


@pytest.mark.feature("A-AUG-03")
@pytest.mark.feature("A-AUG-12")
def test_activation_is_tried_then_asked_for(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Coefficient 1.05, percentage 9.7: × 1.05 with a warning; `bill` refuses the trial."""
    rates = {"COEFF_UNITAIRE_MAJORATIONSOCIETE": "1.05", "POURC_UNITAIRE_MAJORATIONSOCIETE": "9.7"}
    with house_at(database_url, tmp_path, **rates) as house:
        desk = Desk(house, monkeypatch, capsys)
        house.customers("C1")
        agreed = {"type": "majoration société"}
        house.contracts(contract("K1", "C1", fee("MF", "100.00", augmentation=agreed)))
        house.bill("2026-12-31")
        words = ("simulate", "--date", "2027-01-01")
        code, out, err = desk.run(*words, "--with-increases")
        assert code == DONE
        assert "×     105,00 € =       105,00 €" in out
        assert "régularisations : au prix du début de leur période" in out
        assert err.startswith("CFG-041")
        assert "(1.05) et POURC_UNITAIRE_MAJORATIONSOCIETE (9.7 %)" in err
        code, _, err = desk.run("bill", "--from-simulation", "1")
        assert (code, err.split()[0]) == (BAD_INPUT, "RUN-142")
        assert "×     100,00 €" in desk.run(*words)[1]


@pytest.mark.feature("A-AUG-04")
def test_two_organisations_two_coefficients(database_url: str, tmp_path: Path) -> None:
    """Each organisation's invoices follow its own value of the parameter."""
    prices = []
    for code, coefficient in (("A", "1.05"), ("B", "1.10")):
        rates = {"COEFF_UNITAIRE_MAJORATIONSOCIETE": coefficient, "REGLEFACT_AUGMENTATION": True}
        with house_at(database_url, tmp_path, organisation=code, **rates) as house:  # one key
            house.customers(f"C{code}")
            agreed = {"type": "majoration société"}
            house.contracts(contract("K1", f"C{code}", fee("MF", "100.00", augmentation=agreed)))
            report, shapes = house.simulate("2027-01-01")
            assert report.invoices == 1
            prices.append(str(shapes[0].invoices[0].lines[-1].unit_price))
    assert prices == ["105.00", "110.00"]
