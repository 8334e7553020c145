"""The nightly report: what happened, in views that say the same, and what a person must do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from config.partners import SmtpPartner
from integration import nights
from integration.flows.night_report import Account
from integration.reporting.page import page
from integration.reporting.publish import VIEWS
from integration.reporting.text import text
from integration.transport.protocol import Item
from integration.transport.smtp import Smtp
from tests.integration.billing.house import House, contract, copies, fee, house_at
from tests.plugins.programs import program

FIRST, SECOND = date(2026, 2, 2), date(2026, 2, 4)
BAD = "code;nom;siren\nC9;Garage Petit;732829321\nC8;Garage Grand;732829321\n"


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """Two customers, two fees, two copiers nobody reads."""
    with house_at(sqlite_url, tmp_path) as made:
        made.customers("C1", "C2")
        made.machine("B1", "C2")
        made.machine("B2", "C2")
        made.contracts(
            contract("K1", "C1", fee("MF", "25.00")),
            contract("K2", "C2", copies("UC", "0.01", [("B1", "NB")])),
            contract("K3", "C2", copies("UC", "0.01", [("B2", "NB")])),
            contract("K4", "C2", fee("MF", "10.00")),
        )
        yield made


def played(house: House, day: date) -> Account:
    """The account a night leaves in `reports/`."""
    nights.play_night(house.app, day)
    file = house.app.settings.folders.reports / f"nuit-{day}.json"
    account: Account = json.loads(file.read_bytes())
    return account


@pytest.fixture
def busy(house: House) -> Account:
    """A night that bills, refuses a file and finds two copiers without reading."""
    inbox = house.app.settings.folders.inbox / "customers"
    (inbox / "clients.csv").write_text(BAD, "utf-8")
    return played(house, FIRST)


def test_figures_of_a_night(busy: Account) -> None:
    assert busy["made"] == {"contract": {"count": 2, "cents": 8400}}
    assert busy["sent"] == {"invoice_pdf": {"count": 2, "cents": 0}}
    assert busy["received"]["refused"]["count"] == 1
    totals = busy["totals"]
    assert (totals["documents"], totals["links"]) == (2, 2)
    assert (totals["invoiced_cents"], totals["asked_cents"], totals["due_cents"]) == (8400,) * 3
    assert (totals["to_leave"], totals["outbox"], totals["agree"]) == (2, 2, True)


def test_the_same_anomalies_are_one_line_with_count_and_first_places(busy: Account) -> None:
    told = {one["code"]: one for one in busy["anomalies"]}
    assert told["RAT-104"]["count"] == 2
    assert told["FMT-022"]["count"] == 2
    assert told["FMT-022"]["examples"] == [
        "clients.csv, ligne 2, colonne 3",
        "clients.csv, ligne 3, colonne 3",
    ]
    first, second = (task["what"] for task in busy["todo"])
    assert first.startswith(
        "RAT-104 (× 2) : contrat K2, module M1, règle UC : Erreur lors de l'estimation"
    )
    assert second == "FMT-022 (× 2) : La clé du SIREN « 732829321 » est fausse"


def test_what_stands_is_told_once_then_in_one_line(house: House, busy: Account) -> None:
    again = played(house, SECOND)
    (one,) = again["anomalies"]
    assert (one["code"], one["since"]) == ("RAT-104", "2026-02-02")
    assert "RAT-104 (× 2) : toujours là depuis le 02/02/2026." in text(again)
    assert "toujours là" not in text(busy)
    assert again["made"] == {}
    assert again["late"] == [
        {"what": "nights", "count": 1, "cents": 0, "oldest": "2026-02-02"},
    ]


def test_totals_that_disagree_come_first(house: House) -> None:
    played(house, FIRST)
    house.execute("UPDATE outbox SET subject_id = NULL WHERE kind = 'invoice_pdf'")
    told = played(house, SECOND)
    assert told["todo"][0]["what"] == "Les totaux ne concordent pas"
    assert "LES TOTAUX NE CONCORDENT PAS." in text(told)


def test_uncertain_failed_and_held_rows_are_for_a_person(house: House) -> None:
    house.bill("2026-02-02")
    house.execute("UPDATE outbox SET state = 'uncertain', partner = 'martin' WHERE subject_id = 1")
    house.execute("UPDATE outbox SET state = 'failed', partner = 'martin' WHERE subject_id = 2")
    told = played(house, FIRST)
    whats = [task["what"] for task in told["todo"]]
    assert "1 envoi peut-être arrivé chez « martin », à partir de VT2026-000001.pdf" in whats
    assert "1 envoi abandonné pour « martin », à partir de VT2026-000002.pdf" in whats
    assert all(task["mend"].endswith(".") for task in told["todo"])


@pytest.mark.feature("X-RPT-01")
def test_an_empty_night_is_reported_and_sent_too(sqlite_url: str, tmp_path: Path) -> None:
    with house_at(sqlite_url, tmp_path) as house:
        told = played(house, FIRST)
        assert (told["made"], told["todo"]) == ({}, [])
        assert house.rows("SELECT kind, file_name, state FROM outbox") == [
            ("night_report", "nuit-2026-02-02.eml", "sent")
        ]
        assert (house.app.settings.folders.outbox / "rapports" / "nuit-2026-02-02.eml").is_file()
    assert text(told).startswith("Nuit du 02/02/2026 : rien à faire — Démo\nPremière nuit.\n")
    for said in ("Rien n'a été facturé.", "Rien n'est parti.", "Tout concorde."):
        assert said in text(told)


def test_views_are_the_same_bytes_each_time(busy: Account) -> None:
    for view in VIEWS.values():
        assert view(busy) == view(busy)


def test_f39_a_cell_never_becomes_a_formula(busy: Account) -> None:
    task = {"what": "=HYPERLINK(1)", "mend": "+1"}
    hostile = Account(**{**busy, "todo": [task]})  # type: ignore[typeddict-item]
    book = openpyxl.load_workbook(BytesIO(VIEWS[".xlsx"](hostile)))
    assert book.sheetnames == ["À faire", "Chiffres", "Anomalies", "Nuits"]
    cell = book["À faire"]["A2"]
    assert (cell.value, cell.data_type) == ("=HYPERLINK(1)", "s")
    rows = list(book["Chiffres"].iter_rows(values_only=True))
    assert ("Fait", "factures de contrats", 2, 84) in rows


def test_the_mail_holds_text_page_and_book_under_one_identity(busy: Account) -> None:
    partner = SmtpPartner(
        name="chef", host="localhost", sender="nuit@durand.example", to=("chef@durand.example",)
    )
    content = VIEWS[".eml"](busy)
    at = datetime(2026, 2, 3, tzinfo=UTC)
    item = Item("night_report:1:2026-02-02", "nuit.eml", content, kind="night_report", at=at)
    sent = Smtp(partner, Path()).message(item).as_bytes()
    mail = message_from_bytes(sent, EmailMessage, policy=default)
    assert mail["Subject"] == "Nuit du 02/02/2026 : 2 choses à faire"
    assert (mail["From"], mail["To"]) == ("nuit@durand.example", "chef@durand.example")
    assert mail["Message-ID"] == Smtp(partner, Path()).message(item)["Message-ID"]
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == text(busy)
    assert html.get_content().replace("\r\n", "\n") == page(busy)
    (book,) = mail.iter_attachments()
    assert book.get_filename() == "nuit-2026-02-02.xlsx"


def test_the_page_has_charts_no_script_and_escapes_what_it_quotes(busy: Account) -> None:
    hostile = Account(**{**busy, "organisation": "<script>alert(1)</script>"})  # type: ignore[typeddict-item]
    shown = page(hostile)
    assert shown.count("<svg") == 2
    assert "<script" not in shown
    assert "http" not in shown
    assert "&lt;script&gt;" in shown


@pytest.mark.feature("X-RPT-01")
@pytest.mark.timeout(180)
def test_a_browser_draws_the_page(busy: Account, tmp_path: Path) -> None:
    """Made, sent, acknowledged, rejected, late and what a person must do, with charts."""
    browser = program("chromium", "chromium")
    answers = {"P": {"count": 3, "cents": 12000}, "R": {"count": 1, "cents": 4500}}
    late = [{"what": "unanswered", "count": 2, "cents": 900, "oldest": "2026-01-01"}]
    full = Account(**{**busy, "answers": answers, "late": late})  # type: ignore[typeddict-item]
    full["ever"]["answers"] = answers
    file, picture = tmp_path / "nuit.html", tmp_path / "nuit.png"
    file.write_text(page(full), "utf-8")
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1000,1400",
        "--virtual-time-budget=1000",
    ]  # fmt: skip
    url = file.as_uri()
    drawn = subprocess.run(
        [*command, "--dump-dom", url], capture_output=True, text=True, check=True
    )
    for said in (
        "factures de contrats", "factures en PDF", "parts payées", "part rejetée",
        "factures télétransmises sans réponse", "À faire aujourd'hui", "Tout concorde.",
    ):  # fmt: skip
        assert said in drawn.stdout
    assert drawn.stdout.count("<svg") == 3
    subprocess.run([*command, f"--screenshot={picture}", url], capture_output=True, check=True)
    assert colours(picture) >= {(0, 114, 178), (0, 158, 115), (213, 94, 0)}


def colours(picture: Path) -> set[tuple[int, int, int]]:
    """What the browser painted."""
    from PIL import Image

    with Image.open(picture) as opened:
        painted = opened.convert("RGB").getcolors(1 << 24)
    assert painted is not None
    return {colour for count, colour in painted if count > 200}  # type: ignore[misc]
