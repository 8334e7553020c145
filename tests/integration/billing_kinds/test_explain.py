"""A posted line tells in French how it came to be, and its amount again, from what it kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from formats.common.anomaly import AnomaliesFound
from integration import cli
from integration.app import open_app
from integration.flows.explain import Explained, explain
from tests.integration.billing.house import MONTHLY, House, contract, copies, fee
from tests.integration.billing_kinds.test_kinds import bundle, cost, machine, rule
from tests.integration.cli.test_cli import _file, _run

TODAY = (
    "UPDATE cost_line SET price_e8 = 99900000000, article = 'AUTRE'",
    "UPDATE rule SET label = 'Renommée', terms = '{}'",
    "DELETE FROM reading",
)


def told(house: House, invoice: str, line: int | None = None) -> list[Explained]:
    """The lines of an invoice, each found again at its amount."""
    with house.engine.connect() as connection:
        found = explain(connection, house.app.organisation_id, invoice, line)
    assert [one.anomaly for one in found] == [None] * len(found)
    assert all(one.posted == one.recomputed for one in found)
    return found


def text(one: Explained) -> str:
    """Its sentences, on one line, with plain spaces."""
    return " ".join(one.sentences).replace("\N{NO-BREAK SPACE}", " ")


def bill_2015(home: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bundle of 2015, billed from January to April."""
    assert cli.main(["--home", str(home), "init"]) == cli.DONE
    document = contract("K1", "C1", bundle(libelle="Forfait copies"), debut="2015-01-01")
    readings = "B1;NB;2015-01-01;0;pose\nB1;NB;2015-04-01;3400;client\n"
    files = (
        ("1-clients.csv", "code;nom\nC1;Imprimerie\n"),
        ("2-biens.csv", "bien;client;compteur\nB1;C1;NB\n"),
        ("3-contrats.json", json.dumps(document)),
        ("4-releves.csv", "bien;compteur;date;valeur;origine\n" + readings),
    )
    for name, content in files:
        assert _run(capsys, home, "import", _file(folder, name, content))[0] == cli.DONE
    for day in ("2015-01-01", "2015-02-01", "2015-03-01", "2015-04-01"):
        assert _run(capsys, home, "bill", "--date", day)[0] == cli.DONE


#      2015-01-01         02-01          03-01          04-01
#  NB  0 (installation)                                 3400 (customer)
#      |-- bundle 1000 --|-- bundle 1000 --|-- bundle 1000 --|-- bundle 1000 --|
#      |------------------ true-up: 3400 - 3000 = 400 -------|
#      in advance: a bundle is billed on its first day; on 04-01 the true-up comes before it
@pytest.mark.feature("X-EXP-01")
def test_a_true_up_of_2015_is_explained_without_todays_prices_or_readings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "maison"
    bill_2015(home, tmp_path, capsys)
    before = _run(capsys, home, "explain", "VT2015-000004")
    with open_app(home) as app, app.engine.begin() as connection:
        for change in TODAY:
            connection.exec_driver_sql(change)

    assert _run(capsys, home, "explain", "VT2015-000004") == before
    code, out, err = _run(capsys, home, "explain", "VT2015-000004", 1)
    assert (code, err) == (cli.DONE, "")
    said = out.replace("\N{NO-BREAK SPACE}", " ")
    for sentence in (
        "Règle FR « Forfait copies » : forfait et régularisation, terme à échoir.",
        "Contrat K1, module M1.",
        "Période du 01/01/2015 au 31/03/2015, facturée le 01/04/2015.",
        "Grandeur NB du bien B1 : 0 (installation, 01/01/2015), puis 3 400 (relevé client,"
        " 01/04/2015) : 3 400 unités.",
        "Forfaits facturés depuis la dernière régularisation : 3 000 unités.",
        "Unités au-delà des forfaits, à régulariser : 400.",
        "Montant HT : 400 × 0,02 € = 8,00 €",
        "TVA 20 %, une fois par taux sur la facture : 18,00 € → 3,60 €.",
        "Recalculé : 8,00 €, conforme.",
    ):
        assert sentence in said, said
    answer = json.loads(_run(capsys, home, "explain", "VT2015-000004", 1, "--json")[1])
    (line,) = answer["lines"]
    assert (line["posted"], line["recomputed"], line["anomaly"]) == ("8.00", "8.00", None)


def test_an_estimate_tells_its_arithmetic(house: House) -> None:
    """300 units in 30 days, then 59 days: 300 + 300 × 59 / 30 = 890."""
    machine(house, copies("UC", "0.01", [("B1", "NB")]))
    house.readings(("B1", "NB", "2026-01-31", 300, "client"))
    house.bill("2026-03-31")
    (one,) = told(house, "VT2026-000001")
    assert (
        "Estimation : dernier relevé réel 300 (relevé client, 31/01/2026) + 304,375 unités par mois"
        " (VMM, entre les deux derniers relevés réels) × 1,9384 mois (59 jours × 12 ÷ 365,25)"
        " = 890, à l'unité la plus proche." in text(one)
    )
    assert "Recalculé : 8,90 €, conforme." in text(one)


def test_proration_offers_slices_and_shares_are_told(house: House) -> None:
    slices = [{"above": 1000, "price": "0.008"}]
    machine(
        house,
        fee(
            "A",
            "30.00",
            prorata={"premiere": True},
            debut="2026-01-11",
            periodicite={**MONTHLY, "civile": True},
        ),
        copies(
            "B",
            "0.01",
            [("B1", "NB")],
            parametres={"offered": 100, "degressive": slices, "harmonise": True},
        ),
        rule("cost_share", "P", cost("5"), terme=None, periodicite=None, position=9),
    )
    house.readings(("B1", "NB", "2026-02-01", 1600, "client"))
    house.bill("2026-02-01")
    said = "\n".join(text(one) for one in told(house, "VT2026-000001"))
    for sentence in (
        "Prorata de la période : 19/30.",
        "Prix de la période entière : 30,00 €.",
        "Unités offertes, déduites : 100.",
        "Prix dégressif : unités au-delà de 1 000.",
        "Montant HT : 500 × 0,008 € = 4,00 €",
        "Autres lignes du contrat dans ce passage : 19,00 + 30,00 + 10,00 + 4,00 = 63,00 €.",
    ):
        assert sentence in said


@pytest.mark.feature("A-REL-23")
def test_a_meter_without_a_name_blocks_and_names_its_asset(house: House) -> None:
    machine(house, copies("UC", "0.01", [("B1", "NB"), ("B1", "CO")]), fee("A", "30.00"))
    house.bring(
        "assets",
        '{"bien": "B1", "client": "C1", "compteurs": [{"compteur": "CO", "libelle": ""}]}',
    )
    house.readings(("B1", "NB", "2026-02-01", 100, "client"))
    report = house.bill("2026-02-01")
    assert (report.invoices, len(report.blocked)) == (0, 1)
    (anomaly,) = report.anomalies
    assert anomaly.code.id == "RAT-209"
    assert anomaly.sentence == "Le ou les biens B1 possèdent des grandeurs sans nom."


def test_a_changed_amount_is_an_anomaly(house: House) -> None:
    machine(house, fee("A", "30.00"))
    house.bill("2026-01-01")
    for trigger in (
        house.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        if (house.engine.dialect.name == "sqlite")
        else ()
    ):
        house.execute(f"DROP TRIGGER {trigger[0]}")
    if house.engine.dialect.name != "sqlite":
        house.execute("ALTER TABLE document_line DISABLE TRIGGER ALL")
    house.execute("UPDATE document_line SET net_cents = 3100")
    with house.engine.connect() as connection:
        (one,) = explain(connection, house.app.organisation_id, "VT2026-000001")
    assert one.anomaly is not None
    assert one.anomaly.code.id == "LED-912"
    assert "30,00 € et non à 31,00 €" in one.anomaly.sentence


@pytest.mark.parametrize(
    ("invoice", "line"), [("VT2026-000009", None), ("VT2026-000001", 7), ("?", 1)]
)
def test_an_unknown_line_is_refused(house: House, invoice: str, line: Any) -> None:
    machine(house, fee("A", "30.00"))
    house.bill("2026-01-01")
    with pytest.raises(AnomaliesFound, match="RUN-114"):
        told(house, invoice, line)
