"""What the cells of an import mean: French dates, numbers and words, read without guessing.

Each type is a pydantic annotation that takes text, a spreadsheet's typed cell or a JSON value.
What could be read in two ways is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, TypeVar
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from formats.common.anomaly import MASKED, Anomaly, Code, Place

MISSING: Final = Code("IMP-101", "« {field} » est obligatoire et manque.", "Renseignez la valeur.")
UNKNOWN: Final = Code(
    "IMP-102",
    "« {field} » n'est pas un champ connu.",
    "Retirez le champ ou corrigez son nom (« echeance schema » donne la liste).",
)
BAD_TEXT: Final = Code(
    "IMP-103",
    "« {field} » n'est pas un texte lisible : {value}.",
    "Écrivez un texte sur une ligne, sans caractère de contrôle.",
)
LENGTH: Final = Code(
    "IMP-104",
    "« {field} » n'a pas une longueur admise : {value}.",
    "Raccourcissez la valeur : rien n'est jamais tronqué.",
)
BAD_DATE: Final = Code(
    "IMP-105",
    "« {field} » n'est pas une date : {value}.",
    "Écrivez JJ/MM/AAAA ou AAAA-MM-JJ, année sur quatre chiffres.",
)
BAD_NUMBER: Final = Code(
    "IMP-106",
    "« {field} » n'est pas un nombre : {value}.",
    "Écrivez par exemple 1234,56 ou 1234.56, sans unité.",
)
AMBIGUOUS_NUMBER: Final = Code(
    "IMP-107",
    "« {field} » peut se lire de deux façons : {value} (millier ou décimale).",
    "Écrivez 1234 pour un millier et des unités, 1,2340 pour une unité et des décimales.",
)
BAD_INSTANT: Final = Code(
    "IMP-116",
    "« {field} » n'est pas une date avec son heure : {value}.",
    "Écrivez AAAA-MM-JJTHH:MM:SS, avec ou sans décalage (+02:00), ou JJ/MM/AAAA HH:MM:SS.",
)
NOT_WHOLE: Final = Code(
    "IMP-108", "« {field} » doit être un nombre entier : {value}.", "Retirez les décimales."
)
OUT_OF_RANGE: Final = Code(
    "IMP-109", "« {field} » sort des limites admises : {value}.", "Vérifiez l'ordre de grandeur."
)
BAD_WORD: Final = Code(
    "IMP-110",
    "« {field} » vaut {value} ; valeurs admises : {words}.",
    "Choisissez un des mots admis.",
)
BAD_SHAPE: Final = Code(
    "IMP-111",
    "« {field} » n'a pas la forme attendue (objet ou liste).",
    "Comparez avec le modèle donné par « echeance schema ».",
)
REFUSED: Final = Code(
    "IMP-112",
    "« {field} » est refusé : {reason}.",
    "Corrigez la valeur.",
)
EMPTY_LIST: Final = Code(
    "IMP-114", "« {field} » est une liste vide.", "Donnez au moins un élément."
)
_OTHER: Final = Code(
    "IMP-119",
    "« {field} » est refusé.",
    "Comparez avec le modèle donné par « echeance schema ».",
)
_OURS: Final = (
    *(MISSING, UNKNOWN, BAD_TEXT, LENGTH, BAD_DATE, BAD_NUMBER, AMBIGUOUS_NUMBER),
    *(BAD_INSTANT, NOT_WHOLE, OUT_OF_RANGE, BAD_WORD, REFUSED),
)
_CODES: Final = {code.id: code for code in _OURS} | {
    "missing": MISSING,
    "extra_forbidden": UNKNOWN,
    "string_type": BAD_TEXT,
    "string_pattern_mismatch": BAD_TEXT,
    "string_too_short": LENGTH,
    "string_too_long": LENGTH,
    "too_short": EMPTY_LIST,
    "too_long": LENGTH,
    "greater_than": OUT_OF_RANGE,
    "greater_than_equal": OUT_OF_RANGE,
    "less_than": OUT_OF_RANGE,
    "less_than_equal": OUT_OF_RANGE,
    "decimal_max_places": OUT_OF_RANGE,
    "model_type": BAD_SHAPE,
    "model_attributes_type": BAD_SHAPE,
    "list_type": BAD_SHAPE,
    "tuple_type": BAD_SHAPE,
    "dict_type": BAD_SHAPE,
}

_FRENCH_DATE: Final = re.compile(r"(\d{2})/(\d{2})/(\d{4})", re.ASCII)
_ISO_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00:00)?", re.ASCII)
_FRENCH_INSTANT: Final = re.compile(
    r"(\d{2})/(\d{2})/(\d{4})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)", re.ASCII
)
_ISO_INSTANT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3}(?:000)?)?)?(?:Z|[+-]\d{2}:\d{2})?",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[   ]\d{3})+)(?:[.,]\d+)?", re.ASCII)
_THOUSANDS_OR_DECIMALS: Final = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_SPACES: Final = str.maketrans("", "", "   ")
_YES_NO: Final = {"oui": True, "o": True, "1": True, "non": False, "n": False, "0": False}
_SHOWN: Final = 60  # characters of a wrong value quoted in a sentence

V = TypeVar("V")


class Row(BaseModel):
    """Base of what files hold: unknown fields are refused, French names are aliases.

    personal: French names of the fields whose values are never quoted in an anomaly.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    personal: ClassVar[frozenset[str]] = frozenset()


def wrong(code: Code, value: object = "", **more: object) -> PydanticCustomError:
    """What a validator raises: the code, and the values of its sentence."""
    context = {"value": _quoted(value), **more}
    return PydanticCustomError(code.id, "{value}", context)


def anomaly_of(error: ErrorDetails, place: Place, personal: frozenset[str]) -> Anomaly:
    """One pydantic error as an anomaly in French; personal values print as `***`."""
    path = error["loc"]
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "enregistrement")
    if path and isinstance(path[-1], int):
        name = f"{name} n° {path[-1] + 1}"
    context = error.get("ctx", {})
    value = context.get("value", _quoted(error["input"]))
    values = {**context, "field": name, "value": value}
    if any(part in personal for part in path):
        values |= {"value": MASKED, "reason": MASKED}
    return Anomaly(_CODES.get(error["type"], _OTHER), place, values)


def errors_of(found: ValidationError) -> list[ErrorDetails]:
    """The errors of one record; a list isn't called empty because of what is wrong inside it."""
    errors = found.errors(include_url=False)
    return [
        one
        for one in errors
        if one["type"] != "too_short"
        or not any(
            one["loc"] == other["loc"][: len(one["loc"])] != other["loc"] for other in errors
        )
    ]


def _quoted(value: object) -> str:
    text = "…" if isinstance(value, list | dict) else str(value)
    return f"« {text if len(text) <= _SHOWN else text[:_SHOWN] + '…'} »"


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise wrong(BAD_TEXT, value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a spreadsheet keeps 1001 as 1001.0
    text = unicodedata.normalize("NFC", str(value).strip())  # é is one letter, however it came
    if not text.isprintable():
        raise wrong(BAD_TEXT, text.encode("unicode_escape").decode("ascii"))
    return text


def _lines(value: Any) -> str:
    return "\n".join(_text(line) for line in str(value).split("\n"))


def _code(value: Any) -> str:
    text = _text(value)
    if not 1 <= len(text) <= 64:
        raise wrong(LENGTH, text)
    return text


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        if value.time() != datetime.min.time():
            raise wrong(BAD_DATE, value)
        return value.date()
    if isinstance(value, date):
        return value
    text = str(value).strip()
    if match := _FRENCH_DATE.fullmatch(text):
        parts = match.group(3, 2, 1)
    elif match := _ISO_DATE.fullmatch(text):
        parts = match.group(1, 2, 3)
    else:
        raise wrong(BAD_DATE, text)
    try:
        return date(*map(int, parts))
    except ValueError:
        raise wrong(BAD_DATE, text) from None


def _number(value: Any) -> Decimal:
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(f"{value:.15g}")  # the digits a spreadsheet shows, not its binary tail
    text = str(value).strip()
    if not isinstance(value, str) or not _NUMBER.fullmatch(text):
        raise wrong(BAD_NUMBER, text)
    if _THOUSANDS_OR_DECIMALS.fullmatch(text):
        raise wrong(AMBIGUOUS_NUMBER, text)
    return Decimal(text.translate(_SPACES).replace(",", "."))


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    number = _number(value)
    if not number.is_finite() or number != number.to_integral_value():
        raise wrong(NOT_WHOLE, value)
    return int(number)


def _yes_no(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = _text(value).lower()
    if text not in _YES_NO:
        raise wrong(BAD_WORD, text, words="oui, non")
    return _YES_NO[text]


def _zone(value: Any) -> str:
    text = _text(value)
    if text and text not in available_timezones():
        raise wrong(REFUSED, text, reason="fuseau inconnu, écrivez par exemple Indian/Reunion")
    return text


def _instant(value: Any) -> datetime:
    """Naive when the text tells no zone."""
    text = value.isoformat() if isinstance(value, datetime) else str(value).strip()
    if match := _FRENCH_INSTANT.fullmatch(text):
        text = "{2}-{1}-{0}T{3}".format(*match.groups())
    try:
        if not _ISO_INSTANT.fullmatch(text):
            raise ValueError(text)
        return datetime.fromisoformat(text)
    except ValueError:
        raise wrong(BAD_INSTANT, text) from None


FEE_CLASSES: Final = {"soumis": "SOUMIS", "exonere": "EXONERE", "exonéré": "EXONERE"}


def words(table: Mapping[str, V]) -> BeforeValidator:
    """Reads one French word of a closed list: `Annotated[Term, words({"échu": Term.ARREARS})]`."""

    def read(value: Any) -> V:
        text = _text(value).lower()
        if text not in table:
            raise wrong(BAD_WORD, text, words=", ".join(table))
        return table[text]

    return BeforeValidator(read, json_schema_input_type=str)


Text = Annotated[str, BeforeValidator(_text, json_schema_input_type=str)]
Lines = Annotated[str, BeforeValidator(_lines, json_schema_input_type=str)]
Key = Annotated[str, BeforeValidator(_code, json_schema_input_type=str)]
Day = Annotated[
    date,
    BeforeValidator(_day, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]
Ended = Annotated[
    date,
    BeforeValidator(_day, json_schema_input_type=str),
    AfterValidator(lambda last: last + timedelta(days=1)),
    WithJsonSchema({"type": "string", "format": "date"}),
]
"""A last day, included in files, kept as the day after it."""
Zone = Annotated[str, BeforeValidator(_zone, json_schema_input_type=str)]
"""A time zone by its IANA name, or empty."""
Instant = Annotated[
    datetime,
    BeforeValidator(_instant, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A date with its time, to the millisecond; naive when it comes without offset."""
Number = Annotated[
    Decimal, BeforeValidator(_number), WithJsonSchema({"type": ["number", "string"]})
]
Whole = Annotated[int, BeforeValidator(_whole), WithJsonSchema({"type": "integer"})]
YesNo = Annotated[bool, BeforeValidator(_yes_no), WithJsonSchema({"type": "boolean"})]
