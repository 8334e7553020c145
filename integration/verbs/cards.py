"""Verbs about cards: what is in the reader, what the cards say, unblocking a provider's card.

No PIN is ever an argument, and none is printed, nor a NIR or a birth date. What the reader refuses
ends with code 77; no scheduler is told to try that again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from config import settings as configuration
from config.settings import Settings
from formats.common.anomaly import MASKED, AnomaliesFound
from integration.app import home_of
from integration.cli import DONE, REFUSED
from integration.readers import open_reader
from integration.readers.errors import (
    NO_UNBLOCK_LEFT,
    NOT_BLOCKED,
    WRONG_UNBLOCK_CODE,
    CardRefused,
)
from integration.readers.groups import Cps, PatientRights, Vitale
from integration.readers.pin import NO_PIN, NO_SECOND_TRY, forget_try, pin_of, typed_secret
from integration.readers.protocol import Status
from integration.verbs.outcome import complain, day_of, say, say_json

_REFUSALS: Final = {NO_PIN, NO_SECOND_TRY, NOT_BLOCKED, NO_UNBLOCK_LEFT, WRONG_UNBLOCK_CODE}


def status(arguments: argparse.Namespace) -> int:
    """Say which reader and cards are there; needs no PIN."""
    return _guarded(_status, arguments)


def read(arguments: argparse.Namespace) -> int:
    """Read the provider's card, then the patient's rights at a date if its card is in."""
    return _guarded(_read, arguments)


def unblock(arguments: argparse.Namespace) -> int:
    """Unblock the provider's card with the issuer's code, both codes typed at the terminal."""
    return _guarded(_unblock, arguments)


def _guarded(does: Callable[[argparse.Namespace, Settings], int], arguments: Any) -> int:
    """A refusal by a card is 77: nothing may try it again without a person."""
    settings = configuration.load(home_of(arguments.home) / configuration.FILE_NAME)
    try:
        return does(arguments, settings)
    except AnomaliesFound as found:
        codes = {anomaly.code for anomaly in found.anomalies}
        if not isinstance(found, CardRefused) and not codes & _REFUSALS:
            raise
        for anomaly in found.anomalies:
            complain(str(anomaly))
        return REFUSED


def _status(arguments: argparse.Namespace, settings: Settings) -> int:
    with open_reader(settings) as reader:
        found = reader.status()
    if arguments.json:
        say_json("card-status", asdict(found))
        return DONE
    _tell_status(found)
    return DONE


def _tell_status(found: Status) -> None:
    device = found.configuration.reader
    named = " ".join(filter(None, (device.maker, device.type, device.serial)))
    say(f"Lecteur : {named}{' (cartes simulées)' if found.simulated else ''}")
    say(f"Carte CPS : {'présente' if found.cps_present else 'absente'}")
    if found.certificate_until:
        say(f"  certificat valable jusqu'au {found.certificate_until:%d/%m/%Y}")
    if found.tries_left is not None:
        left = f"essais restants : {found.tries_left}"
        say(f"  {left if found.tries_left else 'bloquée, voir « echeance card unblock »'}")
        say(f"  déblocages restants : {found.unblocks_left}")
    say(f"Carte Vitale : {'présente' if found.vitale_present else 'absente'}")


def _read(arguments: argparse.Namespace, settings: Settings) -> int:
    zone = ZoneInfo(settings.organisation.zone)
    day = day_of(arguments.date, datetime.now(UTC).astimezone(zone).date())
    with open_reader(settings) as reader:
        cps = reader.read_cps(pin_of(settings, ask=arguments.ask))
        vitale = reader.read_vitale(day) if reader.status().vitale_present else None
    if arguments.json:
        say_json("card", {"date": day, "cps": asdict(cps), "vitale": vitale and _plain(vitale)})
        return DONE
    _tell_cps(cps)
    if vitale:
        _tell_vitale(vitale, day)
    else:
        say("Carte Vitale : absente")
    return DONE


def _tell_cps(cps: Cps) -> None:
    holder = cps.holder
    names = f"{holder.title} {holder.given_name} {holder.family_name}".strip()
    say(f"Carte CPS : {names}, n° {holder.id_number}{' (carte de test)' if cps.test else ''}")
    say(f"  certificat valable jusqu'au {cps.certificate_until:%d/%m/%Y}")
    for one in cps.situations:
        rights = [
            *(["signe les factures"] if one.signs_invoices else []),
            *(["signe les lots"] if one.signs_batches else []),
        ]
        say(f"  {one.structure_name}, facturation {one.billing_number} : {', '.join(rights)}")


def _tell_vitale(vitale: Vitale, day: date) -> None:
    insured = vitale.insured
    where = f"régime {insured.regime}, caisse {insured.fund}, centre {insured.centre}"
    say(f"Carte Vitale au {day:%d/%m/%Y} : NIR {MASKED}, {where}")
    for patient in vitale.patients:
        say(f"  {_described(patient)}")


def _described(patient: PatientRights) -> str:
    identity = patient.identity
    name = f"{identity.usual_name or identity.birth_name} {identity.given_name}"
    parts = [
        f"{name}, rang {identity.rank}, qualité {identity.quality}",
        "droits AMO ouverts" if patient.covered else "pas de droits AMO",
        *(f"couverture {cover.code} (ALD {cover.ald})" for cover in patient.cover),
        *([f"mutuelle {patient.mutual.identification}"] if patient.mutual else []),
        *([f"AMC {patient.amc.b2_number}"] if patient.amc else []),
    ]
    return " ; ".join(parts)


def _plain(vitale: Vitale) -> dict[str, Any]:
    """As JSON, numbers that identify a person masked."""
    content = asdict(vitale)
    _mask(content["insured"], "nir", "nir_key", "serial")
    for accident in content["work_accidents"]:
        _mask(accident, "identifier")
    for patient in content["patients"]:
        _mask(patient["identity"], "nir", "nir_key", "birth_date", "address")
        if patient["amc"]:
            _mask(patient["amc"], "member")
    return content


def _mask(values: dict[str, Any], *names: str) -> None:
    for name in names:
        values[name] = MASKED if values[name] else ""


def _unblock(arguments: argparse.Namespace, settings: Settings) -> int:
    code = typed_secret("Code de déblocage remis par l'émetteur : ")
    new = typed_secret("Nouveau code porteur : ")
    if typed_secret("Nouveau code porteur, encore une fois : ") != new:
        complain("Les deux nouveaux codes diffèrent : rien n'a été essayé.")
        return REFUSED
    with open_reader(settings) as reader:
        reader.unblock(code, new)
        left = reader.status().unblocks_left
    forget_try(settings)
    if arguments.json:
        say_json("card-unblock", {"unblocks_left": left})
    else:
        say(f"Carte débloquée ; déblocages restants : {left}")
    return DONE
