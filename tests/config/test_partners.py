"""Partners' files: what they may say, and what is told of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.partners import SftpPartner, SmtpPartner, load_partners, taker
from formats.common.anomaly import AnomaliesFound

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIi"
SFTP = f"""\
transport = "sftp"
host = "depot.caisse.example"
user = "durand"
host_key = "{KEY}"
key_file = "secrets/caisse.key"
folder = "lots"
takes = [{{kind = "b2", recipients = ["01*"]}}]
"""
SMTP = """\
transport = "smtp"
host = "smtp.durand.example"
user = "durand"
sender = "facturation@durand.example"
[password]
file = "secrets/smtp"
[[takes]]
kind = "invoice_pdf"
"""


def write(folder: Path, **files: str) -> None:
    """Partners' files by name."""
    for name, content in files.items():
        (folder / f"{name.replace('_', '-')}.toml").write_text(content, "utf-8")


def told(folder: Path) -> list[str]:
    """What is said of the files of a folder."""
    with pytest.raises(AnomaliesFound) as found:
        load_partners(folder)
    return [str(one) for one in found.value.anomalies]


def test_a_file_is_a_partner(tmp_path: Path) -> None:
    write(tmp_path, caisse_67=SFTP, courriel=SMTP)
    caisse, courriel = load_partners(tmp_path).values()
    assert isinstance(caisse, SftpPartner)
    assert (caisse.name, caisse.port, caisse.attempts, caisse.keeps_files) == (
        "caisse-67",
        22,
        8,
        False,
    )
    assert isinstance(courriel, SmtpPartner)
    assert (courriel.port, courriel.security) == (587, "starttls")


def test_no_folder_and_no_file_are_no_partner(tmp_path: Path) -> None:
    assert load_partners(tmp_path / "absent") == {}
    assert load_partners(tmp_path) == {}


def test_the_narrowest_claim_takes_and_a_mail_needs_an_address(tmp_path: Path) -> None:
    files = 'transport = "folder"\nfolder = "papier"\ntakes = [{kind = "invoice_pdf"}]\n'
    special = files.replace("papier", "special").replace(
        '"invoice_pdf"', '"invoice_pdf", recipients = ["CLI042", "G*"]'
    )
    write(tmp_path, papier=files, courriel=SMTP, special=special, caisse=SFTP)
    partners = load_partners(tmp_path)

    def who(kind: str, recipient: str, address: str = "") -> str:
        found = taker(partners, kind, recipient, address)
        return found.name if found else "-"

    assert who("invoice_pdf", "CLI001", "a@b.example") == "courriel"
    assert who("invoice_pdf", "CLI001") == "papier"
    assert who("invoice_pdf", "CLI042", "a@b.example") == "special"
    assert who("invoice_pdf", "G7", "a@b.example") == "special"
    assert who("b2", "01422") == "caisse"
    assert who("b2", "02422") == "-"


WRONG = {
    "CFG-002": ("transport = sftp", "CFG-002 x.toml, ligne 1, colonne 13 : Le TOML est illisible"),
    "CFG-003": (SFTP + 'tel = "06"\n', "CFG-003 x.toml, ligne 8 : La clé « tel » est inconnue"),
    "CFG-004": (
        SFTP.replace('host = "depot.caisse.example"\n', ""),
        "CFG-004 x.toml : La clé « host » manque",
    ),
    "port": (SFTP + "port = 0\n", "CFG-005 x.toml, ligne 8 : La valeur de la clé « port »"),
    "key": (
        SFTP.replace(KEY, "ssh-rsa zz"),
        "CFG-005 x.toml, ligne 4 : La valeur de la clé « host_",
    ),
    "kind": (
        SFTP.replace('"b2"', '"b3"'),
        "CFG-005 x.toml, ligne 7 : La valeur de la clé « takes.0",
    ),
    "mail": (SMTP.replace("@", " "), "CFG-005 x.toml, ligne 4 : La valeur de la clé « sender »"),
    "name": (
        SFTP + 'remote_name = "../{name}"\n',
        "CFG-005 x.toml, ligne 8 : La valeur de la clé « remote_name »",
    ),
    "not unique": (
        SFTP + 'remote_name = "LOT.b2"\n',
        "CFG-005 x.toml, ligne 8 : La valeur de la clé « remote_name »",
    ),
    "slot": (
        SFTP + 'remote_name = "{nom}"\n',
        "CFG-005 x.toml, ligne 8 : La valeur de la clé « remote_name » n'est pas admise ; "
        "repères admis : name, stem, suffix, id, kind, recipient",
    ),
    "transport": (SFTP.replace("sftp", "ftp"), "CFG-201 x.toml, ligne 1 : Le transport du"),
    "two places": (SMTP + "[password.file]\n", "CFG-002 x.toml"),
}


@pytest.mark.parametrize(("content", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, content: str, sentence: str) -> None:
    write(tmp_path, x=content)
    (said,) = told(tmp_path)
    assert said.startswith(sentence)


def test_a_password_has_one_place(tmp_path: Path) -> None:
    write(tmp_path, x=SMTP.replace('file = "secrets/smtp"', 'file = "a"\nenvironment = "B"'))
    assert told(tmp_path)[0].startswith("CFG-005 x.toml")
    write(tmp_path, x=SMTP.replace('file = "secrets/smtp"', 'value = "canari"'))
    assert "canari" not in "".join(told(tmp_path))


def test_names_and_double_claims_are_refused(tmp_path: Path) -> None:
    write(tmp_path, Caisse=SFTP, all=SFTP)
    assert [one[:7] for one in told(tmp_path)] == ["CFG-202", "CFG-202"]
    for file in tmp_path.iterdir():
        file.unlink()
    write(tmp_path, une=SFTP, deux=SFTP)
    assert told(tmp_path) == [
        "CFG-203 Les partenaires « deux » et « une » prennent tous deux « b2 » pour « 01* ». "
        "Retirez ce destinataire de l'un des deux fichiers."
    ]
