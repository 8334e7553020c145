"""Small files of every flow, and the verbs the tests share."""

from __future__ import annotations

import copy
import json
from typing import Any

from sqlalchemy import Table, func, select

from integration.inbox import Imported, Office, import_waiting

CUSTOMERS = "code;nom;site\nC1;Martin;S1\nC2;Loueur;\nC3;Voisin;\nC4;Seul;\n"
ASSETS = "bien;client;site;compteur\nB1;C1;S1;NB\nB1;C1;S1;CO\nB2;C1;;NB\n"
READINGS = "bien;compteur;date;valeur;origine\nB1;NB;01/01/2026;100;pose\nB1;NB;2026-02-01;200;\n"
DELIVERIES = "livraison;date;bien;article;classe;quantite\nL0;01/06/2026;B1;TN;CONSO;1\n"
EXTRA_LINES = "code;contrat;article;quantite;prix;tva;motif\nG1;K1;COPIES;-10;0,01;20;Geste\n"

_CONTRACT: dict[str, Any] = {
    "code": "K1",
    "client": "C1",
    "modules": [
        {
            "code": "M1",
            "debut": "2026-01-01",
            "duree_mois": 60,
            "biens": ["B1"],
            "couvertures": [{"code": "CV1", "classe": "TONER", "type": "delai"}],
            "regles": [
                {
                    "code": "FORFAIT",
                    "type": "flat_fee",
                    "terme": "a_echoir",
                    "periodicite": {"nombre": 1, "unite": "mois"},
                    "parametres": {"quantity": 1.5},
                    "couts": [{"article": "MAINT", "prix": "100,00", "tva": 20}],
                },
                {
                    "code": "COPIES",
                    "type": "consumed_units",
                    "periodicite": {"nombre": 1, "unite": "mois"},
                    "compteurs": [{"bien": "B1", "compteur": "NB"}],
                    "couts": [{"article": "NB", "prix": "0,005", "tva": 20, "payeur": "C2"}],
                },
            ],
        }
    ],
}


def contract(**changes: object) -> dict[str, Any]:
    """A fresh contract document, top-level fields changed."""
    return {**copy.deepcopy(_CONTRACT), **changes}


def contracts(*documents: dict[str, Any]) -> str:
    """JSON Lines."""
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in documents)


def drop(office: Office, flow: str, name: str, content: str | bytes) -> None:
    """Put a file into the inbox."""
    data = content if isinstance(content, bytes) else content.encode()
    (office.settings.folders.inbox / flow / name).write_bytes(data)


def bring_in(office: Office, flow: str, content: str | bytes, name: str = "f.txt") -> Imported:
    """Drop one file and import what waits; there must be just that one."""
    drop(office, flow, name, content)
    (one,) = import_waiting(office, settle_s=0)
    return one


def rows(office: Office, table: Table) -> int:
    """How many rows a table holds."""
    with office.engine.begin() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def sentences(one: Imported) -> list[str]:
    """The anomalies as printed."""
    return [str(anomaly) for anomaly in one.anomalies]
