"""The JSON layout of a contract: what a file may say, key by key, in French.

Dates of a file include their last day; `rows` make them half-open.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from billing.contracts.contract import Family
from billing.contracts.rating import Kind
from billing.contracts.reading import Regime
from billing.contracts.rules import KINDS
from billing.period import Periodicity, ProrataBase, Term, Unit
from integration.translate.fields import (
    REFUSED,
    Day,
    Key,
    Number,
    Row,
    Text,
    Whole,
    YesNo,
    words,
    wrong,
)
from integration.translate.increase_document import IncreaseDocument

ONE_DAY: Final = timedelta(days=1)
UNITS: Final = {"jour": Unit.DAY, "semaine": Unit.WEEK, "mois": Unit.MONTH, "annee": Unit.YEAR}
WEEKDAYS: Final = {
    name: n
    for n, name in enumerate(
        ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
    )
}
TERMS: Final = {
    "echu": Term.ARREARS,
    "a_echoir": Term.ADVANCE,
    "échu": Term.ARREARS,
    "à échoir": Term.ADVANCE,
}
BASES: Final = {"commerciale": ProrataBase.COMMERCIAL, "reelle": ProrataBase.ACTUAL}
REGIMES: Final = {
    "estimation": Regime.ESTIMATE,
    "reel": Regime.ACTUAL,
    "particulier": Regime.CUSTOMER,
}
FAMILIES: Final = {
    "standard": Family.STANDARD,
    "depassement": Family.OVERRUN,
    "location": Family.RENTAL,
    "depot": Family.DEPOSIT,
    "abonnement": Family.SUBSCRIPTION,
}
COVERAGES: Final = {
    "delai": "response",
    "illimite": "unlimited",
    "ut": "time_units",
    "temps": "planned_time",
    "garantie": "warranty",
}


class Range(Row):
    """Days without billing, the last one included."""

    since: Day = Field(alias="debut")
    until: Day = Field(alias="fin")


class PeriodicityDocument(Row):
    """Every `nombre` `unite`, from `ancrage` (default: start of the rule).

    `rang` and `jour_semaine` make a variable date: the nth (1 to 5, -1 = last) such weekday of
    the month; without weekday the nth day (1 to 28, -1 = last).
    """

    count: Whole = Field(1, alias="nombre", ge=1, le=1200)
    unit: Annotated[Unit, words(UNITS)] = Field(Unit.MONTH, alias="unite")
    anchor: Day | None = Field(None, alias="ancrage")
    civil: YesNo = Field(False, alias="civile")
    until: Day | None = Field(None, alias="fin")
    occurrences: Whole = Field(0, alias="occurrences", ge=0)
    excluded_months: frozenset[Annotated[int, Field(ge=1, le=12)]] = Field(
        frozenset(), alias="mois_exclus"
    )
    excluded_ranges: tuple[Range, ...] = Field((), alias="exclusions")
    nth: Whole = Field(0, alias="rang", ge=-1, le=28)
    weekday: Annotated[int, words(WEEKDAYS)] | None = Field(None, alias="jour_semaine")
    shift: Whole | None = Field(None, alias="decalage")  # no effect (A-RFC-21)

    def made(self, start: date) -> Periodicity:
        """The periodicity of a rule that starts on `start`. Raises ValueError in French."""
        return Periodicity(
            count=self.count,
            unit=self.unit,
            anchor=self.anchor or start,
            civil=self.civil,
            until=self.until,
            occurrences=self.occurrences,
            excluded_months=self.excluded_months,
            excluded_ranges=tuple((one.since, one.until + ONE_DAY) for one in self.excluded_ranges),
            nth=self.nth,
            weekday=self.weekday,
        )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        """A weekday has its rank, at most the fifth; a range ends after it began."""
        if self.weekday is not None and not (self.nth and self.nth <= 5):
            raise wrong(REFUSED, reason="un jour de la semaine demande un rang de 1 à 5, ou -1")
        if any(one.until < one.since for one in self.excluded_ranges):
            raise wrong(REFUSED, reason="une exclusion finit avant d'avoir commencé")
        return self


class ProrationDocument(Row):
    """Whether first and last period are prorated; `base` without a value is PRORATA_BASE."""

    first: YesNo = Field(False, alias="premiere")
    last: YesNo = Field(False, alias="derniere")
    base: Annotated[ProrataBase, words(BASES)] | None = Field(None, alias="base")


class MeterName(Row):
    """A meter by its asset's code and its own."""

    asset: Key = Field(alias="bien")
    meter: Key = Field(alias="compteur")


class Counter(MeterName):
    """A last billed counter taken over."""

    value: Whole = Field(alias="valeur", ge=0)
    billed_on: Day | None = Field(None, alias="date")


class Opening(Row):
    """State taken over from another system (A-CRE-03)."""

    next_theoretical: Day | None = Field(None, alias="prochaine_theorique")
    last_theoretical: Day | None = Field(None, alias="derniere_theorique")
    last_actual: Day | None = Field(None, alias="derniere_reelle")
    last_invoice: Text = Field("", alias="derniere_facture")
    occurrences: Whole = Field(0, alias="occurrences", ge=0)
    counters: tuple[Counter, ...] = Field((), alias="compteurs")
    offered_used: Whole = Field(0, alias="offerts_utilises", ge=0)
    last_true_up: Day | None = Field(None, alias="derniere_regularisation")
    next_true_up: Day | None = Field(None, alias="prochaine_regularisation")
    cumulated: Number | None = Field(None, alias="cumul_forfaits", ge=0)
    counter_included: YesNo = Field(False, alias="cumul_inclut_compteur")
    bound: Number | None = Field(None, alias="borne", ge=0)

    def own(self) -> dict[str, str]:
        """What only some kinds keep, by the kind's own names.

        `cumul_inclut_compteur` is ARTIS's cumul, last true-up counter included (A-RES-09).
        """
        counter = Decimal(sum(one.value for one in self.counters))
        cumulated = self.cumulated
        if cumulated is not None and self.counter_included:
            cumulated -= counter
        told = {
            "last": self.last_true_up,
            "next": self.next_true_up,
            "cumulated": cumulated,
            "counter": counter if self.last_true_up and self.counters else None,
            "bound": self.bound,
        }
        return {name: str(value) for name, value in told.items() if value is not None}


class Cost(Row):
    """A cost line: what is sold, at which price, who pays. `prix` is € HT a unit, `tva` in %.

    `prix_pca_par` and `prix_rentabilite` take the billed price when they are left out.
    """

    family: Annotated[Family, words(FAMILIES)] = Field(Family.STANDARD, alias="famille")
    article: Key = Field(alias="article")
    article_class: Text = Field("", alias="classe_article")
    label: Text = Field("", alias="libelle")
    price: Number = Field(alias="prix")
    cutoff_price: Number | None = Field(None, alias="prix_pca_par")
    profit_price: Number | None = Field(None, alias="prix_rentabilite")
    cost_price: Number | None = Field(None, alias="prix_revient", ge=0)
    vat_pct: Number = Field(alias="tva", ge=0, le=100)
    account: Key = Field("706", alias="compte", max_length=16)
    payer: Key | None = Field(None, alias="payeur")
    site: Key | None = Field(None, alias="site")
    payment_mode: Key = Field("virement", alias="mode_reglement", max_length=32)
    payment_days: Whole = Field(30, alias="delai_jours", ge=0, le=365)
    template_position: Whole | None = Field(None, alias="position")  # no effect (A-RFC-22)


class RuleDocument(Row):
    """A billing rule (RFC); `modele` is the code of its template (RFP)."""

    code: Key = Field(alias="code")
    label: Text = Field("", alias="libelle")
    template: Text = Field("", alias="modele")
    kind: Annotated[str, words({code: code for code in KINDS})] = Field(alias="type")
    term: Annotated[Term, words(TERMS)] | None = Field(None, alias="terme")
    periodicity: PeriodicityDocument | None = Field(None, alias="periodicite")
    proration: ProrationDocument = Field(ProrationDocument(), alias="prorata")
    regime: Annotated[Regime, words(REGIMES)] = Field(Regime.ESTIMATE, alias="regime")
    decimals: Whole = Field(2, alias="decimales", ge=2, le=8)
    position: Whole = Field(0, alias="position", ge=0)
    market: Text = Field("", alias="marche")
    since: Day | None = Field(None, alias="debut")
    until: Day | None = Field(None, alias="fin")
    terms: dict[str, Any] = Field({}, alias="parametres")
    assets: tuple[Key, ...] = Field((), alias="biens")
    meters: tuple[MeterName, ...] = Field((), alias="compteurs")
    costs: tuple[Cost, ...] = Field(alias="couts", min_length=1)
    opening: Opening | None = Field(None, alias="reprise")
    increase: IncreaseDocument = Field(IncreaseDocument(), alias="augmentation")
    true_up_at_year_end: YesNo | None = Field(None, alias="regularisation_fin_annee")
    interventions_at_renewal: YesNo | None = Field(None, alias="detail_interventions")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        """The kind's own parameters, its term and rhythm, its costs, one kind of attachment."""
        kind = KINDS[self.kind]
        try:
            terms = kind.terms(self.stored_terms)
            if self.periodicity:
                kind.fits(terms, self.periodicity.made(self.since or date(2000, 1, 1)))
        except ValueError as error:
            raise wrong(REFUSED, reason=str(error)) from None
        if reasons := [
            *self._bad_rhythm(kind),
            *self._bad_costs(kind, terms),
            *self._bad_rest(kind),
        ]:
            raise wrong(REFUSED, reason=" ; ".join(reasons))
        return self

    def _bad_rhythm(self, kind: Kind) -> Iterator[str]:
        """Terms and periodicities the kind doesn't take."""
        if kind.forced_term and self.term not in (None, kind.forced_term):
            french = "échu" if kind.forced_term is Term.ARREARS else "à échoir"
            yield f"« {kind.french} » se facture toujours à terme {french}"
        if self.term is None and kind.forced_term is None:
            yield f"« {kind.french} » demande un terme"
        if self.periodicity is None and not (kind.aperiodic or kind.on_others):
            yield f"« {kind.french} » demande une périodicité"
        if kind.on_others and self.periodicity:
            yield f"« {kind.french} » suit les autres règles : pas de périodicité"

    def _bad_costs(self, kind: Kind, terms: object) -> Iterator[str]:
        """Cost families the kind never bills, or can't do without."""
        given = {cost.family for cost in self.costs}
        for verb, some in (
            ("ne facture pas de", given - kind.families),
            ("demande aussi un", kind.needs(terms) - given),
        ):
            if some:
                names = ", ".join(name for name, family in FAMILIES.items() if family in some)
                yield f"« {kind.french} » {verb} coût de famille {names}"

    def _bad_rest(self, kind: Kind) -> Iterator[str]:
        """Two kinds of attachment, or a state the kind doesn't keep."""
        if self.assets and self.meters:
            yield "une règle porte sur des biens ou des compteurs, pas les deux"
        if self.opening and self.opening.own().keys() - kind.keeps:
            yield f"« {kind.french} » ne reprend pas ces régularisations, cumuls ou bornes"

    def remarks(self, start: date) -> Iterator[str]:
        """What a clerk should look at twice: what the kind says, and prices finer than the rule."""
        kind = KINDS[self.kind]
        if self.periodicity:
            said = kind.remark(kind.terms(self.stored_terms), self.periodicity.made(start))
            yield from [said] if said else []
        finest = max(-int(cost.price.normalize().as_tuple().exponent) for cost in self.costs)
        if finest > self.decimals:
            yield (
                f"un prix a {finest} décimales et la règle {self.decimals} : une augmentation"
                f" l'arrondirait à {self.decimals} décimales"
            )

    @property
    def effective_term(self) -> Term:
        """The term written, or the only one the kind accepts."""
        term = self.term or KINDS[self.kind].forced_term
        assert term is not None
        return term

    @property
    def stored_terms(self) -> dict[str, Any]:
        """The kind's parameters as JSON keeps them: decimals as text, never floats."""
        return {key: _plain(value) for key, value in self.terms.items()}


class CoverageDocument(Row):
    """What the customer is entitled to; its class of articles is mandatory (A-COV-03)."""

    code: Key = Field(alias="code")
    label: Text = Field("", alias="libelle")
    article_class: Key = Field(alias="classe")
    kind: Annotated[str, words(COVERAGES)] = Field(alias="type")
    since: Day | None = Field(None, alias="debut")
    until: Day | None = Field(None, alias="fin")
    response_hours: Whole = Field(8, alias="delai_heures", ge=0)


class ModuleDocument(Row):
    """A dated part of a contract; its end is `fin`, or `duree_mois` months from its start."""

    code: Key = Field(alias="code")
    since: Day = Field(alias="debut")
    until: Day | None = Field(None, alias="fin")
    months: Whole | None = Field(None, alias="duree_mois", ge=1, le=1200)
    renewal_months: Whole = Field(0, alias="reconduction_mois", ge=0, le=1200)
    assets: tuple[Key, ...] = Field((), alias="biens")
    coverages: tuple[CoverageDocument, ...] = Field((), alias="couvertures")
    rules: tuple[RuleDocument, ...] = Field((), alias="regles")

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.until and self.months:
            raise wrong(REFUSED, reason="donner la fin ou la durée, pas les deux")
        if self.until and self.until < self.since:
            raise wrong(REFUSED, reason="la fin précède le début")
        return self


class ContractDocument(Row):
    """A signed contract (SSC). It has no status column: only treatments change one (A-STA-02)."""

    code: Key = Field(alias="code")
    label: Text = Field("", alias="libelle")
    customer: Key = Field(alias="client")
    activity: Text = Field("", alias="activite")
    agency: Text = Field("", alias="agence")
    modules: tuple[ModuleDocument, ...] = Field(alias="modules", min_length=1)

    @model_validator(mode="after")
    def _some_rule(self) -> Self:
        """A contract without any rule can't exist (A-GEN-01)."""
        if not any(module.rules for module in self.modules):
            names = ", ".join(module.code for module in self.modules)
            reason = f"le contrat « {self.code} » n'a aucune règle (modules : {names})"
            raise wrong(REFUSED, reason=reason)
        return self

    def rules(self) -> Iterator[tuple[tuple[str | int, ...], ModuleDocument, RuleDocument]]:
        """Every rule with its path in the document and its module."""
        for m, module in enumerate(self.modules):
            for r, rule in enumerate(module.rules):
                yield ("modules", m, "regles", r), module, rule


def day_after(last: date | None) -> date | None:
    """A file's included end as our excluded one."""
    return last and last + ONE_DAY


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
