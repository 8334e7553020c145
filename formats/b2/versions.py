"""Versions of the norm as data: which table lays out which record, and how sure we are of it.

The reference read records 2 to 5 in a document based on B2 2005, and 000, 1, 6 and 999 in a program
that writes `062007`. No column is known to differ between the two versions, so 062005 takes the
tables of 062007, and marks from memory (M) what was only seen in the other. To tell a difference,
name the field and its new `start`, `length`, `mark` or `source` in the changes of its version.
"""

from __future__ import annotations

from typing import Final

from formats.b2.v062007 import RECORDS
from formats.fixedwidth import M, Norm, amended, layout

JUNE_2007: Final = Norm("062007", "juin 2007", tuple(map(layout, RECORDS.values())))
"""What we write unless asked otherwise."""

_ONLY_SEEN_IN_2007: Final = {"*": {"mark": M}}
CHANGES_OF_2005: Final = dict.fromkeys(("000", "1", "6", "999"), _ONLY_SEEN_IN_2007)
"""By record, then by field."""

JUNE_2005: Final = Norm(
    "062005",
    "juin 2005",
    tuple(amended(cls, CHANGES_OF_2005.get(name, {})) for name, cls in RECORDS.items()),
)
"""The version still asked by some funds."""

VERSIONS: Final = {norm.name: norm for norm in (JUNE_2007, JUNE_2005)}
"""By the name that type 1 prints in columns 82-87."""

PROFESSIONS: Final = {
    "CP": ("cliniques privées et établissements", "S"),
    "FR": ("fournisseurs", "G"),
    "PH": ("pharmacie", "G"),
    "LA": ("laboratoires", "G"),
    "AM": ("auxiliaires médicaux", "G"),
    "TR": ("transports", "G"),
    "PS": ("praticiens", "G"),
}
"""Codes of the norm per profession (000 columns 62-65, type 1 columns 79-80) and their mark.

Reference §1.2: only CP was seen; the others are a proposal, so an unknown code is no fault.
"""
