"""The demo as a user plays it: totals agree, a second time nothing moves, a cut one goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pypdfium2
import pytest
from sqlalchemy import func, select

from formats.common.anomaly import AnomaliesFound
from formats.noemie.model import Share
from integration.app import open_app
from integration.cli import DONE, INTEGRITY, main
from integration.database import tables
from integration.demo import sandbox, scenario
from integration.demo.balance import Agreement
from integration.demo.drops import Scale
from integration.demo.fund import books
from integration.nights import play_night
from tests.integration.demo.conftest import SMALL


def played(
    home: Path, scale: Scale = SMALL, *, fresh: bool = False, executor: str = "serial"
) -> int:
    """Play; pages are drawn in this process unless it is said otherwise."""
    return scenario.play(home, fresh=fresh, scale=scale, executor=executor)


def tree(home: Path) -> Mapping[str, str]:
    """Digest of every file but the database's own and the cards, whose keys are drawn."""
    files = (p for p in home.rglob("*") if p.is_file() and p.parent.name not in ("state", "cards"))
    return {str(p.relative_to(home)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def rows(home: Path) -> Mapping[str, str]:
    """Digest of every table."""
    with open_app(home, "serial") as app, app.engine.connect() as connection:
        return {
            table.name: hashlib.sha256(
                repr(sorted(map(repr, connection.execute(table.select())))).encode()
            ).hexdigest()
            for table in tables.metadata.sorted_tables
        }


@pytest.mark.usefixtures("sandbox_database")
def test_totals_agree_and_a_second_time_changes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert played(home) == DONE
    first = capsys.readouterr().out
    assert "Tout concorde" in first
    assert "≠" not in first
    finds_what_was_promised(home)
    agrees_with_the_fund(home)
    kept, posted = tree(home), rows(home)

    assert main(["demo", str(home)]) == DONE
    again = capsys.readouterr().out
    assert again.startswith("Déjà fait")
    assert "Tout concorde" in again
    assert tree(home) == kept
    assert rows(home) == posted

    assert main(["--home", str(home), "verify"]) == DONE
    assert main(["--home", str(home), "unpaid", "--as-of", "2026-01-16"]) == DONE


def finds_what_was_promised(home: Path) -> None:
    """A page, the reasons of a refusal, an answer of the fund, a report a night."""
    pages = sorted((home / "outbox" / "factures").glob("*.pdf"))
    with pypdfium2.PdfDocument(pages[0]) as opened:
        text = opened[0].get_textpage().get_text_bounded()
    assert "Bellebrume Services" in text
    assert pages[0].stem in text
    reasons = (home / "error" / "customers" / "clients-nouveaux.csv.err.txt").read_text("utf-8")
    assert "« 12345 » n'a pas la forme d'un SIREN" in reasons
    assert list(home.glob("done/returns/**/*.noe"))
    assert len(list((home / "reports").glob("nuit-*.json"))) == SMALL.nights


def agrees_with_the_fund(home: Path) -> None:
    """Files, invoices and both shares, as its slices read them and as we transmitted them."""
    names = ("invoices", "part_amo_cents", "part_amc_cents")
    sums = [func.sum(tables.transmission.c[name]) for name in names]
    with open_app(home, "serial") as app, app.engine.connect() as connection:
        sent = connection.execute(select(func.count(), *sums).select_from(tables.transmission))
        ours = tuple(map(int, sent.one()))
    told = books(home / "outbox", SMALL.days[-1])
    asked = (told.asked[Share.AMO], told.asked[Share.AMC])
    assert ours == (told.files, told.invoices, *asked)
    assert 0 < sum(told.paid.values()) < sum(asked)


def test_cut_on_the_way_it_goes_on_to_the_same_books(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the night of the eleventh, between the drop of its files and its first step."""
    straight = tmp_path / "straight"
    played(straight)

    def cut(app: object, day: date) -> object:
        if day == date(2026, 1, 11):
            raise KeyboardInterrupt
        return play_night(app, day)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr("integration.demo.scenario.play_night", cut)
        with pytest.raises(KeyboardInterrupt):
            played(home)
    assert sandbox.account(home) is None
    assert played(home, replace(SMALL, customers=99)) == DONE  # the scale it was begun with holds
    same = ("outbox", "done", "error", "bilan.txt")
    ours, theirs = tree(home), tree(straight)
    wanted = {name: d for name, d in theirs.items() if name.startswith(same[:3])}
    assert {name: d for name, d in ours.items() if name.startswith(same[:3])} == wanted


def test_fresh_starts_anew_and_keeps_what_is_not_its_own(home: Path) -> None:
    short = replace(SMALL, nights=3)
    played(home, short, executor="processes")
    (home / "notes.txt").write_text("à moi")
    (home / "inbox" / "customers" / "clients-2026.csv").write_text("n'importe quoi")
    assert played(home, short, fresh=True) == DONE
    assert (home / "notes.txt").read_text() == "à moi"
    assert not list((home / "error").rglob("*.err.txt"))


@pytest.mark.parametrize("fresh", [False, True])
def test_another_folder_is_left_alone(home: Path, fresh: bool) -> None:
    home.mkdir()
    (home / "echeance.toml").write_text("# la vraie")
    with pytest.raises(AnomaliesFound, match="RUN-130"):
        played(home, fresh=fresh)
    assert tree(home).keys() == {"echeance.toml"}


def test_totals_that_differ_are_said_loudly(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("integration.demo.balance.typed_cents", lambda contents: 1)
    assert played(home, replace(SMALL, nights=3)) == INTEGRITY
    out = capsys.readouterr().out
    assert "ATTENTION, LES TOTAUX NE CONCORDENT PAS : banque (512) ; reste dû." in out
    assert sandbox.account(home) is None


def test_an_agreement_prints_both_sides() -> None:
    assert str(Agreement("rejeté", (("a", 100), ("b", 101)))).startswith("  ≠ rejeté : a 1,00")


def test_same_seed_same_files() -> None:
    assert scenario.invented(SMALL) == scenario.invented(SMALL)
    full = scenario.invented(Scale())
    assert sum(len(drops) for drops in full.values()) > 30
