"""Means and addresses of reading requests (contracts.md §9)."""

from __future__ import annotations

import pytest

from billing.contracts.requests import Channel, Level, Point, Why, channel_of, dialled, fault, reach


@pytest.mark.parametrize("mode", ["Fax", "fax ", "FAX"])
def test_fax(mode: str) -> None:
    assert channel_of(mode) is Channel.FAX


@pytest.mark.parametrize("mode", ["e-mail", "E-Mail", "Adresse e-mail", "courriel"])
def test_mail(mode: str) -> None:
    assert channel_of(mode) is Channel.EMAIL


@pytest.mark.parametrize("mode", ["", "Aucun", "E-maintenance", "@Remote", "KPAX", "télécopie ?"])
def test_any_other_word_asks_nobody(mode: str) -> None:
    assert channel_of(mode) is None


def test_a_level_without_the_means_is_passed_over() -> None:
    """A contact with a fax alone leaves the mail to the location."""
    points = (
        Point(Level.CONTACT, "", "0388000001"),
        Point(Level.LOCATION, "etage@client.example", ""),
    )
    mail, fax = reach("e-mail", points), reach("fax", points)
    assert (mail.level, mail.address) == (Level.LOCATION, "etage@client.example")
    assert (fax.level, fax.address) == (Level.CONTACT, "0388000001")


def test_a_number_marked_ends_the_search() -> None:
    points = (Point(Level.CONTACT, "", "#0388"), Point(Level.CUSTOMER, "", "0388000001"))
    assert reach("fax", points).why is Why.BLOCKED


@pytest.mark.parametrize(
    ("number", "plain"),
    [
        ("+33 (0)3.88-00/00", "+333880000"),
        ("03\u00a088", "0388"),
        ("12", ""),
        ("03 88 X", ""),
        ("", ""),
    ],
)
def test_a_number_as_it_is_dialled(number: str, plain: str) -> None:
    assert dialled(number) == plain


@pytest.mark.parametrize(
    "address", ["a", "a@b", "@b.example", "a b@c.example", "a@b.example,c@d.e"]
)
def test_what_isn_t_one_address_is_never_written_to(address: str) -> None:
    assert fault(Channel.EMAIL, address) is Why.NOT_AN_ADDRESS
