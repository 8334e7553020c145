"""Acknowledgements of journal exports: the accounting software took the file, with its figures."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field
from sqlalchemy import update

from formats.common.anomaly import Anomaly, Code
from integration.database.tables import ledger_export
from integration.translate.fields import Number, Row, Whole
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.tabular import csv_schema, read_rows, recognises

OTHER_FIGURES: Final = Code(
    "IMP-901",
    "L'export n° {number} n'existe pas avec {entries} écritures et ce total.",
    "Comparez avec le fichier exporté : elle n'a pas tout pris, ou pas ce fichier.",
)

Cents = Annotated[Number, Field(decimal_places=2, max_digits=15)]


class AcknowledgementRow(Row):
    """One export taken: its number, how many entries, the total of debits."""

    number: Whole = Field(alias="export")
    entries: Whole = Field(alias="ecritures")
    total: Cents = Field(alias="total_debit")


def _apply(intake: Intake, records: Records[AcknowledgementRow]) -> Applied:
    refuse([anomaly for record in records if (anomaly := _marked(intake, record))])
    return Applied({"exports acquittés": len(records)})


def _marked(intake: Intake, record: Record[AcknowledgementRow]) -> Anomaly | None:
    """Mark the export; what isn't ours, figures included, is an anomaly."""
    row, table = record.value, ledger_export.c
    done = intake.connection.execute(
        update(ledger_export)
        .where(table.organisation_id == intake.organisation_id, table.number == row.number)
        .where(table.entries == row.entries, table.debit_cents == int(row.total * 100))
        .values(state="acknowledged", acknowledged_at=intake.now.isoformat(timespec="seconds"))
    )
    values = {"number": row.number, "entries": row.entries}
    return None if done.rowcount else Anomaly(OTHER_FIGURES, record.at("export"), values)


def _read(data: bytes, file: str) -> Records[AcknowledgementRow]:
    return read_rows(data, file, AcknowledgementRow)


def _schema() -> str:
    return csv_schema(AcknowledgementRow, ("1", "1204", "84512,30"))


FLOW: Final = Flow(
    "acknowledgements", "accusés de la comptabilité", recognises(AcknowledgementRow), _read, _apply,
    _schema,
)  # fmt: skip
