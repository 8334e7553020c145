"""Parameters by the names of the seeds: type, default and what they change.

`Parameters` holds the values of one organisation; `run_options` turns them into what a billing
run looks at. Scope: the default, `[parameters]`, `[organisation_parameters.CODE]`, the
environment, an option of the command line; the last that speaks wins.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from billing.care.pricing import CareRules, Due, ExcessRule, RefusalRule
from billing.care.split import SplitRounding
from billing.contracts.contract import RunOptions
from billing.period import ProrataBase

ARTIS: Final = "ARTIS.net 2.7 (004)"
HOUSE: Final = "Échéance"
READINGS: Final = f"{ARTIS}, « Gérer les types de relevés »"
INCREASES: Final = f"{ARTIS}, « Changement des taux d'augmentation Société »"

REQUESTS: Final = f"{ARTIS}, « Faire les demandes de relevés compteur par fax ou e-mail »"
_MAIL: Final = r"^([^\s@<>]+@[^\s@<>]+)?$"


class Known(NamedTuple):
    """One parameter as `config show` prints it.

    option: of `simulate` and `bill`, sets it for one run, or "". article: it names an article that
    must exist and be intangible.
    """

    name: str
    default: object
    description: str
    source: str
    option: str = ""
    article: bool = False


def _parameter(
    default: object,
    description: str,
    source: str = ARTIS,
    *,
    option: str = "",
    article: bool = False,
    **limits: Any,
) -> Any:
    extra: dict[str, Any] = {"source": source, "option": option, "article": article}
    return Field(default, description=description, json_schema_extra=extra, **limits)


class Parameters(BaseModel):
    """Values of the parameters; names are those of the seeds, unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    NB_JOURS_RELEVE_PRFACTU: int = _parameter(
        20,
        "jours pendant lesquels un relevé non estimé est cherché, le dernier compris",
        READINGS,
        option="--reading-days",
        ge=0,
    )
    NB_JOURS_MAX_SANS_RELEVE_COMPTEUR_REEL: int = _parameter(
        20, "jours sans relevé réel au-delà desquels une demande est proposée", ge=0
    )
    IGNORE_FACTURE_THEORIQUE_POUR_COLLECTE_COMPTEUR: bool = _parameter(
        False,
        "ne demander les relevés qu'aux dates de régularisation (forfaits) ou de renouvellement"
        " (tranches)",
        REQUESTS,
    )
    BIEN_COMPTEUR_EXPEDITEUR_MAIL: str = _parameter(
        "", "expéditeur des demandes de relevés ; vide : celui de MAIL", REQUESTS, pattern=_MAIL
    )
    MAIL: str = _parameter(
        "", "expéditeur des courriels ; vide : celui du partenaire", REQUESTS, pattern=_MAIL
    )
    BIEN_COMPTEUR_DESTINATAIRE_MANAGEMENT_MAIL: str = _parameter(
        "", "qui reçoit le bilan des demandes ; vide : celui de MAILTO", REQUESTS, pattern=_MAIL
    )
    MAILTO: str = _parameter(
        "", "destinataire général ; vide : pas de bilan par courriel", REQUESTS, pattern=_MAIL
    )
    BIEN_COMPTEUR_NUMERO_FAX: str = _parameter(
        "", "fax où retourner les relevés, imprimé sur la demande", REQUESTS
    )
    EXCEPTION_RELEVE_FACTURATION: bool = _parameter(
        True, "montrer l'anomalie de relevé manquant ; sinon « rien à facturer »", READINGS
    )
    FACTURATION_SI_ANOMALIE: bool = _parameter(False, "facturer un contrat malgré ses anomalies")
    SEUIL_FACTURATION: Decimal = _parameter(
        Decimal(0),
        "montant HT par facture en dessous duquel rien n'est facturé",
        option="--threshold",
        ge=0,
    )
    COUT_FACTU_AUTORISE: Literal["POSITIF", "POSITIF_OU_ZERO", "POSITIF_OU_ZERO_OU_NEGATIF"] = (
        _parameter("POSITIF", "coûts unitaires admis dans une règle")
    )
    FORFAIT_A_ZERO_AUTORISE: bool = _parameter(False, "admettre un forfait de quantité nulle")
    PRORATA_BASE: ProrataBase = _parameter(
        ProrataBase.COMMERCIAL, "prorata par défaut : commercial (mois de 30 jours) ou actual"
    )
    REGUL_GROUPEE_NEGATIVE: bool = _parameter(
        False, "facturer une régularisation groupée négative, en avoir"
    )
    CLIENTS_EXCLUS_FACTURATION: str = _parameter(
        "", "codes des clients à ne pas facturer, séparés par « ; »", option="--include-excluded"
    )
    FACTURE_PRE_LOYER_CODE_ART_VENDU: str = _parameter(
        "", "article du loyer intercalaire ; vide : aucun", article=True
    )
    COEFF_UNITAIRE_MAJORATIONSOCIETE: Decimal = _parameter(
        Decimal(0), "coefficient de la majoration société ; 0 : non renseigné", INCREASES, ge=0
    )
    POURC_UNITAIRE_MAJORATIONSOCIETE: Decimal = _parameter(
        Decimal(0), "pourcentage de la majoration société, sans coefficient", INCREASES, gt=-100
    )
    REGLEFACT_AUGMENTATION: bool = _parameter(False, "activer les augmentations récurrentes")
    SYNTEC_BASE: Literal["origine", "n-1"] = _parameter(
        "origine", "prix et indice de départ : ceux de l'origine, ou prix actuel et indice n-1"
    )
    AUGMENTATION_REGUL: Literal["debut", "prorata"] = _parameter(
        "debut", "prix d'une régularisation : celui du début de sa période, ou au prorata", HOUSE
    )
    SOIN_ECHEANCE: Due = _parameter(
        Due.OVER, "soin facturé quand sa période est finie (over) ou commence (started)", HOUSE
    )
    SOIN_DEPASSEMENT: ExcessRule = _parameter(
        ExcessRule.REFUSED, "prix au-dessus du tarif sous C2S ou AME : refused, ou capped", HOUSE
    )
    SOIN_REFUS_ENTENTE: RefusalRule = _parameter(
        RefusalRule.NOTHING, "après un refus d'entente : nothing, ou patient (il paie tout)", HOUSE
    )
    SOIN_ARRONDI: SplitRounding = _parameter(
        SplitRounding.HALF_UP, "ticket modérateur : half_up (base − AMO) ou truncate", HOUSE
    )

    @property
    def company_factor(self) -> Decimal | None:
        """The company increase: its coefficient, else its percentage, else nothing (A-AUG-03)."""
        percent = self.POURC_UNITAIRE_MAJORATIONSOCIETE
        return self.COEFF_UNITAIRE_MAJORATIONSOCIETE or (1 + percent / 100 if percent else None)

    @property
    def requests_from(self) -> str:
        """Sender of reading requests (A-DEM-07)."""
        return self.BIEN_COMPTEUR_EXPEDITEUR_MAIL or self.MAIL

    @property
    def requests_told_to(self) -> str:
        """Who is told what was sent (A-DEM-08)."""
        return self.BIEN_COMPTEUR_DESTINATAIRE_MANAGEMENT_MAIL or self.MAILTO

    @property
    def excluded_customers(self) -> frozenset[str]:
        """Codes of CLIENTS_EXCLUS_FACTURATION."""
        codes = self.CLIENTS_EXCLUS_FACTURATION.split(";")
        return frozenset(code.strip() for code in codes if code.strip())


def known() -> list[Known]:
    """Every parameter, in the order of the settings file."""
    return [
        Known(name, info.default, info.description or "", **extra)  # type: ignore[arg-type]
        for name, info in Parameters.model_fields.items()
        if isinstance(extra := info.json_schema_extra, dict)
    ]


def named_articles(parameters: Parameters) -> dict[str, str]:
    """Every article that a parameter names, which must exist and be intangible."""
    names = [one.name for one in known() if one.article]
    return {article: name for name in names if (article := getattr(parameters, name))}


def care_rules(parameters: Parameters) -> CareRules:
    """The organisation's choices for care."""
    return CareRules(
        due=parameters.SOIN_ECHEANCE,
        excess=parameters.SOIN_DEPASSEMENT,
        refusal=parameters.SOIN_REFUS_ENTENTE,
        rounding=parameters.SOIN_ARRONDI,
    )


def run_options(
    parameters: Parameters,
    work_date: date,
    *,
    no_estimate: bool = False,
    force_estimate: bool = False,
    reading_days: int | None = None,
    threshold: Decimal | None = None,
    bundle_check: bool = True,
    with_increases: bool = False,
) -> RunOptions:
    """Options of one run: the parameters, and what the command line overrides for this run."""
    days, limit = parameters.NB_JOURS_RELEVE_PRFACTU, parameters.SEUIL_FACTURATION
    return RunOptions(
        work_date=work_date,
        reading_days=days if reading_days is None else reading_days,
        no_estimate=no_estimate,
        force_estimate=force_estimate,
        show_missing=parameters.EXCEPTION_RELEVE_FACTURATION,
        bill_anomalies=parameters.FACTURATION_SI_ANOMALIE,
        threshold=limit if threshold is None else threshold,
        allowed_prices=parameters.COUT_FACTU_AUTORISE,
        zero_bundle_allowed=parameters.FORFAIT_A_ZERO_AUTORISE,
        bridging_rent_article=parameters.FACTURE_PRE_LOYER_CODE_ART_VENDU,
        bundle_check=bundle_check,
        grouped_negative=parameters.REGUL_GROUPEE_NEGATIVE,
        increases=parameters.REGLEFACT_AUGMENTATION or with_increases,
        company_factor=parameters.company_factor,
        syntec_base="n-1" if parameters.SYNTEC_BASE == "n-1" else "origin",
        true_up_prorated=parameters.AUGMENTATION_REGUL == "prorata",
    )
