"""Type 4M — codage affiné CCAM. Reference §1.3 (summary)."""

from datetime import date

from formats.fixedwidth import PLAIN, S, blank, constant, day, digits, record, text


@record("4M", 128, PLAIN, french="codage affiné CCAM", source="F")
class LineProcedure:
    """One procedure of the CCAM."""

    _1 = constant(1, 1, "4")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    invoice: str = digits(27, 9, S, "N° de facture")
    _36 = constant(36, 1, "M", S, "Complément de type")
    sequence: str = digits(37, 2, S, "Séquence", default="01")
    _39 = blank(39, 4, S, "Réservé SESAM")
    code: str = text(43, 13, S, "Code CCAM")
    documentation: str = text(56, 1, S, "Extension documentaire", default="")
    activity: str = text(57, 1, S, "Code activité", default="")
    phase: str = text(58, 1, S, "Code phase", default="")
    modifiers: str = text(59, 4, S, "Modificateurs, sans trou", default="")
    association: str = text(63, 1, S, "Code association", default="")
    conditional: str = text(64, 1, S, "Remboursement sous condition", default="")
    done_on: date = day(65, S, "Date de la séance")
    teeth: str = text(71, 32, S, "N° de dents, 16 de 2 caractères", default="")
    charge_supplement: str = text(103, 1, S, "Supplément de charge", default="")
    amc_modifiers: str = text(104, 4, S, "Modificateurs OC", default="")
    _108 = blank(108, 21)
