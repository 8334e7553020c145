"""All looks, in the order a person would mend what they find."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from config import settings as configuration
from config.partners import AnyPartner, load_partners
from config.settings import Settings
from formats.common.anomaly import AnomaliesFound
from integration.doctor import books, machine
from integration.doctor.finding import Finding


def examined(home: Path, now: datetime, *, network: bool) -> Iterator[Finding]:
    """Every finding. network: partners reached by the network are connected to as well.

    Raises AnomaliesFound (CFG-…) when the settings themselves can't be read.
    """
    settings = configuration.load(home / configuration.FILE_NAME)
    yield from machine.machine()
    yield from machine.folders(settings)
    yield from machine.stuck(settings, now)
    yield from machine.rehearsals(settings, now)
    yield machine.next_change(ZoneInfo(settings.organisation.zone), now)
    yield machine.person_key(settings)
    partners, wrong = _partners(settings)
    yield from wrong
    yield from machine.secrets(settings, partners)
    yield from machine.certificates(settings, partners, now)
    yield from machine.reachable(settings, partners if network else machine.local(partners))
    current = books.schema(settings)
    yield current
    if current.well:
        yield from books.books(home, now)


def _partners(settings: Settings) -> tuple[dict[str, AnyPartner], list[Finding]]:
    try:
        return load_partners(settings.folders.partners), []
    except AnomaliesFound as found:
        return {}, [
            Finding("partenaires", False, one.sentence, one.code.remedy) for one in found.anomalies
        ]
