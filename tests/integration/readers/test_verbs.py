"""The verbs about cards and signatures: French, exit codes, JSON, and nothing secret anywhere."""

from __future__ import annotations

import getpass
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config import settings as configuration
from formats.signature import sign
from integration.cli import BAD_CONFIG, BAD_INPUT, DONE, INTEGRITY, IO_ERROR, REFUSED, main
from integration.readers.issue import authority
from tests.integration.readers.cards import (
    AUTHORITY,
    NEVER_SHOWN,
    NEW_PIN,
    OWNER,
    PIN,
    SINCE,
    UNBLOCK,
    UNTIL,
    WRONG,
    fill,
    put,
)

Typing = Callable[..., None]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A working folder with both cards in the reader and the PIN in a file of its owner."""
    home = tmp_path / "home"
    (home / "state").mkdir(parents=True)
    configuration.write_default(home / configuration.FILE_NAME)
    fill(home / "cards")
    return home


@pytest.fixture
def pin_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file a machine takes the PIN from."""
    file = home / "pin"
    file.touch(0o600)
    file.write_text(PIN)
    monkeypatch.setenv("ECHEANCE_CARDS__PIN_FILE", "pin")
    return file


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Typing:
    """A person at the terminal: what they will type, in order."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def will_type(*secrets: str) -> None:
        left = iter(secrets)
        monkeypatch.setattr(sys, "stdin", Terminal())
        monkeypatch.setattr(getpass, "getpass", lambda prompt: next(left))

    return will_type


@pytest.fixture(autouse=True)
def nothing_secret_is_shown(capfd: pytest.CaptureFixture[str], home: Path) -> Iterator[None]:
    """The canary: whatever a test made the verbs say, no PIN, no NIR, no birth date is in it."""
    _said.clear()
    yield
    shown = "".join(_said) + "".join(capfd.readouterr())
    assert not [word for word in NEVER_SHOWN if word in shown]
    kept = [path for path in (home / "state").rglob("*") if path.is_file()]
    assert not [
        path for path in kept if any(word.encode() in path.read_bytes() for word in NEVER_SHOWN)
    ]


_said: list[str] = []


def run(capfd: pytest.CaptureFixture[str], home: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and error of a verb."""
    code = main(["--home", str(home), *words])
    shown = capfd.readouterr()
    _said.extend(shown)
    return code, shown.out, shown.err


def as_json(text: str) -> dict[str, Any]:
    """The one JSON document of a verb."""
    document: dict[str, Any] = json.loads(text)
    assert document["schema_version"] == 1
    return document


def test_status_needs_no_pin(capfd: pytest.CaptureFixture[str], home: Path) -> None:
    code, out, err = run(capfd, home, "card", "status")
    assert (code, err) == (DONE, "")
    assert out.splitlines() == [
        "Lecteur : simulé (cartes simulées)",
        "Carte CPS : présente",
        "  certificat valable jusqu'au 01/01/2099",
        "  essais restants : 3",
        "  déblocages restants : 10",
        "Carte Vitale : présente",
    ]
    put(home / "cards", "", "")
    document = as_json(run(capfd, home, "card", "status", "--json")[1])
    assert (document["cps_present"], document["tries_left"]) == (False, None)


def test_both_cards_are_read(capfd: pytest.CaptureFixture[str], home: Path, pin_file: Path) -> None:
    code, out, _ = run(capfd, home, "card", "read", "--date", "2018-01-05")
    assert code == DONE
    assert out.splitlines() == [
        "Carte CPS : MME Claire ESSAI, n° 10001234567 (carte de test)",
        "  certificat valable jusqu'au 01/01/2099",
        "  SANTÉ À DOMICILE ESSAI, facturation 759999993 : signe les factures, signe les lots",
        "Carte Vitale au 05/01/2018 : NIR ***, régime 01, caisse 751, centre 0001",
        "  MODÈLE Odette, rang 1, qualité 00 ; droits AMO ouverts ; couverture 415 (ALD 4) ; "
        "AMC 99999997",
    ]


def test_cards_as_json(capfd: pytest.CaptureFixture[str], home: Path, pin_file: Path) -> None:
    out = run(capfd, home, "card", "read", "--date", "05/01/2018", "--json")[1]
    document = as_json(out)
    (patient,) = document["vitale"]["patients"]
    assert patient["identity"]["nir"] == patient["identity"]["birth_date"] == "***"
    assert patient["rights"] == [{"since": "2017-01-01", "until": "2018-12-31"}]
    assert document["vitale"]["insured"]["nir"] == "***"
    assert document["cps"]["holder"]["id_number"] == "10001234567"


def test_without_the_patient_s_card_the_provider_s_is_read(
    capfd: pytest.CaptureFixture[str], home: Path, pin_file: Path
) -> None:
    put(home / "cards", "cps.toml", "")
    code, out, _ = run(capfd, home, "card", "read")
    assert (code, out.splitlines()[-1]) == (DONE, "Carte Vitale : absente")


def test_a_wrong_pin_in_a_file_is_tried_once(
    capfd: pytest.CaptureFixture[str], home: Path, pin_file: Path, types: Typing
) -> None:
    pin_file.write_text(WRONG)
    code, _, err = run(capfd, home, "card", "read")
    assert (code, "essais restants : 2" in err) == (REFUSED, True)
    pin_file.write_text(PIN)
    for _ in range(5):
        code, _, err = run(capfd, home, "card", "read")
        assert (code, err[:7]) == (REFUSED, "TEL-502")
    assert as_json(run(capfd, home, "card", "status", "--json")[1])["tries_left"] == 2
    types(PIN)
    assert run(capfd, home, "card", "read", "--ask")[0] == DONE
    assert run(capfd, home, "card", "read")[0] == DONE


def test_nobody_at_the_terminal_is_no_pin(capfd: pytest.CaptureFixture[str], home: Path) -> None:
    code, _, err = run(capfd, home, "card", "read")
    assert (code, err[:7]) == (REFUSED, "TEL-503")


def test_a_pin_is_no_argument(home: Path) -> None:
    """A process of its own: `--pin` doesn't exist, and a pipe is no terminal."""
    command = [sys.executable, "-m", "integration.cli", "--home", str(home), "card", "read"]
    done = subprocess.run([*command, "--pin", PIN], input=PIN, capture_output=True, text=True)
    assert done.returncode == 2
    done = subprocess.run(command, input=PIN, capture_output=True, text=True)
    assert (done.returncode, done.stderr[:7]) == (REFUSED, "TEL-503")


@pytest.mark.feature("Q-TEL-03")
def test_a_card_blocks_at_the_third_wrong_pin_and_is_unlocked_by_code(
    capfd: pytest.CaptureFixture[str], home: Path, types: Typing
) -> None:
    types(WRONG, WRONG, WRONG, PIN)
    answers = [run(capfd, home, "card", "read") for _ in range(4)]
    assert [code for code, _, _ in answers] == [REFUSED] * 4
    assert ["bloquée" in err for _, _, err in answers] == [False, False, True, True]
    assert "bloquée, voir" in run(capfd, home, "card", "status")[1]
    types(UNBLOCK, NEW_PIN, NEW_PIN)
    code, out, _ = run(capfd, home, "card", "unblock")
    assert (code, out) == (DONE, "Carte débloquée ; déblocages restants : 9\n")
    types(NEW_PIN)
    assert run(capfd, home, "card", "read")[0] == DONE


def test_an_unblock_that_can_not_be_is_refused(
    capfd: pytest.CaptureFixture[str], home: Path, types: Typing
) -> None:
    types(UNBLOCK, NEW_PIN, PIN)
    assert run(capfd, home, "card", "unblock")[0] == REFUSED
    types(UNBLOCK, NEW_PIN, NEW_PIN)
    code, _, err = run(capfd, home, "card", "unblock")
    assert (code, err[:7]) == (REFUSED, "TEL-512")


def test_a_removed_card_is_refused_in_french(
    capfd: pytest.CaptureFixture[str], home: Path, pin_file: Path
) -> None:
    put(home / "cards", "cps.toml", "vitale.toml", read_vitale="F015")
    code, _, err = run(capfd, home, "card", "read")
    assert code == REFUSED
    assert err.startswith("TEL-501 Le lecteur de cartes répond F015 : la carte Vitale a été reti")


def test_bad_cards_and_settings_have_their_own_codes(
    capfd: pytest.CaptureFixture[str], home: Path, pin_file: Path
) -> None:
    (home / "cards" / "vitale.toml").write_text("nir = 1")
    assert run(capfd, home, "card", "read")[0] == BAD_INPUT
    assert run(capfd, home / "nowhere", "card", "status")[0] == BAD_CONFIG


def signed_file(home: Path) -> Path:
    """A file and its signature, made now by the card of the reader."""
    file = home / "lot.bin"
    file.write_bytes(b"FSE" * 100)
    signature = sign(file.read_bytes(), OWNER.key, OWNER.certificate, datetime.now(UTC))
    (home / "lot.bin.p7s").write_bytes(signature)
    return file


def test_a_signed_file_verifies(capfd: pytest.CaptureFixture[str], home: Path) -> None:
    file = signed_file(home)
    code, out, _ = run(capfd, home, "format", "verify", str(file))
    assert (code, out[:43]) == (DONE, "lot.bin : signé par CN=PRESTATAIRE ESSAI le")
    (one,) = as_json(run(capfd, home, "format", "verify", str(file), "--json")[1])["files"]
    assert (one["signer"], one["anomalies"]) == ("CN=PRESTATAIRE ESSAI", [])


def test_one_byte_changed_is_found(capfd: pytest.CaptureFixture[str], home: Path) -> None:
    file = signed_file(home)
    content = bytearray(file.read_bytes())
    content[150] ^= 1
    file.write_bytes(content)
    code, out, err = run(capfd, home, "format", "verify", str(file))
    assert (code, out) == (INTEGRITY, "")
    assert err.startswith("FMT-602 lot.bin : Le fichier ou sa signature a été modifié.")


def test_other_authorities_and_missing_signatures(
    capfd: pytest.CaptureFixture[str], home: Path
) -> None:
    file, other = signed_file(home), home / "other.pem"
    other.write_text(authority("AC AUTRE", SINCE, UNTIL).certificate_pem)
    words = ("format", "verify", str(file), "--authorities", str(other))
    code, _, err = run(capfd, home, *words)
    assert (code, err[:7]) == (INTEGRITY, "FMT-603")
    other.write_text(AUTHORITY.certificate_pem)
    assert run(capfd, home, *words)[0] == DONE
    twin = home / "deux.bin"
    twin.write_bytes(file.read_bytes())
    (home / "deux.bin.p7s").write_bytes((home / "lot.bin.p7s").read_bytes())
    (home / "lot.bin.p7s").unlink()
    code, out, err = run(capfd, home, *words[:2], str(file), str(twin), *words[3:])
    assert (code, out[:33]) == (IO_ERROR, "deux.bin : signé par CN=PRESTATAI")
    assert err == (
        "RUN-134 lot.bin : « lot.bin.p7s » n'existe pas ou ne se lit pas : rien n'est vérifié. "
        "Posez la signature (.p7s) à côté du fichier signé.\n"
    )


def test_without_authorities_nothing_is_trusted(
    capfd: pytest.CaptureFixture[str], home: Path
) -> None:
    file = signed_file(home)
    (home / "cards" / "authorities.pem").unlink()
    code, _, err = run(capfd, home, "format", "verify", str(file))
    assert code == BAD_INPUT
    assert err == (
        "RUN-133 Le fichier « authorities.pem » des certificats de confiance n'existe pas. "
        "Donnez --authorities, ou corrigez cards.authorities.\n"
    )
