"""Invented signers: one authority, a card in force, one out of date, one of a stranger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from integration.readers.issue import authority, identity

NOW: Final = datetime(2018, 1, 5, 10, 30, tzinfo=UTC)
SINCE, UNTIL = datetime(2017, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
AUTHORITY: Final = authority("AC ESSAI", SINCE, UNTIL)
NURSE: Final = identity(AUTHORITY, "ESSAI CPS", SINCE, UNTIL)
FUND: Final = identity(AUTHORITY, "01422@422.01.rss.fr", SINCE, UNTIL, receives=True)
STRANGER: Final = identity(authority("AC INCONNUE", SINCE, UNTIL), "AUTRE CPS", SINCE, UNTIL)
TRUSTED: Final = (AUTHORITY.certificate,)
