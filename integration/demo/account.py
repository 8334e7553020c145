"""The last page in French: what was done, which totals agree, and where to look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from formats.common.french import counted
from integration.demo.balance import Balance
from integration.demo.cards import PIN, UNBLOCK_CODE
from integration.verbs.health import described


def written(balance: Balance, home: Path) -> str:
    """The page, without a final newline."""
    return "\n".join(
        [
            "\nCe qui a été fait",
            described(balance.situation),
            *_made(balance, home),
            "\nLes totaux",
            *map(str, balance.agreements),
            _verdict(balance),
            "\nOù regarder",
            *_places(balance.last_day, home),
        ]
    )


def _made(balance: Balance, home: Path) -> Iterator[str]:
    customers, machines, contracts, patients = balance.portfolio
    yield f"  {customers} clients, {machines} machines, {contracts} contrats, {patients} patients."
    pages = len(list((home / "outbox" / "factures").glob("*.pdf")))
    refused = len(list((home / "error").rglob("*.err.txt")))
    yield f"  {pages} factures en PDF, {refused} fichiers refusés avec leurs raisons."
    some = balance.fund.part_paid
    yield f"  Les caisses ont payé {counted(some, 'part(s)')} en partie seulement."


def _verdict(balance: Balance) -> str:
    if balance.sound:
        found = balance.verified
        return (
            f"  Tout concorde. Livres sains : {found.documents} documents chaînés et équilibrés, "
            f"{found.parts} parts facturées une fois."
        )
    wrong = [one.title for one in balance.agreements if not one.holds]
    faults = [str(balance.verified.fault)] if balance.verified.fault else []
    return f"  ATTENTION, LES TOTAUX NE CONCORDENT PAS : {' ; '.join(wrong + faults)}."


def _places(last_day: date, home: Path) -> Iterator[str]:
    for what, pattern in (
        ("une facture", "outbox/factures/*.pdf"),
        ("un fichier B2", "outbox/b2/*.b2"),
        ("le retour d'une caisse", "done/returns/**/*.noe"),
        ("un fichier refusé", "error/**/*.err.txt"),
        ("un rapport de nuit", "reports/*.html"),
    ):
        found = sorted(home.glob(pattern))
        if found:
            yield f"  {what:22} {found[len(found) // 2]}"
    for verb, what in (
        ("status", "la situation"),
        (f"unpaid --as-of {last_day}", "les impayés"),
        ("verify", "le contrôle des livres"),
        (f"simulate --date {last_day + timedelta(1)}", "le lendemain, sans rien écrire"),
        ("card status", "les cartes du lecteur simulé"),
        ("card read", f"les lire (code porteur {PIN})"),
        ("card unblock", f"débloquer (code {UNBLOCK_CODE})"),
    ):
        yield f"  {what:31} echeance --home {home} {verb}"
