"""Flow `customers`: customers with their sites; one row a site, or JSON."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field
from sqlalchemy import select

from formats.common.anomaly import Anomaly
from formats.common.identifiers import siren
from integration.database.tables import customer, site
from integration.translate.codes import rows_by_code, slices
from integration.translate.documents import is_json, json_schema, looks_like, read_documents
from integration.translate.families import Family, defaults, from_documents, from_rows
from integration.translate.fields import FEE_CLASSES, Key, Lines, Row, Text, YesNo, Zone, words
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.tabular import csv_schema, read_rows, recognises
from integration.translate.upsert import upsert

FeeClass = Annotated[str, words(FEE_CLASSES)]


class CustomerFields(Row):
    """A customer; `grouped`: one invoice over its contracts (*factures regroupées*).

    Its classes for fees are conditions of TD_FRAIS_ESTIMATION and TD_FRAIS_FACTURE.
    """

    code: Key = Field(alias="code")
    name: Text = Field(alias="nom")
    address: Lines = Field("", alias="adresse")
    siren: Text = Field("", alias="siren")
    agency: Text = Field("", alias="agence")
    email: Text = Field("", alias="email")
    fax: Text = Field("", alias="fax")
    classification: Text = Field("", alias="classification")
    estimate_fee_class: FeeClass = Field("", alias="frais_estimation")
    invoice_fee_class: FeeClass = Field("", alias="frais_facture")
    grouped: YesNo = Field(False, alias="factures_regroupees")


class CustomerRow(CustomerFields):
    """One line of the table: a customer and at most one of its sites."""

    site_code: Key | None = Field(None, alias="site")
    site_name: Text = Field("", alias="site_nom")
    site_address: Lines = Field("", alias="site_adresse")
    site_email: Text = Field("", alias="site_email")
    site_fax: Text = Field("", alias="site_fax")
    site_billing_only: YesNo = Field(False, alias="site_facturation_seule")
    site_zone: Zone = Field("", alias="site_fuseau")


class Site(Row):
    """A site; `billing_only`: nothing is delivered there (A-GRP-03). zone: of its devices' feeds
    that tell none, when it isn't the organisation's."""

    code: Key = Field(alias="code")
    name: Text = Field("", alias="nom")
    address: Lines = Field("", alias="adresse")
    email: Text = Field("", alias="email")
    fax: Text = Field("", alias="fax")
    billing_only: YesNo = Field(False, alias="facturation_seule")
    zone: Zone = Field("", alias="fuseau")


class Customer(CustomerFields):
    """One document: a customer and its sites."""

    children: tuple[Site, ...] = Field((), alias="sites")


def read(data: bytes, file: str) -> Records[Family]:
    """Customers of a CSV, XLSX or JSON file. Raises AnomaliesFound."""
    if is_json(data):
        found = from_documents(read_documents(data, file, Customer), CustomerFields, "sites")
    else:
        found = from_rows(read_rows(data, file, CustomerRow), CustomerFields, "site_")
    refuse([wrong for one in found if (wrong := _siren(one))])
    return found


def apply(intake: Intake, families: Records[Family]) -> Applied:
    """New customers and sites are added, changed ones updated; none is ever removed."""
    connection, organisation = intake.connection, intake.organisation_id
    wanted = {one.value.parent["code"]: dict(one.value.parent) for one in families}
    known = rows_by_code(connection, customer, organisation, wanted)
    rows = {code: {"organisation_id": organisation, **row} for code, row in wanted.items()}
    customers = upsert(connection, customer, rows, known, defaults(CustomerFields))
    sites = upsert(
        connection,
        site,
        {
            (customers.ids[one.value.parent["code"]], child.value["code"]): {
                "customer_id": customers.ids[one.value.parent["code"]],
                **child.value,
            }
            for one in families
            for child in one.value.children
        },
        _sites(intake, [row.id for row in known.values()]),
        defaults(Site),
    )
    return Applied(
        {
            "clients créés": customers.created,
            "clients modifiés": customers.changed,
            "sites créés": sites.created,
            "sites modifiés": sites.changed,
        }
    )


def _sites(intake: Intake, customers: list[int]) -> dict[tuple[int, str], Any]:
    return {
        (row.customer_id, row.code): row
        for some in slices(customers)
        for row in intake.connection.execute(select(site).where(site.c.customer_id.in_(some)))
    }


def _siren(family: Record[Family]) -> Anomaly | None:
    number = family.value.parent.get("siren")
    return siren.check(number, family.at("siren")) if number else None


def schema() -> str:
    """CSV layout, then the JSON Schema of one customer."""
    customer_cells = ("CLI001", "Imprimerie Martin", "12 rue des Lilas, 67000 Strasbourg")
    reached = ("732829320", "EST", "compta@exemple.fr", "03 88 00 00 01", "GRANDS_COMPTES")
    fees = ("soumis", "soumis", "non")
    site_cells = ("ATELIER", "Atelier", "3 quai Nord", "", "03 88 00 00 02", "non", "")
    example = (*customer_cells, *reached, *fees, *site_cells)
    return csv_schema(CustomerRow, example) + json_schema(Customer)


_is_document: Final = looks_like("code", "nom")
_is_table: Final = recognises(CustomerRow)


def detect(data: bytes, file: str) -> bool:
    """A table with our columns, or JSON objects with a code and a name."""
    return _is_table(data, file) or _is_document(data, file)


FLOW: Final = Flow("customers", "clients et sites", detect, read, apply, schema)
