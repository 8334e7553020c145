"""Decision tables of the installation: `tables/NAME.csv` (or `.xlsx`) → what billing asks them.

The columns are the seed's, shortened; `*` is any. A table that isn't there decides nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Generic, Self, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from billing.contracts.fees import FeeKind
from billing.contracts.reading import Origin, ReadingPolicy
from billing.contracts.rules import KINDS
from config.decisions import ANY, Condition, Decision, DecisionTable
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from integration.translate.decided import FEES, READINGS, REQUESTS, Decisions
from integration.translate.fields import (
    BAD_WORD,
    FEE_CLASSES,
    REFUSED,
    Key,
    Row,
    Text,
    YesNo,
    words,
    wrong,
)
from integration.translate.flow import Record
from integration.translate.tabular import read_rows

UNKNOWN_TABLE: Final = Code(
    "CFG-020",
    "La table de décision « {name} » n'existe pas{near}.",
    "Renommez le fichier ou retirez-le ; « echeance table check » donne les tables connues.",
)

_PROVIDER, _CUSTOMER = Origin.PROVIDER, Origin.CUSTOMER
_ORIGIN: Final = {
    "relevé prestataire": _PROVIDER,
    "releve prestataire": _PROVIDER,
    "relevé client": _CUSTOMER,
    "releve client": _CUSTOMER,
}
_ORIGINS: Final = {
    **{word: frozenset({origin}) for word, origin in _ORIGIN.items()},
    **{
        f"{one}, {other}": frozenset({_PROVIDER, _CUSTOMER})
        for one, first in _ORIGIN.items()
        for other, second in _ORIGIN.items()
        if first is not second
    },
}

_METERED: Final = tuple(kind.code for kind in KINDS.values() if kind.metered)
_MONTH_NAMES: Final = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
_MONTHS: Final = {
    ANY: ANY,
    **{name: str(number) for number, name in enumerate(_MONTH_NAMES, 1)},
    **{str(number): str(number) for number in range(1, 13)},
}
_EVERY_DAY: Final = frozenset(range(1, 32))
_DAYS: Final = {"tous": _EVERY_DAY, "aucun": frozenset[int]()}


def _days(value: Any) -> frozenset[int]:
    text = (f"{value:g}" if isinstance(value, float) else str(value)).strip().lower()
    if text in _DAYS:
        return _DAYS[text]
    days = re.split(r"[ ,/]+", text)
    if not all(day.isascii() and day.isdigit() and 1 <= int(day) <= 31 for day in days):
        raise wrong(BAD_WORD, text, words="tous, aucun, ou des jours du mois comme 1,15")
    return frozenset(map(int, days))


def _days_told(days: frozenset[int]) -> str:
    if days == _EVERY_DAY:
        return "demandes tous les jours"
    return f"demandes le {', '.join(map(str, sorted(days)))}" if days else "aucune demande"


R = TypeVar("R", bound=Row)
T = TypeVar("T")


class ReadingRow(Row):
    """A row of TD_FACTURATION_RELEVES_REEL; `traitement` is the free comment."""

    organisation: Key = Field(alias="organisation")
    agency: Key = Field(alias="agence")
    template: Key = Field(alias="regle_predefinie")
    comment: Text = Field("", alias="traitement")
    allowed: Annotated[frozenset[Origin], words(_ORIGINS)] = Field(alias="releves_autorises")
    preferred: Annotated[Origin, words(_ORIGIN)] | None = Field(None, alias="releve_prioritaire")
    within_days: YesNo = Field(alias="recherche_nombre_jours")
    estimate: YesNo = Field(alias="estimation_forcee")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.preferred and self.preferred not in self.allowed:
            raise wrong(REFUSED, reason="le relevé prioritaire n'est pas autorisé")
        return self

    def policy(self) -> ReadingPolicy:
        """What the row decides, as the rating engine takes it."""
        tiers: tuple[frozenset[Origin], ...] = (self.allowed,)
        if self.preferred:
            first = frozenset({self.preferred})
            tiers = tuple(tier for tier in (first, self.allowed - first) if tier)
        return ReadingPolicy(tiers, self.within_days, self.estimate)


class FeeRow(Row):
    """A row of TD_FRAIS_ESTIMATION or TD_FRAIS_FACTURE; without article no fee is due."""

    organisation: Key = Field(alias="organisation")
    agency: Key = Field(alias="agence")
    customer_class: Annotated[str, words({ANY: ANY, **FEE_CLASSES})] = Field(alias="classe")
    article: Key | None = Field(None, alias="article")
    comment: Text = Field("", alias="commentaire")


class RequestRow(Row):
    """A row of TD_DEMANDES_RELEVES: generic calendar, exceptions and exclusions in one table.

    The exclusion stands above the exception, the exception above the generic row (A-DEM-11).
    """

    organisation: Key = Field(alias="organisation")
    agency: Key = Field(alias="agence")
    classification: Key = Field(alias="classification")
    kind: Annotated[str, words({ANY: ANY, **{code: code for code in _METERED}})] = Field(
        alias="regle"
    )
    month: Annotated[str, words(_MONTHS)] = Field(alias="mois")
    days: Annotated[frozenset[int], BeforeValidator(_days)] = Field(alias="jours")
    comment: Text = Field("", alias="commentaire")


@dataclass(frozen=True, slots=True)
class Layout(Generic[R, T]):
    """How a table is read: its row, its conditions by field, what a row decides, also in French."""

    french: str
    row: type[R]
    conditions: Mapping[str, Condition]
    outcome: Callable[[R], T]
    told: Callable[[T], str]


def _policy_told(policy: ReadingPolicy) -> str:
    tiers = (" ou ".join(sorted(origin.french for origin in tier)) for tier in policy.tiers)
    since = "dans la limite de jours" if policy.within_days else "depuis la dernière facture"
    gap = "estimation forcée" if policy.estimate else "sans estimation"
    return f"{', sinon '.join(tiers)} ; {since} ; {gap}"


def _fee(row: FeeRow) -> str:
    return row.article or ""


def _fee_told(article: str) -> str:
    return f"article {article}" if article else "aucun frais"


_SCOPE: Final = {"organisation": Condition("organisation"), "agency": Condition("agence")}
_FEE: Final = {**_SCOPE, "customer_class": Condition("classe", ("SOUMIS", "EXONERE"))}
LAYOUTS: Final[Mapping[str, Layout[Any, Any]]] = MappingProxyType(
    {
        READINGS: Layout(
            "relevés admis par les règles au relevé réel",
            ReadingRow,
            {**_SCOPE, "template": Condition("regle_predefinie")},
            ReadingRow.policy,
            _policy_told,
        ),
        FEES[FeeKind.ESTIMATE]: Layout(
            "frais des factures sur estimation", FeeRow, _FEE, _fee, _fee_told
        ),
        FEES[FeeKind.INVOICE]: Layout("frais de facture", FeeRow, _FEE, _fee, _fee_told),
        REQUESTS: Layout(
            "calendrier des demandes de relevés",
            RequestRow,
            {
                **_SCOPE,
                "classification": Condition("classification"),
                "kind": Condition("regle", _METERED),
                "month": Condition("mois", tuple(map(str, range(1, 13)))),
            },
            lambda row: row.days,
            _days_told,
        ),
    }
)


def load_decisions(folder: Path, organisation: str) -> Decisions:
    """The tables of a folder, for an organisation. Raises AnomaliesFound with every fault."""
    digest, tables, anomalies = hashlib.sha256(), dict[str, DecisionTable[Any]](), list[Anomaly]()
    for path in sorted(folder.glob("[!.]*.*")):
        content = path.read_bytes()
        digest.update(path.name.encode() + b"\0" + content)
        try:
            tables[path.stem] = read_table(content, path.name)
        except AnomaliesFound as found:
            anomalies += found.anomalies
    if anomalies:
        raise AnomaliesFound(*anomalies)
    return Decisions(organisation, tables, digest.hexdigest())


def read_table(content: bytes, file: str) -> DecisionTable[Any]:
    """One table; its file's name is its own. Raises AnomaliesFound with every fault."""
    name = file.rpartition(".")[0]
    layout = LAYOUTS.get(name)
    if layout is None:
        close = get_close_matches(name.upper(), LAYOUTS, 1)
        near = f" (la plus proche : « {close[0]} »)" if close else ""
        raise AnomaliesFound(Anomaly(UNKNOWN_TABLE, Place(file), {"name": name, "near": near}))
    rows = tuple(_decision(layout, record) for record in read_rows(content, file, layout.row))
    return DecisionTable(name, tuple(layout.conditions.values()), file, rows)


def _decision(layout: Layout[Any, T], record: Record[Any]) -> Decision[T]:
    row, names = record.value, [c.name for c in layout.conditions.values()]
    return Decision(
        tuple(getattr(row, field) for field in layout.conditions),
        layout.outcome(row),
        record.at().line,
        tuple(record.at(name).start for name in names),
        row.comment,
    )
