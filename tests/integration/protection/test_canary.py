"""Canaries: planted persons and secrets never come out again, whatever goes wrong in a night."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import date
from email import message_from_bytes
from pathlib import Path

import pytest

from formats.common.identifiers import nir
from integration import cli, nights
from integration.cli import DONE, PARTIAL, UNEXPECTED
from integration.kept import kept_below, opened
from integration.persons import open_vault
from integration.sheets import write_table
from tests.faults.scenario import CONTRACTS, CUSTOMERS, NIGHTS, answers
from tests.integration.care.practice import BED, encoded, patient, person, prescription

NIR = "1511178006084"
SPOKEN = "1 51 11 78 006 084"
NAME, GIVEN, STREET = "Zwanzigkanari", "Ouistitine", "Rue-du-Canari-Jaune"
BIRTHS = ("19511103", "1951-11-03", "03/11/1951", "511103")
PASSWORD = "canari-mot-de-passe"
MEDICAL = BED  # what the patient rents
FIRST, SECOND = NIGHTS[:2]
WHO = person(
    NIR, nom_famille=NAME, prenom=GIVEN, naissance="19511103", adresse=[STREET, "75005 PARIS"]
)
SETTINGS = """[organisation]
code = "DSL"
name = "DOMICILE SANTE"
address = ["1 rue du Essai", "75012 PARIS"]
siren = "732829320"
finess = "752600015"
am_number = "752600015"
[mail]
maildir = "courrier"
"""
PARTNER = """transport = "smtp"
host = "127.0.0.1"
port = 1
security = "starttls"
sender = "edi@exemple.fr"
to = ["caisse@exemple.fr"]
user = "edi"
password = {file = "smtp.secret"}
takes = [{kind = "invoice_pdf"}]
"""


def secrets_of(home: Path) -> dict[str, bytes]:
    """Everything that must stay inside, as bytes somebody could find."""
    key = (home / "state" / "persons.key").read_bytes()
    texts = {NIR, SPOKEN, SPOKEN.replace(" ", "_"), NAME, NAME.upper(), GIVEN, GIVEN.upper()}
    texts |= {STREET, STREET.upper(), PASSWORD, key.hex(), *BIRTHS}
    return {text: text.encode() for text in texts} | {"the key itself": key}


def leaks(home: Path, said: str) -> Iterator[str]:
    """Where a canary is found: in what was printed, in names, in the bytes of any file.

    Left out: what others put there (the inbox, the mail server's folder) and the secrets' files.
    """
    found = secrets_of(home)
    told = found | {"a medical code": MEDICAL.encode()}
    yield from (f"printed: {name}" for name, value in told.items() if value in said.encode())
    for path in home.rglob("*"):
        place = path.relative_to(home)
        if place.parts[0] in ("inbox", "courrier") or place.name in ("persons.key", "smtp.secret"):
            continue
        content = unwrapped(path) if path.is_file() else b""
        ours = place.parts[0] in ("state", "done")  # the books hold codes, beside no name
        for name, value in (found if ours else told).items():
            if value in content or value in str(place).encode():
                yield f"{place}: {name}"


def unwrapped(path: Path) -> bytes:
    """A file, and what its packing hides: the members of a book, the parts of a mail."""
    content = path.read_bytes()
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            content += b"".join(map(book.read, book.namelist()))
    if path.suffix == ".eml":
        for part in message_from_bytes(content).walk():
            inside = part.get_payload(decode=True)
            content += inside if isinstance(inside, bytes) else b""
    return content


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A house with a partner who can't be reached and a maildir."""
    folder = tmp_path / "maison"
    folder.mkdir()
    (folder / "echeance.toml").write_text(SETTINGS)
    monkeypatch.setenv("ECHEANCE_HOME", str(folder))
    monkeypatch.delenv("ECHEANCE_TRACEBACK", raising=False)
    assert cli.main(["init"]) == DONE
    (folder / "partners").mkdir(exist_ok=True)
    (folder / "partners" / "caisse.toml").write_text(PARTNER)
    (folder / "smtp.secret").write_text(PASSWORD)
    (folder / "smtp.secret").chmod(0o600)
    for name in ("new", "cur", "tmp"):
        (folder / "courrier" / name).mkdir(parents=True)
    return folder


def drop(home: Path, name: str, content: bytes) -> None:
    (home / "inbox" / name).write_bytes(content)


def arrive(home: Path) -> None:
    """A good dossier, and one broken file for each step that reads."""
    good = encoded([patient(personne=WHO)])
    drop(home, "patients/patients.jsonl", good)
    drop(home, "patients/encore.jsonl", good)
    drop(home, "prescriptions/ordonnances.jsonl", encoded([prescription()]))
    drop(home, "customers/clients.csv", CUSTOMERS.encode())
    drop(home, "contracts/contrat.jsonl", encoded([CONTRACTS[3]]))  # two invoices for the partner
    wrong_key = dict(WHO, cle=f"{(int(nir.key(NIR)) + 1) % 97:02d}")
    broken = {
        "patients/coupe.jsonl": good[:-40],
        "patients/cle.jsonl": encoded([patient("P2", personne=wrong_key)]),
        "patients/date.jsonl": encoded([patient("P2", personne=dict(WHO, naissance="3/11/51x"))]),
        f"patients/dossier {SPOKEN}.jsonl": encoded([patient("P2", personne={"nir": NIR})]),
        "customers/perdu.jsonl": good,
        "customers/tableau.csv": f"code;nom;siren\nC1;{SPOKEN};123\n".encode(),
        f"{NIR}.txt": f"Bonjour, {NAME} {GIVEN} né le 03/11/1951".encode(),
        "prescriptions/x.jsonl": encoded([prescription(code="O2", patient=NIR)])[:-9],
        "returns/casse.noe": b"000" + f"{NIR} {NAME} 19511103".encode() * 9,
        "payments/p.csv": f"facture;part;date;montant\nVT1;{NIR};x;1\n".encode(),
    }
    for name, content in broken.items():
        drop(home, name, content)
    mail = f"Subject: {NAME}\r\n\r\n{NIR} 03/11/1951".encode()
    (home / "courrier" / "new" / f"1.{NIR}").write_bytes(mail)


def whole_story(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two nights with a crash in between; each verb that looks."""
    arrive(home)
    assert night(FIRST) == PARTIAL
    assert list(kept_below(home / "outbox")), "no B2 file was made"

    def fails(*_: object) -> None:
        raise KeyError(f"{NIR} {NAME} {PASSWORD}")

    monkeypatch.setattr(nights, "teletransmit", fails)
    assert night(SECOND) == UNEXPECTED
    monkeypatch.undo()
    monkeypatch.setenv("ECHEANCE_HOME", str(home))
    drop(home, "returns/retour.noe", answers(home / "outbox", SECOND))
    night(SECOND)
    for verb in ("status", "doctor", "verify", "send", "outbox list", "audit list", "config show"):
        cli.main(verb.split())
        if verb not in ("send",):
            cli.main([*verb.split(), "--json"])
    cli.main(["metrics"])
    for words in (["run", "night"], ["teletransmit"]):
        cli.main([*words, "--date", "2026-04-01", "--dry-run", "--json"])
    cli.main(["keys", "rotate"])
    cli.main(["import", str(home / "absent" / "rien.csv")])


def night(day: date) -> int:
    return cli.main(["run", "night", "--date", day.isoformat(), "--json"])


@pytest.mark.feature("X-SEC-01")
def test_no_canary_comes_out_of_a_night_where_everything_breaks(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    whole_story(home, monkeypatch)
    said = capfd.readouterr()
    assert "KeyError" in said.err
    assert "« caisse » n'a pas pris" in said.out
    printed = said.out + said.err
    assert list(leaks(home, printed)) == []
    vault = open_vault(home / "state" / "persons.key")
    kept = list(kept_below(home))
    assert any(NIR.encode() in b"".join(opened(vault, path)) for path in kept)
    reasons = list((home / "error").rglob("*.err.txt"))
    assert len(reasons) == 11, "each broken file was refused"


def test_the_search_would_find_a_canary(home: Path) -> None:
    (home / "reports" / "x.json").write_text(json.dumps({"patient": NAME}))
    (home / "reports" / f"nuit-{NIR}").write_bytes(b"")
    write_table(home / "reports" / "x.xlsx", ("Code",), [(MEDICAL,)])
    assert sorted(leaks(home, f"né le {BIRTHS[2]}")) == [
        "printed: 03/11/1951",
        f"reports/nuit-{NIR}: {NIR}",
        f"reports/x.json: {NAME}",
        "reports/x.xlsx: a medical code",
    ]


def test_in_clear_the_files_that_hold_a_nir_show_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHEANCE_KEPT_FILES", "clear")
    arrive(home)
    night(FIRST)
    assert any(place.startswith("done/patients") for place in leaks(home, ""))
    assert list(kept_below(home)) == []


UNCAUGHT = """
import threading
from integration.verbs.outcome import quiet
with quiet():
    thread = threading.Thread(target=lambda: {}["1511178006084"])
    thread.start()
    thread.join()
    [][int("1511178006084")]
"""


def test_what_nobody_catches_is_told_without_its_values() -> None:
    ran = subprocess.run([sys.executable, "-c", UNCAUGHT], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "Erreur inattendue (KeyError, " in ran.stderr
    assert NIR not in ran.stderr
