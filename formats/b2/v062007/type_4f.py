"""Type 4F — codage affiné LPP. Reference §1.3: modelled on the 3F; columns 107-128 guessed."""

from datetime import date

from formats.fixedwidth import (
    PLAIN,
    G,
    M,
    blank,
    cents,
    constant,
    day,
    digits,
    number,
    record,
    text,
)


@record("4F", 128, PLAIN, french="codage affiné LPP", source="F", elsewhere={"D": range(107, 120)})
class LineDetail:
    """One LPP code of a line."""

    _1 = constant(1, 1, "4", M)
    biller: str = digits(2, 9, M, "N° partenaire de santé + clé")
    _11 = blank(11, 1, M)
    nir: str = text(12, 13, M, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, M, "Clé du NIR", personal=True)
    invoice: str = digits(27, 9, M, "N° de facture")
    _36 = constant(36, 1, "F", M, "Complément de type")
    sequence: str = digits(37, 2, M, "Séquence", default="01")
    _39 = blank(39, 4, M, "Réservé SESAM")
    code: str = text(43, 13, M, "Code référence LPP")
    siret: str = text(56, 14, M, "SIRET fabricant / importateur", default="")
    quantity: int = number(70, 2, M, "Quantité")
    price_cents: int = cents(72, 7, M, "Tarif de référence ou prix unitaire 5+2")
    total_cents: int = cents(79, 7, M, "Montant total facturé TTC 5+2")
    sale_price_cents: int = cents(86, 7, M, "Prix de vente unitaire TTC 5+2", default=0)
    unit_gap_cents: int = cents(93, 7, M, "Écart indemnisable unitaire 5+2", default=0)
    total_gap_cents: int = cents(100, 7, M, "Écart indemnisable total 5+2", default=0)
    kind: str = text(107, 1, G, "Type de prestation LPP")
    first_day: date = day(108, G, "Date de début")
    last_day: date | None = day(114, G, "Date de fin de location", default=None)
    _120 = blank(120, 9, G)
