"""Type 3F — codage affiné LPP sous type 3. Reference §1.3, confirmed by ATIH RSF-P."""

from formats.fixedwidth import PLAIN, S, blank, cents, constant, digits, number, record, text


@record("3F", 128, PLAIN, french="codage affiné LPP sous type 3", source="F")
class StayDetail:
    """One LPP code of a hospital service, billed beside the stay."""

    _1 = constant(1, 1, "3")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    invoice: str = digits(27, 9, S, "N° de facture")
    _36 = constant(36, 1, "F", S, "Complément de type")
    sequence: str = digits(37, 2, S, "Séquence", default="01")
    _39 = blank(39, 4, S, "Réservé SESAM")
    code: str = text(43, 13, S, "Code référence LPP")
    siret: str = text(56, 14, S, "SIRET fabricant / importateur", default="")
    quantity: int = number(70, 2, S, "Quantité")
    price_cents: int = cents(72, 7, S, "Tarif de référence ou prix unitaire 5+2")
    total_cents: int = cents(79, 7, S, "Montant total facturé TTC 5+2")
    purchase_price_cents: int = cents(86, 7, S, "Prix d'achat unitaire TTC 5+2", default=0)
    unit_gap_cents: int = cents(93, 7, S, "Écart indemnisable unitaire 5+2", default=0)
    total_gap_cents: int = cents(100, 7, S, "Écart indemnisable total 5+2", default=0)
    _107 = blank(107, 22)
