"""`echeance format`: every column described, any file checked, exit codes a script can trust."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from formats.b2 import records
from formats.catalogue import dialects
from formats.fixedwidth import encode_all
from integration.cli import BAD_INPUT, DONE, IO_ERROR, USAGE, main
from tests.formats.invoices import b2_file

DATA = Path(__file__).parents[1] / "data"
FAULTY = DATA / "b2" / "062007" / "constructed_three_faults.b2"
SOUND = DATA / "b2" / "062007" / "one_rental.b2"
RETURN = DATA / "noemie" / "578" / "constructed_paid_and_rejected.noe"


def _json(capsys: pytest.CaptureFixture[str], *argv: str, code: int = DONE) -> dict[str, Any]:
    assert main([*argv, "--json"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    return document


# -- show, list --------------------------------------------------------------------------------


@pytest.mark.feature("X-FMT-01")
def test_a_record_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["format", "show", "b2", "4f"]) == DONE
    told = capsys.readouterr().out
    assert "128 positions" in told
    lines = {line.split()[0]: line for line in told.splitlines() if line[:1].isdigit()}
    assert "Code référence LPP" in lines["43-55"]
    assert lines["12-24"].split()[4:6] == ["***", "M"]  # the insured person's number
    assert lines["107"].split()[4] == "G"
    assert "G : deviné, à confirmer" in told


def test_every_record_of_every_dialect_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    for dialect in dialects():
        for record in dialect.records:
            shown = _json(capsys, "format", "show", dialect.name, record.name)
            ends = [0, *(field["end"] for field in shown["fields"])]
            assert [field["start"] - 1 for field in shown["fields"]] == ends[:-1]
            assert ends[-1] == record.length == shown["length"]
            assert all(field["meaning"] and field["source"] for field in shown["fields"])


@pytest.mark.feature("X-FMT-01")
def test_what_must_be_confirmed_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    guessed = _json(capsys, "format", "list", "--guessed")["guessed"]
    assert {one["mark"] for one in guessed} == {"M", "G"}
    rental = [one for one in guessed if (one["dialect"], one["record"]) == ("b2", "4F")]
    assert sum(one["length"] for one in rental) == 128  # the whole 4F is reconstructed
    assert main(["format", "list", "--guessed"]) == DONE
    assert f"{len(guessed)} zones à confirmer" in capsys.readouterr().out


def test_records_are_listed_with_their_doubts(capsys: pytest.CaptureFixture[str]) -> None:
    listed = _json(capsys, "format", "list")["records"]
    assert {one["dialect"] for one in listed} == {dialect.name for dialect in dialects()}
    assert main(["format", "list"]) == DONE
    told = capsys.readouterr().out
    assert "\nnoemie " in told
    assert "128 octets, 20 zones, 1 à confirmer" in told


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("show", "b3", "4F"), "RUN-103"),
        (("show", "b2", "4F", "--version", "1999"), "RUN-104"),
        (("show", "b2", "7Z"), "RUN-105"),
        (("check", "--dialect", "b3", str(SOUND)), "RUN-103"),
    ],
)
def test_an_unknown_name_gets_the_known_ones(
    argv: tuple[str, ...], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["format", *argv]) == USAGE
    told = capsys.readouterr().err
    assert told.startswith(code)
    assert "b2" in told


def test_a_group_alone_says_its_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["format"]) == USAGE
    assert "contrôler des fichiers" in capsys.readouterr().out


# -- check -------------------------------------------------------------------------------------


def test_the_constructed_sample_shows_its_three_faults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["format", "check", str(FAULTY)]) == BAD_INPUT
    title, *told = capsys.readouterr().out.splitlines()
    assert title.endswith(": factures B2, 11 enregistrements, 3 anomalies")
    assert [line.split(" : ")[0].strip() for line in told] == [
        f"FMT-022 {FAULTY.name}, ligne 7, colonnes 39-49, octet 768",
        f"FMT-022 {FAULTY.name}, ligne 8, colonnes 43-55, octet 896",
        f"FMT-113 {FAULTY.name}, ligne 8, colonnes 114-119, octet 896",
    ]


def test_anomalies_as_json_have_their_place(capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = _json(capsys, "format", "check", str(FAULTY), code=BAD_INPUT)["files"]
    assert (file["dialect"], file["count"], file["complete"]) == ("b2", 3, True)
    wrong_key, _, late = file["anomalies"]
    assert (wrong_key["record"], wrong_key["value"]) == ("4E", "10001234567")
    assert (late["code"], late["number"], late["offset"]) == ("FMT-113", 8, 896)
    assert (late["columns"], late["record"]) == ([114, 119], "4F")
    assert (late["field"], late["value"]) == ("Date de fin de location", "28/01/2026")


def test_a_person_is_never_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = SOUND.read_bytes().replace(b"180017505600103", b"180017505600104")
    (tmp_path / "TP.b2").write_bytes(content)
    file = _json(capsys, "format", "check", str(tmp_path / "TP.b2"), code=BAD_INPUT)["files"][0]
    assert "***" in {anomaly["value"] for anomaly in file["anomalies"]}
    main(["format", "check", str(tmp_path / "TP.b2")])
    assert "1800175056001" not in capsys.readouterr().out + json.dumps(file)


def test_the_dialect_is_in_the_content_not_in_the_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for sample in (SOUND, RETURN):
        shutil.copy(sample, tmp_path / f"{len(list(tmp_path.iterdir()))}.txt")
    done = _json(capsys, "format", "check", str(tmp_path / "0.txt"), str(tmp_path / "1.txt"))
    assert [file["dialect"] for file in done["files"]] == ["b2", "noemie"]
    assert all(file["sound"] for file in done["files"])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "FMT-011"),
        (b"bonjour", "FMT-011"),
        (b"%PDF-1.7\n", "RUN-106"),
        ((DATA / "lpp" / "fiche.dbf").read_bytes(), "RUN-106"),
    ],
)
def test_a_file_of_another_kind_says_so(
    content: bytes, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_bytes(content)
    file = _json(capsys, "format", "check", str(tmp_path / "x"), code=BAD_INPUT)["files"][0]
    assert file["dialect"] is None
    assert [anomaly["code"] for anomaly in file["anomalies"]] == [code]


def test_a_file_that_cannot_be_read_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["format", "check", str(tmp_path / "absent"), str(tmp_path), str(FAULTY)]
    assert main(argv) == IO_ERROR
    told = capsys.readouterr().out
    assert "RUN-107 absent : Le fichier ne se lit pas : il n'existe pas." in told
    assert "c'est un dossier" in told
    assert "FMT-113" in told


def test_a_bounded_report_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "TP.b2"
    path.write_bytes(encode_all(records(b2_file())) + b"?" * 128 * 12_000)
    assert main(["format", "check", str(path), "--limit", "3"]) == BAD_INPUT
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith("plus de 10000 anomalies")
    assert len(told) == 5
    assert told[-1] == "  … et plus de 9997 autres (--limit en montre davantage)."
    (file,) = _json(capsys, "format", "check", str(path), code=BAD_INPUT)["files"]
    assert (file["count"], file["complete"], len(file["anomalies"])) == (10_000, False, 100)


def test_a_pipe_is_checked_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=(SOUND.read_bytes(),))
    writer.start()
    assert main(["format", "check", str(pipe)]) == DONE
    writer.join()
    assert "11 enregistrements, rien à signaler" in capsys.readouterr().out
