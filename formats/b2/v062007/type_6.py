"""Type 6 — fin de lot. Reference §1.3; the meaning of counters and third amount is a guess."""

from formats.fixedwidth import PLAIN, G, M, S, blank, cents, constant, digits, number, record


@record("6", 128, PLAIN, french="fin de lot", source="C")
class BatchEnd:
    """Counters and totals of a batch."""

    _1 = constant(1, 1, "6")
    sender: str = digits(2, 9, S, "N° partenaire de santé + clé")
    insured: int = number(11, 3, G, "Nombre d'assurés")
    lines: int = number(14, 4, G, "Nombre de lignes de prestation")
    invoices: int = number(18, 4, G, "Nombre de factures")
    patients: int = number(22, 3, G, "Nombre de malades")
    total_cents: int = cents(25, 9, M, "Montant total facturé 7+2")
    amo_cents: int = cents(34, 9, M, "Montant total remboursable AMO 7+2")
    amc_cents: int = cents(43, 9, G, "Montant total AMC 7+2")
    number: str = digits(52, 3, S, "N° de lot")
    _55 = blank(55, 74)
