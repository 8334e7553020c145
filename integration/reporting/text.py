"""The account as plain text, for a terminal and for a mail read without pictures."""

from __future__ import annotations

from collections.abc import Iterator

from integration.flows.night_report import Account
from integration.reporting import words
from integration.verbs.outcome import euros


def text(account: Account) -> str:
    """The whole account, most urgent first; ends with a line end."""
    return "\n".join(_lines(account)) + "\n"


def _lines(account: Account) -> Iterator[str]:
    since = account["previous"]
    yield f"{words.title(account)} — {account['organisation']}"
    yield f"Depuis la nuit du {words.french(since)}." if since else "Première nuit."
    yield from ("", "À faire aujourd'hui")
    for n, task in enumerate(account["todo"], 1):
        yield f"  {n}. {task['what']}."
        yield f"     {task['mend']}"
    if not account["todo"]:
        yield "  Rien : tout s'est fait tout seul."
    for section in words.sections(account):
        yield from ("", section.title)
        for label, count, cents in section.lines:
            amount = f"{euros(cents):>18}" if cents is not None else ""
            yield f"  {count:>7} {label:40}{amount}".rstrip()
        if not section.lines:
            yield f"  {section.nothing}"
    yield from ("", "Totaux", *(f"  {line}" for line in words.totals(account)))
    if account["anomalies"]:
        yield from ("", "Anomalies", *(f"  {line}" for line in words.anomalies(account)))
