"""What a reading request says, from the machines asked about: plain values, kept with the letter.

The number of the letter isn't known yet: `{reference}` stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from datetime import date
from typing import Any, Final

from billing.contracts.requests import Channel, Line
from billing.contracts.seen import Proposal
from config.settings import Settings
from config.templates import Templates, filled
from formats.common.french import agreed
from formats.message import reply
from integration.translate.request_letters import picture_name

_FAX: Final = "Merci de compléter les fiches jointes et de nous les retourner par fax{fax}."
_SUMMARY: Final = "{title} : {sent} bien(s) demandé(s), {unsent} non demandé(s)."


def content_of(
    settings: Settings,
    requested_on: date,
    lines: Sequence[Line],
    templates: Templates,
    bad: Set[str],
) -> dict[str, Any]:
    """Everything a letter says. bad: pictures that can't be drawn."""
    first = lines[0].machine
    fax = settings.parameters.BIEN_COMPTEUR_NUMERO_FAX
    values = _values(settings, requested_on) | {
        "client": first.customer_name,
        "interlocuteur": first.contact,
        "biens": ", ".join(line.machine.label or line.machine.code for line in lines),
        "nombre": str(len(lines)),
    }
    if lines[0].found.channel is Channel.FAX:
        body = [filled(_FAX, values)]
    else:
        body = [filled(templates.text, values), *_to_complete(lines, requested_on)]
    signature = filled(templates.signature, values).strip("\n")
    return {
        "subject": f"{filled(templates.subject, values)} ({{reference}})",
        "text": "\n".join((*body, "", "Référence : {reference}", "", signature, "")),
        **_sender(settings, templates),
        "organisation": [settings.organisation.name, *settings.organisation.address],
        "SOC_FAX_RELEVE_COMPTEUR": fax,
        "pages": [_page(line, bad) for line in lines],
    }


def _values(settings: Settings, requested_on: date) -> dict[str, str]:
    """What a template may quote of us."""
    own, fax = settings.organisation, settings.parameters.BIEN_COMPTEUR_NUMERO_FAX
    return {
        "date": f"{requested_on:%d/%m/%Y}",
        "organisation": own.name,
        "adresse": "\n".join(own.address),
        "fax": f" au {fax}" if fax else "",
        "SOC_FAX_RELEVE_COMPTEUR": fax,
    }


def _to_complete(lines: Sequence[Line], requested_on: date) -> Iterator[str]:
    """What a customer completes: each meter by its name, then the line that we read back."""
    for line in lines:
        for one in line.meters:
            named = line.machine.label or line.machine.code
            yield f"\n{named}, {one.meter.label or one.meter.code} :"
            yield reply.line(line.machine.code, one.meter.code, f"{requested_on:%d/%m/%Y}")


def _sender(settings: Settings, templates: Templates) -> dict[str, str]:
    """The template's sender, else BIEN_COMPTEUR_EXPEDITEUR_MAIL, else MAIL (A-DEM-07)."""
    address = templates.sender.address or settings.parameters.requests_from
    return {"sender": address, "sender_name": templates.sender.name}


def _page(line: Line, bad: Set[str]) -> dict[str, Any]:
    machine = line.machine
    picture = picture_name(machine.product)
    shown = (
        ("Matériel", machine.label or machine.code),
        ("Code du bien", machine.code),
        ("Matricule", machine.serial),
        ("Référence", machine.product),
        ("Localisation", machine.location),
        ("Contrat", ", ".join(dict.fromkeys(one.contract for one in line.meters))),
    )
    address = (machine.site_address or machine.customer_address).splitlines()
    contact = f"À l'attention de {machine.contact}" if machine.contact else ""
    return {
        "asset": machine.code,
        "addressee": [a for a in (machine.customer_name, contact, machine.site, *address) if a],
        "machine": [pair for pair in shown if pair[1]],
        "picture": "" if picture in bad else picture,
        "meters": [_meter(one) for one in line.meters],
    }


def _meter(one: Proposal) -> dict[str, Any]:
    last = one.last
    return {
        "code": one.meter.code,
        "label": one.meter.label or one.meter.code,
        "last": last.value if last else None,
        "last_on": last.read_on.isoformat() if last else "",
    }


def summary_of(
    settings: Settings, requested_on: date, lines: Sequence[Line], templates: Templates
) -> dict[str, Any]:
    """What was asked and what wasn't, for whoever manages it (A-DEM-08)."""
    title = f"Demandes de relevés du {requested_on:%d/%m/%Y}"
    sent = [f"- {told_of(line)}" for line in lines if not line.why]
    unsent = [f"- {told_of(line)} : {line.why}" for line in lines if line.why]
    text = (
        agreed(_SUMMARY, title=title, sent=len(sent), unsent=len(unsent)),
        *(("", "Demandés :", *sent) if sent else ()),
        *(("", "Non demandés :", *unsent) if unsent else ()),
        "",
        filled(templates.signature, _values(settings, requested_on)).strip("\n"),
        "",
    )
    own = _sender(settings, templates)
    return {"subject": title, "text": "\n".join(text), **own}


def told_of(line: Line) -> str:
    """A line in French: machine, customer, means and address."""
    found = line.found
    known = f"{found.channel.french} {found.address}".strip() if found.channel else ""
    means = known or line.machine.mode or "sans mode"
    return f"{line.machine.code}, {line.machine.customer_name} ({means})"
