"""`--dry-run`: what a verb would do is said, and nothing of it is done, on either database."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from sqlalchemy import select

from integration import cli
from integration.database.engine import make_engine
from integration.database.rehearsal import is_rehearsal, rehearsal_engine
from integration.database.tables import metadata, organisation
from integration.posting import reference
from integration.rehearsal import asked, rehearsal
from integration.verbs.outcome import NOTHING_LASTS
from tests.faults.scenario import NIGHTS, Home, first_night, found, play, second_night
from tests.integration.care.practice import patient, person
from tests.integration.operating.test_exit_codes import nobody

Capture = pytest.CaptureFixture[str]
SETTINGS = """
kept_files = "encrypted"
[organisation]
code = "DSL"
name = "DOMICILE SANTE"
address = ["1 rue du Essai", "75012 PARIS"]
siren = "732829320"
vat_number = "FR44732829320"
finess = "752600015"
am_number = "752600015"
"""
EFFECTS = [
    ["import", "clients.csv", "absents.csv", "--flow", "customers"],
    ["bill", "--date", "2026-04-30"],
    ["price-care", "--date", "2026-04-30"],
    ["teletransmit", "--date", "2026-04-30"],
    ["recycle", "CARE", "--date", "2026-04-30"],
    ["send"],
    ["requests", "send", "--all", "--date", "2026-04-30"],
    ["resend", "1", "--reason", "essai"],
    ["mark-sent", "1", "--proof", "essai"],
    ["hold", "all", "--reason", "essai"],
    ["resume", "all"],
    ["close", "year", "--date", "2025-12-31"],
    ["export", "ledger"],
    ["export", "fec", "--year", "2026"],
    ["export", "archive", "--period", "2026-03-02"],
    ["run", "night", "--date", "2026-04-30"],
    ["jobs", "run", "nuit", "--date", "2026-04-30"],
    ["keys", "rotate"],
    ["persons", "erase", "P9", "--reason", "essai"],
    ["backup", "sauvegarde.tar"],
]  # fmt: skip
ELSEWHERE = {  # what changes something and has no --dry-run, and why
    "http": "a server", "serve": "a server",
    "show": "only the trail notes it", "card read": "a try of the PIN", "card unblock": "likewise",
    "prices import": "shows only, without --apply", "rules import": "shows only, without --apply",
    "simulate": "is one",
}  # fmt: skip


@pytest.fixture
def home(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> Path:
    """Two nights of contracts and care; on the third day files wait, a partner who isn't there
    takes invoices and one care invoice stands rejected."""
    folder = tmp_path / "maison"
    folder.mkdir()
    scene = Home(folder, database_url)
    found(scene)
    play(scene, {NIGHTS[0]: first_night()})
    play(scene, {NIGHTS[1]: second_night(folder / "outbox")})
    (folder / "echeance.toml").write_text(SETTINGS, "utf-8")
    (folder / "echeance.toml").chmod(0o600)
    monkeypatch.setenv("ECHEANCE_DATABASE__URL", database_url)
    monkeypatch.setenv("ECHEANCE_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init"]) == cli.DONE
    with scene.app(NIGHTS[1]) as app, app.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET state = 'uncertain' WHERE id = 1")
    nobody(folder)
    with (folder / "partners" / "absent.toml").open("a") as partner:
        partner.write('takes = [{ kind = "invoice_pdf" }]\n')
    lonely = patient("P9", personne=person("2690175056002"), amo=[], amc=[])
    (folder / "inbox" / "patients" / "p9.jsonl").write_text(json.dumps(lonely) + "\n", "utf-8")
    (tmp_path / "seul.jsonl").write_text(json.dumps(lonely) + "\n", "utf-8")
    assert cli.main(["import", "seul.jsonl", "--flow", "patients"]) == cli.DONE
    (tmp_path / "clients.csv").write_text("code;nom\nC7;Fleuriste\n", "utf-8")
    (tmp_path / "absents.csv").write_text("code;nom\nC8;Fleuriste\n", "utf-8")
    capsys.readouterr()
    return folder


def state(home: Path, url: str) -> dict[str, str]:
    """Every row of every table, every file by its content."""
    found = {
        str(path.relative_to(home.parent)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.parent.rglob("*")
        if path.is_file() and ".db" not in path.name
    }
    engine = make_engine(url)
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            rows = sorted(map(repr, connection.execute(select(table)).all()))
            found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    engine.dispose()
    return found


def numbers(url: str, condition: str) -> list[str]:
    """Documents by the number they print."""
    engine = make_engine(url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            f"SELECT journal, fiscal_year, number FROM document d WHERE {condition}"
        )
        told = [reference(*row) for row in found]
    engine.dispose()
    return told


def typed(words: list[str], url: str) -> list[str]:
    """The words with the care invoice that the fund refused."""
    refused = "EXISTS (SELECT 1 FROM return_line r WHERE r.invoice_id = d.id AND r.state = 'R')"
    return [numbers(url, refused)[0] if word == "CARE" else word for word in words]


def test_every_verb_that_changes_something_is_rehearsed_here() -> None:
    """Or says why it can't be."""
    here = {" ".join(words[:2]) for words in EFFECTS} | {words[0] for words in EFFECTS}
    for verb in cli.VERBS:
        names = {name for one in verb.arguments for name in one.names}
        if verb.needs.changes and verb.name not in ELSEWHERE:
            assert "--dry-run" in names, verb.name
            assert verb.name in here or verb.name in ("restore", "upgrade")


def test_nothing_lasts(home: Path, database_url: str, capsys: Capture) -> None:
    """Each verb succeeds in the rehearsal and leaves rows and files as they were, to the byte."""
    before = state(home, database_url)
    assert len(before) > 60
    for words in EFFECTS:
        code = cli.main([*typed(words, database_url), "--dry-run"])
        told = capsys.readouterr()
        assert code in (cli.DONE, cli.PARTIAL), told.out + told.err
        assert told.err.endswith(f"{NOTHING_LASTS}\n")
        assert ".repetition-" not in told.out + told.err
        after = state(home, database_url)
        assert after == before, words


@pytest.mark.parametrize(
    "words", [["bill", "--date", "2026-04-30"], ["recycle", "CARE", "--date", "2026-04-30"]]
)
def test_what_is_said_is_what_is_done(
    home: Path, database_url: str, capsys: Capture, words: list[str]
) -> None:
    said = typed(words, database_url)
    before = set(numbers(database_url, "true"))
    code = cli.main([*said, "--dry-run"])
    rehearsed = capsys.readouterr()
    assert cli.main(said) == code
    done = capsys.readouterr()
    assert rehearsed.out == done.out
    *same, given, last = rehearsed.err.splitlines()
    assert (same, last) == (done.err.splitlines(), NOTHING_LASTS)
    spans = given.removeprefix("Numéros provisoires : ").rstrip(".").split(", ")
    ends = {number for span in spans for number in span.split(" à ")}
    assert ends
    assert ends <= set(numbers(database_url, "true")) - before


def test_what_lies_outside_the_home_is_left_alone(
    home: Path, tmp_path: Path, database_url: str, capsys: Capture
) -> None:
    """Keys and the maildir of an administrator who keeps them elsewhere."""
    outside = tmp_path / "coffre"
    outside.mkdir()
    for file in (home / "state").glob("*.key"):
        file.rename(outside / file.name)
    for name in ("new", "cur", "tmp"):
        (outside / "courrier" / name).mkdir(parents=True)
    (outside / "courrier" / "new" / "1.caisse").write_bytes(b"Subject: x\r\n\r\n")
    keys = {"person": outside / "persons.key", "signing": outside / "signing.key"}
    settings = "".join(f"{name}_key_file = '{path}'\n" for name, path in keys.items())
    mail = "\n[mail]\nmaildir = '../coffre/courrier'\n"
    (home / "echeance.toml").write_text(settings + SETTINGS + mail, "utf-8")
    before = state(home, database_url)
    assert any("courrier" in name for name in before)
    for words in (["keys", "rotate"], ["run", "night", "--date", "2026-04-30"]):
        assert cli.main([*words, "--dry-run"]) in (cli.DONE, cli.PARTIAL)
        assert "n'est pas un dossier maildir" not in capsys.readouterr().err
        assert state(home, database_url) == before


def test_files_that_lean_on_each_other_are_rehearsed_together(
    home: Path, tmp_path: Path, capsys: Capture
) -> None:
    """The contract of a customer who comes with it, as in the real import."""
    (tmp_path / "biens.csv").write_text("bien;client;compteur\nB7;C7;NB\n", "utf-8")
    assert cli.main(["import", "clients.csv", "biens.csv", "--dry-run"]) == cli.DONE
    assert cli.main(["import", "biens.csv", "--flow", "assets", "--dry-run"]) == cli.BAD_INPUT
    assert "C7" in capsys.readouterr().err


def test_a_partner_hears_nothing_and_json_tells_of_the_rehearsal(
    home: Path, capsys: Capture
) -> None:
    """The one who isn't there would be a failure; a rehearsal doesn't call."""
    words = ["bill", "--date", "2026-04-30", "--json"]
    assert cli.main([*words, "--dry-run"]) == cli.DONE
    told = json.loads(capsys.readouterr().out)
    assert cli.main(words) == cli.DONE
    assert told == {"dry_run": True, **json.loads(capsys.readouterr().out)}
    assert cli.main(["send", "--dry-run"]) == cli.DONE
    assert "4 factures en PDF" in capsys.readouterr().out
    assert cli.main(["send"]) == cli.UNREACHABLE


def test_transactions_inside_one(database_url: str) -> None:
    """Commit keeps, rollback forgets, readers take nothing with them; in the end all is gone."""
    engine = rehearsal_engine(database_url)
    assert is_rehearsal(engine)

    def put(code: str, id_: int, *, fails: bool = False) -> None:
        values = {"id": id_, "code": code, "name": code, "address": "", "zone": "Europe/Paris"}
        with engine.begin() as connection:
            connection.execute(organisation.insert().values(**values))
            if fails:
                raise ValueError(code)

    def codes() -> set[str]:
        with engine.connect() as connection:
            return set(connection.scalars(select(organisation.c.code)))

    with engine.connect() as reader:  # ends by a rollback, over what others commit
        reader.execute(select(organisation)).all()
        put("A", 1)
        with pytest.raises(ValueError, match="B"):
            put("B", 2, fails=True)
        with engine.begin() as outer:
            outer.execute(select(organisation)).all()
            put("C", 3)
    assert codes() == {"A", "C"}
    engine.dispose()
    real = make_engine(database_url)
    assert not is_rehearsal(real)
    with real.connect() as connection:
        assert connection.execute(select(organisation)).all() == []
    real.dispose()


def test_a_rehearsal_ends() -> None:
    with rehearsal():
        assert asked()
    assert not asked()
