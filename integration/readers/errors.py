"""What a reader answers when it refuses: the codes of the SSV interface and what to do.

Source: SSV manual 4.03 as read in ssv.h v5 (reference §3.2.3); `mark` as in the reference, S seen,
G guessed. A range shares its sentence; `code` is always the one answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from formats.common.anomaly import AnomaliesFound, Anomaly, Code

REFUSED_BY_READER: Final = Code(
    "TEL-501",
    "Le lecteur de cartes répond {code} : {meaning}. {advice}.",
    "Aucun nouvel essai n'est fait sans vous.",
)

NOT_BLOCKED: Final = Code(
    "TEL-512",
    "La carte n'est pas bloquée, le code de déblocage n'est pas essayé.",
    "Lisez-la avec son code porteur.",
)
WRONG_UNBLOCK_CODE: Final = Code(
    "TEL-513",
    "Le code de déblocage est faux ; il reste {left} déblocage(s).",
    "Vérifiez le code remis par l'émetteur.",
)
NO_UNBLOCK_LEFT: Final = Code(
    "TEL-514",
    "La carte a épuisé ses dix déblocages.",
    "Demandez une nouvelle carte à l'émetteur.",
)


@dataclass(frozen=True, slots=True)
class SsvError:
    """One row of the table: codes `first` to `last`, what they mean, what to do.

    after_pin: whether the card may have counted a try when this is answered.
    """

    first: int
    last: int
    meaning: str
    advice: str
    after_pin: bool = False
    mark: str = "S"


def _one(
    code: int, meaning: str, advice: str, *, after_pin: bool = False, mark: str = "S"
) -> SsvError:
    return SsvError(code, code, meaning, advice, after_pin, mark)


_UNPLUG: Final = "Débranchez et rebranchez le lecteur"
_GALSS: Final = "Vérifiez galss.ini avec l'installateur du lecteur"
_TABLES: Final = "Réinstallez les tables SSV"
_SESAM: Final = "Vérifiez sesam.ini et les droits de ses dossiers"
_VENDOR: Final = "Transmettez ce code à l'éditeur"
_CARD_IN: Final = "Remettez la carte et recommencez depuis la lecture"

CPS_ABSENT, CPS_BLOCKED, WRONG_PIN, CPS_INVALID = 0xF001, 0xF002, 0xF003, 0xF004
VITALE_ABSENT, VITALE_REMOVED, TEST_AND_REAL = 0xF011, 0xF015, 0xF026
MUTUAL_AND_AMC, NO_SESSION, READER_SILENT = 0xF0F0, 0xF807, 0x0400

SSV_ERRORS: Final = (
    _one(0x0001, "erreur interne du GALSS", _UNPLUG, after_pin=True),
    _one(0x0002, "trop de sessions ou plus de mémoire", "Fermez les autres logiciels de santé"),
    _one(0x0004, "une autre application garde le lecteur", "Fermez l'autre logiciel de santé"),
    _one(0x0008, "une autre application garde le lecteur", "Fermez l'autre logiciel de santé"),
    _one(0x0040, "échange abandonné sur le lecteur", "Recommencez la lecture", after_pin=True),
    _one(0x0200, "erreur de protocole avec le lecteur", _UNPLUG, after_pin=True),
    _one(READER_SILENT, "le lecteur ne répond pas", _UNPLUG, after_pin=True),
    _one(0x0800, "une session est déjà ouverte", "Attendez vingt secondes et recommencez"),
    _one(0x8001, "galss.ini est absent", _GALSS),
    _one(0x8002, "galss.ini : serveur non admis", _GALSS),
    SsvError(0x8003, 0x8007, "galss.ini : canal non admis", _GALSS),
    SsvError(0x8008, 0x8009, "galss.ini : erreur de configuration", _GALSS, mark="G"),
    _one(0x800A, "galss.ini : protocole du lecteur absent", _GALSS),
    _one(0x800B, "galss.ini : erreur de configuration", _GALSS, mark="G"),
    _one(0x800C, "galss.ini : protocole du lecteur non admis", _GALSS),
    _one(0x800D, "galss.ini : configuration du protocole non admise", _GALSS),
    _one(0x800E, "galss.ini : versions incompatibles", _GALSS),
    _one(0x800F, "galss.ini : adresse du poste non admise", _GALSS),
    _one(0x8010, "galss.ini : adresse du lecteur non admise", _GALSS),
    _one(0x8011, "galss.ini : nom du lecteur non admis", _GALSS),
    _one(CPS_ABSENT, "la carte CPS est absente", "Introduisez la carte CPS"),
    _one(
        CPS_BLOCKED,
        "la carte CPS est bloquée",
        "Débloquez-la avec le code de l'émetteur (« echeance card unblock »)",
        after_pin=True,
        mark="G",
    ),
    _one(
        WRONG_PIN,
        "code porteur erroné, la carte se bloque à la troisième erreur de suite",
        "Vérifiez le code avant de le retaper",
        after_pin=True,
    ),
    _one(
        CPS_INVALID,
        "la carte CPS n'est pas valide ou n'a pas de données d'assurance maladie",
        "Contactez l'émetteur de la carte",
    ),
    _one(VITALE_ABSENT, "la carte Vitale est absente", "Introduisez la carte Vitale"),
    _one(0xF014, "la carte Vitale ne communique pas", "Essuyez la puce et remettez la carte"),
    _one(VITALE_REMOVED, "la carte Vitale a été retirée", _CARD_IN),
    _one(
        TEST_AND_REAL,
        "une carte de test et une carte réelle sont mélangées",
        "Utilisez deux cartes réelles ou deux cartes de test",
    ),
    _one(
        MUTUAL_AND_AMC,
        "la carte porte à la fois des droits de mutuelle et d'AMC",
        "Demandez au patient son attestation en cours",
    ),
    _one(0xF0FF, "message incohérent du lecteur", _UNPLUG, after_pin=True),
    _one(0xF100, "lecteur désynchronisé", _UNPLUG, after_pin=True),
    _one(0xF101, "ressource inconnue ou cartes sur deux lecteurs", _GALSS),
    _one(0xF600, "la bibliothèque n'est pas initialisée", _VENDOR),
    SsvError(0xF610, 0xF61F, "table SSV : lecture impossible", _TABLES),
    SsvError(0xF620, 0xF62F, "table SSV : version non admise", _TABLES),
    SsvError(0xF630, 0xF63F, "table SSV : intégrité perdue", _TABLES),
    SsvError(0xF640, 0xF64F, "table SSV : structure non admise", _TABLES),
    SsvError(0xF650, 0xF65F, "table SSV : plus de mémoire", _TABLES),
    SsvError(0xF660, 0xF66F, "table SSV : nom non admis", _TABLES),
    _one(0xF670, "la bibliothèque est déjà initialisée", _VENDOR),
    _one(0xF680, "sesam.ini : chemin des tables introuvable", _SESAM),
    _one(0xF6F1, "sesam.ini : répertoire de travail introuvable", _SESAM),
    _one(0xF6F2, "sesam.ini : écriture impossible", _SESAM),
    _one(0xF800, "paramètre non admis", _VENDOR),
    SsvError(0xF801, 0xF804, "données de la carte : mémoire ou paramètre", _VENDOR, mark="G"),
    _one(0xF805, "champ absent", _VENDOR),
    _one(0xF806, "groupe absent", _VENDOR),
    _one(NO_SESSION, "aucune session n'est ouverte", "Lire la carte CPS d'abord"),
    SsvError(0xF808, 0xF80A, "données de la carte : session ou paramètre", _VENDOR, mark="G"),
    _one(0xF80B, "dernier groupe atteint", "Rien à faire : c'est la fin de la lecture"),
)


def ssv_error(code: int) -> SsvError:
    """The row of a code; one that no document names is told as unknown, and as after a PIN."""
    for error in SSV_ERRORS:
        if error.first <= code <= error.last:
            return error
    return _one(code, "code inconnu de nos documents", _VENDOR, after_pin=True, mark="G")


class CardRefused(AnomaliesFound):
    """The reader refused with an SSV code (TEL-501). error: its row."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code, self.error = code, ssv_error(code)
        advice = f"{self.error.advice} ({detail})" if detail else self.error.advice
        values = {"code": f"{code:04X}", "meaning": self.error.meaning, "advice": advice}
        super().__init__(Anomaly(REFUSED_BY_READER, values=values))
