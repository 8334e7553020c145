"""The audit trail and rights, as the command line uses them."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from config.rights import Right
from integration import audit, cli
from integration.cli import BAD_INPUT, DONE, INTEGRITY, REFUSED, USAGE, VERBS
from integration.database.engine import make_engine
from integration.kept import keep
from integration.persons import open_vault
from tests.integration.posting.books import open_books

CUSTOMERS = "code;nom\nC1;Martin\n"
CHAINED = ("sequence", "at", "who", "verb", "subject", "reason", "outcome", "link")
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder; who acts is « ada »."""
    monkeypatch.setenv("ECHEANCE_USER", "ada")
    monkeypatch.setenv("ECHEANCE_HOME", str(tmp_path / "maison"))
    assert cli.main(["init"]) == DONE
    return tmp_path / "maison"


def trail(capsys: pytest.CaptureFixture[str], *words: str) -> list[tuple[str, ...]]:
    capsys.readouterr()
    assert cli.main(["audit", "list", "--json", *words]) == DONE
    found = json.loads(capsys.readouterr().out)["traces"]
    return [(one["who"], one["verb"], one["subject"], one["outcome"]) for one in found]


def settings(home: Path, line: str) -> None:
    file = home / "echeance.toml"
    file.write_text(f"{line}\n{file.read_text('utf-8')}", "utf-8")


def test_who_did_what_and_how_it_ended(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "clients.csv").write_text(CUSTOMERS)
    assert cli.main(["import", str(home / "clients.csv")]) == DONE
    assert cli.main(["bill", "--date", "2026-01-31"]) == DONE
    assert cli.main(["hold", "folder", "--reason", "panne du 1 80 01 75 056 001 03"]) == DONE
    assert cli.main(["status"]) == DONE  # looking leaves no row
    first, *others = trail(capsys)
    assert first[:2] == ("ada", "settings")
    assert others == [
        ("ada", "import", "clients.csv", "begun"),
        ("ada", "import", "customers n° 1", "imported"),
        ("ada", "import", "clients.csv", "exit 0"),
        ("ada", "bill", "2026-01-31", "begun"),
        ("ada", "bill", "2026-01-31", "exit 0"),
        ("ada", "hold", "folder", "begun"),
        ("ada", "hold", "folder", "exit 0"),
    ]
    assert cli.main(["audit", "list", "--subject", "hold"]) == DONE
    out = capsys.readouterr().out
    assert "panne du ***" in out
    assert "2 lignes." in out
    assert trail(capsys, "--since", "2999-01-01") == []


def test_a_changed_setting_is_noticed_by_section(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["bill", "--date", "2026-01-31"])
    settings(home, 'kept_files = "clear"')
    cli.main(["bill", "--date", "2026-01-31"])
    cli.main(["bill", "--date", "2026-01-31"])
    noticed = [one for one in trail(capsys) if one[1] == "settings"]
    assert [one[2] for one in noticed[1:]] == ["kept_files"]


def test_a_kept_file_is_shown_and_the_trail_says_to_whom(
    home: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    vault = open_vault(home / "state" / "persons.key")
    path = keep(vault, BytesIO(b"2600175056001\n"), home / "done", "r.noe", "claim")
    capfdbinary.readouterr()
    assert cli.main(["show", str(path)]) == DONE
    assert capfdbinary.readouterr().out == b"2600175056001\n"
    assert cli.main(["show", str(home / "echeance.toml")]) == BAD_INPUT
    assert capfdbinary.readouterr().err.startswith(b"RUN-511")
    cli.main(["audit", "list", "--subject", "show"])
    told = capfdbinary.readouterr().out.decode()
    assert "ada show r.noe.enc : exit 0" in told
    assert "ada show echeance.toml : exit 65" in told


# --- rights -----------------------------------------------------------------------------------

HABILITATIONS = """habilitations = [
  {screen = "SSC", right = "facturation", logins = ["ada", "chef"]},
  {screen = "Augmentations", right = "augmentations", logins = ["chef"]},
  {screen = "Modification statut SSC", right = "reouverture", logins = ["chef"]},
  {screen = "UT", right = "validation-ut", logins = ["chef"]},
]"""


@pytest.mark.feature("A-SEC-02")
def test_a_login_without_the_right_is_refused_and_written_down(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(home, HABILITATIONS)
    (home / "prix.csv").write_text("x")
    capsys.readouterr()
    assert cli.main(["prices", "import", str(home / "prix.csv"), "--apply"]) == REFUSED == 77
    assert capsys.readouterr().err == (
        "RUN-521 Le compte « ada » n'a pas le droit « augmentations », que demande"
        " « echeance prices import ». Demandez à un compte habilité, ou complétez"
        " « habilitations » dans la configuration.\n"
    )
    assert trail(capsys)[-1] == ("ada", "prices import", "prix.csv", "refused")
    assert cli.main(["bill", "--date", "2026-01-31"]) == DONE
    assert cli.main(["unpaid"]) == DONE  # nobody reserved reading
    monkeypatch.setenv("ECHEANCE_USER", "bob")
    assert cli.main(["bill", "--date", "2026-01-31"]) == REFUSED
    monkeypatch.setenv("ECHEANCE_USER", "chef")
    assert cli.main(["prices", "import", str(home / "prix.csv"), "--apply"]) == BAD_INPUT


def test_reading_may_be_reserved_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings(home, 'habilitations = [{right = "lecture", logins = ["chef"]}]')
    assert cli.main(["unpaid"]) == REFUSED
    settings_free = home / "echeance.toml"
    kept = settings_free.read_text("utf-8").partition("\n")[2]
    settings_free.write_text(kept, "utf-8")
    assert trail(capsys)[-1] == ("ada", "unpaid", "", "refused")


def test_each_verb_names_its_right_and_options_that_need_another_exist() -> None:
    for verb in VERBS:
        assert isinstance(verb.needs, Right), verb.name
        names = {one.names[0].lstrip("-").replace("-", "_") for one in verb.arguments}
        assert verb.options.keys() <= names, verb.name


def test_without_the_variable_the_account_of_the_system_acts() -> None:
    assert audit.login({}) != ""
    assert audit.login({"ECHEANCE_USER": " eve "}) == "eve"


# --- the chain --------------------------------------------------------------------------------


def noted(engine: Engine) -> None:
    with engine.begin() as connection:
        for n in range(4):
            audit.note(connection, 1, "bill", "begun", subject=f"s{n}", who="ada", at=NOON)


def faults(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return [str(one) for one in audit.faults(connection, 1)]


def test_two_trails_are_chained_apart_and_sound(engine: Engine) -> None:
    noted(engine)
    with engine.begin() as connection:
        audit.note(connection, 2, "send", "begun", at=NOON)
        assert [one.sequence for one in audit.traces(connection, 1)] == [1, 2, 3, 4]
    assert faults(engine) == []


@pytest.mark.parametrize("column", CHAINED)
def test_f23_any_changed_column_is_found(sqlite_url: str, engine: Engine, column: str) -> None:
    noted(engine)
    _tampered(engine, f"UPDATE audit SET {column} = '9' WHERE sequence = 2")
    (fault,) = faults(engine)
    assert fault.startswith("LED-991 La piste d'audit est rompue à la ligne")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("DELETE FROM audit WHERE sequence = 1", "LED-991"),
        ("DELETE FROM audit WHERE sequence = 2", "LED-991"),
        ("DELETE FROM audit WHERE sequence = 4", "LED-992"),
        ("DELETE FROM audit", "LED-992"),
        ("INSERT INTO audit SELECT 1, 5, at, who, verb, subject, reason, outcome, link FROM audit"
         " WHERE sequence = 4", "LED-991"),
    ],
)  # fmt: skip
def test_f23_rows_removed_or_slipped_in_are_found(engine: Engine, change: str, code: str) -> None:
    noted(engine)
    _tampered(engine, change)
    (fault,) = faults(engine)
    assert fault.startswith(code)


def _tampered(engine: Engine, change: str) -> None:
    """What somebody does who holds the database and takes its triggers away."""
    sqlite = engine.dialect.name == "sqlite"
    names = ("keep_audit_update", "keep_audit_delete") if sqlite else ("keep_audit",)
    with engine.begin() as connection:
        for name in names:
            connection.execute(text(f"DROP TRIGGER {name}" + ("" if sqlite else " ON audit")))
        connection.execute(text(change))


def test_who_is_frozen_while_writing_holds_nobody_up(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen between its row and its commit; another writes; woken, it writes behind the other."""
    engine = make_engine(postgresql_url)
    open_books(engine)
    note, frozen = audit.note, Event()

    def freeze(connection: Connection, *words: Any, **told: Any) -> None:
        note(connection, *words, **told)
        if not frozen.is_set():
            frozen.set()
            time.sleep(4)  # nothing of ours runs: no statement, no commit

    monkeypatch.setattr(audit, "note", freeze)
    sleeper = Thread(target=audit.write, args=(engine, 1, "serve", "frozen"))
    sleeper.start()
    frozen.wait(10)
    audit.write(engine, 1, "serve", "lively")
    assert sleeper.is_alive()
    sleeper.join(20)
    with engine.connect() as connection:
        told = [trace.outcome for trace in audit.traces(connection, 1)]
        assert (told, list(audit.faults(connection, 1))) == (["lively", "frozen"], [])
    engine.dispose()


def test_verify_names_the_row(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["bill", "--date", "2026-01-31"])
    assert cli.main(["verify"]) == DONE
    with closing(sqlite3.connect(home / "state" / "echeance.db")) as raw, raw:
        raw.execute("DROP TRIGGER keep_audit_update")
        raw.execute("UPDATE audit SET who = 'eve' WHERE sequence = 2")
    capsys.readouterr()
    assert cli.main(["verify"]) == INTEGRITY
    assert "LED-991" in capsys.readouterr().err


def test_a_verb_that_fails_says_so_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bill", "--date", "demain"]) == USAGE
    assert trail(capsys)[-1][1:] == ("bill", "demain", f"exit {USAGE}")
