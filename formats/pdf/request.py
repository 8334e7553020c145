"""The reading request: one page a machine, with its meters to fill in and its how-to picture.

Source: contracts.md §9; seed 004, "Document de demande de relevé compteur": the picture is 17 cm
wide and at most 12 cm high; a taller one is scaled, never cropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Final

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.pdf.canvas import (
    GREY,
    HEIGHT,
    Canvas,
    Style,
    bold,
    document,
    ink,
    logo_size,
    regular,
    sealed,
)
from formats.pdf.checks import PRINTABLE
from formats.pdf.content import Look
from formats.pdf.french import NO_BREAK_SPACE, day
from formats.pdf.table import HAIRLINE, LEFT, RIGHT, ROOM

BAD_PICTURE: Final = Code(
    "FMT-311",
    "L'image « {name} » n'est pas un JPEG lisible.",
    "Réenregistrez-la en .jpg ; en attendant, la demande part sans elle.",
)

CM: Final = 72 / 2.54
PICTURE: Final = (17 * CM, 12 * CM)
MOST_METERS: Final = 10
"""On a page; a machine with more goes on on a second one."""
_TOP: Final = 40.0
_WINDOW: Final = (312.0, 118.0)
_ROW: Final = 15.5
_ROOMY: Final = (4, 22.0)  # up to so many meters, rows as high as a hand writes
_BOTTOM: Final = HEIGHT - 34
_NAME: Final = bold(11)
_BODY: Final = regular(9)
_STRONG: Final = bold(9)
_SMALL: Final = regular(7.6, GREY)
_TITLE: Final = bold(15)
_BOXES: Final = ((LEFT, 185.0), (LEFT + 190, 150.0), (LEFT + 345, 70.0), (LEFT + 420, 91.0))
_HEADS: Final = ("Compteur", "Dernier relevé connu", "Date", "Valeur relevée")


@dataclass(frozen=True, slots=True)
class MeterLine:
    """A meter to read: code, label, and what is known of it, ready to print."""

    code: str
    label: str
    last: str = ""


@dataclass(frozen=True, slots=True)
class RequestPage:
    """What a page says of one machine.

    machine: captions and values. picture: JPEG bytes of the how-to, or none.
    """

    sender: tuple[str, ...]
    addressee: tuple[str, ...]
    requested_on: date
    reference: str
    machine: tuple[tuple[str, str], ...]
    meters: tuple[MeterLine, ...]
    return_to: tuple[str, ...] = ()
    picture: bytes = b""


def render(pages: Sequence[RequestPage], look: Look) -> bytes:
    """The request as a PDF: the same values always give the same bytes."""
    images = list(dict.fromkeys(filter(None, (look.logo, *(one.picture for one in pages)))))
    canvas = Canvas()
    for page in pages:
        for at in range(0, max(1, len(page.meters)), MOST_METERS):
            _draw(canvas, page, page.meters[at : at + MOST_METERS], images, look)
    first = pages[0]
    title = f"Demande de relevés {first.reference}"
    return sealed(document(canvas, title, first.sender[0], first.requested_on, *images))


def is_picture(content: bytes) -> bool:
    """Whether a how-to picture can be drawn: a whole JPEG."""
    from PIL import Image

    try:
        with Image.open(BytesIO(content)) as image:
            image.load()
            return image.format == "JPEG"
    except (OSError, ValueError, SyntaxError):
        return False


def checked(name: str, content: bytes) -> bytes:
    """The picture itself. Raises AnomaliesFound (FMT-311) when it can't be drawn."""
    if not is_picture(content):
        raise AnomaliesFound(Anomaly(BAD_PICTURE, values={"name": name}))
    return content


def printable(text: str) -> str:
    """The text with what the typeface lacks shown as `?`: a request isn't an invoice."""
    return "".join(c if c in PRINTABLE else "?" for c in text)


def _draw(
    canvas: Canvas,
    page: RequestPage,
    meters: Sequence[MeterLine],
    images: Sequence[bytes],
    look: Look,
) -> None:
    canvas.new_page()
    y = _head(canvas, page, look)
    y = _machine(canvas, page, y)
    y = _meters(canvas, meters, y, look)
    y = _return(canvas, page, y)
    if page.picture:
        _picture(canvas, page.picture, 1 + images.index(page.picture), y)
    foot = f"Demande {page.reference} du {day(page.requested_on)}"
    canvas.text_to(RIGHT, HEIGHT - 22, foot, _SMALL)


def _head(canvas: Canvas, page: RequestPage, look: Look) -> float:
    """Who asks, whom, and the title; where the rest begins."""
    y = _TOP + 8
    if look.logo:
        width, height = logo_size(look.logo, 150, 42)
        canvas.logo(LEFT, _TOP, width, height)
        y = _TOP + height + 14
    name, *rest = map(printable, page.sender)
    canvas.text_within(LEFT, y, name, _NAME, 250)
    y = _lines(canvas, LEFT, y + 14, rest, 250)
    x, top = _WINDOW
    below = _lines(canvas, x, top, map(printable, page.addressee), RIGHT - x, _BODY)
    y = max(y, below) + 18
    canvas.text(LEFT, y, "Demande de relevé de compteurs", Style(_TITLE.face, 15, ink(look.accent)))
    canvas.text_to(RIGHT, y, f"Le {day(page.requested_on)}", _STRONG)
    return y + 12


def _lines(
    canvas: Canvas,
    x: float,
    y: float,
    texts: Sequence[str] | map[str],
    room: float,
    style: Style = _SMALL,
) -> float:
    wrapped = [line for text in texts for line in style.wrapped(text, room)]
    return canvas.paragraph(x, y, wrapped, style)


def _machine(canvas: Canvas, page: RequestPage, y: float) -> float:
    """Captions over values, three a row."""
    canvas.bar(LEFT, y, ROOM, 0.5, HAIRLINE)
    width = ROOM / 3
    for rank, (caption, value) in enumerate(page.machine):
        row, column = divmod(rank, 3)
        x, top = LEFT + column * width, y + row * 27
        canvas.text(x, top + 11, caption, _SMALL)
        canvas.text_within(x, top + 22, printable(value), _STRONG, width - 8)
    return y + 27 * (1 + (len(page.machine) - 1) // 3) + 8


def _meters(canvas: Canvas, meters: Sequence[MeterLine], y: float, look: Look) -> float:
    """The table to fill in: two boxes a meter, date and value."""
    for (x, _), head in zip(_BOXES, _HEADS, strict=True):
        canvas.text(x, y + 9, head, _SMALL)
    y += _ROW
    most, roomy = _ROOMY
    high = roomy if len(meters) <= most else _ROW
    canvas.bar(LEFT, y - 2, ROOM, 0.8, ink(look.accent))
    for meter in meters:
        named = f"{meter.label} ({meter.code})" if meter.label != meter.code else meter.code
        for (x, room), text in zip(_BOXES, (named, meter.last), strict=False):
            canvas.text_within(x, y + high - 4.5, printable(text), _BODY, room - 6)
        for x, room in _BOXES[2:]:
            canvas.frame(x, y + 1.5, room - 5, high - 3)
        y += high
    return y + 6


def _return(canvas: Canvas, page: RequestPage, y: float) -> float:
    for line in page.return_to:
        canvas.text_within(LEFT, y + 9, printable(line), _STRONG, ROOM)
        y += 13
    return y + 8


def _picture(canvas: Canvas, picture: bytes, number: int, y: float) -> None:
    """Centred, 17 cm wide unless its height says less: what is left of the page, 12 cm at most."""
    width, height = logo_size(picture, PICTURE[0], min(PICTURE[1], _BOTTOM - y))
    canvas.image(number, LEFT + (ROOM - width) / 2, y, width, height)


def known(value: int, read_on: date) -> str:
    """A last reading as printed: `12 345 le 01/02/2026`."""
    return f"{value:,}".replace(",", NO_BREAK_SPACE) + f" le {day(read_on)}"
