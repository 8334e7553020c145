"""Articles and price lists: stored once, updated, refused where they stand."""

from __future__ import annotations

import pytest

from integration.database import tables as t
from integration.inbox import Office
from integration.translate import flow
from tests.integration.imports.samples import CUSTOMERS, bring_in, rows, sentences

ARTICLES = "article;libelle;nature;tva\nFRAIS500;Frais;incorporel;20\nTONER;Toner;stocké;5,5\n"
HEADER = "tarif;genre;debut;article;prix;client\n"


@pytest.fixture
def shop(office: Office) -> Office:
    bring_in(office, "customers", CUSTOMERS)
    bring_in(office, "articles", ARTICLES)
    return office


def test_lists_are_kept_up_to_date(shop: Office) -> None:
    first = f"{HEADER}PUB;public;01/01/2026;FRAIS500;5,00;\nPUB;public;01/01/2026;TONER;60;\n"
    done = bring_in(shop, "price_lists", first)
    assert dict(done.counts) == {"tarifs créés": 1, "tarifs modifiés": 0, "prix": 2}
    again = bring_in(shop, "price_lists", first.replace("60", "61,123456"), "b.csv")
    assert dict(again.counts) == {"tarifs créés": 0, "tarifs modifiés": 0, "prix": 1}
    with shop.engine.connect() as connection:
        prices = connection.execute(t.price.select().order_by(t.price.c.id)).all()
    assert [row.price_e8 for row in prices] == [500_000_000, 6_112_345_600]
    assert rows(shop, t.article) == 2


@pytest.mark.parametrize(
    ("row", "place", "sentence"),
    [
        ("NET;net;01/01/2026;INCONNU;1;", "ligne 2, colonne 4", "INCONNU » est inconnu"),
        ("NET;net;01/01/2026;;;C9", "ligne 2, colonne 6", "C9 » est inconnu"),
        ("NET;net;01/01/2026;TONER;;", "ligne 2", "l'article « TONER » est sans prix"),
        ("PUB;public;01/01/2026;;;C1", "ligne 2", "un tarif public vaut pour tous"),
        ("NET;gros;01/01/2026;;;", "ligne 2, colonne 2", "valeurs admises : public, net"),
    ],
)
def test_what_is_wrong_is_told_in_its_place(
    shop: Office, row: str, place: str, sentence: str
) -> None:
    (said,) = sentences(bring_in(shop, "price_lists", f"{HEADER}{row}\n"))
    assert f"f.txt, {place} : " in said
    assert sentence in said
    assert rows(shop, t.price_list) == 0


def test_an_article_stands_once(shop: Office) -> None:
    twice = ARTICLES + "TONER;Encore;stocké;20\n"
    (said,) = sentences(bring_in(shop, "articles", twice, "b.csv"))
    assert said.startswith("IMP-141 b.csv, ligne 4, colonne 1 : « TONER » est présent deux fois.")


def test_their_examples_are_recognised() -> None:
    for name in ("articles", "price_lists"):
        head, example, *_ = flow.load(name).schema().splitlines()
        assert flow.detect(f"{head}\n{example}\n".encode(), "f.csv").name == name
