"""A small house and three of its nights: what comes in, and a fund that answers.

Everything a night does is in it once: flat fees, counters read and estimated, an aperiodic rule, a
grouped customer, a lessor who pays for others, rentals and deliveries, good, bad and doubled files,
a payment and a rejection by the fund. The people are invented.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from config.settings import Settings, from_mapping
from formats.b2 import B2File
from formats.b2 import read as read_b2
from formats.noemie import (
    InvoiceReturn,
    RejectionReason,
    Return,
    Share,
    ShareReturn,
    State,
    Transfer,
    entities_of,
    write,
)
from integration.app import App, own_organisation
from integration.database.engine import make_engine
from integration.executors import make_executor
from integration.inbox import prepare
from integration.kept import opened
from integration.keys import KEY_BYTES
from integration.nights import play_night
from integration.persons import open_vault
from integration.signing import ensure_signing_key
from integration.translate.lpp import load_embedded
from tests.integration.care.practice import amc, amo, bed, delivery, patient, person, prescription

NIGHTS: Final = (date(2026, 2, 2), date(2026, 3, 2), date(2026, 4, 1))
SIGNING_KEY: Final = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
-----END PRIVATE KEY-----
"""  # the same in every home, so that closings are the same bytes
SENDER: Final = "752600015"

Files = Mapping[str, bytes]
"""What a night finds in its inbox: content by `flow/name`."""


@dataclass(frozen=True)
class Home:
    """A working folder and its database, wherever that is."""

    folder: Path
    url: str

    @property
    def settings(self) -> Settings:
        """Choices of the house."""
        return from_mapping(
            {
                "organisation": {
                    "code": "DSL",
                    "name": "DOMICILE SANTE",
                    "address": ["1 rue du Essai", "75012 PARIS"],
                    "siren": "732829320",
                    "vat_number": "FR44732829320",
                    "finess": SENDER,
                    "am_number": SENDER,
                },
                "database": {"url": self.url},
                "folders": {"home": "."},
            },
            base=self.folder,
        )

    @contextmanager
    def app(self, day: date) -> Iterator[App]:
        """The application in the evening of a day, serial and never waiting."""
        settings = self.settings
        engine = make_engine(self.url)
        clock = datetime(day.year, day.month, day.day, 20, tzinfo=UTC)
        try:
            yield App(
                settings,
                engine,
                own_organisation(engine, settings),
                open_vault(settings.person_key),
                make_executor("serial"),
                clock=lambda: clock,
                settle_s=0,
            )
        finally:
            engine.dispose()


def found(home: Home) -> None:
    """Folders, key of persons, organisation and nomenclature in a migrated database."""
    prepare(home.settings)
    home.settings.folders.state.mkdir(exist_ok=True)
    home.settings.person_key.write_bytes(bytes(KEY_BYTES))
    home.settings.person_key.chmod(0o600)
    home.settings.signing_key.write_bytes(SIGNING_KEY)
    home.settings.signing_key.chmod(0o600)
    ensure_signing_key(home.settings.signing_key)
    with home.app(NIGHTS[0]) as app, app.engine.begin() as connection:
        load_embedded(connection)


def play(home: Home, arrivals: Mapping[date, Files]) -> None:
    """The nights in order, each after its files arrived; played again, it goes on."""
    for day, files in arrivals.items():
        arrive(home, day, files)
        with home.app(day) as app:
            play_night(app, day)


def arrive(home: Home, day: date, files: Files) -> None:
    """The world puts its files into the inbox, once; it holds no failpoint."""
    said = home.folder / f"arrived-{day}"
    if said.exists():
        return
    for name, content in files.items():
        (home.folder / "inbox" / name).write_bytes(content)
    said.touch()


# --- what comes in ----------------------------------------------------------------------------

CUSTOMERS = """code;nom;adresse;factures_regroupees;site
C1;Imprimerie Martin;12 rue des Lilas, 67000 Strasbourg;oui;S1
C2;Garage du Pont;3 quai Nord, 69001 Lyon;non;S2
C3;Loueur & Fils;1 place Ronde, 75001 Paris;non;
C4;Étude Voisin;9 rue Haute, 59000 Lille;non;
"""
ASSETS = """bien;client;site;compteur;volume_contractuel
B1;C1;S1;NB;3000
B2;C1;S1;NB;1000
B3;C2;S2;NB;500
"""
READINGS = """bien;compteur;date;valeur;origine
B1;NB;01/01/2026;100;pose
B1;NB;31/01/2026;2600;prestataire
B2;NB;01/01/2026;0;pose
B3;NB;01/01/2026;50;pose
"""
FEBRUARY = """bien;compteur;date;valeur;origine
B1;NB;28/02/2026;5400;prestataire
B2;NB;28/02/2026;1900;client
"""


def _flat(code: str, price: str, **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "type": "flat_fee",
        "terme": "a_echoir",
        "periodicite": {"nombre": 1, "unite": "mois"},
        "couts": [{"article": "MAINT", "libelle": "Maintenance", "prix": price, "tva": 20}],
    } | changes


def _copies(asset: str, payer: str) -> dict[str, Any]:
    return {
        "code": "COPIES",
        "type": "consumed_units",
        "periodicite": {"nombre": 1, "unite": "mois"},
        "compteurs": [{"bien": asset, "compteur": "NB"}],
        "couts": [{"article": "NB", "prix": "0,0123", "tva": 20, "payeur": payer}],
    }


def _contract(code: str, customer: str, *rules: dict[str, Any], asset: str = "") -> dict[str, Any]:
    module = {
        "code": "M1",
        "debut": "2026-01-01",
        "duree_mois": 36,
        "biens": [asset] if asset else [],
        "regles": list(rules),
    }
    return {"code": code, "client": customer, "modules": [module]}


CONTRACTS = (
    _contract("K1", "C1", _flat("FORFAIT", "100,00"), _copies("B1", "C1"), asset="B1"),
    _contract("K2", "C1", _flat("FORFAIT", "42,50"), _copies("B2", "C1"), asset="B2"),
    _contract("K3", "C2", _flat("FORFAIT", "10,00"), _copies("B3", "C3"), asset="B3"),
    _contract(
        "K4",
        "C4",
        _flat(
            "MISE-EN-SERVICE",
            "250,00",
            periodicite=None,
            reprise={"prochaine_theorique": "2026-03-01"},
        ),
        _flat("FORFAIT", "33,33", terme="echu"),
    ),
)
ADELE, OSCAR = "2600175056001", "1550769123045"
PATIENTS = (
    patient("P1", amc=[amc(tiers_payant=False)]),
    patient(
        "P2", personne=person(OSCAR, nom_famille="Exemple", prenom="Oscar", naissance="19550714"),
        amo=[amo(caisse="691", centre="0000")], amc=[],
    ),
)  # fmt: skip
_SINCE = {"date": "2026-01-04", "duree_mois": 12}
PRESCRIPTIONS = (
    prescription(
        bed(debut="2026-01-05"),
        delivery(debut="2026-01-05"),
        code="ORD-1",
        patient="P1",
        **_SINCE,
    ),
    prescription(bed(debut="2026-01-12", fin="2026-02-15"), code="ORD-2", patient="P2", **_SINCE),
)


def _lines(documents: tuple[dict[str, Any], ...]) -> bytes:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in documents).encode()


def first_night() -> Files:
    """The portfolio, a bad file, a file twice, a file nobody knows."""
    return {
        "customers/clients.csv": CUSTOMERS.encode(),
        "customers/clients-encore.csv": CUSTOMERS.encode(),
        "assets/biens.csv": ASSETS.encode(),
        "contracts/contrats.jsonl": _lines(CONTRACTS),
        "readings/31-releves.csv": READINGS.encode(),
        "readings/faux.csv": b"bien;compteur;date;valeur\nB9;NB;31/01/2026;12\n",
        "patients/patients.jsonl": _lines(PATIENTS),
        "prescriptions/ordonnances.jsonl": _lines(PRESCRIPTIONS),
        "inconnu.txt": b"bonjour\n",
    }


def second_night(outbox: Path) -> Files:
    """Readings at the root, payments good and bad, and what the fund answers to the first files."""
    answer = answers(outbox, NIGHTS[1])
    return {
        "fevrier.csv": FEBRUARY.encode(),
        "payments/reglements.csv": b"facture;part;payeur;date;montant\n"
        b"VT2026-000001;client;C1;20/02/2026;100\nVT2026-000002;client;C2;21/02/2026;5\n",
        "payments/faux.csv": b"facture;part;date;montant\nVT2026-009999;client;20/02/2026;1\n",
        "returns/retour.noe": answer,
        "returns/retour-encore.noe": answer,
    }


def third_night() -> Files:
    """A new price list of customers, and the file nobody knew once more."""
    return {
        "customers/clients.csv": CUSTOMERS.replace("3 quai Nord", "4 quai Sud").encode(),
        "inconnu.txt": b"bonjour\n",
    }


# --- the fund ---------------------------------------------------------------------------------


def answers(outbox: Path, day: date) -> bytes:
    """The fund pays one invoice of two and rejects the other."""
    vault = open_vault(outbox.parent / "state" / "persons.key")
    lots = sorted((outbox / "b2").iterdir())
    files = [read_b2(BytesIO(b"".join(opened(vault, path)))) for path in lots]
    numbered = [(file, invoice) for file in files for invoice in file.batches[0].invoices]
    returned = [_returned(file, one, rank) for rank, (file, one) in enumerate(numbered)]
    transfer = Transfer(
        made_on=day,
        label="VIR CPAM",
        payer="01422",
        payee=SENDER.rjust(15, "0"),
        return_type="01",
        invoices=tuple(returned),
    )
    result = Return(
        sender="00000001016422",
        recipient=SENDER.rjust(14, "0"),
        file_id="R00001",
        created_on=day,
        transfers=(transfer,),
        anomalies=(),
    )
    return write(entities_of(result))


def _returned(file: B2File, invoice: Any, rank: int) -> InvoiceReturn:
    asked = sum(line.amo_cents for line in invoice.lines)
    refused = rank % 2
    reason = RejectionReason(code="0250", label="DROITS NON OUVERTS", level="F", share=Share.AMO)
    return InvoiceReturn(
        number=invoice.number,
        lot=f"{file.batches[0].number:03d}",
        lot_date=file.created_on,
        invoice_date=file.created_on,
        kind="B",
        nir=invoice.nir,
        amo=ShareReturn(
            requested_cents=asked,
            state=State.REJECTED if refused else State.PAID,
            paid_cents=0 if refused else asked,
        ),
        amc=None,
        rejections=(reason,) if refused else (),
        comments=(),
    )
