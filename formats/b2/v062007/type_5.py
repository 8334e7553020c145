"""Type 5 — fin de facture. Reference §1.3 and §1.4 (formulas)."""

from formats.fixedwidth import PLAIN, S, blank, cents, constant, digits, number, record, text


@record("5", 128, PLAIN, french="fin de facture", source="F")
class InvoiceEnd:
    """Counter and totals of an invoice."""

    _1 = constant(1, 1, "5")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    rank: str = digits(27, 3, S, "Rang du bénéficiaire")
    invoice: str = digits(30, 9, S, "N° de facture")
    lines: int = number(39, 3, S, "Nombre d'enregistrements 3 et 4")
    stay_base_cents: int = cents(42, 8, S, "Total base hospitalière 6+2", default=0)
    stay_amo_cents: int = cents(50, 8, S, "Total AMO hospitalier 6+2", default=0)
    total_cents: int = cents(58, 8, S, "Total des dépenses 6+2")
    amo_cents: int = cents(66, 8, S, "Total remboursable AMO 6+2")
    insured_cents: int = cents(74, 8, S, "Total participation de l'assuré avant OC 6+2")
    stay_amc_cents: int = cents(82, 8, S, "Total OC hospitalier 6+2", default=0)
    amc_cents: int = cents(90, 8, S, "Total remboursable OC 6+2", default=0)
    _98 = blank(98, 17)
    stay_total_cents: int = cents(115, 8, S, "Total facturé hospitalier 6+2", default=0)
    publisher: str = text(123, 4, S, "Zone réservée éditeurs", default="")
    _127 = blank(127, 2)
