"""Flow `assets`: machines with their meters; one row a meter, or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field
from sqlalchemy import select

from billing.money import QUANTITY_SCALE, Rounding
from formats.common.anomaly import Anomaly, Code, Place
from integration.database import tables as t
from integration.translate.calculated_meters import ROUNDINGS, Formula, predefined, unsound
from integration.translate.codes import ids_by_code, rows_by_code, slices
from integration.translate.documents import is_json, json_schema, looks_like, read_documents
from integration.translate.families import Family, Values, defaults, from_documents, from_rows
from integration.translate.fields import Day, Ended, Key, Number, Row, Text, Whole, YesNo, words
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.tabular import csv_schema, read_rows, recognises
from integration.translate.upsert import to_scale, upsert

UNKNOWN_CUSTOMER: Final = Code(
    "IMP-150", "Le client « {code} » est inconnu.", "Importez d'abord le client."
)
UNKNOWN_SITE: Final = Code(
    "IMP-151",
    "Le site « {code} » du client « {customer} » est inconnu.",
    "Importez d'abord le site avec son client.",
)
CONTRACT_FIRST: Final = Code(
    "IMP-152",
    "Veuillez modifier le client de la SSC {contract} avant de modifier le client du bien {asset}.",
    "Corrigez le contrat, puis redéposez le fichier.",
)


class AssetFields(Row):
    """A machine at a customer's; `financed_in_advance`: its *pré-échéance* file.

    request_mode: how its readings are asked for: fax, e-mail, Aucun, or another system's name.
    """

    personal: ClassVar[frozenset[str]] = frozenset(
        {"interlocuteur", "interlocuteur_email", "interlocuteur_fax"}
    )

    code: Key = Field(alias="bien")
    customer: Key = Field(alias="client")
    site: Key | None = Field(None, alias="site")
    label: Text = Field("", alias="libelle")
    serial: Text = Field("", alias="serie")
    installed_on: Day | None = Field(None, alias="pose_le")
    financed_in_advance: YesNo = Field(False, alias="pre_echeance")
    product: Text = Field("", alias="reference_produit")
    request_mode: Text = Field("", alias="demande_releve")
    contact_name: Text = Field("", alias="interlocuteur")
    contact_email: Text = Field("", alias="interlocuteur_email")
    contact_fax: Text = Field("", alias="interlocuteur_fax")
    location: Text = Field("", alias="localisation")
    location_email: Text = Field("", alias="localisation_email")
    location_fax: Text = Field("", alias="localisation_fax")


class Meter(Row):
    """A counter; volumes are units a month."""

    code: Key = Field(alias="compteur")
    label: Text = Field("", alias="libelle")
    cumulative: YesNo = Field(True, alias="cumulatif")
    billable: YesNo = Field(True, alias="facturable")
    billable_on_estimate: YesNo = Field(True, alias="facturable_estimation")
    billable_on_customer: YesNo = Field(True, alias="facturable_client")
    scale: Whole = Field(1, alias="echelle", ge=1)
    contractual_volume: Number | None = Field(None, alias="volume_contractuel", ge=0)
    model_volume: Number | None = Field(None, alias="volume_modele", ge=0)
    calculated: YesNo = Field(False, alias="calcule")
    formula: Formula = Field("", alias="formule")
    rounding: Annotated[Rounding, words(ROUNDINGS)] = Field(Rounding.STANDARD, alias="arrondi")
    printable: YesNo = Field(True, alias="imprimable")
    entry_mandatory: YesNo = Field(False, alias="saisie_obligatoire")
    read_with_consumables: YesNo = Field(False, alias="releve_consommables")
    position: Whole = Field(0, alias="ordre", ge=0, lt=10**6)
    guaranteed_maximum: Whole | None = Field(None, alias="maximum_garanti", ge=0, lt=10**15)
    since: Day | None = Field(None, alias="debut")
    until: Ended | None = Field(None, alias="fin")
    stated_volume: Number | None = Field(None, alias="volume_saisi", ge=0)


class AssetRow(AssetFields):
    """One line of the table: an asset and at most one of its meters."""

    meter_code: Key | None = Field(None, alias="compteur")
    meter_label: Text = Field("", alias="compteur_libelle")
    meter_cumulative: YesNo = Field(True, alias="cumulatif")
    meter_billable: YesNo = Field(True, alias="facturable")
    meter_billable_on_estimate: YesNo = Field(True, alias="facturable_estimation")
    meter_billable_on_customer: YesNo = Field(True, alias="facturable_client")
    meter_scale: Whole = Field(1, alias="echelle", ge=1)
    meter_contractual_volume: Number | None = Field(None, alias="volume_contractuel", ge=0)
    meter_model_volume: Number | None = Field(None, alias="volume_modele", ge=0)
    meter_calculated: YesNo = Field(False, alias="calcule")
    meter_formula: Formula = Field("", alias="formule")
    meter_rounding: Annotated[Rounding, words(ROUNDINGS)] = Field(
        Rounding.STANDARD, alias="arrondi"
    )
    meter_printable: YesNo = Field(True, alias="imprimable")
    meter_entry_mandatory: YesNo = Field(False, alias="saisie_obligatoire")
    meter_read_with_consumables: YesNo = Field(False, alias="releve_consommables")
    meter_position: Whole = Field(0, alias="ordre", ge=0, lt=10**6)
    meter_guaranteed_maximum: Whole | None = Field(None, alias="maximum_garanti", ge=0, lt=10**15)
    meter_since: Day | None = Field(None, alias="compteur_debut")
    meter_until: Ended | None = Field(None, alias="compteur_fin")
    meter_stated_volume: Number | None = Field(None, alias="volume_saisi", ge=0)


class Asset(AssetFields):
    """One document: an asset and its meters."""

    children: tuple[Meter, ...] = Field((), alias="compteurs")


_VOLUMES: Final = {
    "contractual_volume": "volume_contractuel",
    "model_volume": "volume_modele",
    "stated_volume": "volume_saisi",
}
_ASSET_DEFAULTS: Final = {
    "site_id" if name == "site" else name: value for name, value in defaults(AssetFields).items()
}
_METER_DEFAULTS: Final = {
    name + "_e6" if name in _VOLUMES else name: value for name, value in defaults(Meter).items()
}


def read(data: bytes, file: str) -> Records[Family]:
    """Assets of a CSV, XLSX or JSON file. Raises AnomaliesFound."""
    if is_json(data):
        return from_documents(read_documents(data, file, Asset), AssetFields, "compteurs")
    return from_rows(read_rows(data, file, AssetRow), AssetFields, "meter_")


def apply(intake: Intake, families: Records[Family]) -> Applied:
    """New assets and meters are added, changed ones updated; none is ever removed.

    The customer of an asset under another customer's contract doesn't change (A-CRE-10).
    """
    connection, organisation = intake.connection, intake.organisation_id
    anomalies: list[Anomaly] = []
    rows = _asset_rows(intake, families, anomalies)
    meters = [_meter(one, child, anomalies) for one in families for child in one.value.children]
    known = rows_by_code(connection, t.asset, organisation, rows)
    refuse(anomalies)
    refuse(list(_still_under_contract(intake, families, rows, known)))
    for code, row in rows.items():
        if code in known and known[code].customer_id != row["customer_id"]:
            row.setdefault("site_id", None)  # a site stays with its customer
    assets = upsert(connection, t.asset, rows, known, _ASSET_DEFAULTS)
    wanted = {(assets.ids[a], m["code"]): {"asset_id": assets.ids[a], **m} for a, m in meters}
    before = _meters(intake, [row.id for row in known.values()])
    notices = predefined(intake, families, assets.ids, wanted, before)
    for key in wanted.keys() - before.keys():  # an empty name given is kept, and stops billing
        wanted[key].setdefault("label", key[1])
    stored = upsert(connection, t.meter, wanted, before, _METER_DEFAULTS)
    refuse(list(unsound(intake, families, assets.ids)))
    return Applied(
        {
            "biens créés": assets.created,
            "biens modifiés": assets.changed,
            "compteurs créés": stored.created,
            "compteurs modifiés": stored.changed,
        },
        tuple(notices),
    )


def _asset_rows(
    intake: Intake, families: Records[Family], anomalies: list[Anomaly]
) -> dict[str, dict[str, Any]]:
    """Column values by asset code, customers and sites resolved."""
    customers = ids_by_code(
        intake.connection,
        t.customer,
        intake.organisation_id,
        {one.value.parent["customer"] for one in families},
    )
    sites = site_ids(intake, customers.values())
    rows = {}
    for one in families:
        values = dict(one.value.parent)
        customer, site = values.pop("customer"), values.pop("site", None)
        customer_id = customers.get(customer, 0)
        site_id = sites.get((customer_id, site)) if site else None
        if not customer_id:
            anomalies.append(Anomaly(UNKNOWN_CUSTOMER, one.at("client"), {"code": customer}))
        elif site and site_id is None:
            found = {"code": site, "customer": customer}
            anomalies.append(Anomaly(UNKNOWN_SITE, one.at("site"), found))
        values |= {"organisation_id": intake.organisation_id, "customer_id": customer_id}
        rows[values["code"]] = values | ({"site_id": site_id} if site else {})
    return rows


def site_ids(intake: Intake, customers: Any) -> dict[tuple[int, str], int]:
    """Ids of the customers' sites by (customer id, site code)."""
    query = select(t.site.c.customer_id, t.site.c.code, t.site.c.id)
    return {
        (customer, code): id_
        for some in slices(customers)
        for customer, code, id_ in intake.connection.execute(
            query.where(t.site.c.customer_id.in_(some))
        )
    }


def _meter(
    family: Record[Family], meter: Record[Values], anomalies: list[Anomaly]
) -> tuple[str, dict[str, Any]]:
    values = dict(meter.value)
    for name, french in _VOLUMES.items():
        volume = values.pop(name, None)
        if volume is not None:
            values[name + "_e6"] = to_scale(
                volume, QUANTITY_SCALE, partial(_named, meter, french), anomalies
            )
    return family.value.parent["code"], values


def _named(record: Record[Values], name: str) -> tuple[str, Place]:
    return name, record.at(name)


def _meters(intake: Intake, assets: list[int]) -> dict[tuple[int, str], Any]:
    return {
        (row.asset_id, row.code): row
        for some in slices(assets)
        for row in intake.connection.execute(select(t.meter).where(t.meter.c.asset_id.in_(some)))
    }


def _still_under_contract(
    intake: Intake,
    families: Records[Family],
    rows: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Any],
) -> Iterator[Anomaly]:
    """Assets that would leave the customer whose contract names them (A-CRE-10)."""
    moved = {
        known[code].id: code
        for code, row in rows.items()
        if code in known and known[code].customer_id != row["customer_id"]
    }
    places = {one.value.parent["code"]: one.at("client") for one in families}
    query = (
        select(t.module_asset.c.asset_id, t.contract.c.code, t.contract.c.customer_id)
        .join(t.module, t.module.c.id == t.module_asset.c.module_id)
        .join(t.contract, t.contract.c.id == t.module.c.contract_id)
    )
    for some in slices(moved):
        for id_, contract, customer in intake.connection.execute(
            query.where(t.module_asset.c.asset_id.in_(some)).order_by(t.contract.c.code)
        ):
            code = moved[id_]
            if customer != rows[code]["customer_id"]:
                found = {"contract": contract, "asset": code}
                yield Anomaly(CONTRACT_FIRST, places[code], found)


def schema() -> str:
    """CSV layout, then the JSON Schema of one asset."""
    asset_cells = ("BIEN001", "CLI001", "ATELIER", "Copieur A3", "SN-4711", "15/01/2026", "non")
    asked = ("MP C3004", "e-mail", "", "", "", "Étage 2", "accueil@exemple.fr", "")
    flags = ("oui", "oui", "oui", "oui", "1", "3000", "")
    more = ("oui", "oui", "non", "1", "", "", "", "")
    read = ("NB", "Noir et blanc", *flags, "non", "", "", *more)
    thousands = ("MILLE", "Milliers", *flags[:-2], "", "", "oui", "NB / 1000", "proche", *more)
    examples = ((*asset_cells, *asked, *read), (*asset_cells, *asked, *thousands))
    return csv_schema(AssetRow, *examples) + json_schema(Asset)


_is_document: Final = looks_like("bien", "client")
_is_table: Final = recognises(AssetRow)


def detect(data: bytes, file: str) -> bool:
    """A table with our columns, or JSON objects with an asset and its customer."""
    return _is_table(data, file) or _is_document(data, file)


FLOW: Final = Flow("assets", "biens et compteurs", detect, read, apply, schema)
