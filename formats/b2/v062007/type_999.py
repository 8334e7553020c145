"""Type 999 — fin de fichier. Reference §1.3; columns 86-108 are NOEMIE's, blank in B2."""

from formats.fixedwidth import PLAIN, S, blank, constant, digits, number, record, text


@record("999", 128, PLAIN, french="fin de fichier", source="C", elsewhere={"N": range(64, 109)})
class FileEnd:
    """Counters of a file; columns 4-55 repeat those of the 000."""

    _1 = constant(1, 3, "999")
    sender_type: str = text(4, 2, S, "Type d'émetteur")
    sender: str = digits(6, 14, S, "N° d'émetteur")
    sender_program: str = text(20, 6, S, "Programme émetteur", default="")
    recipient_type: str = text(26, 2, S, "Type de destinataire")
    recipient: str = text(28, 14, S, "N° de destinataire")
    recipient_program: str = text(42, 6, S, "Programme destinataire", default="")
    _48 = constant(48, 2, "TR", S, "Application / type d'échange")
    file_id: str = text(50, 6, S, "Identification du fichier")
    records: int = number(56, 8, S, "Nombre d'enregistrements")
    flow: str = text(64, 1, S, "Type de flux", default="")
    _65 = blank(65, 18)
    batches: int = number(83, 3, S, "Nombre de lots")
    _86 = blank(86, 43)
