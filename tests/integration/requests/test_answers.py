"""What customers answer: lines completed in the mail, or the CSV file, become readings."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from integration.app import open_app
from integration.nights import steps
from tests.integration.requests.desk import Clerk, attached, text_of


@pytest.fixture
def asked(clerk: Clerk) -> EmailMessage:
    """The mail that B1 and B2 were asked about with; a maildir for the answers."""
    clerk.settings('[mail]\nmaildir = "courrier"')
    for name in ("new", "cur", "tmp"):
        (clerk.home / "courrier" / name).mkdir(parents=True)
    clerk.machine("B1")
    clerk.machine("B2")
    clerk.send("--all")
    (mail,) = clerk.mails
    return mail


def answer(
    asked: EmailMessage, text: str, csv: bytes = b"", subtype: str = "plain"
) -> EmailMessage:
    """A customer's reply."""
    mail = EmailMessage()
    mail["Subject"] = f"Re: {asked['Subject']}"
    mail["Message-ID"] = "<1@client.example>"
    mail.set_content(text, subtype=subtype)
    if csv:
        mail.add_attachment(csv, maintype="text", subtype="csv", filename="releves.csv")
    return mail


def received(clerk: Clerk, mail: EmailMessage) -> dict[str, Any]:
    """The mail server delivers; the report of the night's first step."""
    (clerk.home / "courrier" / "new" / "1.client").write_bytes(mail.as_bytes())
    with open_app(clerk.home, "serial") as app:
        return dict(steps(replace(app, settle_s=0))[0].does(date(2025, 3, 5)))


def readings(clerk: Clerk) -> list[tuple[object, ...]]:
    """Readings of customers in March."""
    sql = (
        "SELECT a.code, r.read_on, r.value FROM reading r JOIN meter m ON m.id = r.meter_id"
        " JOIN asset a ON a.id = m.asset_id WHERE r.origin = 'customer'"
        " AND r.read_on >= '2025-03-01' ORDER BY a.code"
    )
    with open_app(clerk.home, "serial") as app, app.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def quoted(asked: EmailMessage, **values: str) -> str:
    """The mail quoted, with values typed behind the sign of machines."""
    lines = [f"> {line}" for line in text_of(asked).splitlines()]
    for asset, value in values.items():
        lines = [f"{one} {value}" if f"> {asset} ;" in one else one for one in lines]
    return "\n".join(["Bonjour, voici le compteur. Cordialement,", "", *lines])


def test_a_line_completed_in_the_mail_is_a_reading(clerk: Clerk, asked: EmailMessage) -> None:
    """A line left empty isn't one; quotes and thanks around them aren't looked at."""
    report = received(clerk, answer(asked, quoted(asked, B1="1 550")))
    assert (report["mails"], report["files"], report["attention"]) == (1, 1, [])
    assert readings(clerk) == [("B1", "2025-03-01", 1550)]


def test_a_mail_in_html_alone_is_read_too(clerk: Clerk, asked: EmailMessage) -> None:
    text = quoted(asked, B1="1550").replace(">", "&gt;").replace("\n", "<br>\n")
    received(clerk, answer(asked, f"<html><body><p>{text}</p></body></html>", subtype="html"))
    assert readings(clerk) == [("B1", "2025-03-01", 1550)]


def test_the_file_completed_is_imported(clerk: Clerk, asked: EmailMessage) -> None:
    """By mail; rows left empty are passed over."""
    sheet = attached(asked, ".csv").decode("utf-8-sig")
    filled = sheet.replace("B2;NB;;;", "B2;NB;04/03/2025;1700;")
    received(clerk, answer(asked, "Voir le fichier joint.", filled.encode("cp1252")))
    assert readings(clerk) == [("B2", "2025-03-04", 1700)]


def test_the_file_completed_may_be_dropped_as_it_is(
    clerk: Clerk, asked: EmailMessage, tmp_path: Path
) -> None:
    sheet = attached(asked, ".csv").decode("utf-8-sig")
    for asset, value in (("B1", "1600"), ("B2", "1700")):
        sheet = sheet.replace(f"{asset};NB;;;", f"{asset};NB;04/03/2025;{value};")
    file = tmp_path / "releves.csv"
    file.write_text(sheet, "utf-8-sig")
    clerk.run("import", file)
    assert readings(clerk) == [("B1", "2025-03-04", 1600), ("B2", "2025-03-04", 1700)]


@pytest.mark.parametrize(
    ("old", "new"), [("RELEVE-1-", "RELEVE-7-"), ("> B1 ;", "> B9 ;"), ("-1-", "-1-000000000000")]
)
def test_an_answer_to_nothing_we_asked_is_refused(
    clerk: Clerk, asked: EmailMessage, old: str, new: str
) -> None:
    text = quoted(asked, B1="1550")
    subject = str(asked["Subject"])
    del asked["Subject"]
    asked["Subject"] = subject.replace(old, new)[:70]
    (told,) = received(clerk, answer(asked, text.replace(old, new)))["attention"]
    assert told["text"].startswith("RUN-153 1.client : La réponse à la demande de relevés")
    assert readings(clerk) == []
    assert len(list((clerk.home / "error" / "courriels").glob("*.err.txt"))) == 1


def test_an_answer_without_a_value_is_for_a_person(clerk: Clerk, asked: EmailMessage) -> None:
    (told,) = received(clerk, answer(asked, quoted(asked)))["attention"]
    assert told["text"].startswith("FMT-671 1.client : La réponse à la demande de relevés 1 ne")


def test_a_value_that_falls_is_refused_by_the_import(clerk: Clerk, asked: EmailMessage) -> None:
    (told,) = received(clerk, answer(asked, quoted(asked, B1="1200")))["attention"]
    assert told["text"].startswith("IMP-162")
    assert readings(clerk) == []
