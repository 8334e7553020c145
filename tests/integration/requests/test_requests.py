"""Reading requests from the proposal to the customer's mailbox (contracts.md §9)."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from integration import cli
from tests.integration.billing.house import copies
from tests.integration.requests.desk import (
    CONTACT,
    DAY,
    Clerk,
    attached,
    images_cm,
    jpeg,
    page_texts,
    text_of,
)


@pytest.mark.feature("A-REL-05")
@pytest.mark.parametrize(("age", "asked"), [(21, ["B1"]), (20, [])])
def test_21_days_without_reading_are_asked_about_20_are_not(
    clerk: Clerk, age: int, asked: list[str]
) -> None:
    read = date.fromisoformat(DAY) - timedelta(days=age)
    clerk.machine("B1", read=read.isoformat())
    found = clerk.proposed()
    assert list(found) == asked
    assert [one["meters"][0]["days"] for one in found.values()] == [age] * len(asked)


@pytest.mark.feature("A-DEM-01")
def test_a_mode_asks_by_fax_by_mail_or_not_at_all(clerk: Clerk) -> None:
    clerk.settings('[mail]\nfax_gateway = "{number}@fax.example"')
    modes = {"B1": "Fax", "B2": "Adresse e-mail", "B3": "Aucun", "B4": "E-maintenance"}
    modes |= {"B5": "@Remote", "B6": "Kpax", "B7": ""}
    for asset, mode in modes.items():
        contact = {"interlocuteur_fax": "03 88 00 00 01", "interlocuteur_email": CONTACT}
        clerk.machine(asset, demande_releve=mode, **contact)
    none = dict.fromkeys(("B3", "B4", "B5", "B6", "B7"), "mode sans demande")
    assert clerk.whys() == {"B1": "", "B2": "", **none}
    clerk.send("--all")
    assert sorted(clerk.smtp.script.recipients) == [["0388000001@fax.example"], [CONTACT]]
    fax, mail = sorted(clerk.mails, key=lambda one: one["To"])
    kinds = [[part.get_content_type() for part in one.iter_attachments()] for one in (fax, mail)]
    assert kinds == [["application/pdf"], ["application/pdf", "text/csv"]]


@pytest.mark.feature("A-DEM-02")
def test_the_address_is_the_contact_s_the_location_s_the_site_s_the_customer_s(
    clerk: Clerk,
) -> None:
    """Four fixtures, one level each; at the fifth nobody is found and it is listed."""
    clerk.bring(
        "customers",
        "code;nom;email;site;site_email",
        "C2;Ville;c2@client.example;S2;s2@client.example",
        "C3;Sans adresse;;;",
    )
    location = {"localisation": "Étage 2", "localisation_email": "etage@client.example"}
    clerk.machine("B1", "C2", site="S2", **location, interlocuteur_email=CONTACT)
    clerk.machine("B2", "C2", site="S2", **location)
    clerk.machine("B3", "C2", site="S2")
    clerk.machine("B4", "C2")
    clerk.machine("B5", "C3")
    found = {a: (one["level"], one["address"]) for a, one in clerk.proposed().items()}
    assert found == {
        "B1": ("interlocuteur", CONTACT),
        "B2": ("localisation", "etage@client.example"),
        "B3": ("site", "s2@client.example"),
        "B4": ("client", "c2@client.example"),
        "B5": (None, ""),
    }
    told = clerk.send("--all")
    assert [(one["asset"], one["why"]) for one in told["unrequested"]] == [("B5", "aucune adresse")]
    assert len(clerk.mails) == 4


@pytest.mark.feature("A-DEM-03")
def test_without_number_or_with_a_hash_nothing_is_sent_and_only_ticked_lines_are(
    clerk: Clerk, tmp_path: Path
) -> None:
    clerk.settings('[mail]\nfax_gateway = "{number}@fax.example"')
    clerk.machine("B1", demande_releve="fax")
    clerk.machine("B2", demande_releve="fax", interlocuteur_fax="#0388000002")
    clerk.machine("B3", demande_releve="fax", interlocuteur_fax="+33 3 88 00 00 03")
    clerk.machine("B4", demande_releve="fax", interlocuteur_fax="03 88 00 00 04")
    table = tmp_path / "demandes.csv"
    clerk.run("requests", "propose", "--date", DAY, "--output", table)
    text = table.read_text("utf-8-sig")
    assert text.count("\n;") == 4, "no tick is in the export"
    ticked = text.replace("\n;B", "\nx;B").replace("x;B4", ";B4")
    table.write_text(ticked, "utf-8-sig")
    told = clerk.send("--from", table)
    assert [(one["asset"], one["why"]) for one in told["unrequested"]] == [
        ("B1", "aucune adresse"),
        ("B2", "numéro marqué #"),
        ("B4", "non coché"),
    ]
    assert clerk.smtp.script.recipients == [["+33388000003@fax.example"]]


def test_nothing_ticked_sends_nothing(clerk: Clerk) -> None:
    clerk.machine("B1")
    said = clerk.run("requests", "send", "--date", DAY, expect=cli.BAD_INPUT)
    assert said.startswith("RUN-152 Rien n'est coché")
    assert clerk.mails == []


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_a_clerk_may_correct_an_address_or_erase_it(
    clerk: Clerk, tmp_path: Path, ending: str
) -> None:
    """Seed 004: *possibilité de modifier le numéro, ou d'effacer le contenu*."""
    from integration.sheets import write_table
    from integration.translate.ticked import COLUMNS

    clerk.machine("B1")
    clerk.machine("B2")
    table, rest = tmp_path / f"t{ending}", [""] * (len(COLUMNS) - 3)
    rows = [("oui", "B1", "autre@client.example", *rest), ("x", "B2", "", *rest)]
    write_table(table, COLUMNS, rows)
    told = clerk.send("--from", table)
    assert clerk.smtp.script.recipients == [["autre@client.example"]]
    assert [one["why"] for one in told["unrequested"]] == ["aucune adresse"]
    (row,) = clerk.told("requests", "list")["requests"]
    assert (row["asset"], row["level"], row["address"]) == ("B1", "by_hand", "autre@client.example")


def test_a_machine_that_isn_t_proposed_is_told(clerk: Clerk) -> None:
    clerk.machine("B1")
    told = clerk.send("--only", "B1,B9", expect=cli.PARTIAL)
    assert [text[:7] for text in told["anomalies"]] == ["RUN-151"]
    assert len(clerk.mails) == 1


@pytest.mark.feature("A-DEM-04")
def test_the_request_date_is_printed(clerk: Clerk) -> None:
    """Option --request-date prints it: in the subject, in the lines, on the page."""
    clerk.machine("B1")
    clerk.send("--all", "--request-date", "2025-03-15")
    (mail,) = clerk.mails
    assert mail["Subject"].startswith("Relevé de vos compteurs au 15/03/2025 (RELEVE-1-")
    assert "B1 ; NB ; 15/03/2025 ; valeur =" in text_of(mail)
    (page,) = page_texts(attached(mail, ".pdf"))
    assert "Le 15/03/2025" in page
    (row,) = clerk.told("requests", "list")["requests"]
    assert row["requested_on"] == "2025-03-15"


@pytest.mark.feature("A-DEM-05")
def test_a_machine_read_after_that_date_is_left_out(clerk: Clerk) -> None:
    clerk.machine("B1", read="2025-01-20")
    clerk.machine("B2", read="2025-01-21")
    assert list(clerk.proposed()) == ["B1", "B2"]
    assert list(clerk.proposed("--no-reading-since", "2025-01-20")) == ["B1"]
    clerk.send("--all", "--no-reading-since", "2025-01-20")
    assert [one["asset"] for one in clerk.told("requests", "list")["requests"]] == ["B1"]


@pytest.mark.feature("A-DEM-06")
def test_host_port_sender_and_receiver_are_shown(clerk: Clerk) -> None:
    """config shows the server of the partner, MAIL and MAILTO."""
    clerk.settings(
        '[parameters]\nMAIL = "contact@bureau.example"\nMAILTO = "gestion@bureau.example"'
    )
    shown = clerk.run("config", "show")
    for line in (
        'partners.courriel.host = "localhost"',
        f"partners.courriel.port = {clerk.smtp.port}",
        'partners.courriel.sender = "facturation@durand.example"',
        'MAIL = "contact@bureau.example"',
        'MAILTO = "gestion@bureau.example"',
    ):
        assert f"\n{line}  # " in shown
    assert "s3cret" not in shown


@pytest.mark.feature("A-DEM-07")
@pytest.mark.parametrize(
    ("given", "sender"),
    [
        ({"BIEN_COMPTEUR_EXPEDITEUR_MAIL": "releves@bureau.example"}, "releves@bureau.example"),
        ({}, "contact@bureau.example"),
    ],
)
def test_the_from_header_is_the_requests_sender_else_mail(
    clerk: Clerk, given: dict[str, str], sender: str
) -> None:
    for name, value in {"MAIL": "contact@bureau.example", **given}.items():
        clerk.settings(f"[parameters]\n{name} = {json.dumps(value)}")
    clerk.machine("B1")
    clerk.send("--all")
    (mail,) = clerk.mails
    assert mail["From"] == sender
    assert f"Courriel retour : {sender}" in page_texts(attached(mail, ".pdf"))[0]


@pytest.mark.feature("A-DEM-08")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"BIEN_COMPTEUR_DESTINATAIRE_MANAGEMENT_MAIL": "chef@bureau.example"},
            "chef@bureau.example",
        ),
        ({}, "gestion@bureau.example"),
    ],
)
def test_the_to_header_of_the_summary(clerk: Clerk, given: dict[str, str], told: str) -> None:
    """It names what was sent and what wasn't, with the reason."""
    for name, value in {"MAILTO": "gestion@bureau.example", **given}.items():
        clerk.settings(f"[parameters]\n{name} = {json.dumps(value)}")
    clerk.machine("B1")
    clerk.machine("B2", demande_releve="Aucun")
    clerk.send("--all")
    request, summary = clerk.mails
    assert (request["To"], summary["To"]) == ("c1@client.example", told)
    assert summary["Subject"] == "Demandes de relevés du 01/03/2025"
    text = text_of(summary)
    assert "1 bien demandé, 1 non demandé." in text
    assert "- B1, Imprimerie Martin (e-mail c1@client.example)" in text
    assert "- B2, Imprimerie Martin (Aucun) : mode sans demande" in text


@pytest.mark.feature("A-DEM-09")
def test_the_return_fax_is_on_the_pdf(clerk: Clerk) -> None:
    """BIEN_COMPTEUR_NUMERO_FAX is the field SOC_FAX_RELEVE_COMPTEUR of the request."""
    clerk.settings('[parameters]\nBIEN_COMPTEUR_NUMERO_FAX = "03 88 11 22 33"')
    template = clerk.home / "templates" / "signature.txt"
    template.write_text("Fax des relevés : {SOC_FAX_RELEVE_COMPTEUR}\n", "utf-8")
    clerk.machine("B1")
    clerk.send("--all")
    (mail,) = clerk.mails
    assert "Fax retour : 03 88 11 22 33" in page_texts(attached(mail, ".pdf"))[0]
    assert text_of(mail).endswith("Fax des relevés : 03 88 11 22 33\n")


@pytest.mark.feature("A-DEM-10")
def test_a_changed_template_is_used_at_the_next_send(clerk: Clerk) -> None:
    """Text, sender by module, signature, logo: the four files."""
    folder = clerk.home / "templates"
    assert sorted(path.name for path in folder.iterdir()) == [
        "mail-signature.toml",
        "mailReleveCompteur.toml",
        "mailReleveCompteur.txt",
        "signature.txt",
    ]
    clerk.machine("B1")
    clerk.send("--all")
    (folder / "mailReleveCompteur.txt").write_text("Objet : Compteurs, SVP\n\nCher {client},\n")
    (folder / "mail-signature.toml").write_text(
        '[demandes_releves]\nnom = "Service relevés"\nadresse = "compteurs@bureau.example"\n',
        "utf-8",
    )
    (folder / "signature.txt").write_text("La société {organisation}\n", "utf-8")
    (folder / "mailReleveCompteur.toml").write_text('logo = "logo.jpg"\nlargeur_cm = 3.0\n')
    (folder / "logo.jpg").write_bytes(jpeg(300, 100))
    clerk.send("--only", "B1", "--request-date", "2025-03-02")
    before, after = clerk.mails
    assert text_of(before).startswith("Bonjour,\n")
    assert after["Subject"].startswith("Compteurs, SVP (RELEVE-2-")
    assert after["From"] == "Service relevés <compteurs@bureau.example>"
    text = text_of(after)
    assert text.startswith("Cher Imprimerie Martin,\n")
    assert text.endswith("\n\nLa société Mon entreprise\n")
    html = after.get_body(("html",))
    assert html is not None
    assert '<img src="cid:logo@echeance" width="113"' in str(html.get_content())
    assert [part.get_filename() for part in after.walk() if part.get_content_type() == "image/jpeg"]
    assert len(images_cm(attached(after, ".pdf"))[0]) == 1


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("mailReleveCompteur.txt", "Objet : X\n\nCher {clientele},\n", "CFG-211"),
        ("mailReleveCompteur.txt", "Bonjour,\n", "CFG-212"),
        ("mailReleveCompteur.toml", 'logo = "absent.png"\n', "CFG-213"),
        ("mail-signature.toml", '[releves]\nnom = "x"\n', "CFG-003"),
    ],
)
def test_a_template_that_can_t_be_used_stops_everything(
    clerk: Clerk, name: str, content: str, code: str
) -> None:
    clerk.machine("B1")
    (clerk.home / "templates" / name).write_text(content, "utf-8")
    said = clerk.run("requests", "send", "--all", "--date", DAY, expect=cli.BAD_CONFIG)
    assert said.startswith(f"{code} {name}")
    assert clerk.told("requests", "list")["requests"] == []


CALENDAR = """\
organisation;agence;classification;regle;mois;jours;commentaire
*;*;ECOLE;*;août;aucun;exclusion : les écoles en août
*;*;GRANDS_COMPTES;*;*;15;exception : les grands comptes
*;*;*;*;*;tous;générique
"""


@pytest.mark.feature("A-DEM-11")
def test_a_school_in_august_is_not_asked(clerk: Clerk) -> None:
    """Exclusion, exception by class, generic; a tick overrules the calendar."""
    (clerk.home / "tables" / "TD_DEMANDES_RELEVES.csv").write_text(CALENDAR, "utf-8")
    assert "3 lignes, calendrier des demandes de relevés." in clerk.run("table", "check")
    header = "code;nom;email;classification"
    clerk.bring("customers", header, "C2;École;e@ecole.example;ECOLE")
    clerk.bring("customers", header, "C3;Ville;v@ville.example;GRANDS_COMPTES")
    for asset, customer in (("B1", "C1"), ("B2", "C2"), ("B3", "C3")):
        clerk.machine(asset, customer)

    def asked(day: str) -> list[str]:
        found = clerk.told("requests", "propose", "--date", day)["proposed"]
        return [one["asset"] for one in found if not one["why"]]

    assert asked("2025-08-14") == ["B1"]
    assert asked("2025-08-15") == ["B1", "B3"]
    assert asked("2025-09-15") == ["B1", "B2", "B3"]
    told = clerk.send("--only", "B2", date="2025-08-14")
    assert [one["asset"] for one in told["requested"]] == ["B2"]


@pytest.mark.feature("A-DEM-12")
def test_two_runs_differ_by_the_dates_of_true_ups_and_renewals(clerk: Clerk) -> None:
    """Off: as soon as a rule is due; on: quarterly true-up on 1 April, renewal on 1 January."""
    clerk.bring("assets", "bien;client;compteur", "B1;C1;NB", "B2;C1;NB", "B3;C1;NB")
    rows = [f"B{n};NB;2025-01-01;1000;pose" for n in (1, 2, 3)]
    clerk.bring("readings", "bien;compteur;date;valeur;origine", *rows)
    terms = {"units": 100, "true_up": {"count": 3, "unit": "month"}}
    bundle = copies("FR", "0.01", [("B1", "NB")], type="bundle", terme="a_echoir")
    bundle["couts"] += [bundle["couts"][0] | {"famille": "depassement"}]
    block = copies("TR", "0.01", [("B2", "NB")], type="block", terme="a_echoir")
    renewal = {"units": 5000, "renewal": {"count": 12, "unit": "month"}}
    for rule, parameters in ((bundle, terms), (block, renewal)):
        clerk.sign(f"K-{rule['code']}", rule | {"parametres": parameters})
    clerk.sign("K-UC", copies("UC", "0.01", [("B3", "NB")]))

    def asked(day: str) -> list[str]:
        found = clerk.told("requests", "propose", "--date", day)["proposed"]
        return [one["asset"] for one in found]

    assert asked("2025-03-01") == ["B1", "B2", "B3"]
    clerk.settings("[parameters]\nIGNORE_FACTURE_THEORIQUE_POUR_COLLECTE_COMPTEUR = true")
    assert asked("2025-03-01") == []
    assert asked("2025-04-01") == ["B1"]
    assert asked("2026-01-01") == ["B1", "B2"]


@pytest.mark.feature("A-DEM-13")
def test_the_picture_is_17_cm_wide_and_12_high_at_most_scaled_never_cropped(clerk: Clerk) -> None:
    """ "603-1272.jpg" for 603-1272; one of 20 cm at that width is scaled to 12 cm."""
    images = clerk.home / "images"
    (images / "603-1272.jpg").write_bytes(jpeg(1700, 1000))
    width, height = 17, 20  # cm
    (images / "MP_C_3004.jpg").write_bytes(jpeg(100 * width, 100 * height))
    (images / "AUTRE.JPG").write_bytes(jpeg(1700, 1000))
    for asset, product in (("B1", "603-1272"), ("B2", "MP C 3004"), ("B3", "AUTRE"), ("B4", "")):
        clerk.machine(asset, reference_produit=product)
    told = clerk.send("--all", expect=cli.PARTIAL)
    assert [text[:29] for text in told["anomalies"]] == ["RUN-154 L'image « AUTRE.JPG »"]
    (mail,) = clerk.mails
    pdf = attached(mail, ".pdf")
    assert images_cm(pdf) == [[(17.0, 10.0)], [(10.2, 12.0)], [], []]
    assert ["Copieur B1" in page_texts(pdf)[0], "Copieur B4" in page_texts(pdf)[3]] == [True, True]


def test_a_picture_that_can_t_be_drawn_is_told_and_left_out(clerk: Clerk) -> None:
    (clerk.home / "images" / "603-1272.jpg").write_bytes(jpeg(200, 100)[:300])
    clerk.machine("B1", reference_produit="603-1272")
    told = clerk.send("--all", expect=cli.PARTIAL)
    assert [text[:7] for text in told["anomalies"]] == ["FMT-311"]
    (mail,) = clerk.mails
    assert images_cm(attached(mail, ".pdf")) == [[]]


@pytest.mark.feature("A-DEM-14")
def test_a_trace_is_kept_with_time_address_and_asset_and_nothing_leaves_twice(
    clerk: Clerk,
) -> None:
    clerk.machine("B1")
    clerk.send("--all")
    (row,) = clerk.told("requests", "list")["requests"]
    assert (row["asset"], row["address"], row["level"]) == ("B1", "c1@client.example", "customer")
    assert row["state"] == "sent"
    assert row["prepared_at"][:4] == row["sent_at"][:4]
    assert row["sent_at"].endswith("+00:00")
    for words in (["--all"], ["--only", "B1"]):
        told = clerk.send(*words)
        assert [one["why"] for one in told["unrequested"]] == ["déjà demandé pour cette date"]
    assert clerk.whys("--request-date", "2025-03-02") == {"B1": "demande récente sans réponse"}
    assert len(clerk.mails) == 1
    assert "B1" in clerk.run("requests", "list", "--since", DAY)


def test_machines_of_one_address_share_a_mail_with_a_page_each(clerk: Clerk) -> None:
    clerk.machine("B1")
    clerk.machine("B2")
    clerk.send("--all")
    (mail,) = clerk.mails
    first, second = page_texts(attached(mail, ".pdf"))
    assert ("Copieur B1" in first, "Copieur B2" in second) == (True, True)
    assert "compteurs du matériel suivant : Copieur B1, Copieur B2." in text_of(mail)


def test_without_a_partner_the_mails_lie_in_the_outbox(clerk: Clerk) -> None:
    (clerk.home / "partners" / "courriel.toml").unlink()
    clerk.machine("B1")
    clerk.send("--all")
    (file,) = (clerk.home / "outbox" / "releves").iterdir()
    assert file.suffix == ".eml"
    assert b"application/pdf" in file.read_bytes()
