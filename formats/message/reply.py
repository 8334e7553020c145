"""A customer's answer to a reading request: the lines completed in the mail, or its CSV file.

The request quotes `Référence : RELEVE-12-3f9a…` and one line a meter,
`BIEN001 ; NB ; 01/03/2026 ; valeur = `. Whatever surrounds them (thanks, quotes, signatures) isn't
looked at; a line without a value isn't an answer.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from html.parser import HTMLParser
from io import StringIO
from typing import Final, NamedTuple

from formats.common.anomaly import AnomaliesFound, Anomaly, Code

EMPTY: Final = Code(
    "FMT-671",
    "La réponse à la demande de relevés {number} ne contient aucune valeur lisible.",
    "Lisez-la à la main, et saisissez les relevés dans un fichier du flux « readings ».",
)

HEADER: Final = ("bien", "compteur", "date", "valeur", "origine")
_REFERENCE: Final = re.compile(r"RELEVE-(\d{1,18})-([0-9a-f]{12})")
_LINE: Final = re.compile(
    r"^[>\s|]*([^;>\s][^;]*?)\s*;\s*([^;]+?)\s*;\s*([^;]+?)\s*;\s*valeur\s*=\s*_*\s*(.*?)\s*_*$"
)
_LONGEST: Final = 5_000_000
_CHARSETS: Final = ("utf-8", "us-ascii", "iso-8859-15", "windows-1252")  # others: as latin-1


class Answer(NamedTuple):
    """One meter as the customer gives it, unread."""

    asset: str
    meter: str
    date: str
    value: str


@dataclass(frozen=True, slots=True)
class Reply:
    """number, token: of the letter that is answered."""

    number: int
    token: str
    message_id: str
    answers: tuple[Answer, ...]

    def as_csv(self) -> bytes:
        """A file of the flow `readings`, of origin customer."""
        out = StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows((*answer, "client") for answer in self.answers)
        return out.getvalue().encode()


def reference(number: int, token: str) -> str:
    """What a request quotes, and its answer after it."""
    return f"RELEVE-{number}-{token}"


def line(asset: str, meter: str, date: str) -> str:
    """The line a customer completes."""
    return f"{asset} ; {meter} ; {date} ; valeur = "


def replied(mail: bytes) -> Reply | None:
    """The answer that a mail is; None when it quotes no request.

    Raises AnomaliesFound (FMT-671) when it does and gives no value.
    """
    if len(mail) > _LONGEST:  # a fund's batch of returns: no customer writes that much
        return None
    message = BytesParser(policy=compat32).parsebytes(mail)
    text = _text(message)
    found = _REFERENCE.search(f"{text}\n{message.get('Subject', '')}")
    if found is None:
        return None
    number, token = int(found[1]), found[2]
    answers = tuple(dict.fromkeys((*_completed(text), *_filed(message))))
    if not answers:
        raise AnomaliesFound(Anomaly(EMPTY, values={"number": number}))
    return Reply(number, token, str(message.get("Message-ID", "")), answers)


def _completed(text: str) -> Iterator[Answer]:
    for one in text.splitlines():
        match = _LINE.match(one)
        if match and match[4]:
            yield Answer(*match.groups())


def _text(message: Message) -> str:
    """The body as text; of a mail that is HTML only, what it shows."""
    bodies = {"text/plain": "", "text/html": ""}
    for part in message.walk():
        kind = part.get_content_type()
        if kind in bodies and part.get_content_disposition() != "attachment":
            bodies[kind] = bodies[kind] or _decoded(part)
    return bodies["text/plain"] or _shown(bodies["text/html"])


def _decoded(part: Message) -> str:
    """What is written, `?` where it isn't in the charset it says: a figure is plain ASCII."""
    content = part.get_payload(decode=True)
    charset = str(part.get_content_charset("utf-8"))
    text = content if isinstance(content, bytes) else b""
    return text.decode(charset if charset in _CHARSETS else "latin-1", "replace")


class _Shown(HTMLParser):
    """Text and line ends."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data.replace("\n", " ").replace("\u00a0", " "))

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("br", "p", "div", "tr", "li"):
            self.parts.append("\n")


def _shown(html: str) -> str:
    parser = _Shown()
    parser.feed(html)
    return "".join(parser.parts)


def _filed(message: Message) -> Iterator[Answer]:
    """Lines with a value of the attached CSV files."""
    for part in message.walk():
        content = part.get_payload(decode=True)
        if str(part.get_filename()).lower().endswith(".csv") and isinstance(content, bytes):
            yield from _rows(content)


def _rows(content: bytes) -> Iterator[Answer]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")  # French Excel's own
    rows = csv.reader(StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",")
    names = [name.strip().lower() for name in next(rows, [])]
    if not set(HEADER[:4]).issubset(names):
        return
    for row in rows:
        cells = dict(zip(names, (cell.strip() for cell in row), strict=False))
        if cells.get("valeur"):
            yield Answer(*(cells.get(name, "") for name in HEADER[:4]))
