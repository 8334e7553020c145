"""Type 2S — complément d'en-tête de facture. Reference §1.3."""

from formats.fixedwidth import PLAIN, S, blank, constant, digits, record, text


@record("2S", 128, PLAIN, french="complément d'en-tête de facture", source="F")
class InvoiceSupplement:
    """The beneficiary's own NIR and the attending doctor."""

    _1 = constant(1, 1, "2")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    rank: str = digits(27, 3, S, "Rang du bénéficiaire")
    invoice: str = digits(30, 9, S, "N° de facture")
    _39 = constant(39, 1, "S", S, "Complément de type")
    sequence: str = digits(40, 2, S, "Séquence", default="01")
    title: str = digits(42, 6, S, "Complément au n° de titre", default="0" * 6)
    payee: str = digits(48, 2, S, "Destinataire du règlement", default="00")
    own_nir: str = text(50, 13, S, "NIR individuel", default="", personal=True)
    own_nir_key: str = digits(63, 2, S, "Clé NIR individuel", default="00", personal=True)
    _65 = blank(65, 6)
    doctor_declared: str = text(71, 1, S, "Top déclaration médecin traitant", default="")
    doctor_name: str = text(72, 25, S, "Nom du médecin", default="", personal=True)
    doctor_first_name: str = text(97, 15, S, "Prénom du médecin", default="", personal=True)
    doctor: str = digits(112, 9, S, "N° AM du médecin traitant", default="0" * 9)
    pathway: str = text(121, 1, S, "Indicateur du parcours de soins", default="")
    _122 = blank(122, 7)
