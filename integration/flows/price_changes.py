"""A file of increases read back: what it changes rule by rule, what is wrong, what is ignored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from billing.contracts.contract import Family
from billing.contracts.increase import (
    Change,
    Increase,
    IncreaseKind,
    Mode,
    OneOff,
    PriceName,
    in_year,
)
from billing.contracts.revision import last_applied, pending
from billing.money import ZERO
from formats.common.anomaly import Anomaly, Code
from integration.flows.prices import Priced, priced, renewal, told
from integration.flows.rule_changes import RuleChange, Shown, Trail
from integration.sheets import Cell, written
from integration.translate.flow import Record, Records
from integration.translate.increase_document import change_of, yearly_of
from integration.translate.increases_rows import increase_text
from integration.translate.price_file import COLUMNS, KIND_WORDS, MODE_WORDS, TOLD, letter, same

UNKNOWN_RULE: Final = Code(
    "IMP-204",
    "La règle de clé {rule} n'existe pas sous ce contrat et ce client.",
    "Ne changez pas les colonnes AK à AN : refaites l'export.",
)
MOVED: Final = Code(
    "IMP-205",
    "Les augmentations de la règle « {rule} » ont changé depuis l'export.",
    "Refaites l'export, puis vos modifications.",
)
IGNORED: Final = Code(
    "IMP-206",
    "La colonne {letter} « {label} » n'est pas lue : sa modification est ignorée.",
    "Rien à faire ; seules les colonnes R à Z sont lues.",
)
REFUSED: Final = Code(
    "IMP-207", "Règle « {rule} » : {reason}.", "Corrigez la ligne ; rien n'a été enregistré."
)
UNLIKE: Final = Code(
    "IMP-208",
    "Une valeur ajoutée ou remplacée touche des règles d'articles différents : {articles}.",
    "Ces augmentations ne sont pas proportionnelles : vérifiez chaque prix.",
)
TWICE: Final = Code(
    "IMP-209", "La règle « {rule} » est présente deux fois.", "Gardez une seule ligne."
)
_FIXED: Final = (Mode.ADDED, Mode.REPLACED)
_STANDARD: Final = (Family.STANDARD.value,)
_BEYOND: Final = (Family.OVERRUN.value, Family.SUBSCRIPTION.value)
_TYPED: Final = (PriceName.BILLED, PriceName.CUTOFF, PriceName.PROFIT)


@dataclass(slots=True)
class Read:
    """What a file would do: the rules it changes as they are, the changes, the remarks."""

    before: list[Priced] = field(default_factory=list)
    changes: list[RuleChange] = field(default_factory=list)
    anomalies: list[Anomaly] = field(default_factory=list)
    notices: list[Anomaly] = field(default_factory=list)


class _Refused(ValueError):  # noqa: N818 - carried to the row's place, then told as an anomaly
    """A French reason."""


def read_changes(
    connection: Connection, organisation_id: int, records: Records[Any], today: date
) -> Read:
    """Compare a file with the rules as they are. Writes nothing."""
    found, articles = Read(), set[str]()
    ids = [record.value.rule_id for record in records]
    known = {one.rule_id: one for one in priced(connection, organisation_id, ids)}
    seen = set[int]()
    for record in records:
        row, one = record.value, known.get(record.value.rule_id)
        if one is None or (row.contract_id, row.customer_id) != (one.row[1], one.row[2]):
            found.anomalies.append(Anomaly(UNKNOWN_RULE, record.at(), {"rule": row.rule_id}))
            continue
        found.notices += _ignored(record, told(one, today))
        if row.empty:
            continue
        if one.rule_id in seen or row.increase_id != one.revision:
            code = TWICE if one.rule_id in seen else MOVED
            found.anomalies.append(Anomaly(code, record.at(), {"rule": one.name}))
            continue
        seen.add(one.rule_id)
        _compare(found, record, one, today)
        articles |= _fixed_articles(row, one)
    if len(articles) > 1:
        found.notices.append(Anomaly(UNLIKE, values={"articles": ", ".join(sorted(articles))}))
    return found


def _compare(found: Read, record: Record[Any], one: Priced, today: date) -> None:
    try:
        wanted = _wanted(one, record.value, today)
    except (_Refused, PydanticCustomError) as error:
        values = getattr(error, "context", None) or {"reason": str(error)}
        told_as = {"rule": one.name, "reason": values["reason"]}
        found.anomalies.append(Anomaly(REFUSED, record.at(), told_as))
        return
    after = increase_text(wanted)
    if after != one.row[13]:
        found.before.append(one)
        shown, trail = tuple(_shown(one, wanted)), Trail("increase", one.row[13], after)
        found.changes.append(RuleChange(one.rule_id, one.name, "increase", after, (trail,), shown))


def _ignored(record: Record[Any], ours: Mapping[str, Cell]) -> Iterator[Anomaly]:
    """Changes in columns that aren't read (A-ACT-03)."""
    given = record.value.model_fields_set
    for name in TOLD:
        cell = getattr(record.value, name)
        if (name in given or not ours[name]) and not same(cell, written(ours[name])):
            values = {"letter": letter(name), "label": COLUMNS[name]}
            yield Anomaly(IGNORED, record.at(COLUMNS[name]), values)


def _fixed_articles(row: Any, one: Priced) -> set[str]:
    """Articles that an added or replaced value hits (A-ACT-06)."""
    found: set[str] = set()
    if row.new_mode in _FIXED or row.new_standard is not None:
        found |= {cost.article for cost in one.of({Family.STANDARD.value})}
    if row.new_overrun is not None:
        found |= {cost.article for cost in one.of(_BEYOND)}
    return found


# --- what is agreed once the row is applied ---------------------------------------------------


def _wanted(one: Priced, row: Any, today: date) -> Increase:
    """What the rule will have agreed. Raises _Refused or PydanticCustomError with the reason."""
    agreed = one.agreed or Increase()
    recurring = _recurring(agreed, row)
    agreed = agreed._replace(recurring=recurring)
    if recurring is None:
        if any(value is not None for value in (row.new_renewal, row.day, row.month, row.year)):
            raise _Refused("« non révisable » n'a pas de date d'augmentation")
        agreed = agreed._replace(yearly=None, following=None)
    else:
        agreed = _dated(one, agreed, row, today)
    for typed, families in ((row.new_standard, _STANDARD), (row.new_overrun, _BEYOND)):
        if typed is not None:
            agreed = _with_price(one, agreed, typed, families, today)
    return agreed


def _recurring(agreed: Increase, row: Any) -> Change | None:
    """The kind, unit and value asked for; what the row leaves empty stays."""
    before = agreed.recurring
    kind = before and before.kind
    if row.new_kind is not None:
        kind = row.new_kind or None
    custom = before if before and kind is before.kind is IncreaseKind.CUSTOM else None
    mode = row.new_mode if row.new_mode is not None else custom and custom.mode
    value = row.new_value if row.new_value is not None else custom and custom.value
    return change_of(kind, mode, value)


def _dated(one: Priced, agreed: Increase, row: Any, today: date) -> Increase:
    """The calendar and next date asked for: this year or the next, after the last applied."""
    yearly = agreed.yearly
    if row.new_renewal is False:
        if row.day is not None or row.month is not None:
            raise _Refused("la date de prise d'effet du MSC ne va pas avec un jour et un mois")
        yearly = None
    elif row.new_renewal or row.day is not None or row.month is not None:
        month, day_ = yearly or (None, None)
        wanted = (row.day if row.day is not None else day_, row.month or month)
        yearly = yearly_of(*wanted)
        if yearly is None:
            raise _Refused("une augmentation annuelle demande un jour et un mois")
    following = agreed.following if yearly == agreed.yearly else None
    agreed = agreed._replace(yearly=yearly, following=following)
    if row.year is None:
        return agreed
    since = one.module_since
    following = in_year(yearly or (since.month, since.day), row.year)
    last = last_applied(one.state)
    if not today.year <= row.year <= today.year + 1:
        raise _Refused(f"l'année de la prochaine augmentation est {today.year} ou {today.year + 1}")
    if last is not None and following <= last:
        raise _Refused(f"la prochaine augmentation doit suivre celle du {last:%d/%m/%Y}")
    return agreed._replace(following=following)


def _with_price(
    one: Priced, agreed: Increase, price: Decimal, families: tuple[str, ...], today: date
) -> Increase:
    """Columns Y and Z: a price in place of the one in force, from today on; it also takes the
    place of one typed before that no billing has applied yet."""
    costs, decimals = one.of(families), one.row[14]
    if len(costs) != 1:
        raise _Refused(f"{len(costs)} coûts de cette famille : un prix nouveau n'en vise qu'un")
    if round(price, decimals) != price:
        raise _Refused(f"les prix de la règle ont {decimals} décimales")
    waiting = [other for _, other in _typed(one, agreed, families)]
    one_offs = tuple(other for other in agreed.one_offs if other not in waiting)
    if price != costs[0].price:
        on = max(today, last_applied(one.state) or today)
        change = Change(IncreaseKind.CUSTOM, Mode.REPLACED, price)
        one_offs = (*one_offs, OneOff(on, change, _TYPED, families))
    return agreed._replace(one_offs=one_offs)


def _typed(one: Priced, agreed: Increase, families: tuple[str, ...]) -> list[tuple[str, OneOff]]:
    """Prices typed for these families and not applied yet."""
    return [(key, other) for key, other in pending(agreed, one.state) if other.families == families]


# --- as a clerk reads it ----------------------------------------------------------------------


def _shown(one: Priced, wanted: Increase) -> Iterator[Shown]:
    before, after = _texts(one, one.agreed or Increase()), _texts(one, wanted)
    for label, text in after.items():
        if before.get(label, "") != text:
            yield Shown(label, before.get(label, ""), text)


def _texts(one: Priced, agreed: Increase) -> dict[str, str]:
    change = agreed.recurring
    custom = change if change and change.kind is IncreaseKind.CUSTOM else None
    following = one._replace(agreed=agreed).following
    return {
        COLUMNS["kind"]: KIND_WORDS[change and change.kind],
        COLUMNS["mode"]: MODE_WORDS[custom.mode] if custom else "",
        COLUMNS["value"]: written(custom.value) if custom else "",
        COLUMNS["renewal"]: renewal(agreed),
        COLUMNS["next_increase"]: written(following),
        **dict(_new_prices(one, agreed)),
    }


def _new_prices(one: Priced, agreed: Increase) -> Iterator[tuple[str, str]]:
    """The price of each family, or the one typed in its place."""
    for name, families in (("standard_sum", _STANDARD), ("overrun_sum", _BEYOND)):
        typed = _typed(one, agreed, families)
        in_force = sum((cost.price for cost in one.of(families)), ZERO)
        yield COLUMNS[name], written(typed[-1][1].change.value if typed else in_force)
