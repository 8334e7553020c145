"""The acknowledgement, 128 bytes. No public description: our own layout, reference §3.4."""

from __future__ import annotations

from datetime import date
from typing import Final

from formats.fixedwidth import (
    PLAIN,
    G,
    Norm,
    cents,
    constant,
    day,
    digits,
    layout,
    number,
    record,
    text,
)


@record("ARL", 128, PLAIN, french="accusé de réception logique", source="E")
class Acknowledgement:
    """The word of the front end on one file, or on one batch of it."""

    _1 = constant(1, 3, "ARL", G)
    verdict: str = text(4, 1, G, "Sens : P positif, N négatif")
    sender: str = digits(5, 14, G, "N° d'émetteur de la facture")
    file_id: str = text(19, 6, G, "Identification du fichier")
    batch: str = digits(25, 3, G, "N° de lot (000 : fichier entier)", default="000")
    batch_created_on: date | None = day(28, G, "Date de création du lot", default=None)
    received: int = number(34, 8, G, "Nombre d'enregistrements ou de factures reçus", default=0)
    total_cents: int = cents(42, 11, G, "Montant total reçu", default=0)
    received_on: date = day(53, G, "Date de réception")
    received_at: str = digits(59, 6, G, "Heure de réception HHMMSS")
    reason: str = text(65, 4, G, "Code motif", default="")
    label: str = text(69, 60, G, "Libellé", default="")

    @property
    def positive(self) -> bool:
        """True when the file or batch was received; it isn't accepted yet."""
        return self.verdict == "P"

    @property
    def whole_file(self) -> bool:
        """True when it speaks of the file rather than of one batch."""
        return self.batch == "000"


OURS: Final = Norm("ECH1", "format Échéance, première version", (layout(Acknowledgement),))
"""A real layout becomes a second norm here, or an adapter."""

VERSIONS: Final = {OURS.name: OURS}
"""By name."""

REASONS: Final = {
    "STRU": "structure ou longueur incorrecte",
    "TYPE": "type d'enregistrement inattendu",
    "TOTX": "totaux incohérents",
    "DBLE": "numéro de lot déjà reçu",
    "DEST": "destinataire inconnu",
    "EMET": "émetteur inconnu ou non conventionné",
    "CERT": "certificat invalide ou expiré",
    "SIGN": "signature non vérifiable",
    "CHIF": "déchiffrement impossible",
    "VERS": "version de norme non supportée",
    "FUTU": "lot transmis à l'avance ou date future",
}
"""Plausible reasons of refusal (M, G): the codes are ours, an unknown one is no fault."""
