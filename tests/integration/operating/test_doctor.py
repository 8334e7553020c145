"""The doctor names what is wrong, each line with its mend, and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.settings import from_mapping
from integration.cli import DONE, INTEGRITY, PARTIAL, main
from integration.doctor import examined, machine
from integration.doctor.books import books, schema
from integration.doctor.machine import next_change
from tests.integration.billing.house import house_at

Capture = pytest.CaptureFixture[str]
Fault = Callable[[Path], None]


@pytest.fixture
def home(tmp_path: Path, capsys: Capture) -> Path:
    """A sound house that played last night."""
    folder = tmp_path / "maison"
    yesterday = datetime.now(ZoneInfo("Europe/Paris")).date() - timedelta(days=1)
    assert main(["--home", str(folder), "init"]) == DONE
    assert main(["--home", str(folder), "run", "night", "--date", f"{yesterday}"]) == DONE
    assert main(["--home", str(folder), "doctor"]) == DONE
    assert "ÉCHEC" not in capsys.readouterr().out
    return folder


def sql(home: Path, *statements: str) -> None:
    """Change the database behind the program's back."""
    with sqlite3.connect(home / "state" / "echeance.db") as raw:
        for statement in statements:
            raw.execute(statement)
    raw.close()


def readable_key(home: Path) -> None:
    """Everybody may read the key of persons."""
    (home / "state" / "persons.key").chmod(0o644)


def missing_key(home: Path) -> None:
    """The key of persons is gone."""
    (home / "state" / "persons.key").unlink()


def readable_password(home: Path) -> None:
    """Everybody may read the password of a partner."""
    (home / "smtp").write_text("x")
    (home / "smtp").chmod(0o644)
    (home / "partners" / "courriel.toml").write_text(
        'transport = "smtp"\nhost = "h"\nuser = "u"\nsender = "a@b.fr"\n[password]\nfile = "smtp"\n'
    )


def missing_folder(home: Path) -> None:
    """A folder was removed."""
    shutil.rmtree(home / "outbox")


def open_house(home: Path) -> None:
    """Anybody may look in."""
    home.chmod(0o755)


def stuck_file(home: Path) -> None:
    """A killed run left a file in `processing/`."""
    file = home / "processing" / "customers" / "clients.csv"
    file.write_text("code;nom\n")
    os.utime(file, (0, 0))


def left_copy(home: Path) -> None:
    """A killed rehearsal left its copy of the home."""
    (home / ".repetition-x").mkdir()
    os.utime(home / ".repetition-x", (0, 0))


def wrong_jobs(home: Path) -> None:
    """Nobody knows that step."""
    (home / "jobs.toml").write_text('[jobs.soir]\nsteps = ["dormir"]\nat = "22:15"\n')


def late_job(home: Path) -> None:
    """The server has stopped two days ago."""
    (home / "jobs.toml").write_text('[jobs.soir]\nsteps = ["import"]\nat = "22:15"\n')
    since = datetime.now(UTC) - timedelta(days=2)
    sql(home, f"INSERT INTO job VALUES (1, 'soir', 'x', '{since.isoformat(timespec='seconds')}')")


def old_schema(home: Path) -> None:
    """The database is behind the program."""
    sql(home, "UPDATE alembic_version SET version_num = '0000'")


def new_schema(home: Path) -> None:
    """The database is ahead of the program."""
    sql(home, "UPDATE alembic_version SET version_num = '9999'")


def clock_back(home: Path) -> None:
    """Something was written down in what is now the future."""
    sql(
        home,
        "INSERT INTO received_file (id, digest, name, flow, state, received_at)"
        " VALUES (99, 'x', 'x', 'customers', 'refused', '2999-01-01T00:00:00+00:00')",
    )


def dead_partner(home: Path) -> None:
    """A partner's folder can't be written."""
    (home / "partners" / "voisin.toml").write_text(
        'transport = "folder"\nfolder = "/proc/nowhere/x"\n'
    )


def broken_chain(home: Path) -> None:
    """The head of the chain says more than there is."""
    sql(
        home,
        "INSERT OR REPLACE INTO chain_head (organisation_id, sequence, link) VALUES (1, 3, 'x')",
    )


def uncertain_row(home: Path) -> None:
    """A delivery whose answer was lost."""
    sql(home, "UPDATE outbox SET state = 'uncertain'")


def failed_row(home: Path) -> None:
    """A delivery given up."""
    sql(home, "UPDATE outbox SET state = 'failed'")


def unknown_centre(home: Path) -> None:
    """A patient of a fund whose computing centre nobody told."""
    sql(
        home,
        "INSERT INTO patient (id, organisation_id, code, person_id, insured_person_id)"
        " VALUES (1, 1, 'P1', 1, 1)",
        "INSERT INTO cover_amo (id, patient_id, since, scheme, fund, centre, nature, proof,"
        " proof_on) VALUES (1, 1, '2020-01-01', '01', 'ZZZ', '0000', '10', '', '2020-01-01')",
    )


def expired_certificate(home: Path) -> None:
    """The authorities of the cards ended last year."""
    (home / "cards").mkdir()
    (home / "cards" / "authorities.pem").write_bytes(certificate(-300))


def certificate(days: int) -> bytes:
    """A certificate that ends in so many days."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Autorité inventée")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=900))
        .not_valid_after(now + timedelta(days=days))
    )
    made = builder.sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


FAULTS: dict[Fault, tuple[str, str]] = {
    readable_key: ("clé des identités : droits 644", "chmod 600 "),
    missing_key: ("clé des identités : absente", "remettez "),
    readable_password: ("secret smtp : droits 644", "chmod 600 "),
    missing_folder: ("dossiers : manquants : outbox", "echeance init"),
    open_house: ("droits du dossier : 755", "chmod o-rwx "),
    stuck_file: ("fichiers en cours : 1 fichier, dont clients.csv", "« echeance run night »"),
    left_copy: ("essais interrompus : 1 copie", "supprimez-les : rm -r "),
    wrong_jobs: ("tâches : CFG-", "corrigez "),
    late_job: ("tâches : en retard : soir", "« echeance serve »"),
    old_schema: ("schéma : 0000", "echeance upgrade"),
    new_schema: ("schéma : 9999, plus récent que", "installez la version"),
    clock_back: ("horloge : ", "timedatectl set-ntp true"),
    dead_partner: ("partenaire voisin : dossier inaccessible", "vérifiez la liaison"),
    broken_chain: ("livres : La chaîne s'arrête au rang 0", "Restaurez une sauvegarde saine"),
    uncertain_row: ("envois : 1 peut-être arrivé", "« echeance mark-sent »"),
    failed_row: ("envois : 1 abandonné", "« echeance outbox show "),
    unknown_centre: ("centres informatiques : inconnus pour 01ZZZ", "teletransmission.centres"),
    expired_certificate: ("certificat authorities.pem : jusqu'au ", "demandez-en un nouveau"),
}
GRAVE = {old_schema, new_schema, broken_chain, readable_key, missing_key}


def test_a_change_of_the_clock_is_told_two_weeks_ahead() -> None:
    paris = ZoneInfo("Europe/Paris")
    far, near = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (10, 16))
    assert str(next_change(paris, far)) == "ok    fuseau : Europe/Paris"
    assert str(next_change(paris, near)).endswith(", changement d'heure le 29/03/2026")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_a_line_with_its_mend(home: Path, capsys: Capture, fault: Fault) -> None:
    fault(home)
    code = main(["--home", str(home), "doctor"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("ÉCHEC")]
    name, mend = FAULTS[fault]
    assert code == (INTEGRITY if fault in GRAVE else PARTIAL)
    (line,) = (one for one in lines if one.startswith(f"ÉCHEC {name}"))
    assert mend in line.partition(" — ")[2]


@pytest.mark.feature("X-OPS-01")
def test_ten_planted_faults_are_ten_lines_with_the_mend(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten planted faults: ten lines with the mend."""
    planted = (
        readable_password, missing_folder, open_house, stuck_file, clock_back, unknown_centre,
        dead_partner, uncertain_row, expired_certificate,
    )  # fmt: skip
    for fault in planted:
        fault(home)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage(1 << 40, 0, 5 << 20))
    before = tree(home)
    assert main(["--home", str(home), "doctor", "--json"]) == PARTIAL
    findings = json.loads(capsys.readouterr().out)["findings"]
    wrong = [one for one in findings if not one["well"]]
    assert len(wrong) == len({one["name"] for one in wrong}) == 10
    assert all(one["mend"] and one["found"] for one in wrong)
    (full,) = (one for one in wrong if one["name"] == "place libre")
    assert (full["found"], "libérez au moins 1024 Mo" in full["mend"]) == ("5 Mo", True)
    assert tree(home) - {"outbox"} == before - {"outbox"}


def test_missed_nights_are_counted_from_the_first(home: Path) -> None:
    """The server was off for nine days."""
    found = examined(home, datetime.now(UTC) + timedelta(days=9), network=False)
    (nights,) = (one for one in found if one.name == "nuits")
    assert (nights.well, ", 9 manquantes" in nights.found) == (False, True)
    assert "jouez les nuits manquantes depuis « echeance run night --date 20" in nights.mend


def tree(home: Path) -> set[str]:
    """Every file but the database's own side files."""
    names = {str(path.relative_to(home)) for path in home.rglob("*")}
    return {name for name in names if not name.startswith("state/echeance.db")}


def test_a_house_is_looked_at_on_both_databases(database_url: str, tmp_path: Path) -> None:
    with house_at(database_url, tmp_path):
        (tmp_path / "home" / "echeance.toml").write_text(
            f'[organisation]\ncode = "DEMO"\nname = "D"\n[database]\nurl = "{database_url}"\n'
        )
        looked = list(books(tmp_path / "home", datetime.now(UTC)))
        names = [one.name for one in looked]
    statistics = ["statistiques"] if database_url.startswith("postgresql") else []
    assert names == [
        "livres", "nuits", "horloge", "tâches", "envois", "centres informatiques", "tarifs LPP",
        "indices Syntec", *statistics,
    ]  # fmt: skip
    assert all(one.well for one in looked)


def test_a_base_that_does_not_answer_is_said(tmp_path: Path) -> None:
    raw = {
        "organisation": {"code": "D", "name": "D"},
        "database": {"url": "postgresql+psycopg://nobody@127.0.0.1:1/none"},
    }
    found = schema(from_mapping(raw, base=tmp_path))
    assert (found.well, found.grave) == (False, True)
    assert found.found == "la base ne répond pas (OperationalError)"
