"""Invented cards in an invented reader, and the words that may never be shown."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from integration.readers.issue import Identity, authority, cps_card, identity, vitale_card
from integration.readers.pin import Pin

PIN, WRONG, UNBLOCK, NEW_PIN = "2718", "3141", "16180339", "5772"
NIR, BIRTH, SERIAL, MEMBER = "2550699999034", "19550631", "VITALE0042", "ADH778899"
NEVER_SHOWN: Final = (PIN, WRONG, UNBLOCK, NEW_PIN, NIR, BIRTH, SERIAL, MEMBER)
DAY: Final = date(2018, 1, 5)
NOW: Final = datetime(2018, 1, 5, 10, 30, tzinfo=UTC)
SINCE, UNTIL = datetime(2017, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
AUTHORITY: Final = authority("AC ESSAI", SINCE, UNTIL)
OWNER: Final = identity(AUTHORITY, "PRESTATAIRE ESSAI", SINCE, UNTIL)

HOLDER: Final = {
    "card_type": "CPS",
    "id_type": "8",
    "id_number": "10001234567",
    "title": "MME",
    "family_name": "ESSAI",
    "given_name": "Claire",
}
SITUATION: Final = {
    "number": "01",
    "structure_name": "SANTÉ À DOMICILE ESSAI",
    "billing_number": "759999993",
    "signs_invoices": True,
    "signs_batches": True,
}
INSURED: Final = {
    "serial": SERIAL,
    "valid_until": date(2020, 12, 31),
    "nir": NIR,
    "nir_key": "23",
    "regime": "01",
    "fund": "751",
    "centre": "0001",
    "management_code": "10",
}
PATIENT: Final[dict[str, Any]] = {
    "identity": {
        "usual_name": "MODÈLE",
        "given_name": "Odette",
        "nir": NIR,
        "birth_date": BIRTH,
        "rank": "1",
        "quality": "00",
    },
    "rights": [
        {"since": date(2016, 1, 1), "until": date(2016, 12, 31)},
        {"since": date(2017, 1, 1), "until": date(2018, 12, 31)},
    ],
    "cover": [
        {"since": date(2017, 1, 1), "until": date(2017, 12, 31), "ald": "0", "situation": "11"},
        {"since": date(2018, 1, 1), "until": date(2018, 12, 31), "ald": "4", "situation": "15"},
    ],
    "amc": {
        "since": date(2018, 1, 1),
        "until": date(2018, 12, 31),
        "b2_number": "99999997",
        "member": MEMBER,
    },
}


def cps(own: Identity = OWNER, **situation: Any) -> str:
    """A provider's card."""
    return cps_card(own, PIN, UNBLOCK, HOLDER, [{**SITUATION, **situation}])


def fill(folder: Path, cps_text: str = "", vitale_text: str = "") -> Path:
    """A folder with both cards in the reader."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cps.toml").write_text(cps_text or cps())
    (folder / "vitale.toml").write_text(vitale_text or vitale_card(INSURED, [PATIENT]))
    (folder / "authorities.pem").write_text(AUTHORITY.certificate_pem)
    put(folder, "cps.toml", "vitale.toml")
    return folder


def put(folder: Path, cps_name: str, vitale_name: str, **faults: str) -> None:
    """Put these cards in, and make functions fail."""
    lines = [f'cps = "{cps_name}"', f'vitale = "{vitale_name}"', "[faults]"]
    lines += [f'{function} = "{code}"' for function, code in faults.items()]
    (folder / "reader.toml").write_text("\n".join(lines))


def typed(folder: Path, digits: str) -> Pin:
    """A PIN a person has just typed."""
    return Pin(digits, typed=True, mark=folder / "card-attempt")


def automatic(folder: Path, digits: str) -> Pin:
    """A PIN a machine took from a file."""
    return Pin(digits, typed=False, mark=folder / "card-attempt")
