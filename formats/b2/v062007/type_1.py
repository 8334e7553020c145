"""Type 1 — début de lot. Reference §1.3."""

from datetime import date

from formats.fixedwidth import PLAIN, G, M, S, blank, constant, day, digits, record, text


@record("1", 128, PLAIN, french="début de lot", source="C")
class BatchStart:
    """One recipient organism, one numbered batch."""

    _1 = constant(1, 1, "1")
    sender: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 6)
    organism: str = digits(17, 3, S, "Organisme destinataire")
    number: str = digits(20, 3, S, "N° de lot")
    category: str = digits(23, 3, G, "Catégorie", default="000")
    legal_status: str = digits(26, 2, G, "Statut juridique", default="00")
    pricing: str = digits(28, 2, G, "Mode de fixation des tarifs", default="00")
    sender_name: str = text(30, 40, S, "Raison sociale du partenaire de santé")
    _70 = constant(70, 2, "B2", S, "Famille de norme")
    created_on: date = day(72, S, "Date de création du lot")
    nature: str = text(78, 1, M, "Nature du lot", default="")
    norm: str = text(79, 2, G, "Norme")
    _81 = blank(81, 1)
    version: str = digits(82, 6, S, "Version de la norme (MMAAAA)")
    _88 = constant(88, 1, "U", S, "Unité monétaire (euro)")
    _89 = blank(89, 6)
    free: str = text(95, 34, S, "Zone libre", default="")
