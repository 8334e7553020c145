"""Charts as inline SVG: shapes and texts only, no script; every figure is also written out."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#767676"
"""Told apart by colour-blind readers too (Okabe and Ito's palette)."""
_WIDTH, _HEIGHT, _LEFT, _WIDEST = 640, 180, 220, 96

Bar = tuple[str, int, str, str]
"""Label, size, what is written of it, colour."""
Column = tuple[str, tuple[int, ...], str, str]
"""Label, sizes piled up, what is written above it, what is told of it."""


def bars(title: str, rows: Sequence[Bar]) -> str:
    """Horizontal bars, one a row; their length is to scale."""
    most = max((size for _, size, _, _ in rows), default=0) or 1
    room = _WIDTH - _LEFT - 190
    drawn = [
        f'<text x="{_LEFT - 8}" y="{28 * n + 19}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{_LEFT}" y="{28 * n + 4}" width="{round(room * size / most)}" height="20"'
        f' fill="{colour}"/>'
        f'<text x="{_LEFT + round(room * size / most) + 8}" y="{28 * n + 19}">{escape(said)}</text>'
        for n, (label, size, said, colour) in enumerate(rows)
    ]
    return _picture(title, 28 * max(len(rows), 1) + 4, drawn)


def columns(title: str, rows: Sequence[Column], colours: Sequence[str]) -> str:
    """Upright columns of piled parts, one a row; the highest is as high as the picture."""
    most = max((sum(map(abs, sizes)) for _, sizes, *_ in rows), default=0) or 1
    step = min(_WIDTH // max(len(rows), 1), _WIDEST)
    floor, drawn = _HEIGHT - 24, []
    for n, (label, sizes, above, said) in enumerate(rows):
        top, x = floor, n * step + step // 6
        for size, colour in zip(sizes, colours, strict=True):
            high = round((floor - 18) * abs(size) / most)
            top -= high
            drawn.append(
                f'<rect x="{x}" y="{top}" width="{step * 2 // 3}" height="{high}" fill="{colour}">'
                f"<title>{escape(said)}</title></rect>"
            )
        middle = n * step + step // 2
        drawn += [_centred(middle, top - 5, above), _centred(middle, _HEIGHT - 6, label)]
    return _picture(title, _HEIGHT, drawn)


def _centred(x: int, y: int, said: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle">{escape(said)}</text>'


def _picture(title: str, height: int, drawn: Sequence[str]) -> str:
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg role="img" aria-label='
        f'"{escape(title)}" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">'
        f"{''.join(drawn)}</svg></figure>"
    )
