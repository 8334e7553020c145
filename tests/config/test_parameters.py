"""Parameters: the narrowest value wins, and `config show` says who gave it."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from config.parameters import Parameters, run_options
from config.provenance import origin_of, origins
from config.settings import FILE_NAME, load
from formats.common.anomaly import AnomaliesFound
from integration.cli import BAD_CONFIG, DONE, main

TEXT = """[organisation]
code = "041"
name = "Bureautique Durand"
[parameters]
SEUIL_FACTURATION = 10
REGUL_GROUPEE_NEGATIVE = true
[organisation_parameters.041]
COEFF_UNITAIRE_MAJORATIONSOCIETE = 1.097
SEUIL_FACTURATION = 25
[organisation_parameters.042]
COEFF_UNITAIRE_MAJORATIONSOCIETE = 1.05
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / FILE_NAME
    path.write_text(TEXT, "utf-8")
    path.chmod(0o600)
    return path


@pytest.mark.feature("A-AUG-04")
def test_two_organisations_have_two_coefficients(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for code, coefficient, line in (("041", "1.097", 8), ("042", "1.05", 11)):
        words = ["config", "show", "--explain", "COEFF_UNITAIRE_MAJORATIONSOCIETE"]
        assert main(["--home", str(file.parent), *words, "--organisation", code]) == DONE
        name, origin, *_ = capsys.readouterr().out.splitlines()
        assert name == f"COEFF_UNITAIRE_MAJORATIONSOCIETE = {coefficient}"
        assert origin == (
            f"  vient de : echeance.toml, ligne {line}, [organisation_parameters.{code}]"
        )
        settings = load(file, {"ECHEANCE_ORGANISATION__CODE": code})
        assert Decimal(coefficient) == settings.parameters.COEFF_UNITAIRE_MAJORATIONSOCIETE


@pytest.mark.parametrize(
    ("organisation", "environment", "value", "french"),
    [
        ("041", {}, "25", "echeance.toml, ligne 9, [organisation_parameters.041]"),
        ("042", {}, "10", "echeance.toml, ligne 5, [parameters]"),
        (
            "041",
            {"ECHEANCE_PARAMETERS__SEUIL_FACTURATION": "3"},
            "3",
            "variable d'environnement ECHEANCE_PARAMETERS__SEUIL_FACTURATION",
        ),
    ],
)
def test_the_narrowest_value_wins(
    file: Path, organisation: str, environment: dict[str, str], value: str, french: str
) -> None:
    _, found = origins(file, organisation, environment)
    one = origin_of("seuil_facturation", found)
    assert (one.value, one.french) == (Decimal(value), french)
    assert origin_of("NB_JOURS_RELEVE_PRFACTU", found).french == "valeur par défaut"


def test_a_run_looks_at_its_parameters_and_options() -> None:
    day = date(2026, 1, 31)
    plain = run_options(Parameters(), day)
    assert (plain.bundle_check, plain.grouped_negative) == (True, False)
    chosen = run_options(Parameters(REGUL_GROUPEE_NEGATIVE=True), day, bundle_check=False)
    assert (chosen.bundle_check, chosen.grouped_negative) == (False, True)


def test_one_parameter_is_explained(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["config", "show", "--explain", "SEUIL_FACTURATION"]
    assert main(["--home", str(file.parent), *words]) == DONE
    assert capsys.readouterr().out == (
        "SEUIL_FACTURATION = 25\n"
        "  vient de : echeance.toml, ligne 9, [organisation_parameters.041]\n"
        "  par défaut : 0\n"
        "  effet : montant HT par facture en dessous duquel rien n'est facturé\n"
        "  pour un seul passage : --threshold\n"
        "  source : ARTIS.net 2.7 (004)\n"
    )


def test_all_parameters_are_listed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(file.parent), "config", "show"]) == DONE
    told = capsys.readouterr().out.splitlines()
    lines = [line for line in told if not line.startswith("database.")]
    assert "REGUL_GROUPEE_NEGATIVE = true  # echeance.toml, ligne 6, [parameters]" in lines
    assert "NB_JOURS_RELEVE_PRFACTU = 20  # valeur par défaut" in lines
    assert main(["--home", str(file.parent), "config", "show", "--json"]) == DONE
    document = json.loads(capsys.readouterr().out)
    assert document["organisation"] == "041"
    assert len(document["parameters"]) == len(lines)


def test_an_unknown_name_is_refused_with_the_nearest(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["config", "show", "--explain", "SEUIL_FACTURATON"]
    assert main(["--home", str(file.parent), *words]) == BAD_CONFIG
    assert capsys.readouterr().err.startswith(
        "CFG-009 Le paramètre « SEUIL_FACTURATON » est inconnu"
        " (le plus proche : « SEUIL_FACTURATION »)."
    )
    for section in ("parameters", "organisation_parameters.041"):
        wrong = f"[{section}]\nSEUIL_FACTURATON = 10\n"
        text = TEXT.replace(f"[{section}]\n", wrong)
        file.write_text(text, "utf-8")
        with pytest.raises(AnomaliesFound) as caught:
            load(file, {})
        (anomaly,) = caught.value.anomalies
        assert anomaly.sentence == (
            f"La clé « {section}.SEUIL_FACTURATON » est inconnue"
            " (la plus proche : « SEUIL_FACTURATION »)."
        )
