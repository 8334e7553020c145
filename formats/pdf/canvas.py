"""Marks on pages, and the pages as a document.

Positions are in points from the top left of an A4 page. Marks are written straight as PDF
operators: fpdf2's own `cell` and `multi_cell` measure and split each text again, at several times
the cost. fpdf2 still makes the document (objects, fonts, dates, identifiers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import lru_cache
from io import BytesIO
from threading import Lock
from typing import Any, Final

from fpdf import FPDF
from fpdf.image_datastructures import ImageCache
from fpdf.image_parsing import preload_image
from fpdf.output import OutputProducer
from fpdf.syntax import PDFContentStream

from formats.pdf.typeface import BOLD, REGULAR, Typeface, parsed

WIDTH: Final = 595.28
HEIGHT: Final = 841.89
BLACK: Final = "0 g"
GREY: Final = "0.35 g"
WHITE: Final = "1 g"


def ink(colour: str) -> str:
    """The operator that fills with `#RRGGBB`. Raises ValueError when it isn't one."""
    if len(colour) != 7 or colour[0] != "#":
        raise ValueError(f"not a colour: {colour!r}")
    red, green, blue = bytes.fromhex(colour[1:])
    return f"{red / 255:.3f} {green / 255:.3f} {blue / 255:.3f} rg"


@dataclass(frozen=True, slots=True)
class Style:
    """How a text is set: weight, size in points, ink (a fill operator)."""

    face: Typeface
    size: float
    ink: str = BLACK

    @property
    def leading(self) -> float:
        """Distance between two base lines, in points."""
        return self.size * 1.32

    def width(self, text: str) -> float:
        """The advance of `text`, in points."""
        return self.face.width(text, self.size)

    def within(self, text: str, room: float) -> Style:
        """This style, smaller if that is what it takes for `text` to stay within `room`."""
        width = self.width(text)
        return self if width <= room else Style(self.face, self.size * room / width, self.ink)

    def wrapped(self, text: str, room: float) -> list[str]:
        """`text` in lines no wider than `room`."""
        return self.face.wrapped(text, self.size, room)


def regular(size: float, colour: str = BLACK) -> Style:
    """Regular weight."""
    return Style(REGULAR, size, colour)


def bold(size: float, colour: str = BLACK) -> Style:
    """Bold weight."""
    return Style(BOLD, size, colour)


@dataclass(slots=True)
class Canvas:
    """Pages being drawn. `y` is always a base line or an edge, from the top."""

    pages: list[list[str]] = field(default_factory=list)
    page: int = -1

    def new_page(self) -> None:
        """Opens a page; what follows is drawn on it."""
        self.pages.append([])
        self.page = len(self.pages) - 1

    def text(self, x: float, y: float, text: str, style: Style) -> None:
        """`text` from `x` on."""
        if text:
            self.pages[self.page].append(
                f"BT {style.ink} /F{style.face.resource} {style.size:.2f} Tf "
                f"{x:.2f} {HEIGHT - y:.2f} Td {style.face.encoded(text)} Tj ET"
            )

    def text_to(self, right: float, y: float, text: str, style: Style, room: float = WIDTH) -> None:
        """`text` ending at `right`, smaller if that is what it takes to stay within `room`."""
        style = style.within(text, room)
        self.text(right - style.width(text), y, text, style)

    def text_within(self, x: float, y: float, text: str, style: Style, room: float) -> None:
        """`text` from `x` on, smaller if that is what it takes to stay within `room`."""
        self.text(x, y, text, style.within(text, room))

    def paragraph(self, x: float, y: float, lines: Sequence[str], style: Style) -> float:
        """Lines one under the other, the first base line at `y`; the next free base line."""
        for line in lines:
            self.text(x, y, line, style)
            y += style.leading
        return y

    def bar(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """A filled rectangle, its top left corner at (x, y)."""
        self.pages[self.page].append(
            f"{colour} {x:.2f} {HEIGHT - y - height:.2f} {width:.2f} {height:.2f} re f"
        )

    def frame(self, x: float, y: float, width: float, height: float) -> None:
        """A rectangle drawn with a black line."""
        self.pages[self.page].append(
            f"0 G 0.9 w {x:.2f} {HEIGHT - y - height:.2f} {width:.2f} {height:.2f} re S"
        )

    def logo(self, x: float, y: float, width: float, height: float) -> None:
        """The document's first image, its top left corner at (x, y)."""
        self.image(1, x, y, width, height)

    def image(self, number: int, x: float, y: float, width: float, height: float) -> None:
        """An image of the document by its rank from 1, its top left corner at (x, y)."""
        self.pages[self.page].append(
            f"q {width:.2f} 0 0 {height:.2f} {x:.2f} {HEIGHT - y - height:.2f} cm /I{number} Do Q"
        )


@lru_cache(maxsize=32)
def _decoded(images: tuple[bytes, ...]) -> tuple[ImageCache, tuple[tuple[float, float], ...]]:
    """Images numbered from 1, and their sizes in pixels."""
    cache = ImageCache()
    sizes = []
    for image in images:
        info = preload_image(cache, BytesIO(image))[2]
        info["usages"] = 1
        sizes.append((float(str(info["w"])), float(str(info["h"]))))
    return cache, tuple(sizes)


def logo_size(logo: bytes, width: float, height: float) -> tuple[float, float]:
    """The size of `logo` once fitted in `width` × `height` points, its proportions kept."""
    _, ((pixels_wide, pixels_high),) = _decoded((logo,))
    scale = min(width / pixels_wide, height / pixels_high)
    return pixels_wide * scale, pixels_high * scale


_font_objects: list[Any] = []
_fonts_by_index: dict[int, Any] = {}
_one_at_a_time: Final = Lock()


class _Producer(OutputProducer):
    """The font objects of the first document, compressed, serve all of them, numbered anew."""

    def _add_fonts(self, *resources: Any) -> dict[int, Any]:
        if _font_objects:
            for font_object in _font_objects:
                self._add_pdf_obj(font_object, "fonts")
            return _fonts_by_index
        before = len(self.pdf_objs)
        _fonts_by_index.update(super()._add_fonts(*resources))
        _font_objects.extend(self.pdf_objs[before:])
        for made in _font_objects:
            if type(made) is PDFContentStream and made.filter is None:
                number = made.id
                PDFContentStream.__init__(made, made.content_stream(), compress=True)
                made.id = number
        return _fonts_by_index


def document(canvas: Canvas, title: str, author: str, made_on: date, *images: bytes) -> FPDF:
    """The pages as an fpdf2 document, open to attachments and metadata; `sealed` ends it.

    images: each once, those without bytes left out; their ranks are those `Canvas.image` names.
    """
    pdf = FPDF(unit="pt", format="A4")
    pdf.set_auto_page_break(False)
    pdf.single_resources_object = True
    pdf.fonts.update(parsed())
    if any(images):
        pdf.image_cache = _decoded(tuple(filter(None, images)))[0]
    pdf.set_title(title)
    pdf.set_author(author)
    pdf.set_lang("fr-FR")
    pdf.set_creation_date(datetime.combine(made_on, time(), UTC))
    for marks in canvas.pages:
        pdf.add_page()
        pdf._out("\n".join(marks))
    return pdf


def sealed(pdf: FPDF) -> bytes:
    """The document's bytes. The fonts' objects are shared, hence one document at a time."""
    with _one_at_a_time:
        return bytes(pdf.output(output_producer_class=_Producer))
