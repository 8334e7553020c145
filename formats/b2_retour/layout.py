"""The settlement notice of a concentrator, 128 bytes. Reference §2.5, a private format."""

from __future__ import annotations

from datetime import date
from typing import Final

from formats.fixedwidth import (
    LATIN,
    G,
    Norm,
    S,
    cents,
    constant,
    day,
    digits,
    layout,
    record,
    text,
)


@record("2", 128, LATIN, french="avis de règlement", source="R")
class Notice:
    """What became of one invoice, for one share or both."""

    _1 = constant(1, 1, "2")
    organism: str = text(2, 12, S, "Organisme")
    outcome: str = digits(
        14, 1, S, "Type de retour : 1 paiement, 2 rejet, 3 retenue, 6 contestation"
    )
    share: str = digits(15, 1, S, "Part concernée : 1 RO, 2 RC, 3 RO et RC")
    invoice: str = digits(16, 9, S, "N° de facture")
    invoice_date: date | None = day(25, S, "Date de facturation", default=None)
    insured: str = text(31, 15, S, "Matricule et clé de l'assuré", default="", personal=True)
    amo_cents: int = cents(46, 8, S, "Montant facturé RO", default=0)
    amc_cents: int = cents(54, 8, S, "Montant facturé RC", default=0)
    paid_amo_cents: int = cents(62, 8, S, "Montant payé RO", default=0)
    paid_amc_cents: int = cents(70, 8, S, "Montant payé RC", default=0)
    code: str = text(78, 3, S, "Code rejet", default="")
    label: str = text(81, 37, S, "Libellé", default="")
    lot: str = digits(118, 3, S, "N° de lot", default="000")
    accounted_on: date | None = day(121, S, "Jour comptable", default=None)
    filler: str = text(127, 2, G, "Filler", default="")


CONCENTRATOR: Final = Norm("OCT", "avis de règlement de concentrateur", (layout(Notice),))
"""The only description we have seen, of low authority."""

VERSIONS: Final = {CONCENTRATOR.name: CONCENTRATOR}
"""By name."""
