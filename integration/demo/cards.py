"""The sandbox's simulated reader: an invented provider's card and a public test patient's.

The patient is one of the public identities for testing INSi (reference §3.5); both are test cards.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from integration.readers.cards import READER_FILE
from integration.readers.issue import authority, cps_card, identity, vitale_card

FOLDER: Final = "cards"
PIN: Final = "1234"
UNBLOCK_CODE: Final = "87654321"
_VALID: Final = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))
_RIGHTS: Final = {"since": date(2025, 1, 1), "until": date(2039, 12, 31)}
_HOLDER: Final = {
    "card_type": "CPS",
    "id_type": "8",
    "id_number": "10001234565",
    "title": "MME",
    "family_name": "BRUME",
    "given_name": "Belle",
}
_SITUATION: Final[Mapping[str, Any]] = {
    "number": "01",
    "structure_name": "BELLEBRUME SERVICES",
    "billing_number": "420780017",
    "signs_invoices": True,
    "signs_batches": True,
}
_INSURED: Final = {
    "serial": "ESSAI0001",
    "valid_until": date(2039, 12, 31),
    "nir": "297022A020778",
    "nir_key": "78",
    "regime": "01",
    "fund": "422",
    "centre": "0000",
    "management_code": "10",
}
_PATIENT: Final[Mapping[str, Any]] = {
    "identity": {
        "usual_name": "ADRTROIS",
        "given_name": "Dominique",
        "nir": "297022A020778",
        "nir_key": "78",
        "birth_date": "19970226",
        "rank": "1",
        "quality": "00",
    },
    "rights": [_RIGHTS],
    "cover": [{**_RIGHTS, "ald": "4", "situation": "15"}],
    "amc": {**_RIGHTS, "b2_number": "99000101", "member": "ESSAI42"},
}


def make_cards(home: Path) -> None:
    """Both cards in the reader, once: `reader.toml` comes last, and then nothing is made again."""
    folder = home / FOLDER
    if (folder / READER_FILE).exists():
        return
    folder.mkdir(mode=0o750, exist_ok=True)
    issuer = authority("AC DEMONSTRATION", *_VALID)
    own = identity(issuer, "BELLEBRUME SERVICES", *_VALID)
    for name, text in {
        "authorities.pem": issuer.certificate_pem,
        "cps.toml": cps_card(own, PIN, UNBLOCK_CODE, _HOLDER, [_SITUATION]),
        "vitale.toml": vitale_card(_INSURED, [_PATIENT]),
        READER_FILE: 'cps = "cps.toml"\nvitale = "vitale.toml"\n',
    }.items():
        (folder / name).write_text(text, "utf-8")
