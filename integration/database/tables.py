"""Every table, once. SQLAlchemy Core, the same on SQLite and PostgreSQL.

Scales: amounts in cents, prices × 10⁸ (`_e8`), quantities × 10⁶ (`_e6`), rates in parts per
million (`_ppm`). Business dates are dates, instants are UTC text. `since`/`until` are half-open.
JSON is text written by `json_text`, so that both databases give back the same bytes.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final

import orjson
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

NAMES: Final = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
}
metadata = MetaData(naming_convention=NAMES)


def json_text(value: object) -> str:
    """Canonical JSON: sorted keys, no spaces, accents kept."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


@lru_cache(maxsize=4096)
def day_text(day: date) -> str:
    """A date as rows and JSON hold it: ISO text. Thousands of rows share their days."""
    return day.isoformat()


def _id() -> Column[int]:
    """A primary key taken from a block reserved before the insert; SQLite's own row id."""
    kind = BigInteger().with_variant(Integer, "sqlite")
    return Column("id", kind, primary_key=True, autoincrement=False)


def _to(table: str, *, name: str = "", nullable: bool = False, index: bool = False) -> Column[int]:
    return Column(
        name or f"{table}_id",
        BigInteger,
        ForeignKey(f"{table}.id"),
        nullable=nullable,
        index=index,
    )


def _key(name: str, *, length: int = 64) -> Column[str]:
    return Column(name, String(length), nullable=False)


def _text(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


def _int(name: str, default: str = "0") -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=default)


def _day(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, Date, nullable=nullable)


# --- who we are, and the counters -------------------------------------------------------------

organisation = Table(
    "organisation",
    metadata,
    _id(),
    Column("code", String(64), nullable=False, unique=True),
    _text("name"),
    _text("address"),
    _text("siren"),
    _text("vat_number"),
    _text("finess"),
    _text("am_number"),
    _text("zone", "Europe/Paris"),
    _day("closed_until", nullable=True),  # last closed day, included
)

id_block = Table(
    "id_block",
    metadata,
    Column("name", String(64), primary_key=True),
    _int("last_id"),
)

series = Table(
    "series",
    metadata,
    Column("organisation_id", BigInteger, ForeignKey("organisation.id"), primary_key=True),
    Column("journal", String(8), primary_key=True),
    Column("fiscal_year", Integer, primary_key=True),
    _int("last_number"),
    _day("last_date", nullable=True),
)

counter = Table(  # B2 invoice numbers, batch numbers by recipient, file identifiers
    "counter",
    metadata,
    Column("organisation_id", BigInteger, ForeignKey("organisation.id"), primary_key=True),
    Column("name", String(64), primary_key=True),
    _int("last_value"),
)

# --- contracts --------------------------------------------------------------------------------

customer = Table(
    "customer",
    metadata,
    _id(),
    _to("organisation"),
    _key("code"),
    _text("name"),
    _text("address"),
    _text("siren"),
    _text("agency"),
    _text("email"),
    _text("fax"),
    _text("classification"),  # condition of decision tables: grand compte, école…
    _text("estimate_fee_class"),  # FRAIS_ESTIMATION: SOUMIS, EXONERE or empty
    _text("invoice_fee_class"),
    Column("grouped", SmallInteger, nullable=False, server_default="0"),
    UniqueConstraint("organisation_id", "code"),
)

site = Table(
    "site",
    metadata,
    _id(),
    _to("customer", index=True),
    _key("code"),
    _text("name"),
    _text("address"),
    _text("email"),
    _text("fax"),
    Column("billing_only", SmallInteger, nullable=False, server_default="0"),
    _text("zone"),  # empty: the organisation's
    UniqueConstraint("customer_id", "code"),
)

article = Table(
    "article",
    metadata,
    _id(),
    _to("organisation"),
    _key("code"),
    _text("label"),
    Column("intangible", SmallInteger, nullable=False),
    _text("article_class"),
    _int("vat_ppm"),
    _key("account", length=16),
    UniqueConstraint("organisation_id", "code"),
)

price_list = Table(  # in force on a day, the highest precedence gives an article's price
    "price_list",
    metadata,
    _id(),
    _to("organisation"),
    _key("code"),
    _text("label"),
    Column("public", SmallInteger, nullable=False),  # otherwise net: for customers attached
    _day("since"),
    _day("until", nullable=True),
    Column("in_force", SmallInteger, nullable=False, server_default="1"),
    _int("precedence"),
    UniqueConstraint("organisation_id", "code"),
)

price = Table(
    "price",
    metadata,
    _id(),
    _to("price_list"),
    _to("article", index=True),
    _int("price_e8"),
    UniqueConstraint("price_list_id", "article_id"),
)

price_list_customer = Table(
    "price_list_customer",
    metadata,
    _id(),
    _to("price_list"),
    _to("customer", index=True),
    Column("attached", SmallInteger, nullable=False, server_default="1"),
    UniqueConstraint("price_list_id", "customer_id"),
)

asset = Table(
    "asset",
    metadata,
    _id(),
    _to("organisation"),
    _key("code"),
    _to("customer", index=True),
    _to("site", nullable=True),
    _text("label"),
    _text("serial"),
    _text("product"),  # reference of the product type; names the how-to picture
    _day("installed_on", nullable=True),
    Column("financed_in_advance", SmallInteger, nullable=False, server_default="0"),
    _text("request_mode"),  # of reading requests, as the file says it: fax, e-mail, Aucun…
    _text("contact_name"),  # user in charge of the machine
    _text("contact_email"),
    _text("contact_fax"),
    _text("location"),
    _text("location_email"),
    _text("location_fax"),
    UniqueConstraint("organisation_id", "code"),
)

meter = Table(
    "meter",
    metadata,
    _id(),
    _to("asset"),
    _key("code"),
    _text("label"),
    Column("cumulative", SmallInteger, nullable=False, server_default="1"),
    Column("billable", SmallInteger, nullable=False, server_default="1"),
    Column("billable_on_estimate", SmallInteger, nullable=False, server_default="1"),
    Column("billable_on_customer", SmallInteger, nullable=False, server_default="1"),
    Column("printable", SmallInteger, nullable=False, server_default="1"),
    Column("entry_mandatory", SmallInteger, nullable=False, server_default="0"),
    Column("read_with_consumables", SmallInteger, nullable=False, server_default="0"),
    Column("calculated", SmallInteger, nullable=False, server_default="0"),
    _text("formula"),  # of a calculated meter, over other meters of the asset
    _text("rounding", "standard"),
    _int("position"),
    _day("since", nullable=True),
    _day("until", nullable=True),
    _int("scale", "1"),
    Column("guaranteed_maximum", BigInteger),
    Column("contractual_volume_e6", BigInteger),
    Column("model_volume_e6", BigInteger),
    Column("stated_volume_e6", BigInteger),
    UniqueConstraint("asset_id", "code"),
)

reading = Table(
    "reading",
    metadata,
    _id(),
    Column("meter_id", BigInteger, ForeignKey("meter.id"), nullable=False),
    _day("read_on"),
    _int("value"),
    _key("origin", length=16),
    Column("document_id", BigInteger),  # the posting that stored this estimate
    UniqueConstraint("meter_id", "read_on", "origin", "value"),
)

contract = Table(
    "contract",
    metadata,
    _id(),
    _to("organisation"),
    _key("code"),
    _text("label"),
    _to("customer", index=True),
    _int("group_id"),
    _key("status", length=32),
    _text("activity"),
    _text("agency"),
    UniqueConstraint("organisation_id", "code"),
    Index("ix_contract_group", "organisation_id", "group_id"),
)

module = Table(
    "module",
    metadata,
    _id(),
    _to("contract"),
    _key("code"),
    _day("since"),
    _day("until", nullable=True),
    _int("renewal_months"),
    UniqueConstraint("contract_id", "code"),
)

module_asset = Table(
    "module_asset",
    metadata,
    Column("module_id", BigInteger, ForeignKey("module.id"), primary_key=True),
    Column("asset_id", BigInteger, ForeignKey("asset.id"), primary_key=True),
)

coverage = Table(
    "coverage",
    metadata,
    _id(),
    _to("module"),
    _key("code"),
    _text("label"),
    _text("article_class"),
    _key("kind", length=32),
    _day("since"),
    _day("until", nullable=True),
    _int("response_hours", "8"),
    UniqueConstraint("module_id", "code"),
)

rule = Table(
    "rule",
    metadata,
    _id(),
    _to("module", index=True),
    _to("contract", index=True),
    _key("code"),
    _text("label"),
    _key("kind", length=32),
    _key("term", length=8),
    _text("periodicity"),  # JSON, empty = aperiodic
    _text("proration", "{}"),
    _text("regime", "estimate"),
    _int("decimals", "2"),
    _int("position"),
    _text("market"),
    _day("since"),
    _day("until", nullable=True),
    _text("terms", "{}"),
    _text("opening", "{}"),  # the state taken over, before our first event
    _text("increase"),  # JSON of what was agreed about prices, empty = nothing
    _text("template"),  # code of the rule template (RFP) it was made from
    UniqueConstraint("module_id", "code"),
)

rule_meter = Table(
    "rule_meter",
    metadata,
    Column("rule_id", BigInteger, ForeignKey("rule.id"), primary_key=True),
    Column("meter_id", BigInteger, ForeignKey("meter.id"), primary_key=True),
)

rule_asset = Table(
    "rule_asset",
    metadata,
    Column("rule_id", BigInteger, ForeignKey("rule.id"), primary_key=True),
    Column("asset_id", BigInteger, ForeignKey("asset.id"), primary_key=True),
)

cost_line = Table(
    "cost_line",
    metadata,
    _id(),
    _to("rule", index=True),
    _int("position"),
    _key("family", length=16),
    _key("article"),
    _text("label"),
    _int("price_e8"),
    _int("vat_ppm"),
    _key("account", length=16),
    _to("customer", name="payer_id"),
    _to("site", nullable=True),
    _key("payment_mode", length=32),
    _int("payment_days"),
    _text("article_class"),
    Column("cutoff_price_e8", BigInteger),  # NULL: the billed price
    Column("profit_price_e8", BigInteger),  # NULL: the billed price
    Column("cost_price_e8", BigInteger),
    UniqueConstraint("rule_id", "position"),
)

rule_state = Table(  # a cache: opening state + events, rebuilt and compared by `verify`
    "rule_state",
    metadata,
    Column("rule_id", BigInteger, ForeignKey("rule.id"), primary_key=True, autoincrement=False),
    _day("next_theoretical", nullable=True),
    _text("state", "{}"),
    _int("events"),
    Column("last_document_id", BigInteger),
    postgresql_with={"fillfactor": 70},
)

rule_event = Table(
    "rule_event",
    metadata,
    Column("rule_id", BigInteger, ForeignKey("rule.id"), primary_key=True, autoincrement=False),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("id", BigInteger, nullable=False, index=True),  # in order of commit: closings seal by it
    _key("kind", length=16),  # billed, credited, manual
    Column("document_id", BigInteger),
    _text("state"),  # JSON patch: the fields set by the event
    sqlite_with_rowid=False,
)

delivery = Table(  # lines of delivery notes; each is billed once by a kit rule
    "delivery",
    metadata,
    _id(),
    _to("organisation"),
    _key("number"),
    Column("line", Integer, nullable=False),
    _day("delivered_on"),
    _to("asset", nullable=True, index=True),
    _to("contract", nullable=True),
    _key("article"),
    _text("label"),
    _text("article_class"),
    _int("quantity"),  # whole consumables
    UniqueConstraint("organisation_id", "number", "line"),
)

placement = Table(  # where a device that was moved stands; one that never was has no row
    "placement",
    metadata,
    _id(),
    _to("asset"),
    _day("since"),  # 0001-01-01: from the start
    _to("customer"),
    _to("site", nullable=True),
    UniqueConstraint("asset_id", "since"),
)

analysis = Table(  # runs of analysers; a patient's is billed once by a metered-run rule
    "analysis",
    metadata,
    _id(),
    _to("organisation"),
    Column("event_key", LargeBinary, nullable=False),  # HMAC of what the feed says: once
    _to("asset"),
    _int("ran_at_ms"),  # since 1970, UTC
    _key("ran_at", length=40),  # the same in the zone of the site, ISO with its offset
    _day("ran_on"),
    _key("kind", length=16),  # patient, qc
    _to("person", nullable=True),  # the patient's name, in the vault
    _text("species"),
    _text("sample_type"),
    UniqueConstraint("organisation_id", "event_key"),
    Index("ix_analysis_asset", "asset_id", "ran_on"),
    Index("ix_analysis_person", "person_id", "ran_at_ms"),
)

consumable_use = Table(  # reagents a device says it has used
    "consumable_use",
    metadata,
    _id(),
    _to("asset"),
    _int("used_at_ms"),  # since 1970, UTC
    _day("used_on"),
    _key("article"),
    _int("quantity"),
    UniqueConstraint("asset_id", "used_at_ms", "article"),
)

silence = Table(  # a device not heard of since a day: told once to its customer
    "silence",
    metadata,
    _id(),
    _to("organisation"),
    _to("asset"),
    _to("customer"),
    _day("heard_on"),
    _day("noticed_on"),
    UniqueConstraint("asset_id", "heard_on"),
)

rule_change = Table(  # what was changed by hand: one row a field, beside its manual event
    "rule_change",
    metadata,
    Column("rule_id", BigInteger, ForeignKey("rule.id"), primary_key=True, autoincrement=False),
    Column("sequence", Integer, primary_key=True, autoincrement=False),  # of the event
    Column("field", String(32), primary_key=True),
    _text("changed_at"),  # UTC
    _text("author"),
    _text("before"),
    _text("after"),
    sqlite_with_rowid=False,
)

syntec_index = Table(  # months imported; those shipped are data of the program
    "syntec_index",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("month", Integer, primary_key=True, autoincrement=False),
    _int("index_e6"),
)

extra_line = Table(  # lines by hand on the next invoice of a contract; each is billed once
    "extra_line",
    metadata,
    _id(),
    _to("organisation"),
    _key("code"),
    _to("contract", index=True),
    _key("article"),
    _text("label"),
    _int("quantity_e6"),
    _int("price_e8"),
    _int("vat_ppm"),
    _key("account", length=16),
    _text("reason"),
    UniqueConstraint("organisation_id", "code"),
)

# --- persons and care -------------------------------------------------------------------------

person = Table(
    "person",
    metadata,
    _id(),
    _to("organisation"),
    Column("sealed", LargeBinary, nullable=False),  # AES-GCM, row id as associated data
    Column("nir_index", LargeBinary, nullable=False),  # HMAC, for exact match
    Column("salt", LargeBinary, nullable=False),  # of the commitment in digests
    Index("ix_person_nir", "organisation_id", "nir_index"),
)

sealed_secret = Table(  # keys of our own, sealed with the key of persons
    "sealed_secret",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

patient = Table(
    "patient",
    metadata,
    _id(),
    _to("organisation"),
    _key("code"),
    _to("person"),
    _to("person", name="insured_person_id"),
    _text("agency"),
    _text("quality", "0"),
    _text("birth_rank", "1"),
    UniqueConstraint("organisation_id", "code"),
)

cover_amo = Table(
    "cover_amo",
    metadata,
    _id(),
    _to("patient", index=True),
    _day("since"),
    _day("until", nullable=True),
    _key("scheme", length=2),
    _key("fund", length=3),
    _key("centre", length=4),
    _key("nature", length=2),  # nature d'assurance
    _text("exemption", "0"),
    _text("situation"),  # ALD, ALSACE_MOSELLE, MATERNITE, AT, C2S, AME or empty
    _key("proof", length=16),
    _day("proof_on"),
)

cover_amc = Table(
    "cover_amc",
    metadata,
    _id(),
    _to("patient", index=True),
    _day("since"),
    _day("until", nullable=True),
    _key("number", length=10),
    _text("name"),
    _text("member"),
    _key("formula", length=2),
    _int("percent_ppm"),
    _int("fixed_cents"),
    Column("third_party", SmallInteger, nullable=False, server_default="1"),
    _key("proof", length=16),
    _day("proof_on"),
)

prescription = Table(
    "prescription",
    metadata,
    _id(),
    _to("organisation"),
    _key("code"),
    _to("patient", index=True),
    _text("prescriber_name"),
    _text("prescriber_rpps"),
    _text("prescriber_am_number"),
    _text("prescriber_speciality"),
    _day("dated_on"),
    _day("until"),
    _key("agreement", length=16),
    _day("agreement_on", nullable=True),
    UniqueConstraint("organisation_id", "code"),
)

care_item = Table(
    "care_item",
    metadata,
    _id(),
    _to("prescription", index=True),
    _to("patient", index=True),
    _key("code"),
    _key("kind", length=16),
    _key("lpp", length=7),
    _text("label"),
    _int("price_cents"),
    _int("quantity", "1"),
    _day("since"),
    _day("until", nullable=True),
    _int("carry_over_weeks"),
    _int("vat_ppm"),
    Column("exempted", SmallInteger, nullable=False, server_default="1"),  # related to the ALD
    UniqueConstraint("prescription_id", "code"),
)

lpp_code = Table(
    "lpp_code",
    metadata,
    Column("code", String(7), primary_key=True),
    _text("label"),
    _text("type"),
    _text("nature"),
    _text("unit"),
    _text("engine"),
    Column("max_age", Integer),
    _day("ends_on", nullable=True),
)

lpp_tariff = Table(
    "lpp_tariff",
    metadata,
    Column("code", String(7), ForeignKey("lpp_code.code"), primary_key=True),
    Column("since", Date, primary_key=True),
    _day("until", nullable=True),
    _int("tariff_cents"),
    Column("limit_cents", BigInteger),
    _text("nature"),
    Column("agreement", SmallInteger, nullable=False, server_default="0"),
    _text("source"),
)

# --- posted: append only ----------------------------------------------------------------------
# Foreign keys lead to the document only: every further one costs a look-up a row, and the
# organisation of a document is vouched for by its series.

document = Table(
    "document",
    metadata,
    _id(),
    Column("organisation_id", BigInteger, nullable=False),
    _key("journal", length=8),
    Column("fiscal_year", Integer, nullable=False),
    _int("number"),
    _key("kind", length=16),  # contract, care, credit, payment, rejection, settlement
    _day("issued_on"),
    _day("due_on", nullable=True),
    Column("customer_id", BigInteger),
    Column("site_id", BigInteger),
    Column("patient_id", BigInteger),
    Column("credits_id", BigInteger),  # the document this one credits
    Column("b2_number", BigInteger),  # 9 digits, returns match on it
    _text("market"),
    _int("net_cents"),
    _int("vat_cents"),
    _int("gross_cents"),
    _int("part_amo_cents"),
    _int("part_amc_cents"),
    _int("part_patient_cents"),
    _text("snapshot", "{}"),  # customer, site, payer and terms as they were
    Column("person_commitment", String(64)),  # salted, so that a digest never needs a NIR
    Column("run_id", BigInteger),
    UniqueConstraint("organisation_id", "journal", "fiscal_year", "number"),
    Index("ix_document_b2", "organisation_id", "b2_number", unique=True),
    Index("ix_document_issued", "organisation_id", "issued_on"),  # closings, FEC, archives
    Index(
        "ix_document_credits",
        "credits_id",
        sqlite_where=Column("credits_id").isnot(None),
        postgresql_where=Column("credits_id").isnot(None),
    ),
)

document_line = Table(
    "document_line",
    metadata,
    Column("document_id", BigInteger, ForeignKey("document.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("rule_id", BigInteger),
    Column("care_item_id", BigInteger),
    _text("article"),
    _text("label"),
    _day("since"),
    _day("until"),
    _int("quantity_e6"),
    _int("unit_price_e8"),
    _int("net_cents"),
    _int("vat_ppm"),
    _text("details"),  # JSON: small print, and the figures the amount comes from
    sqlite_with_rowid=False,
)

care_line = Table(
    "care_line",
    metadata,
    Column("document_id", BigInteger, ForeignKey("document.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _key("lpp", length=7),
    _key("nature", length=5),
    _key("type", length=1),
    _int("gross_cents"),
    _int("tariff_cents"),
    _int("base_cents"),
    _int("rate_pct"),
    _int("part_amo_cents"),
    _int("part_amc_cents"),
    _int("part_patient_cents"),
    _text("exemption", "0"),
    _text("agreement", "0"),
    _day("agreement_on", nullable=True),
    sqlite_with_rowid=False,
)

entry = Table(
    "entry",
    metadata,
    Column("document_id", BigInteger, ForeignKey("document.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _day("dated"),
    _key("account", length=16),
    _text("auxiliary"),
    _int("debit_cents"),
    _int("credit_cents"),
    Column("invoice_id", BigInteger),  # the invoice whose due this moves
    Column("share", String(8)),  # AMO, AMC, PATIENT, CUSTOMER
    CheckConstraint(
        "debit_cents >= 0 AND credit_cents >= 0 AND debit_cents * credit_cents = 0", name="sides"
    ),
    Index(
        "ix_entry_invoice",
        "invoice_id",
        sqlite_where=Column("invoice_id").isnot(None),
        postgresql_where=Column("invoice_id").isnot(None),
    ),
    sqlite_with_rowid=False,
)

billed_part = Table(  # once: each part of a subject stands on one uncredited posted line
    "billed_part",
    metadata,
    Column("subject_kind", String(4), primary_key=True),  # rule, fee, care, run, kit, line
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("part", String(64), primary_key=True),
    Column("unit", BigInteger, primary_key=True, autoincrement=False),  # day ordinal, week index
    Column("revision", SmallInteger, primary_key=True, autoincrement=False),
    Column("document_id", BigInteger, ForeignKey("document.id"), nullable=False),
    Column("line_position", Integer, nullable=False),
    Index("ix_billed_part_document", "document_id"),
    sqlite_with_rowid=False,
)

chain_link = Table(
    "chain_link",
    metadata,
    Column("organisation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("document_id", BigInteger, ForeignKey("document.id"), nullable=False, unique=True),
    Column("version", SmallInteger, nullable=False),
    Column("digest", String(64), nullable=False),  # of the document's content
    Column("link", String(64), nullable=False),  # H(version, previous, number, digest)
    _int("debit_cents"),
    _int("credit_cents"),
    CheckConstraint("debit_cents = credit_cents", name="balanced"),
    sqlite_with_rowid=False,
)

chain_head = Table(
    "chain_head",
    metadata,
    Column("organisation_id", BigInteger, ForeignKey("organisation.id"), primary_key=True),
    _int("sequence"),
    Column("link", String(64), nullable=False),
)

closing = Table(  # of a day, month or year: signed, each bound to the one before
    "closing",
    metadata,
    Column("organisation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("version", SmallInteger, nullable=False),
    _key("kind", length=8),  # day, month, year
    _day("since"),
    _day("until"),
    _int("chain_sequence"),  # the chain's head when it was closed
    _key("chain_link"),
    _int("documents"),  # of the period, with the entries and sums of their links
    _int("entries"),
    _int("debit_cents"),
    _int("credit_cents"),
    _int("total_debit_cents"),  # since the first document: running totals
    _int("total_credit_cents"),
    _text("sealed", "{}"),  # JSON: table → [last id, rows, digest] of what isn't in the chain
    _key("previous"),  # digest of the previous closing, with its signature
    _text("closed_at"),  # UTC
    _key("public_key"),
    _key("signature", length=128),  # Ed25519 of every other column
    UniqueConstraint("organisation_id", "kind", "since"),
    sqlite_with_rowid=False,
)

ledger_export = Table(  # journals handed to accounting software: a stretch of the chain, once
    "ledger_export",
    metadata,
    Column("organisation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _key("layout", length=16),
    _int("since_sequence"),  # not included
    _int("until_sequence"),  # included
    _int("entries"),
    _int("debit_cents"),  # control total
    _key("file_name", length=64),
    _key("state", length=16),  # made, acknowledged
    _text("made_at"),  # UTC
    _text("acknowledged_at"),
    UniqueConstraint("organisation_id", "since_sequence"),
)

# --- teletransmission and returns -------------------------------------------------------------

transmission = Table(
    "transmission",
    metadata,
    _id(),
    _to("organisation"),
    _key("file_identifier", length=6),
    _key("recipient_kind", length=2),
    _key("recipient", length=14),
    _int("lot"),
    _day("created_on"),
    _int("invoices"),
    _int("gross_cents"),
    _int("part_amo_cents"),
    _int("part_amc_cents"),
    _key("digest"),  # HMAC of the bytes, which hold NIRs
    UniqueConstraint("organisation_id", "file_identifier"),
)

transmission_item = Table(  # a document is sent once an attempt; attempt = refusals so far
    "transmission_item",
    metadata,
    Column("document_id", BigInteger, ForeignKey("document.id"), primary_key=True),
    Column("attempt", SmallInteger, primary_key=True, autoincrement=False),
    _to("transmission", index=True),
    _int("position"),
)

return_line = Table(  # what an organism said of one share of one invoice, once
    "return_line",
    metadata,
    _id(),
    _to("organisation"),
    _key("transfer", length=128),
    _key("return_type", length=2),
    _key("invoice_number", length=9),
    _key("share", length=8),
    _int("rank"),
    _key("sign", length=1),
    _key("state", length=1),  # P paid, R rejected, D deferred
    _int("asked_cents"),
    _int("paid_cents"),
    _text("reasons", "[]"),
    _day("dated"),
    Column("invoice_id", BigInteger, index=True),  # NULL: unmatched, in suspense
    Column("document_id", BigInteger),  # the payment or rejection posted for it
    Column("received_file_id", BigInteger),
    UniqueConstraint(
        "organisation_id",
        "transfer",
        "return_type",
        "invoice_number",
        "share",
        "rank",
        "sign",
        name="uq_return_line_once",
    ),
)

# --- reading requests -------------------------------------------------------------------------

reading_request = Table(  # one letter: what was asked of an address, and what it said
    "reading_request",
    metadata,
    _id(),
    _to("organisation"),
    _key("reference", length=32),  # quoted by an answer, not to be guessed
    _day("requested_on"),
    _key("channel", length=8),  # fax, email, summary
    _text("address"),  # as found: a fax number or a mail address
    _text("mail_to"),  # where the mail goes: the address, or the fax gateway's
    _text("recipient"),  # code of the customer
    _key("prepared_at", length=32),  # UTC
    _text("content", "{}"),  # what it prints, as it was that day
    UniqueConstraint("reference"),
)

reading_request_asset = Table(  # an asset is asked about once for a date, whoever tries
    "reading_request_asset",
    metadata,
    Column("asset_id", BigInteger, ForeignKey("asset.id"), primary_key=True),
    Column("requested_on", Date, primary_key=True),
    _to("reading_request", index=True),
    _key("level", length=16),  # where the address was found
)

# --- files in, files out, runs ----------------------------------------------------------------

received_file = Table(
    "received_file",
    metadata,
    _id(),
    _key("digest"),  # HMAC of the content, which may hold NIRs
    _key("name", length=255),
    _key("flow", length=32),
    _key("state", length=16),  # imported, refused, duplicate
    _text("received_at"),  # UTC
    _int("records"),
    _text("report", "{}"),
    _text("identity"),  # sender and number, where the sender numbers its files
    Index("ix_received_file_digest", "digest"),
    Index(
        "uq_received_file_identity",
        "flow",
        "identity",
        unique=True,
        sqlite_where=text("state = 'imported' AND identity <> ''"),
        postgresql_where=text("state = 'imported' AND identity <> ''"),
    ),
    Index(
        "uq_received_file_imported",
        "digest",
        unique=True,
        sqlite_where=Column("state") == "imported",
        postgresql_where=Column("state") == "imported",
    ),
)

outbox = Table(
    "outbox",
    metadata,
    _id(),
    Column("organisation_id", BigInteger, nullable=False),
    Column("key", String(128), nullable=False, unique=True),  # stable, made before the first try
    _key("kind", length=16),  # invoice_pdf, b2, run_silence, night_report, reading_request
    _key("partner", length=64),  # settled with the recipient, when the row is first looked at
    _key("file_name", length=128),
    Column("subject_id", BigInteger),  # document or transmission the bytes are made from
    _key("state", length=16),  # todo, sent, uncertain, failed, held
    Column("sha256", String(64)),  # of the bytes; NULL where they hold NIRs
    _text("sent_at"),
    Column("recipient", String(64)),  # code of the customer or number of the fund
    _text("address"),  # the recipient's own, for mails
    _text("next_try_at"),  # UTC; a row leaves from then on
    Column("lease_token", BigInteger),  # the sender that holds it
    Column("lease_until", BigInteger),  # seconds since 1970, by the database's clock
    Index(
        "ix_outbox_todo",
        "id",
        sqlite_where=Column("state") == "todo",
        postgresql_where=Column("state") == "todo",
    ),
)

outbox_event = Table(  # each try of a row and each act by hand, never changed
    "outbox_event",
    metadata,
    Column("outbox_id", BigInteger, ForeignKey("outbox.id"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    _key("event", length=16),
    _key("at", length=32),  # UTC
    _key("who", length=128),
    _text("detail"),
)

partner_hold = Table(  # nothing leaves for a held partner; `until` is empty while it lasts
    "partner_hold",
    metadata,
    _to("organisation"),
    _key("partner", length=64),  # or all
    _key("since", length=32),
    _text("until"),
    _text("who"),
    _text("reason"),
    PrimaryKeyConstraint("organisation_id", "partner", "since"),
)

audit = Table(  # who, when, why: one row before a verb that changes something, one after
    "audit",
    metadata,
    Column("organisation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    _key("at", length=32),  # UTC
    _key("who", length=64),
    _key("verb", length=32),
    _text("subject"),
    _text("reason"),
    _key("outcome", length=32),
    Column("link", String(64), nullable=False),  # H(previous, everything above)
    sqlite_with_rowid=False,
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("organisation_id", BigInteger, primary_key=True, autoincrement=False),
    _int("sequence"),
    Column("link", String(64), nullable=False),
)

run = Table(  # a billing with its options; killed and run again it is the same run
    "run",
    metadata,
    _id(),
    _to("organisation"),
    _key("kind", length=16),
    _day("work_date"),
    _text("options", "{}"),
    UniqueConstraint("organisation_id", "kind", "work_date", "options"),
)

occurrence = Table(  # one row a step and a day: who finds it done goes on
    "occurrence",
    metadata,
    Column("organisation_id", BigInteger, ForeignKey("organisation.id"), primary_key=True),
    Column("job", String(32), primary_key=True),
    Column("day", Date, primary_key=True),
    _key("state", length=16),
    _text("report", "{}"),
)

job = Table(  # since when a job is known with that timing: nothing older is caught up
    "job",
    metadata,
    Column("organisation_id", BigInteger, ForeignKey("organisation.id"), primary_key=True),
    Column("name", String(64), primary_key=True),
    _key("timing"),  # digest of what its instants depend on
    _key("since", length=32),  # UTC
)

job_run = Table(  # one row an occurrence of a job: whoever inserts it does it
    "job_run",
    metadata,
    Column("organisation_id", BigInteger, ForeignKey("organisation.id"), primary_key=True),
    Column("job", String(64), primary_key=True),
    Column("due_at", String(32), primary_key=True),  # UTC, the instant it was planned for
    _day("day"),  # local date of that instant
    _key("state", length=16),  # running, waiting, done, failed, missed
    _int("attempts"),
    _text("next_try_at"),  # UTC; a waiting row is taken up again from then on
    Column("lease_token", BigInteger),  # the server that does it
    Column("lease_until", BigInteger),  # seconds since 1970, by the database's clock
    _text("started_at"),  # UTC
    _text("ended_at"),  # UTC
    _text("report", "{}"),
    Index(
        "ix_job_run_open",
        "due_at",
        sqlite_where=Column("state").in_(("running", "waiting")),
        postgresql_where=Column("state").in_(("running", "waiting")),
    ),
)

simulation = Table(
    "simulation",
    metadata,
    _id(),
    _to("organisation"),
    _day("work_date"),
    _text("options", "{}"),
    _key("inputs_digest"),
    _key("rows_digest"),
    _text("summary", "{}"),
)

APPEND_ONLY: Final = (
    "document",
    "document_line",
    "care_line",
    "entry",
    "billed_part",
    "chain_link",
    "closing",
    "rule_event",
    "rule_change",
    "return_line",
    "transmission",
    "transmission_item",
    "outbox_event",
    "audit",
)
