"""The account in French: tables of labels and figures that every view shows alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from formats.common.french import agreed, counted, plural
from integration.flows.night_report import Account, Figures
from integration.verbs.outcome import euros

Line = tuple[str, int, int | None]
"""A label, a count, an amount in cents or None."""

KINDS: Final = {
    "contract": "facture(s) de contrats",
    "care": "facture(s) de soins",
    "credit": "avoir(s)",
    "payment": "règlement(s)",
    "rejection": "rejet(s)",
    "settlement": "régularisation(s)",
}
SENT: Final = {
    "invoice_pdf": "facture(s) en PDF",
    "b2": "fichier(s) B2",
    "reading_request": "demande(s) de relevés",
    "run_silence": "alerte(s) d'analyseur muet",
    "night_report": "compte(s) rendu(s)",
    "checks": "contrôle(s)",
}
ANSWERS: Final = {"P": "part(s) payée(s)", "R": "part(s) rejetée(s)", "D": "part(s) différée(s)"}
FILES: Final = {"imported": "importé(s)", "duplicate": "en double", "refused": "refusé(s)"}
_LATE: Final = {
    "unanswered": "facture(s) télétransmise(s) sans réponse",
    "overdue": "facture(s) échue(s) et impayée(s)",
    "nights": "nuit(s) non jouée(s)",
}
_WAITING: Final = {
    "todo": "à envoyer",
    "uncertain": "incertain(s)",
    "failed": "abandonné(s)",
    "held": "retenu(s)",
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
    need = counted(count, "chose(s) à faire") if count else "rien à faire"
    return f"Nuit du {day_of(account)} : {need}"


def sections(account: Account) -> Iterator[Section]:
    """The figures, in the order a clerk asks for them."""
    sent = _lines(account["transmitted"], {"invoices": "facture(s) télétransmise(s)"})
    yield Section("Fait", _lines(account["made"], KINDS, cents=True), "Rien n'a été facturé.")
    yield Section("Envoyé", (*_lines(account["sent"], SENT), *sent), "Rien n'est parti.")
    yield Section(
        "Réponses des organismes",
        _lines(account["answers"], ANSWERS, cents=True),
        "Aucune réponse.",
    )
    yield Section("Fichiers reçus", _lines(account["received"], FILES), "Aucun fichier.")
    late = tuple(
        (plural(_LATE[one["what"]], one["count"]), one["count"], one["cents"] or None)
        for one in account["late"]
    )
    yield Section("En retard", late, "Rien n'est en retard.")
    waiting = tuple(
        (
            plural(_WAITING[one["state"]], one["count"]) + f" ({one['partner'] or 'à attribuer'})",
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
        agreed("{documents} document(s), {links} chaîné(s)", **found),
        f"factures {euros(found['invoiced_cents'])}, écritures {euros(found['asked_cents'])}",
        f"débit {euros(found['debit_cents'])}, crédit {euros(found['credit_cents'])},"
        f" reste dû {euros(found['due_cents'])}",
        agreed("{to_leave} envoi(s) attendu(s), {outbox} dans la boîte d'envoi", **found),
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
    rest = f" … et {counted(more, 'autre(s)')}" if more > 0 and examples else ""
    return " ".join(part for part in (str(one["sentence"]), " ; ".join(examples) + rest) if part)


def _lines(figures: Figures, names: dict[str, str], *, cents: bool = False) -> tuple[Line, ...]:
    """The figures in the order of their names; what has no name comes last."""
    order = (
        *(name for name in names if name in figures),
        *(name for name in figures if name not in names),
    )
    return tuple(_line(names.get(name, name), figures[name], cents=cents) for name in order)


def _line(words: str, figure: dict[str, int], *, cents: bool) -> Line:
    """A rejection moves no total: it has no amount of its own."""
    amount = figure["cents"] if cents and figure["cents"] else None
    return plural(words, figure["count"]), figure["count"], amount
