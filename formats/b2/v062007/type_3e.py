"""Type 3E — RPPS du prescripteur. Reference §1.3."""

from formats.fixedwidth import PLAIN, S, blank, constant, digits, record, text


@record("3E", 128, PLAIN, french="RPPS du prescripteur", source="F")
class StayPrescriber:
    """Only written when an RPPS is known."""

    _1 = constant(1, 1, "3")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    rank: str = digits(27, 3, S, "Rang du bénéficiaire")
    invoice: str = digits(30, 9, S, "N° de facture")
    _39 = constant(39, 1, "E", S, "Complément de type")
    sequence: str = digits(40, 2, S, "Séquence", default="01")
    prescriber_rpps: str = text(42, 11, S, "RPPS du prescripteur", default="")
    prescriber_structure: str = text(53, 14, S, "N° structure de prescription", default="")
    _67 = blank(67, 62)
