"""Decision tables and the articles that choices name, as `check`, `table check` and `show` say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.settings import FILE_NAME
from integration.cli import BAD_CONFIG, DONE, PARTIAL, main

HEADER = "organisation;agence;classe;article\n"
ARTICLES = """article;libelle;nature;tva
FRAIS500;Frais d'estimation;incorporel;20
TONER;Toner noir;stocké;20
"""
LISTS = """tarif;genre;debut;article;prix
PUB;public;01/01/2020;FRAIS500;5,00
PUB;public;01/01/2020;TONER;60,00
"""


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A working folder with two articles in the public list."""
    folder = tmp_path / "maison"
    assert main(["--home", str(folder), "init"]) == DONE
    for name, content in (("articles.csv", ARTICLES), ("tarifs.csv", LISTS)):
        (tmp_path / name).write_text(content, "utf-8")
        assert main(["--home", str(folder), "import", str(tmp_path / name)]) == DONE
    capsys.readouterr()
    return folder


def _table(home: Path, name: str, content: str) -> None:
    (home / "tables" / f"{name}.csv").write_text(content, "utf-8")


def _said(
    capsys: pytest.CaptureFixture[str], home: Path, *words: str
) -> tuple[int, list[str], list[str]]:
    code = main(["--home", str(home), *words])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


@pytest.mark.feature("A-FEE-03")
@pytest.mark.parametrize("article", ["INCONNU", "TONER"])
def test_a_fee_article_must_exist_and_be_intangible(
    home: Path, capsys: pytest.CaptureFixture[str], article: str
) -> None:
    _table(home, "TD_FRAIS_ESTIMATION", f"{HEADER}*;*;*;FRAIS500\n")
    assert main(["--home", str(home), "check"]) == DONE
    _table(home, "TD_FRAIS_ESTIMATION", f"{HEADER}*;*;SOUMIS;FRAIS500\n*;*;*;{article}\n")
    capsys.readouterr()
    code, _, (sentence,) = _said(capsys, home, "check")
    assert code == BAD_CONFIG
    assert sentence.startswith(
        f"CFG-008 L'article « {article} » que nomme TD_FRAIS_ESTIMATION n'existe pas comme article"
        " incorporel."
    )


@pytest.mark.feature("A-MF-06")
@pytest.mark.parametrize(("article", "wrong"), [("INCONNU", 1), ("TONER", 1), ("FRAIS500", 0)])
def test_an_unknown_bridging_rent_article_is_a_configuration_error(
    home: Path, capsys: pytest.CaptureFixture[str], article: str, wrong: int
) -> None:
    """Unknown code, or one that isn't intangible: said by `echeance check`, which returns 78."""
    file = home / FILE_NAME
    named = f'[parameters]\nFACTURE_PRE_LOYER_CODE_ART_VENDU = "{article}"\n'
    file.write_text(file.read_text("utf-8").replace("[parameters]\n", named, 1), "utf-8")
    code, _, complaints = _said(capsys, home, "check")
    assert code == (78 if wrong else DONE)
    assert len(complaints) == wrong
    assert all("FACTURE_PRE_LOYER_CODE_ART_VENDU" in one for one in complaints)


def test_doubts_are_told_with_their_place(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = f"{HEADER}03;*;*;FRAIS500\n03;LENS;*;\n*;LENS;*;\n"
    _table(home, "TD_FRAIS_ESTIMATION", rows)
    code, _, complaints = _said(capsys, home, "table", "check")
    assert code == PARTIAL
    places = [one.split(" : ")[0] for one in complaints]
    assert places == [
        "CFG-021 TD_FRAIS_ESTIMATION.csv, ligne 3, colonne 1",
        "CFG-022 TD_FRAIS_ESTIMATION.csv, ligne 4, colonne 1",
        "CFG-023 TD_FRAIS_ESTIMATION.csv, ligne 4, colonne 1",
    ]
    assert main(["--home", str(home), "check"]) == DONE


def test_unknown_words_are_refused_where_they_stand(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _table(home, "TD_FRAIS_ESTIMATION", f"{HEADER}03;*;EXEMPT;FRAIS500\n*;*;*;\n")
    for words in (("table", "check", "TD_FRAIS_ESTIMATION"), ("check",), ("simulate",)):
        code, _, (sentence,) = _said(capsys, home, *words)
        assert code in (BAD_CONFIG, 65)
        assert sentence.startswith("IMP-110 TD_FRAIS_ESTIMATION.csv, ligne 2, colonne 3 : ")


def test_a_table_nobody_knows_is_refused_with_the_nearest(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _table(home, "TD_FRAIS_ESTIMATON", f"{HEADER}*;*;*;\n")
    code, _, (sentence,) = _said(capsys, home, "table", "check")
    assert code == BAD_CONFIG
    assert sentence.startswith(
        "CFG-020 TD_FRAIS_ESTIMATON.csv : La table de décision « TD_FRAIS_ESTIMATON » n'existe pas"
        " (la plus proche : « TD_FRAIS_ESTIMATION »)."
    )
    code, _, (sentence,) = _said(capsys, home, "table", "show", "TD_FRAIS_FACTURE")
    assert code == BAD_CONFIG
    assert sentence.startswith("CFG-025 ")


def test_a_preferred_reading_must_be_allowed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = "organisation;agence;regle_predefinie;releves_autorises;releve_prioritaire;"
    header += "recherche_nombre_jours;estimation_forcee\n"
    row = "*;*;*;Relevé client;Relevé prestataire;Non;Non\n"
    _table(home, "TD_FACTURATION_RELEVES_REEL", header + row)
    _, _, (sentence,) = _said(capsys, home, "table", "check")
    assert "le relevé prioritaire n'est pas autorisé" in sentence


def test_a_table_is_shown_row_by_row(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = "organisation;agence;regle_predefinie;traitement;releves_autorises;"
    header += "releve_prioritaire;recherche_nombre_jours;estimation_forcee\n"
    allowed = "Relevé prestataire, Relevé client"
    row = f"041;VILLENEUVE D'ASCQ;*;Relevé Réel 3;{allowed};Relevé client;Non;Oui\n"
    _table(home, "TD_FACTURATION_RELEVES_REEL", header + row)
    words = ("table", "show", "TD_FACTURATION_RELEVES_REEL")
    code, (_, line), _ = _said(capsys, home, *words)
    assert code == DONE
    assert line == (
        "  ligne 2 : organisation « 041 », agence « VILLENEUVE D'ASCQ », regle_predefinie « * » → "
        "relevé client, sinon relevé prestataire ; depuis la dernière facture ; estimation forcée"
        "  # Relevé Réel 3"
    )
    _, out, _ = _said(capsys, home, *words, "--json")
    assert json.loads("\n".join(out))["rows"][0]["line"] == 2


def test_nothing_to_say_names_the_tables(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, (line,), _ = _said(capsys, home, "table", "check")
    assert code == DONE
    assert line.endswith("TD_FRAIS_ESTIMATION, TD_FRAIS_FACTURE, TD_DEMANDES_RELEVES.")
