"""Records of our own SESAM-Vitale layout, 128 bytes each, in the order of a file.

No public description of FSE, DRE and batches exists: what they must say is known (reference §3.2,
groups of the cards and of the invoice to format), where it stands is ours. Every column is a guess.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from formats.fixedwidth import (
    PLAIN,
    G,
    Norm,
    blank,
    cents,
    constant,
    day,
    digits,
    layout,
    number,
    record,
    text,
)


@record("SVF", 128, PLAIN, french="début de fichier", source="E")
class FileStart:
    """Who sends what to whom."""

    _1 = constant(1, 3, "SVF", G)
    sender: str = digits(4, 9, G, "N° de facturation du PS + clé")
    scheme: str = digits(13, 2, G, "Grand régime")
    computing_centre: str = digits(15, 3, G, "Centre informatique")
    organism: str = digits(18, 3, G, "Organisme destinataire")
    file_id: str = text(21, 6, G, "Identification du fichier")
    created_on: date = day(27, G, "Date de création du fichier")
    version: str = text(33, 4, G, "Version du format")
    flow: str = text(37, 1, G, "Type de flux : R réel, T test", default="")
    message: str = text(38, 40, G, "Logiciel et version", default="")
    _78 = blank(78, 51, G)


@record("SVL", 128, PLAIN, french="début de lot", source="E")
class BatchStart:
    """One recipient organism, one numbered batch, one signing card."""

    _1 = constant(1, 3, "SVL", G)
    sender: str = digits(4, 9, G, "N° de facturation du PS + clé")
    organism: str = digits(13, 3, G, "Organisme destinataire")
    batch: str = digits(16, 3, G, "N° de lot 001-999")
    kind: str = text(19, 1, G, "Nature : F lot de FSE, D lot de DRE")
    created_on: date = day(20, G, "Date de création du lot")
    sender_name: str = text(26, 40, G, "Nom ou raison sociale du PS")
    signer_type: str = digits(66, 1, G, "Type d'identification du signataire")
    signer: str = text(67, 12, G, "N° national du signataire du lot")
    _79 = blank(79, 50, G)


@record("FSE", 128, PLAIN, french="en-tête de feuille de soins électronique", source="E")
class SheetStart:
    """A care sheet made with both cards."""

    _1 = constant(1, 3, "FSE", G)
    invoice: str = digits(4, 9, G, "N° de FSE ou de DRE")
    created_on: date = day(13, G, "Date d'élaboration")
    operation: str = digits(19, 1, G, "Nature d'opération", default="1")
    nir: str = text(20, 13, G, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(33, 2, G, "Clé du NIR", personal=True)
    rank: str = digits(35, 3, G, "Rang du bénéficiaire", default="000")
    birth_date: str = digits(38, 6, G, "Date de naissance du bénéficiaire", personal=True)
    birth_rank: str = digits(44, 1, G, "Rang de naissance", default="1", personal=True)
    quality: str = digits(45, 1, G, "Qualité du bénéficiaire", default="0")
    scheme: str = digits(46, 2, G, "Code grand régime")
    fund: str = digits(48, 3, G, "N° caisse gestionnaire")
    centre: str = digits(51, 4, G, "N° centre gestionnaire", default="0000")
    management: str = text(55, 2, G, "Code gestion", default="")
    nature: str = digits(57, 2, G, "Nature d'assurance", default="10")
    exemption: str = text(59, 1, G, "Justification d'exonération", default="0")
    accident: str = digits(60, 9, G, "N° AT ou date d'accident", default="0" * 9)
    rights_proof: str = digits(69, 1, G, "Nature de la pièce justificative", default="4")
    security: str = digits(70, 1, G, "Mode de sécurisation", default="1")
    corrects: str = digits(71, 9, G, "N° de la facture rectifiée", default="0" * 9)
    split: str = text(80, 1, G, "Top éclatement des flux", default="")
    _81 = blank(81, 48, G)


@record("DRE", 128, PLAIN, french="en-tête de demande de remboursement électronique", source="E")
class ClaimStart:
    """What is asked of the complementary organism."""

    _1 = constant(1, 3, "DRE", G)
    invoice: str = digits(4, 9, G, "N° de FSE ou de DRE")
    created_on: date = day(13, G, "Date d'élaboration")
    sheet: str = digits(19, 9, G, "N° de la FSE liée", default="0" * 9)
    nir: str = text(28, 13, G, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(41, 2, G, "Clé du NIR", personal=True)
    rank: str = digits(43, 3, G, "Rang du bénéficiaire", default="000")
    birth_date: str = digits(46, 6, G, "Date de naissance du bénéficiaire", personal=True)
    birth_rank: str = digits(52, 1, G, "Rang de naissance", default="1", personal=True)
    quality: str = digits(53, 1, G, "Qualité du bénéficiaire", default="0")
    scheme: str = digits(54, 2, G, "Code grand régime")
    fund: str = digits(56, 3, G, "N° caisse gestionnaire")
    centre: str = digits(59, 4, G, "N° centre gestionnaire", default="0000")
    nature: str = digits(63, 2, G, "Nature d'assurance", default="10")
    security: str = digits(65, 1, G, "Mode de sécurisation", default="1")
    corrects: str = digits(66, 9, G, "N° de la DRE rectifiée", default="0" * 9)
    _75 = blank(75, 54, G)


@record("CPS", 128, PLAIN, french="professionnel et sa situation (carte CPS)", source="E")
class Provider:
    """Groups 1 and 2 of the CPS."""

    _1 = constant(1, 3, "CPS", G)
    invoice: str = digits(4, 9, G, "N° de FSE ou de DRE")
    card_type: str = digits(13, 1, G, "Type de carte", default="0")
    id_type: str = digits(14, 1, G, "Type d'identification nationale (0 ADELI, 8 RPPS)")
    national_id: str = text(15, 12, G, "N° d'identification nationale et clé")
    situation: str = digits(27, 2, G, "N° logique de situation", default="01")
    practice: str = digits(29, 2, G, "Mode d'exercice", default="00")
    status: str = digits(31, 2, G, "Statut", default="00")
    biller: str = digits(33, 9, G, "N° de facturation + clé")
    convention: str = digits(42, 1, G, "Code conventionnel", default="0")
    specialty: str = digits(43, 2, G, "Spécialité", default="00")
    tariff_zone: str = digits(45, 2, G, "Zone tarifaire", default="00")
    substitute: str = digits(47, 9, G, "N° du remplaçant + clé", default="0" * 9)
    _56 = blank(56, 73, G)


@record("VIT", 128, PLAIN, french="droits du bénéficiaire (carte Vitale)", source="E")
class Rights:
    """Groups 101 to 106 of the Vitale card."""

    _1 = constant(1, 3, "VIT", G)
    invoice: str = digits(4, 9, G, "N° de FSE ou de DRE")
    card_type: str = digits(13, 1, G, "Type de carte", default="0")
    card_serial: str = text(14, 16, G, "N° de série de la carte", default="", personal=True)
    card_until: date | None = day(30, G, "Fin de validité de la carte", default=None)
    own_nir: str = text(36, 13, G, "NIR certifié du bénéficiaire", default="", personal=True)
    own_nir_key: str = digits(49, 2, G, "Clé du NIR certifié", default="00", personal=True)
    long_illness: str = digits(51, 1, G, "Code ALD", default="0")
    situation: str = digits(52, 4, G, "Code situation", default="0000")
    service: str = digits(56, 2, G, "Code service AMO", default="00")
    rights_since: date | None = day(58, G, "Début des droits AMO", default=None)
    rights_until: date | None = day(64, G, "Fin des droits AMO, incluse", default=None)
    cover_since: date | None = day(70, G, "Début du code couverture", default=None)
    cover_until: date | None = day(76, G, "Fin du code couverture, incluse", default=None)
    _82 = blank(82, 47, G)


@record("AMC", 128, PLAIN, french="organisme complémentaire", source="E")
class Complementary:
    """Groups 107 to 109 of the Vitale card."""

    _1 = constant(1, 3, "AMC", G)
    invoice: str = digits(4, 9, G, "N° de FSE ou de DRE")
    amc: str = text(13, 10, G, "N° de complémentaire B2")
    member: str = text(23, 15, G, "N° d'adhérent", default="", personal=True)
    contract: str = digits(38, 2, G, "Type de contrat", default="00")
    treatment: str = digits(40, 2, G, "Indicateur de traitement", default="00")
    routing: str = text(42, 2, G, "Code de routage", default="")
    host: str = text(44, 3, G, "Identifiant hôte", default="")
    domain: str = text(47, 20, G, "Nom de domaine", default="")
    services_type: str = text(67, 1, G, "Type de services", default="")
    services: str = text(68, 17, G, "Services associés", default="")
    since: date | None = day(85, G, "Début du contrat", default=None)
    until: date | None = day(91, G, "Fin du contrat, incluse", default=None)
    _97 = blank(97, 32, G)


@record("ACT", 128, PLAIN, french="prestation", source="E")
class Service:
    """One service and its amounts."""

    _1 = constant(1, 3, "ACT", G)
    invoice: str = digits(4, 9, G, "N° de FSE ou de DRE")
    line: str = digits(13, 3, G, "N° de prestation")
    done_on: date = day(16, G, "Date des soins")
    act: str = text(22, 5, G, "Code acte")
    quantity: int = number(27, 3, G, "Quantité")
    coefficient_hundredths: int = number(30, 6, G, "Coefficient 4+2", default=100)
    count: int = number(36, 2, G, "Dénombrement", default=1)
    unit_price_cents: int = cents(38, 8, G, "Prix unitaire 6+2")
    base_cents: int = cents(46, 8, G, "Base de remboursement AMO 6+2")
    rate_pct: int = number(54, 3, G, "Taux")
    amo_cents: int = cents(57, 8, G, "Montant remboursable AMO 6+2")
    total_cents: int = cents(65, 8, G, "Montant de la dépense 6+2")
    amc_cents: int = cents(73, 8, G, "Montant remboursable AMC 6+2", default=0)
    qualifier: str = text(81, 1, G, "Qualificatif de la dépense", default="")
    exemption: str = text(82, 1, G, "Justification d'exonération (acte)", default="")
    prescriber: str = digits(83, 9, G, "N° prescripteur + clé", default="0" * 9)
    prescriber_rpps: str = digits(92, 11, G, "RPPS du prescripteur", default="0" * 11)
    prescribed_on: date | None = day(103, G, "Date de prescription", default=None)
    agreement: str = digits(109, 1, G, "Code accord préalable", default="0")
    agreement_asked_on: date | None = day(110, G, "Demande d'accord préalable", default=None)
    origin: str = text(116, 1, G, "Origine de la prescription", default="")
    _117 = blank(117, 12, G)


@record("LPP", 128, PLAIN, french="codage affiné LPP", source="E")
class Product:
    """One LPP code of a service."""

    _1 = constant(1, 3, "LPP", G)
    invoice: str = digits(4, 9, G, "N° de FSE ou de DRE")
    line: str = digits(13, 3, G, "N° de prestation")
    sequence: str = digits(16, 2, G, "Séquence 01-99")
    code: str = digits(18, 7, G, "Code LPP")
    siret: str = text(25, 14, G, "SIRET fabricant / importateur", default="")
    quantity: int = number(39, 3, G, "Quantité")
    price_cents: int = cents(42, 8, G, "Tarif de référence ou prix unitaire 6+2")
    total_cents: int = cents(50, 8, G, "Montant total facturé TTC 6+2")
    kind: str = text(58, 1, G, "Type de prestation LPP")
    first_day: date = day(59, G, "Date de début")
    last_day: date | None = day(65, G, "Date de fin de location, incluse", default=None)
    sale_price_cents: int = cents(71, 8, G, "Prix de vente unitaire TTC 6+2", default=0)
    _79 = blank(79, 50, G)


@record("FIN", 128, PLAIN, french="fin de FSE ou de DRE", source="E")
class SheetEnd:
    """Counter and totals of a sheet or claim."""

    _1 = constant(1, 3, "FIN", G)
    invoice: str = digits(4, 9, G, "N° de FSE ou de DRE")
    services: int = number(13, 3, G, "Nombre de prestations")
    total_cents: int = cents(16, 9, G, "Total des dépenses 7+2")
    amo_cents: int = cents(25, 9, G, "Total remboursable AMO 7+2")
    amc_cents: int = cents(34, 9, G, "Total remboursable AMC 7+2")
    insured_cents: int = cents(43, 9, G, "Reste à la charge de l'assuré 7+2")
    _52 = blank(52, 77, G)


@record("SVM", 128, PLAIN, french="fin de lot", source="E")
class BatchEnd:
    """Counters and totals of a batch."""

    _1 = constant(1, 3, "SVM", G)
    batch: str = digits(4, 3, G, "N° de lot")
    sheets: int = number(7, 4, G, "Nombre de FSE ou de DRE")
    records: int = number(11, 8, G, "Nombre d'enregistrements du lot, SVL et SVM compris")
    total_cents: int = cents(19, 11, G, "Total des dépenses 9+2")
    amo_cents: int = cents(30, 11, G, "Total AMO 9+2")
    amc_cents: int = cents(41, 11, G, "Total AMC 9+2")
    _52 = blank(52, 77, G)


@record("SVZ", 128, PLAIN, french="fin de fichier", source="E")
class FileEnd:
    """Counters of a file."""

    _1 = constant(1, 3, "SVZ", G)
    sender: str = digits(4, 9, G, "N° de facturation du PS + clé")
    file_id: str = text(13, 6, G, "Identification du fichier")
    batches: int = number(19, 3, G, "Nombre de lots")
    records: int = number(22, 8, G, "Nombre d'enregistrements du fichier")
    _30 = blank(30, 99, G)


RECORDS: Final[tuple[type, ...]] = (
    FileStart,
    BatchStart,
    SheetStart,
    ClaimStart,
    Provider,
    Rights,
    Complementary,
    Service,
    Product,
    SheetEnd,
    BatchEnd,
    FileEnd,
)
"""Record classes in the order of a file."""

OURS: Final = Norm("ECH1", "format Échéance, première version", tuple(map(layout, RECORDS)))
"""A layout of the GIE becomes a second norm here."""

VERSIONS: Final = {OURS.name: OURS}
"""By the name that SVF prints."""
