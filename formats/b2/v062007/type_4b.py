"""Type 4B — codage affiné de biologie. Reference §1.3."""

from datetime import date

from formats.fixedwidth import PLAIN, S, blank, constant, day, digits, number, record, text


@record("4B", 128, PLAIN, french="codage affiné NABM", source="F")
class LineAnalyses:
    """One to five analyses of a line; zeros fill the rest."""

    _1 = constant(1, 1, "4")
    biller: str = digits(2, 9, S, "N° partenaire de santé + clé")
    _11 = blank(11, 1)
    nir: str = text(12, 13, S, "N° d'immatriculation de l'assuré", personal=True)
    nir_key: str = digits(25, 2, S, "Clé du NIR", personal=True)
    invoice: str = digits(27, 9, S, "N° de facture")
    _36 = constant(36, 1, "B", S, "Complément de type")
    sequence: str = digits(37, 2, S, "Séquence", default="01")
    _39 = blank(39, 4, S, "Réservé SESAM")
    _43 = blank(43, 6)
    done_on_1: date = day(49, S, "Date de l'acte 1")
    quantity_1: int = number(55, 2, S, "Quantité 1")
    code_1: str = digits(57, 8, S, "Code NABM 1")
    done_on_2: date | None = day(65, S, "Date de l'acte 2", default=None)
    quantity_2: int = number(71, 2, S, "Quantité 2", default=0)
    code_2: str = digits(73, 8, S, "Code NABM 2", default="0" * 8)
    done_on_3: date | None = day(81, S, "Date de l'acte 3", default=None)
    quantity_3: int = number(87, 2, S, "Quantité 3", default=0)
    code_3: str = digits(89, 8, S, "Code NABM 3", default="0" * 8)
    done_on_4: date | None = day(97, S, "Date de l'acte 4", default=None)
    quantity_4: int = number(103, 2, S, "Quantité 4", default=0)
    code_4: str = digits(105, 8, S, "Code NABM 4", default="0" * 8)
    done_on_5: date | None = day(113, S, "Date de l'acte 5", default=None)
    quantity_5: int = number(119, 2, S, "Quantité 5", default=0)
    code_5: str = digits(121, 8, S, "Code NABM 5", default="0" * 8)
