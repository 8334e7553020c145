"""Calculated meters: their readings come from those of other meters of their asset.

A calculated meter has a value on each day all its operands were read, rounded to the unit; nothing
of it is stored but the estimates billed. A day without one is a gap, with its reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from billing.contracts.formula import Formula, names, rounded, value_of
from billing.contracts.reading import Calculated, Meter, Origin, Reading
from formats.common.anomaly import Code

UNKNOWN_OPERAND: Final = Code(
    "RAT-141",
    "La formule de la grandeur « {meter} » du bien « {asset} » nomme une grandeur que le bien n'a"
    " pas : « {cause} ».",
    "Corrigez la formule, ou ajoutez la grandeur au bien.",
)
CYCLE: Final = Code(
    "RAT-142",
    "La grandeur « {meter} » du bien « {asset} » se calcule à partir d'elle-même : {cause}.",
    "Corrigez une des formules.",
)
OPERAND_UNREAD: Final = Code(
    "RAT-144",
    "La grandeur calculée « {meter} » du bien « {asset} » n'a pas de valeur : {cause}.",
    "Saisissez à cette date les relevés de toutes les grandeurs de la formule.",
)
NO_VALUE: Final = Code(
    "RAT-145",
    "La formule de la grandeur « {meter} » du bien « {asset} » ne donne pas de compteur : {cause}.",
    "Vérifiez les relevés de ce jour, ou corrigez la formule.",
)

_CHANGES: Final = (Origin.TAKEOVER, Origin.INSTALLATION)  # in the order of their day
_PLAIN: Final = (Origin.CUSTOMER, Origin.PROVIDER)


class Gap(NamedTuple):
    """A day on which some operand was read and the calculated meter has no value."""

    on: date
    code: Code
    cause: str


class History(NamedTuple):
    """A meter's readings in date order; gaps only for a calculated one."""

    readings: Sequence[Reading]
    gaps: Sequence[Gap] = ()


def history_of(meter: Meter, readings: Mapping[int, Sequence[Reading]]) -> History:
    """The readings of a meter: those stored, or those its formula gives. `readings` by meter id."""
    calculation = meter.calculation
    if calculation is None:
        return History(readings.get(meter.id, ()))
    told = list(_told(meter, calculation, readings))
    return History(
        [one for one in told if isinstance(one, Reading)],
        [one for one in told if isinstance(one, Gap)],
    )


def gap_in(gaps: Sequence[Gap], since: date, until: date) -> tuple[Code, str] | None:
    """Why there is no value between two days, both included: the last gap."""
    found = [gap for gap in gaps if since <= gap.on <= until]
    return (found[-1].code, found[-1].cause) if found else None


def faults(formulas: Mapping[str, Formula | None]) -> Iterator[tuple[str, Code, str]]:
    """What is wrong with the formulas of an asset's meters, by code; None for an ordinary meter.

    Gives the meter's code, the anomaly's and its cause.
    """
    for code, formula in formulas.items():
        for operand in sorted(names(formula)) if formula else ():
            if operand not in formulas:
                yield code, UNKNOWN_OPERAND, operand
        way = _way_back(code, formulas)
        if way:
            yield code, CYCLE, " → ".join(way)


def _told(
    meter: Meter, calculation: Calculated, readings: Mapping[int, Sequence[Reading]]
) -> Iterator[Reading | Gap]:
    if calculation.formula is None:
        return
    days: defaultdict[date, dict[str, dict[Origin, int]]] = defaultdict(dict)
    for operand in calculation.operands:
        for reading in history_of(operand, readings).readings:
            if reading.origin is not Origin.ESTIMATE:
                said = days[reading.read_on].setdefault(operand.code, {})
                said[reading.origin] = reading.value
    for day, said_by in sorted(days.items()):
        for origin, values in _moments(said_by, len(calculation.operands)):
            yield _computed(meter, calculation, day, origin, values)


def _moments(
    said: Mapping[str, Mapping[Origin, int]], operands: int
) -> Iterator[tuple[Origin, dict[str, int]]]:
    """Operands' values on a day: before and after a replaced meter, else all read together.

    A meter that wasn't replaced keeps its reading on both sides.
    """
    plain = {code: s[o] for code, s in said.items() for o in _PLAIN if o in s}
    replaced = False
    for change in _CHANGES:
        changed = {code: s[change] for code, s in said.items() if change in s}
        if changed:
            replaced = True
            yield change, {**plain, **changed}
    if plain and (not replaced or len(plain) == operands):
        by_all = [o for o in _PLAIN if all(o in s for s in said.values())]
        for origin in by_all or _PLAIN[:1]:
            yield origin, plain


def _computed(
    meter: Meter, calculation: Calculated, day: date, origin: Origin, values: Mapping[str, int]
) -> Reading | Gap:
    assert calculation.formula is not None
    unread = [one.label for one in calculation.operands if one.code not in values]
    if unread:
        return Gap(day, OPERAND_UNREAD, f"pas de relevé de « {unread[0]} » le {day:%d/%m/%Y}")
    try:
        value = rounded(value_of(calculation.formula, values), calculation.rounding)
    except ZeroDivisionError:
        return Gap(day, NO_VALUE, f"division par zéro le {day:%d/%m/%Y}")
    if value < 0:
        return Gap(day, NO_VALUE, f"{value} le {day:%d/%m/%Y}")
    return Reading(meter.id, day, value, origin)


def _way_back(code: str, formulas: Mapping[str, Formula | None]) -> tuple[str, ...]:
    """The shortest way from a meter to itself, by its operands; empty when there is none."""
    ways: list[tuple[str, ...]] = [(code,)]
    seen: set[str] = set()
    for way in ways:
        formula = formulas.get(way[-1])
        for operand in sorted(names(formula)) if formula else ():
            if operand == code:
                return (*way, code)
            if operand not in seen:
                seen.add(operand)
                ways.append((*way, operand))
    return ()
