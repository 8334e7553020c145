"""Every entity of a NOEMIE PS return, one class each, in the order of their numbers.

Columns: reference page §2.3, all seen in a source. An entity is closed by `@`, except 000 and 999.
Funds leave facultative fields out in their own ways, so little is mandatory here: only what a
result can't do without. The level of break isn't judged: it depends on the reference (§2.1).
"""

from __future__ import annotations

from datetime import date

from formats.fixedwidth import (
    LATIN,
    Charset,
    G,
    S,
    cents,
    constant,
    day,
    digits,
    number,
    record,
    text,
)

RETURNS = Charset(LATIN.allowed - {ord("@")}, plain=False)
"""Printable Latin-1 but `@`, which closes entities."""


@record("000", 128, RETURNS, french="en-tête", source="N")
class FileStart:
    """Entité 000 — en-tête."""

    _1 = constant(1, 3, "000")
    sender_type: str = text(4, 2, S, "Type d'émetteur")
    sender: str = digits(6, 14, S, "Numéro d'émetteur")
    sender_program: str = text(20, 6, S, "Programme émetteur", default="")
    recipient_type: str = text(26, 2, S, "Type de destinataire")
    recipient: str = text(28, 14, S, "Numéro de destinataire")
    recipient_program: str = text(42, 6, S, "Programme destinataire", default="")
    application: str = text(48, 2, S, "Application-type d'échange", default="")
    file_id: str = text(50, 6, S, "Identification du fichier")
    created_on: date | None = day(56, S, "Date de création du fichier", default=None)
    norm: str = text(62, 4, S, "Norme utilisée - référence de l'échange")
    version: str = text(66, 2, S, "Version utilisée", default="")
    compression: str = text(68, 1, S, "Compactage", default="")
    encryption: str = text(69, 1, S, "Cryptage", default="")
    currency: str = text(70, 1, S, "Unité monétaire", default="")
    flow: str = text(71, 1, S, "Type de flux", default="")
    blank_72: str = text(72, 11, S, "Blanc", default="")
    length: str = digits(83, 3, S, "Longueur d'enregistrement", default="000")
    password: str = text(86, 6, S, "Mot de passe", default="", personal=True)
    message: str = text(92, 37, S, "Zone message", default="")


@record("010", 14, RETURNS, french="organisme complémentaire", source="N")
class ComplementaryOrganism:
    """Entité 010 — organisme complémentaire."""

    _1 = constant(1, 3, "010")
    level: str = digits(4, 2, S, "Niveau de rupture")
    organism: str = digits(6, 7, S, "Numéro d'organisme complémentaire", default="0" * 7)
    organism_key: str = digits(13, 1, S, "Clé du numéro d'organisme complémentaire", default="0")
    _14 = constant(14, 1, "@", S, "Délimiteur fin d'entité")


@record("020", 21, RETURNS, french="mandataire", source="N")
class Agent:
    """Entité 020 — mandataire."""

    _1 = constant(1, 3, "020")
    level: str = digits(4, 2, S, "Niveau de rupture")
    payee: str = digits(6, 15, S, "Numéro de destinataire de règlement", default="0" * 15)
    _21 = constant(21, 1, "@", S, "Délimiteur fin d'entité")


@record("040", 21, RETURNS, french="destinataire de règlement", source="N")
class Payee:
    """Entité 040 — destinataire de règlement."""

    _1 = constant(1, 3, "040")
    level: str = digits(4, 2, S, "Niveau de rupture")
    payee: str = digits(6, 15, S, "Numéro de destinataire de règlement", default="0" * 15)
    _21 = constant(21, 1, "@", S, "Délimiteur fin d'entité")


@record("070", 12, RETURNS, french="date comptable", source="N")
class AccountingDay:
    """Entité 070 — date comptable."""

    _1 = constant(1, 3, "070")
    level: str = digits(4, 2, S, "Niveau de rupture")
    made_on: date | None = day(6, S, "Date de la journée comptable", default=None)
    _12 = constant(12, 1, "@", S, "Délimiteur fin d'entité")


@record("071", 86, RETURNS, french="date comptable et référence du virement", source="N")
class TransferStart:
    """Entité 071 — date comptable et référence du virement."""

    _1 = constant(1, 3, "071")
    level: str = digits(4, 2, S, "Niveau de rupture")
    made_on: date | None = day(
        6, S, "Date de la journée comptable ou date d'émission du virement", default=None
    )
    label: str = text(12, 32, S, "Libellé du virement - ligne 1")
    label_2: str = text(44, 32, S, "Libellé du virement - ligne 2", default="")
    payer: str = text(76, 10, S, "Organisme payeur", default="")
    _86 = constant(86, 1, "@", S, "Délimiteur fin d'entité")


@record("080", 15, RETURNS, french="lot", source="N")
class Lot:
    """Entité 080 — lot."""

    _1 = constant(1, 3, "080")
    level: str = digits(4, 2, S, "Niveau de rupture")
    created_on: date | None = day(6, S, "Date de constitution du lot", default=None)
    number: str = digits(12, 3, S, "Numéro de lot", default="000")
    _15 = constant(15, 1, "@", S, "Délimiteur fin d'entité")


@record("081", 22, RETURNS, french="type de retour", source="N")
class ReturnType:
    """Entité 081 — type de retour."""

    _1 = constant(1, 3, "081")
    level: str = digits(4, 2, S, "Niveau de rupture")
    code: str = digits(6, 2, S, "Code du type de retour", default="00")
    place: str = text(8, 14, S, "Numéro du lieu d'exécution de l'acte", default="")
    _22 = constant(22, 1, "@", S, "Délimiteur fin d'entité")


@record("100", 15, RETURNS, french="facture", source="N")
class OldInvoice:
    """Entité 100 — facture."""

    _1 = constant(1, 3, "100")
    level: str = digits(4, 2, S, "Niveau de rupture")
    number: str = digits(6, 9, S, "Numéro de facture", default="0" * 9)
    _15 = constant(15, 1, "@", S, "Délimiteur fin d'entité")


@record("102", 40, RETURNS, french="facture", source="N")
class InvoiceStart:
    """Entité 102 — facture."""

    _1 = constant(1, 3, "102")
    level: str = digits(4, 2, S, "Niveau de rupture")
    number: str = text(6, 9, S, "N° de facture")
    complement: str = text(15, 6, S, "Complément au n° de facture", default="")
    lot: str = text(21, 3, S, "N° de lot", default="")
    lot_date: date | None = day(24, S, "Date de création du lot", default=None)
    kind: str = text(30, 1, S, "Type de facture")
    invoice_date: date | None = day(31, S, "Date de facturation", default=None)
    amc_treatment: str = text(37, 1, S, "Traitement effectué sur la part AMC", default="")
    nature: str = text(38, 2, S, "Nature d'assurance", default="")
    _40 = constant(40, 1, "@", S, "Délimiteur fin d'entité")


@record("103", 152, RETURNS, french="assuré et bénéficiaire", source="N")
class Person:
    """Entité 103 — assuré et bénéficiaire."""

    _1 = constant(1, 3, "103")
    level: str = digits(4, 2, S, "Niveau de rupture")
    nir: str = text(6, 13, S, "N° immatriculation", personal=True)
    nir_key: str = digits(19, 2, S, "Clé du numéro d'immatriculation", personal=True)
    birth_name: str = text(21, 25, S, "Nom patronymique", default="", personal=True)
    used_name: str = text(46, 25, S, "Nom d'usage", default="", personal=True)
    first_name: str = text(71, 15, S, "Prénom", default="", personal=True)
    own_nir: str = text(86, 13, S, "N° immatriculation individuel", default="", personal=True)
    own_nir_key: str = digits(
        99, 2, S, "Clé du numéro d'immatriculation individuel", default="00", personal=True
    )
    birth_date: str = digits(101, 6, S, "Date de naissance", default="000000", personal=True)
    birth_rank: str = digits(107, 1, S, "Rang de naissance", default="0", personal=True)
    own_name: str = text(108, 25, S, "Nom", default="", personal=True)
    own_first_name: str = text(133, 15, S, "Prénom", default="", personal=True)
    unit: str = digits(148, 4, S, "Unité de gestion de rattachement", default="0" * 4)
    _152 = constant(152, 1, "@", S, "Délimiteur fin d'entité")


@record("110", 88, RETURNS, french="assuré", source="N")
class Insured:
    """Entité 110 — assuré."""

    _1 = constant(1, 3, "110")
    level: str = digits(4, 2, S, "Niveau de rupture")
    nir: str = text(6, 13, S, "Numéro de sécurité sociale", personal=True)
    nir_key: str = digits(19, 2, S, "Clé du numéro de sécurité sociale", personal=True)
    name_kind: str = text(21, 1, S, "Nature du nom", default="")
    name: str = text(22, 25, S, "Nom du bénéficiaire", default="", personal=True)
    blank_47: str = text(47, 26, S, "Blanc", default="")
    first_name: str = text(73, 15, S, "Prénom du bénéficiaire", default="", personal=True)
    _88 = constant(88, 1, "@", S, "Délimiteur fin d'entité")


@record("120", 57, RETURNS, french="malade", source="N")
class Patient:
    """Entité 120 — malade."""

    _1 = constant(1, 3, "120")
    level: str = digits(4, 2, S, "Niveau de rupture")
    birth_date: str = digits(
        6, 6, S, "Date de naissance du bénéficiaire", default="000000", personal=True
    )
    rank: str = text(12, 1, S, "Rang du bénéficiaire", default="")
    name: str = text(13, 25, S, "Nom du malade", default="", personal=True)
    first_name: str = text(38, 15, S, "Prénom du malade", default="", personal=True)
    unit: str = text(53, 4, S, "Unité de gestion de rattachement", default="")
    _57 = constant(57, 1, "@", S, "Délimiteur fin d'entité")


@record("150", 8, RETURNS, french="nature d'assurance", source="N")
class Nature:
    """Entité 150 — nature d'assurance."""

    _1 = constant(1, 3, "150")
    level: str = digits(4, 2, S, "Niveau de rupture")
    nature: str = text(6, 2, S, "Nature de l'assurance", default="")
    _8 = constant(8, 1, "@", S, "Délimiteur fin d'entité")


@record("160", 23, RETURNS, french="critère d'archivage", source="N")
class Archive:
    """Entité 160 — critère d'archivage."""

    _1 = constant(1, 3, "160")
    level: str = digits(4, 2, S, "Niveau de rupture")
    number: str = digits(6, 17, S, "Numéro d'archivage", default="0" * 17)
    _23 = constant(23, 1, "@", S, "Délimiteur fin d'entité")


@record("198", 24, RETURNS, french="part AMO", source="N")
class AmoShare:
    """Entité 198 — part AMO."""

    _1 = constant(1, 3, "198")
    level: str = digits(4, 2, S, "Niveau de rupture")
    requested_cents: int = cents(6, 8, S, "Montant AMO demandé", default=0)
    state: str = text(14, 1, S, "État paiement part AMO", default="")
    paid_cents: int = cents(15, 8, S, "Montant AMO payé", default=0)
    sign: str = text(23, 1, S, "Signe du montant AMO payé", default="")
    _24 = constant(24, 1, "@", S, "Délimiteur fin d'entité")


@record("199", 49, RETURNS, french="part AMC", source="N")
class AmcShare:
    """Entité 199 — part AMC."""

    _1 = constant(1, 3, "199")
    level: str = digits(4, 2, S, "Niveau de rupture")
    requested_cents: int = cents(6, 8, S, "Montant AMC demandé", default=0)
    state: str = text(14, 1, S, "État paiement part AMC", default="")
    paid_cents: int = cents(15, 8, S, "Montant AMC payé", default=0)
    sign: str = text(23, 1, S, "Signe du montant AMC payé", default="")
    amc: str = digits(24, 10, S, "N° AMC destinataire", default="0" * 10)
    member: str = text(34, 15, S, "N° identification AMC de l'adhérent", default="", personal=True)
    _49 = constant(49, 1, "@", S, "Délimiteur fin d'entité")


@record("210", 118, RETURNS, french="acte professionnel", source="N")
class Act:
    """Entité 210 — acte professionnel."""

    _1 = constant(1, 3, "210")
    level: str = digits(4, 2, S, "Niveau de rupture")
    line: int = number(6, 2, S, "N° de ligne", default=0)
    technical: str = digits(8, 2, S, "Code gestion technique pour régime", default="00")
    exemption: str = text(10, 1, S, "Justification pour exonération", default="")
    treatment: str = digits(11, 2, S, "Mode de traitement", default="00")
    discipline: str = digits(13, 3, S, "Discipline médico-tarifaire", default="000")
    prescribed_on: date | None = day(16, S, "Date de prescription d'un acte", default=None)
    first_day: date | None = day(22, S, "Date des soins ou date début", default=None)
    last_day: date | None = day(28, S, "Date de fin de soins", default=None)
    unit_price_cents: int = cents(34, 8, S, "Prix unitaire d'un acte", default=0)
    base_cents: int = cents(42, 8, S, "Base de remboursement d'un acte", default=0)
    rate_pct: int = number(50, 3, S, "Taux de remboursement", default=0)
    paid_cents: int = cents(53, 8, S, "Montant remboursé", default=0)
    sign: str = text(61, 1, S, "Signe de l'acte", default="")
    act: str = text(62, 3, S, "Nature de la prestation", default="")
    act_complement: str = text(65, 2, S, "Code complémentaire à la nature d'acte", default="")
    quantity: int = number(67, 3, S, "Quantité d'actes", default=0)
    coefficient: int = number(70, 5, S, "Coefficient de l'acte", default=0)
    count: int = number(75, 3, S, "Dénombrement des actes", default=0)
    total_cents: int = cents(78, 8, S, "Montant de la dépense", default=0)
    qualifier: str = text(86, 2, S, "Qualificatif de la dépense", default="")
    local_rate_pct: int = number(88, 3, S, "Taux complémentaire Alsace/Moselle", default=0)
    local_cents: int = cents(91, 8, S, "Montant complémentaire Alsace/Moselle", default=0)
    amc_rate_pct: int = number(99, 3, S, "Taux part complémentaire Mutuelle", default=0)
    amc_cents: int = cents(102, 8, S, "Montant part complémentaire", default=0)
    amc_base_cents: int = cents(110, 8, S, "Base remboursement Mutuelle", default=0)
    _118 = constant(118, 1, "@", S, "Délimiteur fin d'entité")


@record("220", 118, RETURNS, french="frais hospitaliers", source="N")
class Stay:
    """Entité 220 — frais hospitaliers."""

    _1 = constant(1, 3, "220")
    level: str = digits(4, 2, S, "Niveau de rupture")
    line: int = number(6, 2, S, "N° de ligne", default=0)
    technical: str = digits(8, 2, S, "Code gestion technique pour régime", default="00")
    exemption: str = text(10, 1, S, "Justification pour exonération", default="")
    treatment: str = digits(11, 2, S, "Mode de traitement", default="00")
    discipline: str = digits(13, 3, S, "Discipline médico-tarifaire", default="000")
    first_day: date | None = day(16, S, "Date des soins ou date début", default=None)
    last_day: date | None = day(22, S, "Date de fin de soins", default=None)
    unit_price_cents: int = cents(28, 8, S, "Prix unitaire d'un acte", default=0)
    base_cents: int = cents(36, 8, S, "Base de remboursement d'un acte", default=0)
    rate_pct: int = number(44, 3, S, "Taux de remboursement", default=0)
    paid_cents: int = cents(47, 8, S, "Montant remboursé", default=0)
    sign: str = text(55, 1, S, "Signe de l'acte", default="")
    act: str = text(56, 3, S, "Nature de la prestation", default="")
    act_complement: str = text(59, 2, S, "Code complémentaire à la nature d'acte", default="")
    quantity: int = number(61, 3, S, "Quantité d'actes", default=0)
    coefficient: int = number(64, 5, S, "Coefficient de l'acte", default=0)
    count: int = number(69, 3, S, "Dénombrement des actes", default=0)
    total_cents: int = cents(72, 8, S, "Montant de la dépense", default=0)
    qualifier: str = text(80, 2, S, "Qualificatif de la dépense", default="")
    stay_coefficient: int = number(82, 5, S, "Coefficient global pour hospitalisation", default=0)
    package: str = digits(87, 1, S, "Code forfait à générer", default="0")
    local_rate_pct: int = number(88, 3, S, "Taux complémentaire Alsace/Moselle", default=0)
    local_cents: int = cents(91, 8, S, "Montant complémentaire Alsace/Moselle", default=0)
    amc_rate_pct: int = number(99, 3, S, "Taux part complémentaire Mutuelle", default=0)
    amc_cents: int = cents(102, 8, S, "Montant part complémentaire", default=0)
    amc_base_cents: int = cents(110, 8, S, "Base remboursement Mutuelle", default=0)
    _118 = constant(118, 1, "@", S, "Délimiteur fin d'entité")


@record("250", 47, RETURNS, french="mouvement financier - retenue", source="N")
class DebtMovement:
    """Entité 250 — mouvement financier - retenue."""

    _1 = constant(1, 3, "250")
    level: str = digits(4, 2, S, "Niveau de rupture")
    line: int = number(6, 2, S, "Numéro de ligne pour noemie", default=0)
    reference: str = text(8, 10, S, "Référence de la dette")
    recorded_on: date | None = day(18, S, "Date d'enregistrement de la dette", default=None)
    nature: str = text(24, 3, S, "Nature de la dette")
    operation: str = text(27, 3, S, "Nature des opérations de récupération")
    amount_cents: int = cents(30, 8, S, "Montant du mouvement financier", default=0)
    sign: str = text(38, 1, S, "Signe de l'acte", default="")
    balance_cents: int = cents(39, 8, S, "Montant du solde d'une dette", default=0)
    _47 = constant(47, 1, "@", S, "Délimiteur fin d'entité")


@record("261", 19, RETURNS, french="paiements ponctuels ou forfaitaires", source="N")
class LumpPayment:
    """Entité 261 — paiements ponctuels ou forfaitaires."""

    _1 = constant(1, 3, "261")
    level: str = digits(4, 2, S, "Niveau de rupture")
    code: str = digits(6, 5, S, "Code paiement ponctuel ou forfaitaire", default="0" * 5)
    amount_cents: int = cents(11, 8, S, "Montant paiement ponctuel ou forfaitaire", default=0)
    _19 = constant(19, 1, "@", S, "Délimiteur fin d'entité")


@record("262", 134, RETURNS, french="détail paiement ponctuel ou forfaitaire", source="N")
class LumpDetail:
    """Entité 262 — détail paiement ponctuel ou forfaitaire."""

    _1 = constant(1, 3, "262")
    level: str = digits(4, 2, S, "Niveau de rupture")
    code: str = text(6, 5, S, "Codification", default="")
    label: str = text(11, 80, S, "Libellé associé", default="")
    nir: str = text(91, 13, S, "N° d'immatriculation", default="", personal=True)
    nir_key: str = digits(104, 2, S, "Clé du numéro d'immatriculation", default="00", personal=True)
    birth_date: str = digits(106, 6, S, "Date de naissance", default="000000", personal=True)
    birth_rank: str = digits(112, 1, S, "Rang de naissance", default="0", personal=True)
    period: str = text(113, 1, S, "Période", default="")
    first_day: date | None = day(114, S, "Date début période", default=None)
    last_day: date | None = day(120, S, "Date fin période", default=None)
    amount_cents: int = cents(126, 8, S, "Montant", default=0)
    _134 = constant(134, 1, "@", S, "Délimiteur fin d'entité")


@record("290", 98, RETURNS, french="rejet ou signalement", source="N")
class OldRejection:
    """Entité 290 — rejet ou signalement."""

    _1 = constant(1, 3, "290")
    level: str = digits(4, 2, S, "Niveau de rupture")
    line: int = number(6, 2, S, "N° de ligne", default=0)
    code: str = text(8, 10, S, "Codification")
    label: str = text(18, 80, S, "Libellé", default="")
    _98 = constant(98, 1, "@", S, "Délimiteur fin d'entité")


@record("294", 153, RETURNS, french="ligne rejet", source="N")
class Rejection:
    """Entité 294 — ligne rejet."""

    _1 = constant(1, 3, "294")
    level: str = digits(4, 2, S, "Niveau de rupture")
    code: str = text(6, 4, S, "Codification du rejet")
    label: str = text(10, 86, S, "Libellé du rejet")
    rejection_level: str = text(96, 1, S, "Niveau de rejet")
    share: str = text(97, 1, S, "Part concernée")
    act: str = text(98, 5, S, "Nature de prestation concernée", default="")
    done_on: date | None = day(103, S, "Date des soins", default=None)
    executant: str = digits(109, 9, S, "N° exécutant", default="0" * 9)
    line: int = number(118, 3, S, "N° de ligne", default=0)
    rank: int = number(121, 2, S, "Rang du rejet", default=0)
    complement: str = text(123, 30, S, "Information complémentaire sur le rejet", default="")
    _153 = constant(153, 1, "@", S, "Délimiteur fin d'entité")


@record("295", 135, RETURNS, french="ligne commentaire", source="N")
class Comment:
    """Entité 295 — ligne commentaire."""

    _1 = constant(1, 3, "295")
    level: str = digits(4, 2, S, "Niveau de rupture")
    code: str = text(6, 1, S, "Code commentaire", default="")
    comment: str = text(7, 128, S, "Commentaire")
    _135 = constant(135, 1, "@", S, "Délimiteur fin d'entité")


@record("990", 43, RETURNS, french="entité de contrôle", source="N")
class Control:
    """Entité 990 — entité de contrôle."""

    _1 = constant(1, 3, "990")
    level: str = digits(4, 2, S, "Niveau de rupture")
    closed: str = text(6, 17, G, "Identification du niveau de rupture", default="")
    count: int = number(23, 8, G, "Compteur du niveau inférieur dans la hiérarchie", default=0)
    amount_cents: int = cents(31, 11, S, "Cumul des montants de niveau inférieur", default=0)
    sign: str = text(42, 1, S, "Signe de l'acte", default="")
    _43 = constant(43, 1, "@", S, "Délimiteur fin d'entité")


@record("999", 128, RETURNS, french="fin de fichier", source="N")
class FileEnd:
    """Entité 999 — fin de fichier."""

    _1 = constant(1, 3, "999")
    sender_type: str = text(4, 2, S, "Type d'émetteur", default="")
    sender: str = digits(6, 14, S, "Numéro d'émetteur")
    sender_program: str = text(20, 6, S, "Programme émetteur", default="")
    recipient_type: str = text(26, 2, S, "Type de destinataire", default="")
    recipient: str = text(28, 14, S, "Numéro de destinataire")
    recipient_program: str = text(42, 6, S, "Programme destinataire", default="")
    application: str = text(48, 2, S, "Application-type d'échange", default="")
    file_id: str = text(50, 6, S, "Identification du fichier")
    records: int = number(56, 8, S, "Nombre d'enregistrements", default=0)
    flow: str = text(64, 1, S, "Type de flux", default="")
    blank_65: str = text(65, 18, S, "Blanc", default="")
    batches: int = number(83, 3, S, "Nombre de lots", default=0)
    amount_cents: int = cents(86, 11, S, "Cumul des montants du fichier", default=0)
    sign: str = text(97, 1, S, "Signe du montant du fichier", default="")
    other_cents: int = cents(
        98, 11, S, "Cumul des montants du fichier dans l'autre monnaie", default=0
    )
    blank_109: str = text(109, 20, S, "Blanc", default="")


ENTITIES: dict[str, type] = {
    "000": FileStart,
    "010": ComplementaryOrganism,
    "020": Agent,
    "040": Payee,
    "070": AccountingDay,
    "071": TransferStart,
    "080": Lot,
    "081": ReturnType,
    "100": OldInvoice,
    "102": InvoiceStart,
    "103": Person,
    "110": Insured,
    "120": Patient,
    "150": Nature,
    "160": Archive,
    "198": AmoShare,
    "199": AmcShare,
    "210": Act,
    "220": Stay,
    "250": DebtMovement,
    "261": LumpPayment,
    "262": LumpDetail,
    "290": OldRejection,
    "294": Rejection,
    "295": Comment,
    "990": Control,
    "999": FileEnd,
}
"""Entity classes by number."""
