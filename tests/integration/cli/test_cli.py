"""The command line as a clerk meets it: French, exit codes, one JSON document."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from billing.unpaid import SORTS
from integration import cli
from integration.cli import BAD_CONFIG, BAD_INPUT, DONE, INTEGRITY, PARTIAL, USAGE, VERBS
from tests.integration.billing.house import contract, copies, fee
from tests.integration.care.practice import patient

ENGLISH = (
    "usage:", "error:", "options:\n", "positional arguments", "show this help", "the following",
    "required", "unrecognized", "invalid", "expected", "choose from", "ambiguous",
)  # fmt: skip
HEAVY = ("sqlalchemy", "fpdf", "zeep", "pydantic", "cryptography", "lxml", "alembic", "paramiko")
CUSTOMERS = "code;nom;adresse\nC1;Imprimerie Martin;2 rue Basse\n"


NAMES = sorted({"", *(v.name for v in VERBS), *(v.name.rpartition(" ")[0] for v in VERBS)})


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A working folder made by `init`, with the seller's mentions filled in."""
    folder = tmp_path / "maison"
    assert cli.main(["--home", str(folder), "init"]) == DONE
    capsys.readouterr()
    return folder


def _run(capsys: pytest.CaptureFixture[str], home: Path, *words: object) -> tuple[int, str, str]:
    code = cli.main(["--home", str(home), *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def _file(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


@pytest.mark.parametrize("verb", NAMES)
def test_help_is_french(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*verb.split(), "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == DONE
    assert text.startswith("Utilisation : echeance")
    assert "afficher cette aide" in text
    assert not [word for word in ENGLISH if word in text.lower()]


WRONG: dict[str, tuple[list[str], str]] = {
    "unknown verb": (["facturer"], "n'est pas un choix possible"),
    "unknown option": (["status", "--vite"], "arguments inconnus : --vite"),
    "nothing to import": (["import"], "il manque : FICHIER"),
    "no value": (["bill", "--date"], "une valeur est attendue"),
    "no files": (["import", "--flow", "customers"], "il manque : FICHIER"),
    "not a number": (["bill", "--reading-days", "vingt"], "valeur refusée : 'vingt'"),
    "bad choice": (["unpaid", "--format", "pdf"], "n'est pas un choix possible"),
    "shortened": (["bill", "--thres", "10"], "arguments inconnus"),
}


@pytest.mark.parametrize(("words", "sentence"), WRONG.values(), ids=WRONG)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    captured = capsys.readouterr()
    assert (ended.value.code, captured.out) == (USAGE, "")
    assert sentence in captured.err
    assert not [word for word in ENGLISH if word in captured.err.lower()]


def test_no_verb_prints_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == USAGE
    assert "Verbes" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["bill", "--date", "31/02/2026"],
        ["simulate", "--threshold", "dix"],
        ["unpaid", "--as-of", "x"],
        ["unpaid", "--since", "x"],
        ["unpaid", "--total", "dix"],
    ],
)
def test_values_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str], home: Path, words: list[str]
) -> None:
    code, out, err = _run(capsys, home, *words)
    assert (code, out) == (USAGE, "")
    assert err.startswith("RUN-10")
    assert f"« {words[-1]} »" in err


def test_a_folder_that_is_no_home(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = _run(capsys, tmp_path / "ailleurs", "status")
    assert (code, out) == (BAD_CONFIG, "")
    assert err == (
        "CFG-101 Le dossier « ailleurs » n'est pas un dossier de travail. "
        "Lancez « echeance init » sur ce dossier, ou donnez --home.\n"
    )


def test_init_makes_a_home_and_keeps_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "neuf"
    code, out, _ = _run(capsys, folder, "init")
    assert (code, f"Dossier de travail prêt : {folder}" in out) == (DONE, True)
    for name in ("inbox", "inbox/customers", "done", "error", "outbox", "exports", "reports"):
        assert (folder / name / "README.txt").read_text("utf-8")
    settings, key = folder / "echeance.toml", folder / "state" / "persons.key"
    assert oct(key.stat().st_mode)[-3:] == "600"
    settings.write_text(settings.read_text("utf-8") + "\n# à nous\n", "utf-8")
    _run(capsys, folder, "import", _file(tmp_path, "c.csv", CUSTOMERS))
    kept = settings.read_bytes(), key.read_bytes()
    assert _run(capsys, folder, "init")[0] == DONE
    assert (settings.read_bytes(), key.read_bytes()) == kept
    code, out, _ = _run(capsys, folder, "import", _file(tmp_path, "c2.csv", CUSTOMERS))
    assert (code, "déjà importé" in out) == (DONE, True)


def test_a_broken_setting_is_named(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    file = home / "echeance.toml"
    assert _run(capsys, home, "check")[0] == DONE
    file.write_text(file.read_text("utf-8") + "\n[couleurs]\nfond = 1\n", "utf-8")
    for verb in ("check", "status", "bill"):
        code, out, err = _run(capsys, home, verb)
        assert (code, out) == (BAD_CONFIG, "")
        assert "couleurs" in err
        assert err.startswith("CFG-003")


def test_a_broken_file_is_refused_with_its_reasons(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    broken = _file(tmp_path, "clients.csv", "code;nom\nC1;Martin\n;Sans code\n")
    code, out, err = _run(capsys, home, "import", broken)
    assert code == BAD_INPUT
    assert "refusé, rien n'en a été importé" in out
    assert "ligne 3" in err
    assert broken.exists()
    (reasons,) = (home / "error").rglob("*.err.txt")
    assert "ligne 3" in reasons.read_text("utf-8")
    code, out, err = _run(capsys, home, "import", tmp_path / "absent.csv")
    assert (code, out) == (BAD_INPUT, "")
    assert "absent.csv" in err


def _month(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A customer, a fee of 25.00 and a copier without reading."""
    rules = fee("MF", "25.00"), copies("UC", "0.01", [("B1", "NB")])
    files = {
        "c.csv": CUSTOMERS,
        "b.csv": "bien;client;compteur\nB1;C1;NB\n",
        "k.jsonl": "".join(
            json.dumps(contract(f"K{n}", "C1", rule)) + "\n" for n, rule in enumerate(rules, 1)
        ),
    }
    paths = [_file(tmp_path, name, content) for name, content in files.items()]
    code, out, err = _run(capsys, home, "import", *paths)
    assert (code, err) == (DONE, "")
    assert "contrats créés" in out


def test_a_month_from_the_command_line(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    _month(home, tmp_path, capsys)
    code, out, err = _run(capsys, home, "simulate", "--date", "01/01/2026")
    assert (code, err) == (DONE, "")
    assert "Simulation n° 1 au 01/01/2026" in out
    assert "total HT : 25,00\u00a0€, TTC : 30,00\u00a0€" in out
    code, out, err = _run(capsys, home, "bill", "--from-simulation", "1")
    assert (code, err) == (DONE, "")
    assert "factures : 1, lignes : 1" in out
    code, out, err = _run(capsys, home, "bill", "--from-simulation", "1")
    assert (code, out) == (BAD_INPUT, "")
    assert err.startswith("RUN-110 Les données ont changé depuis la simulation 1.")
    code, out, err = _run(capsys, home, "bill", "--date", "2026-02-01")
    assert code == PARTIAL
    assert "contrats bloqués par une anomalie : 1" in out
    assert err.startswith("RAT-104 contrat K2, module M1, règle UC : Erreur lors de l'estimation")
    code, out, _ = _run(capsys, home, "unpaid", "--as-of", "2026-02-01")
    assert code == DONE
    assert "VT2026-000001" in out
    assert "30,00" in out
    code, out, _ = _run(capsys, home, "verify")
    assert (code, out.split(",")[0]) == (DONE, "Livres sains : 2 documents chaînés et équilibrés")
    code, out, _ = _run(capsys, home, "status")
    assert (code, "Aucune nuit." in out, "factures de contrats" in out) == (DONE, True, True)
    assert "reste dû 60,00\u00a0€" in out
    code, out, _ = _run(capsys, home, "run", "night", "--date", "2026-02-28")
    assert (code, "Nuit du 28/02/2026" in out) == (PARTIAL, True)
    code, out, _ = _run(capsys, home, "run", "night", "--date", "2026-02-28")
    assert (code, out) == (DONE, "Nuit du 28/02/2026 : déjà fait.\n")


JSON_VERBS = {
    "simulate": ["simulate", "--date", "2026-01-01"],
    "bill": ["bill", "--date", "2026-01-01"],
    "price-care": ["price-care"],
    "teletransmit": ["teletransmit"],
    "send": ["send"],
    "verify": ["verify"],
    "night": ["run", "night", "--date", "2026-01-01"],
    "status": ["status"],
    "check": ["check"],
    "doctor": ["doctor"],
    "hold": ["hold", "all", "--reason", "essai"],
    "resume": ["resume", "all"],
    "upgrade": ["upgrade", "--dry-run"],
    "jobs run": ["jobs", "run", "nuit", "--date", "2026-01-01"],
    "unpaid": ["unpaid", "--format", "json"],
}


@pytest.mark.parametrize("words", JSON_VERBS.values(), ids=JSON_VERBS)
def test_json_is_one_document(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path, words: list[str]
) -> None:
    _month(home, tmp_path, capsys)
    extra = [] if "unpaid" in words else ["--json"]
    _, out, _ = _run(capsys, home, *words, *extra)
    document: dict[str, Any] = json.loads(out)
    assert document["schema_version"] == 1


def test_an_altered_book_ends_with_its_own_code(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    import sqlite3

    _month(home, tmp_path, capsys)
    _run(capsys, home, "bill", "--date", "2026-01-01")
    with sqlite3.connect(home / "state" / "echeance.db") as raw:
        raw.execute("DROP TRIGGER keep_document_update")
        raw.execute("UPDATE document SET gross_cents = 1")
    raw.close()
    for verb in ("verify", "doctor"):
        code, out, err = _run(capsys, home, verb)
        assert code == INTEGRITY
        assert "Le document VT2026-000001 a été modifié après coup." in out + err


def test_schemas_are_listed_in_french(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    code, out, _ = _run(capsys, home, "schema")
    assert code == DONE
    assert {"customers", "contracts", "readings"} <= {line.split()[0] for line in out.splitlines()}
    code, out, err = _run(capsys, home, "schema", "licornes")
    assert (code, out) == (BAD_INPUT, "")
    assert "Le flux « licornes » n'existe pas" in err


def test_a_mapping_is_named_on_the_command_line(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    code, out, _ = _run(capsys, home, "schema", "readings")
    assert (code, "#   kpax : Export de type KPAX" in out) == (DONE, True)
    sample = Path(__file__).parents[2] / "data" / "readings" / "kpax.csv"
    code, out, _ = _run(capsys, home, "import", "--mapping", "kpax", str(sample))
    assert (code, "IMP-190" in out) == (DONE, True)
    wrong = ("import", "--mapping", "kpax", "--flow", "customers", str(sample))
    code, _, err = _run(capsys, home, *wrong)
    assert (code, "Le flux « customers@kpax » n'existe pas" in err) == (BAD_INPUT, True)


def test_doctor_names_what_to_mend(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    code, out, _ = _run(capsys, home, "doctor")
    assert (code, "ÉCHEC" in out) == (DONE, False)
    (home / "state" / "persons.key").chmod(0o600)
    shutil.rmtree(home / "outbox")
    code, out, _ = _run(capsys, home, "doctor")
    assert code == PARTIAL
    assert "ÉCHEC dossiers : manquants : outbox — echeance init" in out


def test_doctor_names_the_indices_that_miss(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    """Before 10/08/2014 all 24 are shipped; before 10/08/2015 twelve aren't, three of them late."""
    late, early = (
        json.dumps(contract(code, "C1", fee("MF", "9", augmentation=agreed), debut="2012-01-10"))
        for code, day in (("K1", "2015-08-10"), ("K2", "2014-08-10"))
        for agreed in [{"type": "syntec", "prochaine": day}]
    )
    _run(capsys, home, "import", _file(tmp_path, "1.csv", "code;nom\nC1;Imprimerie\n"))
    assert "ok    indices Syntec : aucune révision" in _run(capsys, home, "doctor")[1]
    _run(capsys, home, "import", _file(tmp_path, "2.json", late))
    code, out, _ = _run(capsys, home, "doctor")
    found = (
        "ÉCHEC indices Syntec : 9 mois manquent avant la révision du 10/08/2015"
        " — importez ceux de 08/2014 à 04/2015 (flux « indices »)"
    )
    assert (code, found in out) == (PARTIAL, True)
    _run(capsys, home, "import", _file(tmp_path, "3.json", early))
    known = "ok    indices Syntec : 24 mois connus avant la révision du 10/08/2014"
    assert known in _run(capsys, home, "doctor")[1]


def test_a_key_others_can_read(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    (home / "state" / "persons.key").chmod(0o644)
    code, out, err = _run(capsys, home, "status")
    assert (code, out) == (BAD_CONFIG, "")
    assert "0644" in err


def test_a_base_of_another_schema_is_told(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    import sqlite3

    with sqlite3.connect(home / "state" / "echeance.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0000'")
    raw.close()
    code, out, err = _run(capsys, home, "status")
    assert (code, out) == (BAD_CONFIG, "")
    assert err == (
        "CFG-102 La base n'est pas au schéma de ce programme. "
        "Lancez « echeance upgrade » : il sauvegarde la base, puis la met à jour.\n"
    )
    (home / "state" / "echeance.db").unlink()
    assert _run(capsys, home, "status")[2] == err


def test_a_lost_key_of_persons_is_never_made_anew(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    file = _file(home, "patients.jsonl", patient())
    assert _run(capsys, home, "import", file, "--flow", "patients")[0] == DONE
    (home / "state" / "persons.key").unlink()
    code, out, err = _run(capsys, home, "init")
    assert (code, out) == (BAD_CONFIG, "")
    assert err == (
        "CFG-103 La clé « persons.key » manque, et la base a 1 identité scellée avec elle. "
        "Remettez la clé en place depuis votre sauvegarde : une autre ne les ouvrirait pas.\n"
    )
    assert not (home / "state" / "persons.key").exists()


def test_what_is_for_good_wants_a_yes(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Off a terminal --yes, on one the word; the target is named either way."""
    file = _file(home, "patients.jsonl", patient())
    assert _run(capsys, home, "import", file, "--flow", "patients")[0] == DONE
    words = ("persons", "erase", "P1", "--reason", "essai")
    monkeypatch.setattr("sys.stdin", StringIO())
    code, out, err = _run(capsys, home, *words)
    assert (code, out) == (USAGE, "")
    assert err == (
        "L'identité de P1, ses droits et ses factures imprimées disparaîtront pour toujours."
        " Ajoutez --yes, ou --dry-run pour essayer.\n"
    )
    monkeypatch.setattr("sys.stdin", Terminal("non\n"))
    assert _run(capsys, home, *words)[0] == USAGE
    assert _run(capsys, home, *words, "--dry-run")[0] == DONE
    monkeypatch.setattr("sys.stdin", Terminal("oui\n"))
    code, out, err = _run(capsys, home, *words)
    assert (code, err.endswith("Tapez « oui » pour continuer : ")) == (DONE, True)
    assert "Patient P1 effacé : 1 identité," in out
    assert _run(capsys, home, *words, "--yes")[0] == DONE  # again: nothing is left to erase


class Terminal(StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_list_is_sorted_on_a_column_that_exists(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    code, out, err = _run(capsys, home, "unpaid", "--sort", "couleur")
    assert (code, out) == (USAGE, "")
    assert err == (
        "RUN-112 Critère refusé : critère inconnu : couleur. "
        f"Colonnes de tri : {', '.join(SORTS)}. "
        "Triez sur une de ces colonnes ; les pages commencent à 1.\n"
    )


def test_a_simulation_has_fixed_its_options(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    words = ("bill", "--from-simulation", "1", "--threshold", "10", "--no-estimate")
    code, out, err = _run(capsys, home, *words)
    assert (code, out) == (USAGE, "")
    assert err == (
        "RUN-113 La simulation a déjà fixé ses options : --threshold, --no-estimate ne se change"
        " pas ici. Facturez sans cette option, ou refaites une simulation.\n"
    )


def test_a_file_that_can_not_be_made_is_told_and_stays_to_do(
    capsys: pytest.CaptureFixture[str],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from integration.translate import invoice_pages

    def fails(*_: object) -> None:
        raise KeyError("1 85 05 78 006 084 36")

    _month(home, tmp_path, capsys)
    _run(capsys, home, "bill", "--date", "2026-01-01")
    monkeypatch.setattr(invoice_pages, "invoice_pages", fails)
    code, out, err = _run(capsys, home, "send")
    assert (code, out) == (PARTIAL, "Rien n'est parti.\n")
    assert err == (
        "RUN-120 Le fichier « VT2026-000001.pdf » n'a pas pu être préparé (KeyError). "
        "Les autres sont partis ; signalez-le à l'éditeur, puis relancez « echeance send ».\n"
    )
    monkeypatch.undo()
    assert "VT2026-000001.pdf" in _run(capsys, home, "send")[2]  # tried again, each time


def test_an_unexpected_failure_tells_its_class_alone(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from integration.verbs import health

    def fails(*_: object) -> None:
        raise KeyError("1 85 05 78 006 084 36")

    monkeypatch.delenv("ECHEANCE_TRACEBACK", raising=False)
    monkeypatch.setattr(health, "situation", fails)
    code, out, err = _run(capsys, home, "status")
    assert (code, out) == (1, "")
    told = r"Erreur inattendue \(KeyError, test_cli\.py:\d+, référence [0-9a-f]{8}\)\."
    assert re.match(told, err)
    assert "185" not in err.replace(" ", "")


@pytest.mark.parametrize("words", [["--help"], ["bill", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys\nfrom integration.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
