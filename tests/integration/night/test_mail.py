"""The mail of the funds in the night: a return becomes payments, a broken message an anomaly."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from formats.common.anomaly import AnomaliesFound
from formats.message import Encryption, compose
from formats.signature import TRIPLE_DES
from integration.app import App, open_app
from integration.cli import DONE, PARTIAL, main
from integration.demo.sandbox import ready
from integration.flows.mail import receiving_key, take_mail
from integration.nights import play_night
from tests.faults.killing import run
from tests.formats.message.test_message import ENVELOPE
from tests.formats.signature.people import FUND
from tests.formats.test_noemie import SAMPLE
from tests.integration.demo.conftest import SMALL
from tests.rejects.formats.cases import ARL, written

RETURN = SAMPLE.read_bytes()
DAY = date(2026, 1, 20)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A working folder with an empty maildir, and a key that opens what is encrypted for us."""
    home = tmp_path / "bac"
    ready(home, SMALL, fresh=False)
    for name in ("new", "cur", "tmp"):
        (home / "courrier" / name).mkdir(parents=True)
    file = home / "echeance.toml"
    choices = '\n[mail]\nmaildir = "courrier"\nkey = "state/mail.key"\ncertificate = "mail.pem"\n'
    file.write_text(file.read_text("utf-8") + choices, "utf-8")
    (home / "state" / "mail.key").touch(0o600)
    (home / "state" / "mail.key").write_bytes(
        FUND.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (home / "mail.pem").write_bytes(FUND.certificate.public_bytes(serialization.Encoding.PEM))
    return home


def put(home: Path, name: str, mail: bytes) -> None:
    """The mail server delivers."""
    (home / "courrier" / "new" / name).write_bytes(mail)


def names(folder: Path) -> list[str]:
    """What lies there, in order."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


MAILS: dict[str, Callable[[], bytes]] = {
    "plain": lambda: compose(ENVELOPE, RETURN, compress=False),
    "gzip": lambda: compose(ENVELOPE, RETURN, compress=True),
    "S/MIME, AES": lambda: compose(
        ENVELOPE, RETURN, encryption=Encryption(FUND.certificate, os.urandom)
    ),
    "S/MIME, 3DES": lambda: compose(
        ENVELOPE, RETURN, encryption=Encryption(FUND.certificate, os.urandom, TRIPLE_DES)
    ),
}


@pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS)
def test_a_return_that_comes_by_mail_is_imported_by_the_night(
    home: Path, mail: Callable[[], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    put(home, "1.caisse", mail())
    assert main(["--home", str(home), "run", "night", "--date", "2026-01-20", "--json"]) == DONE
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert steps["import"]["mails"] == 1
    assert steps["returns"]["counts"]["lignes prises"] == 2
    (kept,) = (home / "done" / "returns").rglob("*IRIS-B2*")
    assert kept.read_bytes() == RETURN
    assert names(home / "courrier") == ["1.caisse:2,S"]


def test_a_broken_message_is_told_and_set_aside_and_the_others_pass(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pirate = b"Subject: gagnez\r\n\r\n#!/bin/sh"
    put(home, "1.pirate", pirate)
    put(home, "2.caisse", compose(ENVELOPE, RETURN))
    code = main(["--home", str(home), "run", "night", "--date", "2026-01-20"])
    said = capsys.readouterr()
    assert code == PARTIAL
    assert "courriels relevés : 1, courriels refusés : 1" in said.out
    assert "FMT-661 1.pirate : Le courriel n'a pas la forme d'un message de caisse" in said.err
    copy, reasons = names(home / "error" / "courriels")
    assert (home / "error" / "courriels" / copy).read_bytes() == pirate
    assert reasons == f"{copy}.err.txt"
    assert "FMT-661" in (home / "error" / "courriels" / reasons).read_text("utf-8")
    assert names(home / "courrier") == ["1.pirate:2,F", "2.caisse:2,S"]


def test_each_message_is_handled_once(home: Path) -> None:
    put(home, "1.caisse", compose(ENVELOPE, RETURN))
    with open_app(home, "serial") as app:
        app = replace(app, settle_s=0)
        assert counted(app, DAY) == (1, 0)
        put(home, "2.caisse", b"Received: from elsewhere\r\n" + compose(ENVELOPE, RETURN))
        night = play_night(app, date(2026, 1, 21))
        assert night.reports["import"]["mails"] == 1
        assert night.reports["returns"]["duplicates"] == 1
        assert counted(app, date(2026, 1, 22)) == (0, 0)


def counted(app: App, day: date) -> tuple[int, int]:
    """Messages taken and refused by a night."""
    report = play_night(app, day).reports["import"]
    return report["mails"], report["mails_refused"]


def test_what_no_flow_knows_is_refused_by_the_import(home: Path) -> None:
    put(home, "1.caisse", compose(ENVELOPE, written(ARL)))
    with open_app(home, "serial") as app:
        night = play_night(replace(app, settle_s=0), DAY)
    assert night.reports["import"]["refused"] == 1
    assert len(list((home / "error" / "a-detecter").glob("*.err.txt"))) == 1


@pytest.mark.parametrize("kill_at", range(1, 5))
def test_f2_killed_anywhere_and_run_again_each_message_ends_in_one_place(
    home: Path, kill_at: int
) -> None:
    put(home, "1.pirate", b"Subject: gagnez\r\n\r\n#!/bin/sh")
    put(home, "2.caisse", compose(ENVELOPE, RETURN))
    with open_app(home, "serial") as app:
        assert run(lambda: take_mail(app.settings), kill_at).killed
        take_mail(app.settings)
    assert names(home / "courrier") == ["1.pirate:2,F", "2.caisse:2,S"]
    landed = [one for one in names(home / "inbox" / "returns") if one[0] not in ".R"]
    assert len(landed) == 1
    assert len([n for n in names(home / "error" / "courriels") if n[0] != "."]) == 2


def test_a_maildir_or_a_key_that_can_not_be_used_leaves_the_mail(home: Path) -> None:
    put(home, "1.caisse", compose(ENVELOPE, RETURN))
    with open_app(home, "serial") as app:
        (home / "state" / "mail.key").chmod(0o644)
        (said,) = take_mail(app.settings).anomalies
        assert str(said).startswith(
            "RUN-132 Le courrier n'est pas relevé : d'autres peuvent lire la clé (chmod 600)."
        )
        (home / "state" / "mail.key").chmod(0o600)
        (home / "mail.pem").write_text("rien")
        with pytest.raises(AnomaliesFound, match="RUN-132"):
            receiving_key(app.settings)
        (home / "courrier" / "cur").rmdir()
        (said,) = take_mail(app.settings).anomalies
        assert str(said).startswith(
            "RUN-131 Le courrier n'est pas relevé : « courrier » n'est pas un dossier maildir"
        )
    assert names(home / "courrier") == ["1.caisse"]
