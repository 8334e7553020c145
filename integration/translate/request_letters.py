"""Reading requests as they were prepared → the mails that leave, with their PDF and CSV.

What a letter says is kept with it; only pictures and logo are read when it leaves.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from config.settings import Settings
from config.templates import load_templates
from formats.message.letter import Attached, Letter, composed
from formats.message.reply import HEADER
from integration.database.sql import Queries
from integration.translate.meter_rows import day

_PIXELS_A_CM: Final = 96 / 2.54  # of a screen, as CSS counts them
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))


class Prepared(NamedTuple):
    """A letter on its way to a drawing process; pictures by file name."""

    reference: str
    requested_on: date
    channel: str
    content: Mapping[str, Any]
    pictures: Mapping[str, bytes]
    logo: bytes
    logo_width_cm: float


def request_letters(
    connection: Connection, ids: Sequence[int], executor: Executor, *, settings: Settings
) -> Iterator[bytes]:
    """The mails of these letters, in the order asked. Raises AnomaliesFound for a template."""
    templates = load_templates(settings.folders.templates)
    logo, width = templates.logo, templates.logo_width_cm
    rows = {
        row[0]: (*row[1:4], json.loads(row[4])) for row in _SQL.rows(connection, "letters", ids=ids)
    }
    names = {name for *_, content in rows.values() for name in _names(content)}
    pictures = {name: _bytes(settings.folders.images / name) for name in names}
    letters = []
    for reference, on, channel, content in (rows[id_] for id_ in ids):
        own = {name: pictures[name] for name in _names(content)}
        letters.append(Prepared(reference, day(on), channel, content, own, logo, width))
    return executor.map(drawn, letters, chunksize=5)


def picture_name(product: str) -> str:
    """The file of a product's how-to picture: blanks are `_`, `.jpg` lower case (A-DEM-13).

    Empty for no product, and for one whose name could lead out of the folder.
    """
    name = product.replace(" ", "_")
    return f"{name}.jpg" if name and Path(name).name == name and name != ".." else ""


def _names(content: Mapping[str, Any]) -> set[str]:
    return {page["picture"] for page in content.get("pages", ()) if page["picture"]}


def _bytes(path: Path) -> bytes:
    """A picture taken away since leaves its place empty."""
    return path.read_bytes() if path.is_file() else b""


def drawn(one: Prepared) -> bytes:
    """The mail, its PDF and its CSV; a function of its own so that any executor can run it."""
    content = one.content
    letter = Letter(
        one.reference,
        content["subject"],
        content["text"],
        (content["sender_name"], content["sender"]),
        tuple(_files(one)) if content.get("pages") else (),
        one.logo if one.channel == "email" else b"",
        round(one.logo_width_cm * _PIXELS_A_CM),
    )
    return composed(letter)


def _files(one: Prepared) -> Iterator[Attached]:
    from formats.pdf.content import Look
    from formats.pdf.request import render

    pages = [_page(one, page) for page in one.content["pages"]]
    yield Attached(
        f"demande-{one.reference}.pdf", "application/pdf", render(pages, Look(logo=one.logo))
    )
    if one.channel == "email":  # a fax gateway would print it
        yield Attached(f"releves-{one.reference}.csv", "text/csv", _csv(one.content["pages"]))


def _page(one: Prepared, page: Mapping[str, Any]) -> Any:
    from formats.pdf.request import MeterLine, RequestPage, known

    meters = (
        MeterLine(
            m["code"],
            m["label"],
            known(m["last"], date.fromisoformat(m["last_on"])) if m["last_on"] else "aucun",
        )
        for m in page["meters"]
    )
    return RequestPage(
        sender=tuple(one.content["organisation"]),
        addressee=tuple(page["addressee"]),
        requested_on=one.requested_on,
        reference=one.reference,
        machine=tuple((caption, value) for caption, value in page["machine"]),
        meters=tuple(meters),
        return_to=tuple(_return(one.content)),
        picture=one.pictures.get(page["picture"], b""),
    )


def _return(content: Mapping[str, Any]) -> Iterator[str]:
    yield "Merci de relever chaque compteur et de nous retourner cette fiche."
    fax, mail = content["SOC_FAX_RELEVE_COMPTEUR"], content["sender"]
    if fax:
        yield f"Fax retour : {fax}"
    if mail:
        yield f"Courriel retour : {mail}"


def _csv(pages: Sequence[Mapping[str, Any]]) -> bytes:
    """A file of the flow `readings` without its dates and values, safe in a spreadsheet."""
    out = StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(HEADER)
    for page in pages:
        writer.writerows((page["asset"], m["code"], "", "", "client") for m in page["meters"])
    return b"\xef\xbb\xbf" + out.getvalue().encode()
