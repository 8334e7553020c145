"""Type 3H — codage affiné UCD sous type 3. Reference §1.3."""

from formats.fixedwidth import PLAIN, S, blank, cents, constant, digits, number, record, text


@record("3H", 128, PLAIN, french="codage affiné UCD sous type 3", source="F")
class StayDrug:
    """One medicine of a hospital service."""

    _1 = constant(1, 1, "3")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    invoice: str = digits(27, 9, S, "N° de facture")
    _36 = constant(36, 1, "H", S, "Complément de type")
    sequence: str = digits(37, 2, S, "Séquence", default="01")
    _39 = blank(39, 4, S, "Réservé SESAM")
    _43 = blank(43, 6)
    code: str = digits(49, 7, S, "Code UCD")
    _56 = blank(56, 1)
    fraction: int = number(57, 5, S, "Coefficient de fractionnement 1+4")
    _62 = blank(62, 5)
    price_cents: int = cents(67, 7, S, "Prix d'achat unitaire TTC 5+2")
    unit_gap_cents: int = cents(74, 7, S, "Montant unitaire de l'écart 5+2", default=0)
    total_gap_cents: int = cents(81, 7, S, "Montant total de l'écart 5+2", default=0)
    quantity: int = number(88, 3, S, "Quantité")
    total_cents: int = cents(91, 7, S, "Montant total facturé TTC 5+2")
    _98 = blank(98, 31)
