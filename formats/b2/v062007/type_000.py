"""Type 000 — début de fichier (toutes normes). Reference §1.3."""

from datetime import date

from formats.fixedwidth import PLAIN, G, S, blank, constant, day, digits, record, text


@record("000", 128, PLAIN, french="début de fichier", source="C", elsewhere={"N": range(68, 83)})
class FileStart:
    """Who sends what to whom."""

    _1 = constant(1, 3, "000")
    sender_type: str = text(4, 2, S, "Type d'émetteur")
    sender: str = digits(6, 14, S, "N° d'émetteur")
    sender_program: str = text(20, 6, S, "Programme émetteur", default="")
    recipient_type: str = text(26, 2, S, "Type de destinataire")
    recipient: str = text(28, 14, S, "N° de destinataire")
    recipient_program: str = text(42, 6, S, "Programme destinataire", default="")
    _48 = constant(48, 2, "TR", S, "Application / type d'échange")
    file_id: str = text(50, 6, S, "Identification du fichier")
    created_on: date = day(56, S, "Date de création du fichier")
    norm: str = text(62, 4, G, "Norme utilisée")
    _66 = constant(66, 2, "B2", S, "Version / famille")
    compression: str = text(68, 1, S, "Compactage", default="")
    encryption: str = text(69, 1, S, "Cryptage", default="")
    currency: str = text(70, 1, S, "Unité monétaire", default="")
    flow: str = text(71, 1, S, "Type de flux", default="")
    _72 = blank(72, 11)
    _83 = constant(83, 3, "128", S, "Longueur d'enregistrement")
    password: str = text(86, 6, S, "Mot de passe", default="", personal=True)
    message: str = text(92, 37, S, "Zone message", default="")
