"""Type 4E — RPPS du prescripteur et de l'exécutant. Reference §1.3."""

from formats.fixedwidth import PLAIN, S, blank, constant, digits, record, text


@record("4E", 128, PLAIN, french="RPPS du prescripteur et de l'exécutant", source="F")
class LinePractitioners:
    """Only written when an RPPS is known."""

    _1 = constant(1, 1, "4")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    invoice: str = digits(27, 9, S, "N° de facture")
    _36 = constant(36, 1, "E", S, "Complément de type")
    sequence: str = digits(37, 2, S, "Séquence", default="01")
    prescriber_rpps: str = digits(39, 11, S, "RPPS du prescripteur", default="0" * 11)
    prescriber_structure: str = text(50, 14, S, "N° structure de prescription", default="")
    executant_rpps: str = digits(64, 11, S, "RPPS de l'exécutant", default="0" * 11)
    executant_structure: str = text(75, 14, S, "N° structure d'exécution", default="")
    _89 = blank(89, 40)
