"""Type 4H — codage affiné UCD (rétrocession). Reference §1.3."""

from formats.fixedwidth import PLAIN, S, blank, cents, constant, digits, number, record, text


@record("4H", 128, PLAIN, french="codage affiné UCD", source="F")
class LineDrug:
    """One medicine of a line."""

    _1 = constant(1, 1, "4")
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
    preparation_cents: int = cents(67, 7, S, "Coût de reconstitution TTC 5+2", default=0)
    margin_cents: int = cents(74, 7, S, "Marge TTC 5+2", default=0)
    price_cents: int = cents(81, 7, S, "Prix unitaire TTC 5+2")
    quantity: int = number(88, 3, S, "Quantité")
    total_cents: int = cents(91, 7, S, "Montant total TTC 5+2")
    _98 = blank(98, 31)
