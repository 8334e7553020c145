"""The account in French: tables of labels and figures that every view shows alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from integration.flows.night_report import Account, Figures
from integration.verbs.outcome import euros

Line = tuple[str, int, int | None]
"""A label, a count, an amount in cents or None."""

_KINDS: Final = {
    "contract": "factures de contrats",
    "care": "factures de soins",
    "credit": "avoirs",
    "payment": "règlements",
    "rejection": "rejets",
    "settlement": "régularisations",
}
_SENT: Final = {
    "invoice_pdf": "factures en PDF",
    "b2": "fichiers B2",
    "night_report": "comptes rendus",
    "checks": "contrôles",
}
_ANSWERS: Final = {"P": "parts payées", "R": "parts rejetées", "D": "parts différées"}
_FILES: Final = {"imported": "importés", "duplicate": "en double", "refused": "refusés"}
_LATE: Final = {
    "unanswered": "factures télétransmises sans réponse",
    "overdue": "factures échues et impayées",
    "nights": "nuits non jouées",
}
_WAITING: Final = {
    "todo": "à envoyer",
    "uncertain": "incertains",
    "failed": "abandonnés",
    "held": "retenus",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A titled table. nothing: what is said when it is empty."""

    title: str
    lines: tuple[Line, ...]
    nothing: str


def day_of(account: Account) -> str:
    """The night's day as France writes it."""
    return french(account["day"])


def french(iso: str) -> str:
    """`2026-03-31` as `31/03/2026`."""
    return f"{date.fromisoformat(iso):%d/%m/%Y}"


def title(account: Account) -> str:
    """What a mail or a page is called; it says at once whether somebody is needed."""
    count = len(account["todo"])
    need = f"{count} chose(s) à faire" if count else "rien à faire"
    return f"Nuit du {day_of(account)} : {need}"


def sections(account: Account) -> Iterator[Section]:
    """The figures, in the order a clerk asks for them."""
    sent = _lines(account["transmitted"], {"invoices": "factures télétransmises"})
    yield Section("Fait", _lines(account["made"], _KINDS, cents=True), "Rien n'a été facturé.")
    yield Section("Envoyé", (*_lines(account["sent"], _SENT), *sent), "Rien n'est parti.")
    yield Section(
        "Réponses des organismes",
        _lines(account["answers"], _ANSWERS, cents=True),
        "Aucune réponse.",
    )
    yield Section("Fichiers reçus", _lines(account["received"], _FILES), "Aucun fichier.")
    late = tuple(
        (_LATE[one["what"]], one["count"], one["cents"] or None) for one in account["late"]
    )
    yield Section("En retard", late, "Rien n'est en retard.")
    waiting = tuple(
        (
            f"{_WAITING[one['state']]} ({one['partner'] or 'à attribuer'})",
            one["count"],
            None,
        )
        for one in account["waiting"]
    )
    yield Section("Dans la boîte d'envoi", waiting, "Tout est parti.")


def totals(account: Account) -> list[str]:
    """Documents, entries and outbox side by side, then the verdict."""
    found = account["totals"]
    return [
        f"{found['documents']} documents, {found['links']} chaînés",
        f"factures {euros(found['invoiced_cents'])}, écritures {euros(found['asked_cents'])}",
        f"débit {euros(found['debit_cents'])}, crédit {euros(found['credit_cents'])},"
        f" reste dû {euros(found['due_cents'])}",
        f"{found['to_leave']} envois attendus, {found['outbox']} dans la boîte d'envoi",
        "Tout concorde." if found["agree"] else "LES TOTAUX NE CONCORDENT PAS.",
    ]


def anomalies(account: Account) -> Iterator[str]:
    """New anomalies with their places, those that stand in one line each."""
    for one in account["anomalies"]:
        if one["since"] == account["day"]:
            yield f"{_head(one['code'], one['count'])} {_told(one)}"
    for one in account["anomalies"]:
        if one["since"] != account["day"]:
            since = french(one["since"])
            yield f"{_head(one['code'], one['count'])} toujours là depuis le {since}."


def _head(code: str, count: int) -> str:
    return f"{code} (× {count}) :"


def _told(one: dict[str, object]) -> str:
    examples = one["examples"]
    assert isinstance(examples, list)
    more = int(str(one["count"])) - len(examples)
    rest = f" … et {more} autre(s)" if more > 0 and examples else ""
    return " ".join(part for part in (str(one["sentence"]), " ; ".join(examples) + rest) if part)


def _lines(figures: Figures, names: dict[str, str], *, cents: bool = False) -> tuple[Line, ...]:
    known = [name for name in names if name in figures]
    others = [name for name in figures if name not in names]
    return tuple(
        (names.get(name, name), figures[name]["count"], figures[name]["cents"] if cents else None)
        for name in (*known, *others)
    )
