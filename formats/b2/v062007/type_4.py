"""Type 4 — ligne de prestation. Reference §1.3; layout exact for CP, likely for suppliers."""

from datetime import date

from formats.fixedwidth import (
    PLAIN,
    S,
    blank,
    cents,
    constant,
    day,
    digits,
    number,
    record,
    text,
)


@record("4", 128, PLAIN, french="ligne de prestation", source="F")
class ServiceLine:
    """One service and its amounts."""

    _1 = constant(1, 1, "4")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    rank: str = digits(27, 3, S, "Rang du bénéficiaire")
    invoice: str = digits(30, 9, S, "N° de facture")
    treatment: str = digits(39, 2, S, "Mode de traitement", default="00")
    discipline: str = digits(41, 3, S, "Discipline", default="000")
    prescriber: str = digits(44, 9, S, "N° prescripteur + clé")
    origin: str = text(53, 1, S, "Origine de la prescription", default="")
    exemption: str = text(54, 1, S, "Justification d'exonération (acte)", default="")
    prescriber_specialty: str = digits(55, 2, S, "Spécialité du prescripteur", default="00")
    executant: str = digits(57, 9, S, "N° exécutant + clé")
    executant_zone: str = digits(66, 2, S, "Zone tarif exécutant", default="00")
    executant_specialty: str = digits(68, 2, S, "Spécialité exécutant", default="00")
    done_on: date = day(70, S, "Date des soins")
    act: str = text(76, 5, S, "Code acte")
    quantity: int = number(81, 2, S, "Quantité")
    coefficient_hundredths: int = number(83, 6, S, "Coefficient 4+2")
    count: int = number(89, 2, S, "Dénombrement")
    unit_price_cents: int = cents(91, 7, S, "Prix unitaire 5+2")
    base_cents: int = cents(98, 7, S, "Base de remboursement AMO 5+2")
    rate_pct: int = number(105, 3, S, "Taux")
    amo_cents: int = cents(108, 7, S, "Montant remboursable AMO 5+2")
    total_cents: int = cents(115, 7, S, "Montant de la dépense 5+2")
    qualifier: str = text(122, 1, S, "Qualificatif de la dépense", default="")
    amc_cents: int = cents(123, 6, S, "Montant remboursable AMC 4+2", default=0)
