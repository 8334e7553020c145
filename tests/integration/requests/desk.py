"""A clerk's desk: a working folder, machines to ask about, a partner that takes the mails."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest

from integration import cli
from tests.integration.billing.house import contract, copies
from tests.plugins.smtp_server import SmtpServer

DAY: Final = "2025-03-01"
READ: Final = "2025-02-01"  # 28 days before
CONTACT: Final = "a.martin@client.example"


@dataclass
class Clerk:
    """Verbs and files of one folder."""

    home: Path
    capsys: pytest.CaptureFixture[str]
    smtp: SmtpServer
    files: list[Path] = field(default_factory=list)

    def run(self, *words: object, expect: int = cli.DONE) -> str:
        """A verb, behind the import of what was brought; what it printed."""
        if self.files:
            brought, self.files = self.files, []
            self.run("import", *brought)
            for file in brought:
                file.unlink()
        code = cli.main(["--home", str(self.home), *map(str, words)])
        said = self.capsys.readouterr()
        assert code == expect, said.out + said.err
        return said.out + said.err

    def told(self, *words: object, expect: int = cli.DONE) -> dict[str, Any]:
        """A verb's JSON."""
        found: dict[str, Any] = json.loads(self.run(*words, "--json", expect=expect))
        return found

    def bring(self, flow: str, *rows: str) -> None:
        """Rows of a flow, imported with the others before the next verb."""
        path = self.home / f"{len(self.files):03d}-{flow}.txt"
        path.write_text("\n".join(rows) + "\n", "utf-8")
        self.files.append(path)

    def machine(self, asset: str, customer: str = "C1", read: str = READ, **fields: str) -> None:
        """A machine with the meter NB, installed on 1 January, under a monthly contract."""
        given = {"demande_releve": "e-mail", "libelle": f"Copieur {asset}", **fields}
        header = ";".join(("bien", "client", "compteur", "compteur_libelle", *given))
        self.bring("assets", header, ";".join((asset, customer, "NB", "Noir", *given.values())))
        rows = [f"{asset};NB;2025-01-01;1000;pose", f"{asset};NB;{read};1300;client"]
        self.bring("readings", "bien;compteur;date;valeur;origine", *rows)
        signed = contract(f"K-{asset}", customer, copies("UC", "0.01", [(asset, "NB")]))
        signed["modules"][0]["debut"] = "2025-01-01"
        self.bring("contracts", json.dumps(signed))

    def sign(self, code: str, *rules: dict[str, Any], customer: str = "C1") -> None:
        """Another contract from 1 January 2025."""
        signed = contract(code, customer, *rules)
        signed["modules"][0]["debut"] = "2025-01-01"
        self.bring("contracts", json.dumps(signed))

    def settings(self, text: str) -> None:
        """What an administrator adds to echeance.toml, above what is there."""
        file = self.home / "echeance.toml"
        lines = file.read_text("utf-8").splitlines()
        for line in text.strip().splitlines():
            if line.startswith("["):
                at = lines.index(line) + 1
            else:
                lines.insert(at, line)
        file.write_text("\n".join(lines) + "\n", "utf-8")

    def proposed(self, *words: object) -> dict[str, dict[str, Any]]:
        """The proposal by machine."""
        found = self.told("requests", "propose", "--date", DAY, *words)["proposed"]
        return {one["asset"]: one for one in found}

    def whys(self, *words: object) -> dict[str, str]:
        """Why each machine isn't asked about; empty: it is."""
        return {asset: one["why"] for asset, one in self.proposed(*words).items()}

    def send(self, *words: object, date: str = DAY, expect: int = cli.DONE) -> dict[str, Any]:
        """Ask; what was told of it."""
        return self.told("requests", "send", "--date", date, *words, expect=expect)

    @property
    def mails(self) -> list[EmailMessage]:
        """What customers received, in order."""
        return self.smtp.script.mails

    def letters(self) -> list[EmailMessage]:
        """Without the summaries."""
        return [mail for mail in self.mails if list(mail.iter_attachments())]


def text_of(mail: EmailMessage) -> str:
    """The body as a customer reads it."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def attached(mail: EmailMessage, ending: str) -> bytes:
    """The file of a mail with that ending."""
    (found,) = [
        part for part in mail.iter_attachments() if str(part.get_filename()).endswith(ending)
    ]
    content = found.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def page_texts(pdf: bytes) -> list[str]:
    """The text of each page."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    return [page.get_textpage().get_text_range() for page in document]


def images_cm(pdf: bytes) -> list[list[tuple[float, float]]]:
    """Width and height of the pictures of each page, in centimetres."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    return [[_size_cm(one) for one in page.get_objects(filter=[3])] for page in document]


def _size_cm(image: Any) -> tuple[float, float]:
    left, bottom, right, top = image.get_bounds()
    return round((right - left) / 72 * 2.54, 2), round((top - bottom) / 72 * 2.54, 2)


def jpeg(width: int, height: int) -> bytes:
    """A picture of so many pixels: a frame with a diagonal, so that a crop would show."""
    from PIL import Image, ImageDraw

    image, out = Image.new("RGB", (width, height), "white"), BytesIO()
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, width - 1, height - 1), outline="navy", width=6)
    pen.line((0, 0, width, height), fill="navy", width=4)
    image.save(out, "JPEG")
    return out.getvalue()


def rows_of(text: str) -> Iterator[Sequence[str]]:
    """Cells of a CSV of ours."""
    return (line.split(";") for line in text.removeprefix("\ufeff").splitlines())
