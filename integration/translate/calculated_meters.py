"""Calculated meters at import: formulas are sound, the configuration wins (A-NCU-13)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator
from sqlalchemy import select

from billing.contracts.calculated import faults
from billing.contracts.formula import names, parse, text_of
from billing.contracts.reading import NO_FORMULA
from billing.money import Rounding
from config.settings import PredefinedMeter
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database import tables as t
from integration.translate.codes import slices
from integration.translate.families import Family
from integration.translate.fields import REFUSED, Text, wrong
from integration.translate.flow import Intake, Records

FORMULA_ADDED: Final = Code(
    "IMP-153",
    "La grandeur calculée « {meter} » du bien « {asset} » n'avait pas de formule ; celle de la"
    " configuration est reprise : {formula}.",
    "Vérifiez la formule du fichier, ou celle de la section [meters].",
)
FORMULA_CHANGED: Final = Code(
    "IMP-154",
    "La grandeur calculée « {meter} » du bien « {asset} » avait une autre formule que la"
    " configuration, qui est reprise : {formula}.",
    "Vérifiez la formule du fichier, ou celle de la section [meters].",
)

ROUNDINGS: Final = {
    "proche": Rounding.STANDARD,
    "superieur": Rounding.UP,
    "inferieur": Rounding.DOWN,
}


def _formula(value: Any) -> str:
    text = str(value).strip()
    try:
        formula = parse(text)
    except AnomaliesFound as found:
        raise wrong(REFUSED, text, reason=_reason(found.anomalies[0])) from None
    if not names(formula):
        raise wrong(REFUSED, text, reason="la formule ne nomme aucune grandeur")
    return text_of(formula)


def _reason(anomaly: Anomaly) -> str:
    return f"{anomaly.values['reason']}, au caractère {anomaly.place.start}"


Formula = Annotated[Text, BeforeValidator(_formula, json_schema_input_type=str)]

Meters = dict[tuple[int, str], dict[str, Any]]


def predefined(
    intake: Intake,
    families: Records[Family],
    ids: Mapping[str, int],
    wanted: Meters,
    known: Mapping[tuple[int, str], Any],
) -> list[Anomaly]:
    """Gives meters the formula of their code in the configuration; says which ones it changed.

    A meter with a formula, or with a predefined code, is a calculated one.
    """
    notices = []
    for one in families:
        asset = one.value.parent["code"]
        for child in one.value.children:
            code = child.value["code"]
            row, before = wanted[ids[asset], code], known.get((ids[asset], code))
            own = row.get("formula") or (before.formula if before else "")
            model = intake.settings.meters.get(code)
            if own or model:
                row["calculated"] = True
            if model and (change := _change(row, before, own, model)):
                values = {"meter": code, "asset": asset, "formula": model.formula}
                notices.append(Anomaly(change, child.at("formule"), values))
                row |= {"formula": model.formula, "rounding": model.rounding.value}
    return notices


def _change(row: Mapping[str, Any], before: Any, own: str, model: PredefinedMeter) -> Code | None:
    if not own:
        return FORMULA_ADDED
    rounding = row.get("rounding", before.rounding if before else Rounding.STANDARD)
    same = (own, rounding) == (model.formula, model.rounding)
    return None if same else FORMULA_CHANGED


def unsound(intake: Intake, families: Records[Family], ids: Mapping[str, int]) -> Iterator[Anomaly]:
    """Calculated meters of these assets, as stored: no formula, an unknown operand, a cycle."""
    stored = _stored(intake, [ids[one.value.parent["code"]] for one in families])
    for one in families:
        asset = one.value.parent["code"]
        meters = stored[ids[asset]]
        if not any(calculated for calculated, _ in meters.values()):
            continue
        places = {child.value["code"]: child.at("formule") for child in one.value.children}
        for code, fault, cause in _faults(meters):
            values = {"meter": code, "asset": asset, "cause": cause}
            yield Anomaly(fault, places.get(code) or one.at("bien"), values)


def _faults(meters: Mapping[str, tuple[bool, str]]) -> Iterator[tuple[str, Code, str]]:
    for code, (calculated, text) in meters.items():
        if calculated and not text:
            yield code, NO_FORMULA, ""
    yield from faults({code: parse(text) if text else None for code, (_, text) in meters.items()})


def _stored(intake: Intake, assets: list[int]) -> dict[int, dict[str, tuple[bool, str]]]:
    m = t.meter.c
    query = select(m.asset_id, m.code, m.calculated, m.formula).order_by(m.id)
    found: dict[int, dict[str, tuple[bool, str]]] = defaultdict(dict)
    for some in slices(sorted(assets)):
        for asset, code, calculated, text in intake.connection.execute(
            query.where(m.asset_id.in_(some))
        ):
            found[asset][code] = bool(calculated), text
    return found
