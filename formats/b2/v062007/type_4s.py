"""Type 4S — complément du type 4. Reference §1.3."""

from datetime import date

from formats.fixedwidth import PLAIN, S, blank, cents, constant, day, digits, record, text


@record("4S", 128, PLAIN, french="complément de ligne", source="F")
class LineSupplement:
    """Prior agreement, place, conditions of exercise."""

    _1 = constant(1, 1, "4")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    invoice: str = digits(27, 9, S, "N° de facture")
    _36 = constant(36, 1, "S", S, "Complément de type")
    sequence: str = digits(37, 2, S, "Séquence", default="01")
    executant_condition: str = text(39, 1, S, "Condition d'exercice exécutant", default="")
    coordination: str = text(40, 1, S, "Option de coordination", default="")
    theoretical_base_cents: int = cents(41, 7, S, "Base théorique 5+2", default=0)
    prescriber_condition: str = text(48, 1, S, "Condition d'exercice prescripteur", default="")
    agreement_asked_on: date | None = day(49, S, "Demande d'accord préalable", default=None)
    agreement: str = digits(55, 1, S, "Code accord préalable")
    _56 = blank(56, 15)
    amo_forced: str = text(71, 1, S, "Forçage tarification AMO", default="")
    place: str = digits(72, 14, S, "Lieu d'exécution", default="0" * 14)
    network: str = digits(86, 14, S, "Filière / réseau", default="0" * 14)
    amc_forced: str = text(100, 1, S, "Forçage AMC", default="")
    package: str = digits(101, 5, S, "N° d'ordre forfait technique", default="0" * 5)
    device: str = digits(106, 14, S, "N° de l'appareil", default="0" * 14)
    ghs: str = digits(120, 4, S, "GHS/GHT/GMT", default="0000")
    domain: str = text(124, 1, S, "Domaine d'activité", default="")
    prevention: str = text(125, 1, S, "Top prévention commune", default="")
    prevention_qualifier: str = text(126, 2, S, "Qualifiant de prévention", default="")
    participation: str = text(128, 1, S, "Code participation assuré", default="")
