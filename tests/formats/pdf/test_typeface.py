"""Lines break where they should, and nothing is lost on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from formats.pdf.typeface import BOLD, REGULAR

TEXTS = st.text(st.sampled_from("aàçÉœW il.€0-\u00a0"), max_size=60)


@given(TEXTS, st.floats(8, 90))
def test_wrapped_lines_fit_and_lose_nothing(text: str, room: float) -> None:
    lines = REGULAR.wrapped(text, 9, room)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(len(line) <= 1 or REGULAR.width(line, 9) <= room for line in lines)


def test_breaks_at_spaces_but_not_at_no_break_ones() -> None:
    room = BOLD.width("montant de", 9) + 1
    assert BOLD.wrapped("montant de 12\u00a0€", 9, room) == ["montant de", "12\u00a0€"]


def test_figures_all_have_the_same_width() -> None:
    for face in (REGULAR, BOLD):
        assert len({face.widths[ord(figure)] for figure in "0123456789"}) == 1


def test_what_french_invoices_need_is_there() -> None:
    needed = (
        "àâäçéèêëîïôöùûüÿœæÀÂÇÉÈÊËÎÏÔÙÛÜŸŒÆ’‘“”«»…–—€₂°²³µ‰½\u00a0\u202f\u2009\u2011−×≤≥ŁłŞşČčȘț"
    )
    assert {ord(c) for c in needed} <= REGULAR.codes.keys() & BOLD.codes.keys()
