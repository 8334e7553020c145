"""Type 3 — prestation hospitalière ou forfait. Reference §1.3, norm CP."""

from datetime import date

from formats.fixedwidth import PLAIN, S, blank, cents, constant, day, digits, number, record, text


@record("3", 128, PLAIN, french="prestation hospitalière", source="F")
class StayLine:
    """One hospital service and its amounts."""

    _1 = constant(1, 1, "3")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    rank: str = digits(27, 3, S, "Rang du bénéficiaire")
    invoice: str = digits(30, 9, S, "N° de facture")
    treatment: str = digits(39, 2, S, "Mode de traitement", default="00")
    discipline: str = digits(41, 3, S, "Discipline de prestation", default="000")
    first_day: date = day(44, S, "Date de début")
    last_day: date = day(50, S, "Date de fin")
    act: str = text(56, 5, S, "Code acte")
    quantity: int = number(61, 3, S, "Quantité d'actes")
    exemption: str = text(64, 1, S, "Justification d'exonération (acte)", default="")
    coefficient_hundredths: int = number(65, 5, S, "Coefficient 3+2", default=100)
    daily_charge: str = text(70, 1, S, "Prise en charge du forfait journalier", default="")
    mco_coefficient: int = number(71, 5, S, "Coefficient MCO 1+4", default=0)
    unit_price_cents: int = cents(76, 7, S, "Prix unitaire 5+2")
    base_cents: int = cents(83, 8, S, "Base de remboursement 6+2")
    rate_pct: int = number(91, 3, S, "Taux")
    amo_cents: int = cents(94, 8, S, "Montant remboursable AMO 6+2")
    total_cents: int = cents(102, 8, S, "Montant total de la dépense 6+2")
    ghs: str = digits(110, 4, S, "N° GHS/GHT/GMT", default="0000")
    funding_rate: int = number(114, 3, S, "Taux de financement", default=0)
    participation: str = text(117, 1, S, "Code participation assuré", default="")
    _118 = blank(118, 2)
    qualifier: str = text(120, 1, S, "Qualificatif de la dépense", default="")
    domain: str = text(121, 1, S, "Domaine d'activité", default="")
    amc_cents: int = cents(122, 7, S, "Montant remboursable AMC 5+2", default=0)
