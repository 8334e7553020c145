"""What would make an invoice false or unreadable, found before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Final
from unicodedata import category

from formats.common.anomaly import Anomaly, Code, Place
from formats.pdf.content import InvoicePage, Kind, Shares
from formats.pdf.french import euros
from formats.pdf.typeface import BOLD, REGULAR

MISSING_GLYPH: Final = Code(
    "FMT-301",
    "Le caractère {character} n'existe pas dans la police des factures.",
    "Remplacez ce caractère dans la fiche d'origine.",
)
CONTROL_CHARACTER: Final = Code(
    "FMT-302",
    "Le texte contient le caractère de contrôle {character}.",
    "Corrigez le texte dans la fiche d'origine : une ligne, sans tabulation ni retour.",
)
WRONG_SUM: Final = Code(
    "FMT-303",
    "{what} : {printed} imprimés, mais le détail donne {computed}.",
    "N'envoyez pas cette facture : son calcul est à reprendre.",
)
SHARES_EXPECTED: Final = Code(
    "FMT-304",
    "Les parts AMO, AMC et patient vont sur chaque ligne de soins, et seulement là.",
    "Vérifiez le type de la facture et ses lignes.",
)
MENTION_MISSING: Final = Code(
    "FMT-305",
    "Mention obligatoire absente : {mention}.",
    "Complétez la fiche du vendeur, du client ou du contrat.",
)

PRINTABLE: Final = frozenset(map(chr, REGULAR.codes.keys() & BOLD.codes.keys()))


def anomalies(page: InvoicePage) -> tuple[Anomaly, ...]:
    """Everything wrong with the page, each with a JSON pointer to its field."""
    return (*_characters(page), *_mentions(page), *_shape(page), *_sums(page))


def _texts(value: object, pointer: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, tuple):
        for rank, item in enumerate(value):
            yield from _texts(item, f"{pointer}/{rank}")
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts(getattr(value, field.name), f"{pointer}/{field.name}")


def _characters(page: InvoicePage) -> Iterator[Anomaly]:
    for pointer, text in _texts(page):
        if not PRINTABLE.issuperset(text):
            for character in sorted(set(text) - PRINTABLE):
                code = CONTROL_CHARACTER if category(character) == "Cc" else MISSING_GLYPH
                named = {"character": f"U+{ord(character):04X}"}
                yield Anomaly(code, Place(pointer=pointer), named)


def _mentions(page: InvoicePage) -> Iterator[Anomaly]:
    """CGI, annexe II, art. 242 nonies A; Code de commerce, art. L441-9 between businesses."""
    always = (
        ("/number", "numéro", page.number),
        ("/seller/name", "nom du vendeur", page.seller.name),
        ("/seller/address", "adresse du vendeur", page.seller.address),
        ("/seller/siren", "SIREN du vendeur", page.seller.siren),
        ("/buyer/name", "nom du client", page.buyer.name),
        ("/buyer/address", "adresse du client", page.buyer.address),
        ("/lines", "lignes", page.lines),
    )
    between_businesses = (
        ("/due_on", "date d'échéance", page.due_on),
        ("/payment/terms", "conditions de règlement", page.payment.terms),
        ("/payment/late_rate", "taux des pénalités de retard", page.payment.late_rate),
        ("/payment/indemnity_cents", "indemnité de recouvrement", page.payment.indemnity_cents),
        ("/payment/discount", "conditions d'escompte", page.payment.discount),
    )
    invoiced_business = page.kind == Kind.INVOICE and page.buyer.siren
    for pointer, mention, value in always + (between_businesses if invoiced_business else ()):
        if not value:
            yield Anomaly(MENTION_MISSING, Place(pointer=pointer), {"mention": mention})


def _shape(page: InvoicePage) -> Iterator[Anomaly]:
    expected = page.care is not None
    if page.kind != Kind.CREDIT_NOTE and (page.kind == Kind.CARE) != expected:
        yield Anomaly(SHARES_EXPECTED, Place(pointer="/care"))
    for rank, line in enumerate(page.lines):
        if (line.shares is not None) != expected:
            yield Anomaly(SHARES_EXPECTED, Place(pointer=f"/lines/{rank}/shares"))


def _sums(page: InvoicePage) -> Iterator[Anomaly]:
    for pointer, what, printed, computed in (*_total_sums(page), *_share_sums(page)):
        if printed != computed:
            values = {"what": what, "printed": euros(printed), "computed": euros(computed)}
            yield Anomaly(WRONG_SUM, Place(pointer=pointer), values)


_Sum = tuple[str, str, int, int]


def _total_sums(page: InvoicePage) -> Iterator[_Sum]:
    totals = page.totals
    lines = sum(line.amount_cents for line in page.lines)
    lined = totals.ht_cents if page.care is None else totals.ttc_cents
    yield "/lines", "Total des lignes", lined, lines
    yield "/totals/ttc_cents", "Total TTC", totals.ttc_cents, totals.ht_cents + totals.vat_cents
    yield "/vat", "Bases de TVA", totals.ht_cents, sum(row.base_cents for row in page.vat)
    yield "/vat", "Montants de TVA", totals.vat_cents, sum(row.vat_cents for row in page.vat)


def _share_sums(page: InvoicePage) -> Iterator[_Sum]:
    shared = [line for line in page.lines if line.shares is not None]
    for rank, line in enumerate(page.lines):
        if line.shares is not None:
            pointer = f"/lines/{rank}/shares"
            yield pointer, "Parts de la ligne", line.amount_cents, line.shares.total_cents
    if page.care is not None:
        for field in fields(Shares):
            found = sum(getattr(line.shares, field.name) for line in shared)
            printed = getattr(page.care.shares, field.name)
            yield f"/care/shares/{field.name}", "Part totale", printed, found
