"""NIR, FINESS, RPPS, SIREN, SIRET, LPP, IBAN: the same verbs for each.

    nir.is_valid("1 80 01 75 056 001 03")    # True
    lpp.check("1234567", place)              # Anomaly FMT-022, or None
    finess.key("75260001")                   # "5"

An anomaly quotes the value only when it identifies no person.
Sources: homecare facts §1.1 (LPP, fitted on all 19 717 published codes) and §3; python-stdnum for
NIR, SIREN, SIRET and IBAN.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from stdnum import iban as _iban
from stdnum import luhn as _luhn
from stdnum.fr import nir as _nir
from stdnum.fr import siret as _siret

from formats.common.anomaly import MASKED, NOWHERE, Anomaly, Code, Place

SHAPE = Code(
    "FMT-021",
    "« {value} » n'a pas la forme d'un {identifier}.",
    "Corrigez le numéro : longueur et caractères sont imposés.",
)
KEY = Code(
    "FMT-022",
    "La clé du {identifier} « {value} » est fausse.",
    "Relisez le numéro sur un document d'origine : un chiffre est sans doute faux.",
)

_SEPARATORS: Final = str.maketrans("", "", " .-\u00a0\u202f")


@dataclass(frozen=True, slots=True)
class Identifier:
    """One kind of number: a shape, and a key computed from its body."""

    name: str  # as the French sentences print it
    shape: re.Pattern[str]  # of the compact number, key included
    personal: bool
    split: Callable[[str], tuple[str, str]]  # compact number → body, key
    key: Callable[[str], str]
    """Key of a body; meaningful only for a body of the right shape."""
    sound: Callable[[str], bool] | None = field(default=None)  # when a key alone doesn't decide

    def compact(self, text: str) -> str:
        """Without separators, upper case. Doesn't validate."""
        return text if text.isdigit() else text.translate(_SEPARATORS).upper()

    def is_valid(self, text: str) -> bool:
        """True when shape and key are right."""
        return self.check(text) is None

    def check(self, text: str, place: Place = NOWHERE) -> Anomaly | None:
        """What is wrong with `text`, if anything: FMT-021 shape, FMT-022 key."""
        number = self.compact(text)
        if not self.shape.fullmatch(number):
            return self._anomaly(SHAPE, text, place)
        return None if self._sound(number) else self._anomaly(KEY, text, place)

    def _sound(self, number: str) -> bool:
        if self.sound:
            return self.sound(number)
        body, key = self.split(number)
        return self.key(body) == key

    def _anomaly(self, code: Code, text: str, place: Place) -> Anomaly:
        shown = MASKED if self.personal else text
        return Anomaly(code, place, {"identifier": self.name, "value": shown})


def _tail(length: int) -> Callable[[str], tuple[str, str]]:
    return lambda number: (number[:-length], number[-length:])


def _luhn_key(body: str) -> str:
    return str(_luhn.calc_check_digit(body))


def _finess_key(body: str) -> str:
    # Corsica: A counts as 1 and B as 2, as in the B2 form of the number (reference B2 §1.1).
    return _luhn_key(body.replace("A", "1").replace("B", "2"))


def _lpp_key(body: str) -> str:
    """(2·d1 + 3·d2 + … + 7·d6) mod 11, ten written 0. Homecare facts §1.1."""
    weighted = sum(weight * int(digit) for weight, digit in enumerate(body, start=2))
    return str(weighted % 11 % 10)


nir: Final = Identifier(
    name="NIR",
    shape=re.compile(r"[1-478][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{6}[0-9]{2}"),
    personal=True,
    split=_tail(2),
    key=_nir.calc_check_digits,
)
"""13 characters and a 2-digit key; Corsica 2A and 2B. Shape follows homecare facts §3."""

finess: Final = Identifier(
    name="FINESS",
    shape=re.compile(r"[0-9][0-9AB][0-9]{7}"),
    personal=False,
    split=_tail(1),
    key=_finess_key,
)
"""9 characters, Luhn. The Corsican rule is a guess that fits the published examples."""

rpps: Final = Identifier(
    name="RPPS",
    shape=re.compile(r"[0-9]{11}"),
    personal=False,
    split=_tail(1),
    key=_luhn_key,
)
"""11 digits, Luhn."""

siren: Final = Identifier(
    name="SIREN",
    shape=re.compile(r"[0-9]{9}"),
    personal=False,
    split=_tail(1),
    key=_luhn_key,
)
"""9 digits, Luhn."""

siret: Final = Identifier(
    name="SIRET",
    shape=re.compile(r"[0-9]{14}"),
    personal=False,
    split=_tail(1),
    key=_luhn_key,
    sound=_siret.is_valid,
)
"""14 digits, Luhn, its SIREN valid too; La Poste's establishments have their own rule."""

lpp: Final = Identifier(
    name="code LPP",
    shape=re.compile(r"[0-9]{7}"),
    personal=False,
    split=_tail(1),
    key=_lpp_key,
)
"""7 digits, weighted modulo 11."""

iban: Final = Identifier(
    name="IBAN",
    shape=re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}"),
    personal=True,
    split=lambda number: (number[:2] + "00" + number[4:], number[2:4]),
    key=_iban.calc_check_digits,
    sound=lambda number: bool(_iban.is_valid(number, check_country=False)),
)
"""Country, 2-digit key, account. `key` takes the number with any two digits as key."""

ALL: Final = (nir, finess, rpps, siren, siret, lpp, iban)
"""Every identifier we know."""


def finess_b2(text: str) -> str:
    """FINESS as B2 writes it, digits only: `2A0002689` → `200102689`, `2B…` → `2002…`.

    Reference B2 §1.1. The department letter gives way to the fourth digit.
    """
    number = finess.compact(text)
    return {"2A": "2001", "2B": "2002"}.get(number[:2], number[:4]) + number[4:]
