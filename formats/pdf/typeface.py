"""The embedded typeface: which characters it has, how wide they are, where lines break.

Every glyph of the two small fonts is embedded in every document, always under the same code.
The fonts are therefore parsed, compressed and described once a process (fpdf2 alone would do it
for every document, ten times slower), and the same page always gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Final

from fpdf import FPDF
from fpdf.fonts import TTFFont

UNITS_PER_EM: Final = 1000
FAMILY: Final = "Roboto"


@dataclass(frozen=True, slots=True)
class Typeface:
    """One weight. Widths are in thousandths of the size; codes are what the page's stream holds."""

    resource: int
    widths: dict[int, int]
    codes: dict[int, str]

    def width(self, text: str, size: float) -> float:
        """The advance of `text`, in points. Raises KeyError on a character it hasn't."""
        widths = self.widths
        return sum([widths[ord(character)] for character in text]) * size / UNITS_PER_EM

    def encoded(self, text: str) -> str:
        """`text` as the hexadecimal string of a `Tj` operator."""
        return f"<{text.translate(self.codes)}>"

    def wrapped(self, text: str, size: float, room: float) -> list[str]:
        """`text` in lines no wider than `room` points, broken at spaces, in a word if it must."""
        if self.width(text, size) <= room:
            return [text]
        lines, line = [], ""
        for word in text.split(" "):
            longer = f"{line} {word}" if line else word
            if line and self.width(longer, size) > room:
                lines.append(line)
                longer = word
            *full, line = self._hewn(longer, size, room)
            lines += full
        return [*lines, line]

    def _hewn(self, words: str, size: float, room: float) -> list[str]:
        """A single word wider than the room is cut where it must, at least a character a line."""
        if self.width(words, size) <= room:
            return [words]
        pieces = [""]
        for character in words:
            if pieces[-1] and self.width(pieces[-1] + character, size) > room:
                pieces.append("")
            pieces[-1] += character
        return pieces


@cache
def parsed() -> dict[str, TTFFont]:
    """The two fonts as fpdf2 wants them, by its own keys, every glyph picked in one fixed order."""
    holder = FPDF()
    for style, weight in (("", "Regular"), ("B", "Bold")):
        with as_file(files(__package__) / "fonts" / f"{FAMILY}-{weight}.ttf") as path:
            holder.add_font(FAMILY, style, path)
    fonts = {key: font for key, font in holder.fonts.items() if isinstance(font, TTFFont)}
    for font in fonts.values():
        for character in sorted(font.cmap):
            font.subset.pick(character)
    return fonts


def _typeface(font: TTFFont) -> Typeface:
    codes = {character: f"{font.subset.pick(character):04X}" for character in sorted(font.cmap)}
    return Typeface(font.i, {c: int(font.cw[c]) for c in codes}, codes)


REGULAR, BOLD = map(_typeface, parsed().values())
