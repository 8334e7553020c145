"""Type 2 — en-tête de facture. Reference §1.3; layout exact for CP, likely for suppliers (§1.2)."""

from datetime import date

from formats.fixedwidth import PLAIN, S, blank, constant, day, digits, record, text


@record("2", 128, PLAIN, french="en-tête de facture", source="F")
class InvoiceStart:
    """Whose invoice, under which rights."""

    _1 = constant(1, 1, "2")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    rank: str = digits(27, 3, S, "Rang du bénéficiaire")
    invoice: str = digits(30, 9, S, "N° de facture")
    operation: str = digits(39, 1, S, "Nature d'opération")
    file_number: str = digits(40, 9, S, "N° de dossier du patient", default="0" * 9)
    scheme: str = digits(49, 2, S, "Code grand régime")
    fund: str = digits(51, 3, S, "N° caisse gestionnaire")
    centre: str = digits(54, 4, S, "N° centre gestionnaire", default="0000")
    rights_proof: str = digits(58, 1, S, "Nature de la pièce justificative des droits")
    cover_agreed_on: date | None = day(59, S, "Prise en charge établie le", default=None)
    rights_since: date | None = day(65, S, "Droits valables à compter du", default=None)
    issued_by: str = digits(71, 3, S, "Délivrée par (caisse)", default="000")
    benefit_scheme: str = digits(74, 3, S, "Régime de prestation", default="000")
    nature: str = digits(77, 2, S, "Nature d'assurance")
    exemption: str = text(79, 1, S, "Justification d'exonération", default="")
    hospital_on: date | None = day(80, S, "Date d'hospitalisation", default=None)
    accident: str = digits(86, 9, S, "N° AT ou date d'accident", default="0" * 9)
    split: str = text(95, 1, S, "Top éclatement des flux", default="")
    birth_date: str = digits(96, 6, S, "Date de naissance du bénéficiaire", personal=True)
    birth_rank: str = digits(102, 1, S, "Rang de naissance", default="0", personal=True)
    entered_on: date | None = day(103, S, "Date d'entrée", default=None)
    left_on: date | None = day(109, S, "Date de sortie", default=None)
    left_hour: str = digits(115, 2, S, "Heure de sortie", default="00")
    amc_contract: str = digits(117, 2, S, "Type de contrat AMC", default="00")
    amc: str = text(119, 10, S, "N° d'organisme complémentaire", default="")
