"""Pay per run from the analysers' feed to posted lines, PDF and alerts (I-RUN-01 to 13)."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from formats.pdf.content import InvoicePage
from integration.database.engine import snapshot
from integration.flows.analysers import consumable_levels, watch
from integration.flows.explain import explain
from integration.inbox import Imported, import_paths
from integration.nights import play_night
from integration.translate.invoice_pages import drawn, invoice_pages
from tests.integration.billing.house import MONTHLY, House, contract, fee
from tests.integration.billing_kinds.test_kinds import bill_twice, cost, rule
from tests.integration.outbox.post import toml
from tests.plugins.smtp_server import smtp_server

HEADER = "serie;horodatage;patient;espece;prelevement;type\n"
NAME = "Zébulon"


def metered(code: str, analyser: str, *more: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """CBC at 6.00 a run on an analyser, due on the last day of each month from April."""
    cbc = cost("6.00", article="CBC", libelle="ProCyte One CBC")
    told = {
        "terme": None,
        "biens": [analyser],
        "periodicite": {**MONTHLY, "ancrage": "2026-01-31"},
        "reprise": {"prochaine_theorique": "2026-04-30"},
    }
    return rule("run", code, cbc, *more, **(told | changes))


def smart_qc(price: str = "20.00") -> dict[str, Any]:
    """The monthly fee of the quality control."""
    return cost(price, article="QC", libelle="SmartQC", famille="abonnement")


def practice(house: House, *rules: dict[str, Any], installed: str = "05/01/2026") -> None:
    """Customer C1, analyser PC1 of serial number SN1, contract K1."""
    house.customers("C1", "C2")
    house.bring("assets", f"bien;client;site;serie;pose_le\nPC1;C1;SC1;SN1;{installed}\n")
    house.contracts(contract("K1", "C1", *(rules or (metered("CBC", "PC1"),)), biens=["PC1"]))


def ran(*rows: str) -> str:
    """A feed of SN1: `2026-05-20T10:00:00;Rex;chien;sang;patient`."""
    return HEADER + "".join(f"SN1;{row}\n" for row in rows)


def blood(at: str, patient: str = "Rex", sample: str = "sang") -> str:
    """A dog's blood at an instant."""
    return f"{at};{patient};chien;{sample};patient"


def control(at: str) -> str:
    """A quality control."""
    return f"{at};;;;qc"


def page(house: House, document: int = 1) -> InvoicePage:
    """What an invoice prints."""
    app = house.app
    with house.engine.connect() as connection:
        return invoice_pages(connection, app.settings, app.vault, [document])[document]


def brought(house: House, content: str, flow: str = "runs") -> Imported:
    """What became of a feed."""
    house.files += 1
    path = house.folder / f"feed-{house.files}.csv"
    path.write_text(content, "utf-8")
    (one,) = import_paths(house.app.office(), [path], flow)
    return one


@pytest.mark.feature("I-RUN-01")
def test_thirty_runs_in_may_are_one_invoice_dated_31_05(house: House) -> None:
    """30 runs in May: one invoice dated 31/05, the same as simulated."""
    practice(house)
    rows = [blood(f"2026-05-{day:02}T23:30:00", f"Patient {day}") for day in range(2, 32)]
    house.bring("runs", ran(blood("2026-04-29T10:00:00")))
    assert [line[4] for line in bill_twice(house, "2026-04-30")] == [600]
    house.bring("runs", ran(*rows))
    report, _ = house.simulate("2026-05-31")
    assert (report.invoices, report.lines, report.net_cents) == (1, 30, 30 * 600)
    assert len(bill_twice(house, "2026-05-31")) == 30
    assert house.invoices()[1:] == [(2, "2026-05-31", "C1", 18000, 3600, 21600)]


@pytest.mark.feature("I-RUN-02", "I-RUN-03")
def test_a_rerun_of_the_same_patient_and_sample_is_free(house: House) -> None:
    """Runs at 10:00, 11:00 and next day 10:01: 2 billed. Other sample type at 11:00: billed.

    The name counts whatever its case and spaces; a run sent twice counts once.
    """
    practice(house)
    first, again = blood("2026-04-20T10:00:00"), blood("2026-04-20T11:00:00", " REX ")
    house.bring("runs", ran(first, again, first))
    one = brought(house, ran(first, blood("2026-04-21T10:01:00"), control("2026-04-21T11:00:00")))
    assert one.counts == {"analyses enregistrées": 2, "analyses déjà connues": 1}
    house.bring("runs", ran(blood("2026-04-20T11:00:00", sample="urine")))
    assert [line[1] for line in bill_twice(house, "2026-04-30")] == [
        "2026-04-20",
        "2026-04-20",
        "2026-04-21",
    ]


def test_a_late_feed_never_bills_a_second_run_of_a_sample(house: House) -> None:
    """18:00 is billed on 30/04; 10:00 arrives afterwards: free, for it is the same sample."""
    practice(house)
    house.bring("runs", ran(blood("2026-04-20T18:00:00")))
    assert len(bill_twice(house, "2026-04-30")) == 1
    house.bring("runs", ran(blood("2026-04-20T10:00:00"), control("2026-05-20T10:00:00")))
    assert bill_twice(house, "2026-05-31") == []


@pytest.mark.feature("I-RUN-04")
def test_four_controls_are_no_line_and_one_fee(house: House) -> None:
    """4 QC runs: 0 lines; one fee."""
    practice(house, metered("CBC", "PC1", smart_qc()))
    house.bring("runs", ran(*(control(f"2026-04-{day:02}T07:00:00") for day in (3, 10, 17, 24))))
    assert [line[3:] for line in bill_twice(house, "2026-04-30")] == [(1, 2000)]
    assert page(house).annex == ()


@pytest.mark.feature("I-RUN-05")
def test_installed_on_10_05_bills_from_13_05(house: House) -> None:
    """Installed 10/05: 10, 11, 12 free; 13/05 billed."""
    practice(house, installed="10/05/2026")
    house.bring("runs", ran(*(blood(f"2026-05-{d}T10:00:00", f"P{d}") for d in (10, 11, 12, 13))))
    assert bill_twice(house, "2026-05-31") == [("CBC", "2026-05-13", "2026-05-14", 1, 600)]


@pytest.mark.feature("I-RUN-06")
def test_runs_of_28_04_arriving_03_05_are_on_the_may_invoice(house: House) -> None:
    """Runs of 28/04 arriving 03/05: May invoice with date 28/04."""
    practice(house)
    house.bring("runs", ran(blood("2026-04-10T10:00:00")))
    house.bill("2026-04-30")
    house.bring("runs", ran(blood("2026-04-28T10:00:00"), blood("2026-05-03T09:00:00")))
    assert [line[1] for line in bill_twice(house, "2026-05-31")] == ["2026-04-28", "2026-05-03"]
    assert [row.dated_on for row in page(house, 2).annex] == [date(2026, 4, 28), date(2026, 5, 3)]
    assert house.invoices()[1][1] == "2026-05-31"


@pytest.mark.feature("I-RUN-07")
def test_consumables_told_at_reconnection_correct_the_estimate(house: House) -> None:
    """5 packs delivered on 01/04, 1 used off line on 28/04 and told on 03/05."""
    practice(house)
    note = "livraison;date;serie;article;classe;quantite\nL1;01/04/2026;SN1;REACTIF;CONSO;5\n"
    house.bring("deliveries", note)
    told = "serie;horodatage;article;consomme\n"
    house.bring("consumptions", told + "SN1;2026-04-10T10:00:00;REACTIF;1\n")

    def left(day: str) -> dict[str, dict[str, int]]:
        with snapshot(house.engine) as connection:
            on = date.fromisoformat(day)
            return consumable_levels(connection, house.app.organisation_id, on)

    assert left("2026-04-30") == {"PC1": {"REACTIF": 4}}
    late = "SN1;2026-04-28T10:00:00;REACTIF;1\n"
    house.bring("consumptions", told + late + late)
    assert left("2026-04-27") == {"PC1": {"REACTIF": 4}}
    assert left("2026-04-30") == {"PC1": {"REACTIF": 3}}
    other = brought(house, told + "SN1;2026-04-28T10:00:00;REACTIF;2\n", "consumptions")
    assert [one.code.id for one in other.anomalies] == ["IMP-233"]


@pytest.mark.feature("I-RUN-08")
def test_a_silent_analyser_is_told_to_us_and_to_the_customer_once(house: House) -> None:
    """No feed for n = 7 days: alert to us each night, and one mail to the customer."""
    practice(house)
    house.execute("UPDATE customer SET email = 'clinique@exemple.fr' WHERE code = 'C1'")
    house.bring("runs", ran(blood("2026-04-20T10:00:00")))
    own = house.app.organisation_id
    assert watch(house.engine, own, date(2026, 4, 26)) == ((), 0)
    for day, warned in ((27, 1), (28, 0)):
        found = watch(house.engine, own, date(2026, 4, day))
        assert found.warned == warned
        assert [str(one.code.id) for one in found.anomalies] == ["RUN-171"]
        assert "n'a plus rien envoyé depuis le 20/04/2026" in found.anomalies[0].sentence
    assert house.app.outbox().send() == {"run_silence": 1}
    text = (house.app.settings.folders.outbox / "alertes" / "alerte-000001.txt").read_text()
    assert text.startswith("Société C1,") and "SN1" in text and "20/04/2026" in text
    assert house.rows("SELECT kind, recipient, address, state FROM outbox") == [
        ("run_silence", "C1", "clinique@exemple.fr", "sent")
    ]
    night = play_night(house.app, date(2026, 4, 29))
    ((told,), warned) = night.reports["watch"]["attention"], night.reports["watch"]["warned"]
    assert "PC1" in str(told) and warned == 0
    report = (house.app.settings.folders.reports / "nuit-2026-04-29.json").read_text("utf-8")
    assert "RUN-171" in report and "20/04/2026" in report
    house.bring("runs", ran(control("2026-04-29T10:00:00")))
    assert watch(house.engine, own, date(2026, 4, 30)) == ((), 0)


@pytest.mark.feature("I-RUN-08")
def test_the_customer_gets_a_real_mail(house: House, tmp_path: Path) -> None:
    """No feed for n = 7 days: alert to us and mail to the customer, through a mail server."""
    practice(house)
    house.execute("UPDATE customer SET email = 'clinique@exemple.fr' WHERE code = 'C1'")
    house.bring("runs", ran(blood("2026-04-20T10:00:00")))
    partners = house.app.settings.folders.partners
    partners.mkdir(exist_ok=True)
    with smtp_server(tmp_path / "smtp") as server:
        content = server.partner(takes=[{"kind": "run_silence"}], subject="Analyseur muet")
        lines = "".join(f"{key} = {toml(value)}\n" for key, value in content.items())
        (partners / "courriel.toml").write_text(lines)
        for day in (27, 28):
            assert watch(house.engine, house.app.organisation_id, date(2026, 4, day)).anomalies
            house.app.outbox().send()
        (mail,) = server.script.mails
    assert (mail["To"], mail["Subject"]) == ("clinique@exemple.fr", "Analyseur muet")
    (attached,) = mail.iter_attachments()
    text = attached.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert text.startswith("Société C1,".encode())
    assert b"SN1" in text and b"20/04/2026" in text


@pytest.mark.feature("I-RUN-09")
def test_runs_before_and_after_a_move_bill_each_structure(house: House) -> None:
    """Runs before and after the move billed to each structure; no new free days."""
    practice(house)
    house.contracts(contract("K2", "C2", metered("CBC2", "PC1"), biens=["PC1"]))
    house.bring("runs", ran(blood("2026-04-14T10:00:00"), blood("2026-04-15T09:00:00")))
    house.bring("runs", ran(blood("2026-04-16T10:00:00", "Félix")))
    house.bring("moves", "serie;depuis;client;site\nSN1;15/04/2026;C2;SC2\n")
    house.bill("2026-04-30")
    assert [(line[0], line[1]) for line in house.lines()] == [
        ("CBC", "2026-04-14"),
        ("CBC2", "2026-04-15"),
        ("CBC2", "2026-04-16"),
    ]
    assert [row[2:4] for row in house.invoices()] == [("C1", 600), ("C2", 1200)]


@pytest.mark.feature("I-RUN-09")
def test_runs_at_a_structure_without_contract_are_told(house: House) -> None:
    """Nothing is lost in silence: C2 has the analyser and no rule that bills it."""
    practice(house)
    house.bring("runs", ran(blood("2026-04-16T10:00:00")))
    house.bring("moves", "serie;depuis;client\nSN1;15/04/2026;C2\n")
    found = watch(house.engine, house.app.organisation_id, date(2026, 4, 17))
    assert [one.sentence for one in found.anomalies] == [
        "1 analyse de l'analyseur « PC1 » ne relève d'aucune règle de facturation au résultat."
    ]
    assert found.anomalies[0].code.id == "RUN-172"
    house.bring("moves", "serie;depuis;client\nSN1;15/04/2026;C1\n")
    assert watch(house.engine, house.app.organisation_id, date(2026, 4, 17)).anomalies == ()


@pytest.mark.feature("I-RUN-10")
def test_the_annex_gives_date_patient_and_cost_of_each_run(house: House) -> None:
    """PDF annex lists runs; the first page sums them beside the monthly fee."""
    practice(house, metered("CBC", "PC1", smart_qc()))
    house.bring("runs", ran(blood("2026-04-20T10:00:00", NAME), blood("2026-04-22T11:30:00")))
    house.bill("2026-04-30")
    found = page(house)
    assert [(one.label, one.quantity, one.amount_cents) for one in found.lines] == [
        ("ProCyte One CBC", "2", 1200),
        ("SmartQC", "1", 2000),
    ]
    assert found.lines[0].details[-1] == "Détail en annexe"
    assert [(r.dated_on, r.time, r.patient, r.device, r.amount_cents) for r in found.annex] == [
        (date(2026, 4, 20), "10:00", NAME, "SN1", 600),
        (date(2026, 4, 22), "11:30", "Rex", "SN1", 600),
    ]
    pdf = drawn(found)
    assert b"/Count 2" in pdf
    kept = json.dumps(house.rows("SELECT details, label FROM document_line"))
    assert NAME not in kept and "Rex" not in kept
    sealed = house.rows("SELECT sealed FROM person")
    assert len(sealed) == 2 and not any(NAME.encode() in bytes(row[0]) for row in sealed)


@pytest.mark.feature("I-RUN-11")
def test_one_cbc_is_6_00_plus_1_20(house: House) -> None:
    """6.00 + 1.20 = 7.20, where the seed's example prints 1.80 and 7.80."""
    practice(house)
    house.bring("runs", ran(blood("2026-04-20T10:00:00")))
    house.bill("2026-04-30")
    assert house.invoices() == [(1, "2026-04-30", "C1", 600, 120, 720)]
    assert Decimal("6.00") + Decimal("1.20") == Decimal("7.20")
    assert Decimal("6.00") + Decimal("1.80") == Decimal("7.80")  # as printed: not 20 % of 6.00
    with house.engine.connect() as connection:
        (told,) = explain(connection, house.app.organisation_id, "VT2026-000001")
    assert (str(told.posted), told.posted == told.recomputed) == ("6.00", True)
    assert "Faite le 20/04/2026 à 10:00." in told.sentences


@pytest.mark.feature("I-RUN-12")
def test_due_after_the_months_end_on_the_grouped_invoice(house: House) -> None:
    """Due date after the month's end; grouped invoice option: runs and laboratory on one."""
    practice(house)
    house.customers("C1", grouped=True)
    laboratory = fee("LABO", "40.00", terme="echu", **{
        key: metered("X", "PC1")[key] for key in ("periodicite", "reprise")
    })  # fmt: skip
    house.contracts(contract("K9", "C1", laboratory, biens=["PC1"]))
    house.bring("runs", ran(blood("2026-04-20T10:00:00")))
    house.bill("2026-04-30")
    assert house.invoices() == [(1, "2026-04-30", "C1", 4600, 920, 5520)]
    ((due,),) = house.rows("SELECT due_on FROM document")
    assert due == "2026-05-30" > "2026-04-30"


@pytest.mark.feature("I-RUN-13")
def test_no_feed_is_an_alert_and_no_zero_invoice(house: House) -> None:
    """No feed: alert, and no silent zero invoice; what was late is billed with the next."""
    practice(house, metered("CBC", "PC1", smart_qc()))
    report = house.bill("2026-04-30")
    assert (report.invoices, [one.code.id for one in report.anomalies]) == (0, ["RAT-232"])
    assert house.invoices() == []
    house.bring("runs", ran(blood("2026-04-20T10:00:00"), control("2026-05-20T10:00:00")))
    assert [line[4] for line in bill_twice(house, "2026-05-31")] == [600, 2000, 2000]


def test_feeds_without_zone_take_the_sites(house: House) -> None:
    """20/04 at 01:00 in Saint-Denis is 19/04 at 21:00 UTC; with an offset it is said."""
    house.bring("customers", "code;nom;site;site_fuseau\nC1;Société C1;SC1;Indian/Reunion\n")
    house.bring("assets", "bien;client;site;serie;pose_le\nPC1;C1;SC1;SN1;05/01/2026\n")
    house.bring("runs", ran(blood("20/04/2026 01:00:00"), blood("2026-04-19T21:00:00Z")))
    assert house.rows("SELECT ran_at, ran_on FROM analysis") == [
        ("2026-04-20T01:00:00+04:00", "2026-04-20")
    ]


def test_the_doubled_hour_is_told_and_the_skipped_one_refused(house: House) -> None:
    practice(house)
    autumn = brought(house, ran(blood("2026-10-25T02:30:00"), blood("2026-10-25T03:30:00")))
    assert [(one.code.id, one.place.line) for one in autumn.notices] == [("IMP-231", 2)]
    assert house.rows("SELECT ran_at FROM analysis ORDER BY id")[0] == (
        "2026-10-25T02:30:00+02:00",
    )
    spring = brought(house, ran(blood("2026-03-29T02:30:00")))
    assert [one.code.id for one in spring.anomalies] == ["IMP-232"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("2026-04-20T10:00:00;;chien;sang;patient", "IMP-101"),
        (f"2026-04-20T10:00:00;{NAME};chien;;patient", "IMP-101"),
        (f"2026-04-20T10:00:00;{NAME};chien;sang;test", "IMP-110"),
        (f"20/04/2026;{NAME};chien;sang;patient", "IMP-116"),
    ],
)
def test_rows_that_are_refused_tell_no_name(house: House, row: str, code: str) -> None:
    practice(house)
    found = brought(house, ran(row)).anomalies
    assert [one.code.id for one in found] == [code]
    assert NAME not in str(found)


def test_an_unknown_analyser_refuses_the_feed(house: House) -> None:
    practice(house)
    assert [
        one.code.id
        for one in brought(house, HEADER + f"X9;{blood('2026-04-20T10:00')}\n").anomalies
    ] == ["IMP-187"]
    nobody = brought(house, HEADER + f";{blood('2026-04-20T10:00')}\n")
    assert [one.code.id for one in nobody.anomalies] == ["IMP-101"]
    lost = brought(
        house, "serie;depuis;client;site\nSN1;15/04/2026;C9;\nSN1;16/04/2026;C2;X\n", "moves"
    )
    assert [one.code.id for one in lost.anomalies] == ["IMP-150", "IMP-151"]
