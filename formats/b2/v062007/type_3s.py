"""Type 3S — complément du type 3. Reference §1.3."""

from datetime import date

from formats.fixedwidth import PLAIN, S, blank, constant, day, digits, record, text


@record("3S", 128, PLAIN, french="complément de prestation hospitalière", source="F")
class StaySupplement:
    """Prescriber, prior agreement, place."""

    _1 = constant(1, 1, "3")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    rank: str = digits(27, 3, S, "Rang du bénéficiaire")
    invoice: str = digits(30, 9, S, "N° de facture")
    _39 = constant(39, 1, "S", S, "Complément de type")
    sequence: str = digits(40, 2, S, "Séquence", default="01")
    prescriber: str = digits(42, 9, S, "N° prescripteur")
    prescriber_condition: str = text(51, 1, S, "Condition d'exercice prescripteur", default="")
    prescriber_specialty: str = digits(52, 2, S, "Spécialité du prescripteur salarié", default="00")
    prescribed_on: date = day(54, S, "Date de prescription")
    agreement_asked_on: date | None = day(60, S, "Demande d'accord préalable", default=None)
    agreement: str = digits(66, 1, S, "Code accord préalable")
    place: str = digits(67, 14, S, "Lieu d'exécution ou de transfert", default="0" * 14)
    ending: str = text(81, 1, S, "Nature d'interruption ou de fin de séjour", default="")
    network: str = digits(82, 14, S, "Filière / réseau", default="0" * 14)
    package: str = digits(96, 5, S, "N° d'ordre forfait technique", default="0" * 5)
    device: str = digits(101, 14, S, "N° de l'appareil", default="0" * 14)
    origin: str = text(115, 1, S, "Origine de la prescription", default="")
    _116 = blank(116, 13)
