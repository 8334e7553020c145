"""The account as one HTML page that needs nothing else: no script, no picture from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from typing import Final

from formats.common.french import counted
from integration.flows.night_report import Account
from integration.reporting import words
from integration.reporting.charts import BLUE, GREEN, GREY, ORANGE, RED, bars, columns
from integration.verbs.outcome import euros

_STYLE: Final = """
body{font:16px/1.5 "DejaVu Sans",Verdana,sans-serif;color:#1a1a1a;max-width:60rem;margin:2rem auto;
padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse}td{padding:.2rem 1rem .2rem 0}td.n{text-align:right}
.todo{border-left:.4rem solid #d55e00;padding:.1rem 1rem;background:#fdf3ec}
.calm{border-left:.4rem solid #009e73;padding:.1rem 1rem;background:#eef8f4}
figure{margin:1rem 0}figcaption{font-weight:bold}svg{max-width:100%;height:auto}
svg text{font:12px "DejaVu Sans",Verdana,sans-serif;fill:#1a1a1a}
"""
_BY_NIGHT: Final = "Facturé par nuit, en euros : contrats en bleu, soins en orange"
_ANSWERS: Final = (("P", "payées", GREEN), ("R", "rejetées", RED), ("D", "différées", ORANGE))

_OUTBOX: Final = (
    ("sent", "envoyés", GREEN),
    ("todo", "à envoyer", BLUE),
    ("uncertain", "incertains", ORANGE),
    ("failed", "abandonnés", RED),
    ("held", "retenus", GREY),
)


def escape(text: str) -> str:
    """Text as HTML; French signs stay with their words at the end of a line."""
    told = html.escape(text)
    for sign in "»:;?!":
        told = told.replace(f" {sign}", f"&nbsp;{sign}")
    return told.replace("« ", "«&nbsp;")


def page(account: Account) -> str:
    """The whole page; every text from outside is escaped."""
    title = escape(words.title(account))
    body = "\n".join(_body(account))
    return (
        '<!DOCTYPE html>\n<html lang="fr"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _body(account: Account) -> Iterator[str]:
    yield f"<h1>{escape(words.title(account))}</h1>"
    since = account["previous"]
    told = f"depuis la nuit du {words.french(since)}" if since else "première nuit"
    yield f"<p>{escape(account['organisation'])}, {told}.</p>"
    yield _todo(account)
    yield from _charts(account)
    for section in words.sections(account):
        yield f"<h2>{escape(section.title)}</h2>"
        yield _table(section)
    yield f"<h2>Totaux</h2>{_list(words.totals(account))}"
    if account["anomalies"]:
        yield f"<h2>Anomalies</h2>{_list(words.anomalies(account))}"


def _todo(account: Account) -> str:
    if not account["todo"]:
        return '<div class="calm"><p>Rien à faire : tout s\'est fait tout seul.</p></div>'
    tasks = (
        f"<li><strong>{escape(one['what'])}.</strong> {escape(one['mend'])}</li>"
        for one in account["todo"]
    )
    return f'<div class="todo"><h2>À faire aujourd\'hui</h2><ol>{"".join(tasks)}</ol></div>'


def _charts(account: Account) -> Iterator[str]:
    nights = [
        (
            words.french(one["day"])[:5],
            (one["contract_cents"], one["care_cents"]),
            _whole(one["contract_cents"] + one["care_cents"]),
            f"{words.french(one['day'])} : contrats {euros(one['contract_cents'])},"
            f" soins {euros(one['care_cents'])}",
        )
        for one in account["nights"]
    ]
    yield columns(_BY_NIGHT, nights, (BLUE, ORANGE))
    answered = account["ever"]["answers"]
    shares = [
        (label, one["cents"], f"{counted(one['count'], 'part(s)')}, {euros(one['cents'])}", colour)
        for state, label, colour in _ANSWERS
        if (one := answered.get(state))
    ]
    if shares:
        yield bars("Parts répondues par les organismes, depuis le début", shares)
    left = [
        (label, count, str(count), colour)
        for state, label, colour in _OUTBOX
        if (count := _count(account, state))
    ]
    if left:
        yield bars("Boîte d'envoi, depuis le début", left)


def _whole(cents: int) -> str:
    """`1 235` for 123 456 cents: enough above a column, which tells its cents when pointed at."""
    return f"{round(cents / 100):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _count(account: Account, state: str) -> int:
    if state == "sent":
        return sum(one["count"] for one in account["ever"]["sent"].values())
    return sum(one["count"] for one in account["waiting"] if one["state"] == state)


def _table(section: words.Section) -> str:
    if not section.lines:
        return f"<p>{escape(section.nothing)}</p>"
    rows = (
        f'<tr><td class="n">{count}</td><td>{escape(label)}</td>'
        f'<td class="n">{euros(cents) if cents is not None else ""}</td></tr>'
        for label, count, cents in section.lines
    )
    return f"<table>{''.join(rows)}</table>"


def _list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
