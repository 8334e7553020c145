"""What a clerk does to the outbox, through the command line, on a working house."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from integration import cli
from integration.app import open_app
from integration.cli import BAD_CONFIG, BAD_INPUT, DONE, PARTIAL, REFUSED, UNREACHABLE
from tests.integration.billing.house import contract, fee
from tests.integration.outbox.post import toml
from tests.plugins.smtp_server import SmtpServer
from tests.plugins.wire import wire

Said = tuple[int, str, str]


class Clerk:
    """Somebody at the command line of a house with two customers and their invoices."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self._capsys = home, capsys
        self("init")
        settings = (home / "echeance.toml").read_text("utf-8")
        settings = settings.replace("# address = []", 'address = ["3 quai Nord"]')
        settings = settings.replace('# siren = ""', 'siren = "732829320"')
        (home / "echeance.toml").write_text(settings, "utf-8")
        customers = home.parent / "clients.csv"
        customers.write_text(
            "code;nom;adresse;email\n"
            "C1;Martin;2 rue Basse;m@martin.example\nC2;Petit;4 rue Haute;\n"
        )
        contracts = home.parent / "contrats.json"
        documents = [contract(f"K{n}", f"C{n}", fee("MF", "25.00")) for n in (1, 2)]
        contracts.write_text("".join(json.dumps(one) + "\n" for one in documents))
        assert self("import", customers, contracts)[0] == DONE
        assert self("bill", "--date", "2026-01-01")[0] == DONE

    def __call__(self, *words: object) -> Said:
        code = cli.main(["--home", str(self.home), *map(str, words)])
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err

    def partner(self, name: str, content: dict[str, Any]) -> None:
        """Write a partner's file."""
        lines = [f"{key} = {toml(value)}\n" for key, value in content.items()]
        (self.home / "partners" / f"{name}.toml").write_text("".join(lines))

    def states(self) -> list[str]:
        """Of all rows."""
        with open_app(self.home, "serial") as app, app.engine.connect() as connection:
            return list(connection.scalars(text("SELECT state FROM outbox ORDER BY id")))


@pytest.fixture
def clerk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Clerk:
    """A clerk at work."""
    return Clerk(tmp_path / "maison", capsys)


def test_invoices_go_by_mail_to_whom_has_an_address_else_to_the_folder(
    clerk: Clerk, smtp: SmtpServer
) -> None:
    mail = smtp.partner(takes=[{"kind": "invoice_pdf"}], subject="Facture {stem}")
    clerk.partner("courriel", mail)
    assert clerk("check")[0] == DONE
    assert clerk("partner", "check")[:2] == (
        DONE,
        "folder : dossier ouvert en écriture\ncourriel : connexion chiffrée et compte acceptés\n",
    )
    assert smtp.script.accepted == []
    assert clerk("send")[:2] == (DONE, "2 factures en PDF\n")
    (sent,) = smtp.script.mails
    assert (sent["To"], sent["Subject"]) == ("m@martin.example", "Facture VT2026-000001")
    (attached,) = sent.iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_content().startswith(b"%PDF")
    assert [p.name for p in (clerk.home / "outbox" / "factures").iterdir()] == ["VT2026-000002.pdf"]


def test_rows_are_listed_shown_marked_and_resent_with_reasons(
    clerk: Clerk, smtp: SmtpServer
) -> None:
    clerk.partner("courriel", smtp.partner(takes=[{"kind": "invoice_pdf"}]))
    smtp.script.data = ["lost"]
    code, out, err = clerk("send")
    assert (code, out) == (PARTIAL, "1 facture en PDF\n")
    assert err.startswith("OUT-103 VT2026-000001.pdf est peut-être arrivé chez « courriel »")
    code, out, _ = clerk("outbox", "list")
    assert (code, out.split()) == (DONE, ["1", "incertain", "courriel", "VT2026-000001.pdf"])
    assert clerk("resend", "1", "--reason", " ")[0] == BAD_INPUT
    assert clerk("resend", "VT2026-000001.pdf", "--reason", "M. Martin n'a rien")[0] == DONE
    assert clerk("send")[:2] == (DONE, "1 facture en PDF\n")
    code, out, _ = clerk("outbox", "show", "1", "--json")
    told = json.loads(out)["row"]
    assert [one["event"] for one in told["events"]] == [
        "begun",
        "uncertain",
        "resent",
        "begun",
        "delivered",
    ]
    assert told["events"][2]["detail"] == "M. Martin n'a rien"
    assert clerk("outbox", "list")[1] == "Aucun envoi.\n"
    assert clerk("outbox", "list", "--state", "sent")[1].count("envoyé") == 2


def test_a_proof_settles_what_is_uncertain(clerk: Clerk, smtp: SmtpServer) -> None:
    clerk.partner("courriel", smtp.partner(takes=[{"kind": "invoice_pdf"}]))
    smtp.script.data = ["lost"]
    clerk("send")
    receipt = clerk.home.parent / "accuse.txt"
    receipt.write_text("reçu")
    assert clerk("mark-sent", "1", "--proof", receipt)[0] == DONE
    assert clerk.states() == ["sent", "sent"]
    _, out, _ = clerk("outbox", "show", "1")
    assert "dit remis" in out
    assert "fichier accuse.txt, sha256 6abe3ef2" in out
    code, _, err = clerk("mark-sent", "1", "--proof", "encore")
    assert (code, err[:7]) == (BAD_INPUT, "OUT-122")
    assert clerk("send")[1] == "Rien à envoyer.\n"
    assert len(smtp.script.accepted) == 1


@pytest.mark.parametrize("target", ["all", "folder", "2"])
def test_what_is_held_stays_till_it_is_resumed(clerk: Clerk, target: str) -> None:
    assert clerk("hold", target, "--reason", "le client conteste")[0] == DONE
    count = 1 if target == "2" else 0
    assert clerk("send")[1] == ("1 facture en PDF\n" if count else "Rien à envoyer.\n")
    assert clerk.states() == ["sent" if count else "held", "held"]
    assert clerk("bill", "--date", "2026-02-01")[0] == DONE
    assert clerk("send")[1] == ("2 factures en PDF\n" if count else "Rien à envoyer.\n")
    assert clerk("resume", target)[0] == DONE
    assert clerk("send")[0] == DONE
    assert set(clerk.states()) == {"sent"}
    assert clerk("send")[1] == "Rien à envoyer.\n"


def test_unknown_rows_and_targets_are_told(clerk: Clerk) -> None:
    for words, code in (
        (("outbox", "show", "999"), "OUT-121"),
        (("hold", "personne", "--reason", "x"), "OUT-123"),
        (("send", "--partner", "personne"), "OUT-123"),
        (("resend", "1", "--reason", ""), "OUT-124"),
    ):
        exit_code, _, err = clerk(*words)
        assert (exit_code, err[:7]) == (BAD_INPUT, code)


def test_exit_codes_tell_who_is_to_act(clerk: Clerk, smtp: SmtpServer) -> None:
    with wire(smtp.port) as line:
        gone = line.port
    takes = [{"kind": "invoice_pdf"}]
    clerk.partner("courriel", smtp.partner(takes=takes, to=["x@y.example"], port=gone))
    assert clerk("send")[0] == UNREACHABLE
    assert clerk("partner", "check", "courriel")[0] == UNREACHABLE
    smtp.secret.chmod(0o644)
    code, _, err = clerk("partner", "check", "courriel")
    assert (code, err[:7]) == (REFUSED, "OUT-110")
    clerk.partner("courriel", {"transport": "smtp"})
    assert clerk("check")[0] == BAD_CONFIG
    assert clerk("send")[0] == BAD_CONFIG
    assert clerk("run", "night", "--date", "2026-01-02")[0] == PARTIAL
    assert clerk.states() == ["todo"] * 3  # two invoices, and what the night tells


def test_a_partner_whose_file_is_gone_is_told(clerk: Clerk, smtp: SmtpServer) -> None:
    takes = [{"kind": "invoice_pdf"}]
    clerk.partner("courriel", smtp.partner(takes=takes, to=["x@y.example"]))
    smtp.script.data = ["451 later", "451 later"]
    clerk("send")
    (clerk.home / "partners" / "courriel.toml").unlink()
    with open_app(clerk.home, "serial") as app, app.engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET next_try_at = ''"))
    code, _, err = clerk("send")
    assert (code, err[:7]) == (PARTIAL, "OUT-120")
