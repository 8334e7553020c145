"""Every exit code of the command line, brought about by a command."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from integration import cli
from integration.verbs import health
from tests.integration.operating.test_doctor import missing_folder, readable_password, sql

Capture = pytest.CaptureFixture[str]
SFTP = 'transport = "sftp"\nhost = "127.0.0.1"\nport = 1\nuser = "u"\ntimeout_s = 1\n'


@pytest.fixture
def home(tmp_path: Path, capsys: Capture) -> Path:
    """A working folder."""
    assert cli.main(["--home", str(tmp_path / "maison"), "init"]) == cli.DONE
    capsys.readouterr()
    return tmp_path / "maison"


def nothing(home: Path) -> None:
    """Nothing is wrong."""


def altered(home: Path) -> None:
    """The head of the chain says more than there is."""
    sql(home, "INSERT INTO chain_head (organisation_id, sequence, link) VALUES (1, 3, 'x')")


def bad_file(home: Path) -> None:
    """Customers without code."""
    (home / "c.csv").write_text("code;nom\n;Sans code\n", "utf-8")


def nobody(home: Path) -> None:
    """A server that doesn't answer."""
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.OpenSSH, s.NoEncryption())
    public = key.public_key().public_bytes(s.Encoding.OpenSSH, s.PublicFormat.OpenSSH).decode()
    (home / "key").write_bytes(private)
    (home / "key").chmod(0o600)
    text = f'{SFTP}host_key = "{public}"\nkey_file = "key"\n'
    (home / "partners" / "absent.toml").write_text(text, "utf-8")


def there_already(home: Path) -> None:
    """A backup bears that name."""
    (home / "s.tar").touch()


def unknown_key(home: Path) -> None:
    """A setting nobody knows."""
    file = home / "echeance.toml"
    file.write_text(f"{file.read_text('utf-8')}\n[couleurs]\nfond = 1\n", "utf-8")


Fault = Callable[[Path], None]
CASES: list[tuple[int, Fault, list[str]]] = [
    (cli.DONE, nothing, ["status"]),
    (cli.USAGE, nothing, ["bill", "--date", "31/02/2026"]),
    (cli.PARTIAL, missing_folder, ["doctor"]),
    (cli.INTEGRITY, altered, ["verify"]),
    (cli.BAD_INPUT, bad_file, ["import", "c.csv", "--flow", "customers"]),
    (cli.UNREACHABLE, nobody, ["partner", "check", "absent"]),
    (cli.IO_ERROR, there_already, ["backup", "s.tar"]),
    (cli.REFUSED, readable_password, ["partner", "check", "courriel"]),
    (cli.BAD_CONFIG, unknown_key, ["status"]),
]


@pytest.mark.parametrize(("code", "fault", "words"), CASES, ids=[str(case[0]) for case in CASES])
def test_a_command_ends_with_its_code(
    home: Path, monkeypatch: pytest.MonkeyPatch, code: int, fault: Fault, words: list[str]
) -> None:
    fault(home)
    monkeypatch.chdir(home)
    assert cli.main(["--home", str(home), *words]) == code


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (KeyError("1850578006084"), cli.UNEXPECTED, "Erreur inattendue (KeyError, "),
        (
            OSError(errno.EIO, "Input/output error"),
            cli.IO_ERROR,
            "Erreur de fichier : Input/output error.",
        ),
        (
            OSError(errno.ENOSPC, "x", "/a/b.pdf"),
            cli.TRY_LATER,
            "Disque plein en écrivant /a/b.pdf (",
        ),
        (KeyboardInterrupt(), cli.INTERRUPTED, "Interrompu."),
    ],
)
def test_what_goes_wrong_inside_has_a_code_and_a_sentence(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    error: BaseException,
    code: int,
    sentence: str,
) -> None:
    def fails(_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(health, "status", fails)
    assert cli.main(["--home", str(home), "status"]) == code
    told = capsys.readouterr().err
    assert told.startswith(sentence)
    assert "1850578006084" not in told


def test_f3_a_full_database_says_so_and_is_whole(home: Path, capsys: Capture) -> None:
    """SQLite at its limit: rolled back, exit 75; with room again the same command succeeds."""
    file = home / "c.csv"
    rows = "".join(f"C{n};{'Imprimerie ' * 20}\n" for n in range(3000))
    file.write_text(f"code;nom\n{rows}", "utf-8")
    from integration.database import engine

    with pytest.MonkeyPatch.context() as patched:
        full = (*engine._PRAGMAS, "max_page_count=300")
        patched.setattr(engine, "_PRAGMAS", full)
        words = ["--home", str(home), "import", str(file), "--flow", "customers"]
        assert cli.main(words) == cli.TRY_LATER
        assert "plein" in capsys.readouterr().err
    assert cli.main(words) == cli.DONE
    assert cli.main(["--home", str(home), "verify"]) == cli.DONE


def test_every_code_is_brought_about() -> None:
    shown = {code for code, *_ in CASES}
    assert shown | {cli.UNEXPECTED, cli.TRY_LATER, cli.INTERRUPTED} == set(cli.CODES)


JSON = (
    ["status"], ["check"], ["doctor"], ["verify"], ["send"], ["outbox", "list"], ["deliveries"],
    ["config", "show"], ["table", "check"], ["format", "list"], ["price-care"], ["teletransmit"],
    ["simulate"], ["bill"], ["requests", "propose"], ["run", "night"], ["partner", "check"],
    ["backup", "b.tar"],
)  # fmt: skip


@pytest.mark.parametrize("words", JSON, ids=" ".join)
def test_json_is_one_document_with_its_schema_version(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, words: list[str]
) -> None:
    monkeypatch.chdir(home)
    assert cli.main(["--home", str(home), *words, "--json"]) == cli.DONE
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["kind"]
