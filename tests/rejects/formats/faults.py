"""Files with one fault: a sound file, what is wrong in it, and where that must be found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from formats.fixedwidth import Kind, changed, encode, layout
from tests.formats.robustness.samples import SAMPLES, Sample

_NUMERIC = (Kind.DIGITS, Kind.NUMBER, Kind.CENTS, Kind.DAY)


@dataclass(frozen=True)
class Fault:
    """A bad file, and the code and place (record, first and last column) of what must be found."""

    name: str
    dialect: str
    content: bytes
    code: str
    place: tuple[int, int, int]


WRONG_VALUES = (
    # sample, record, field, value, code, and the field that is found wrong when it is another
    ("b2", "000", "sender", "00000752600023", "FMT-111", "1.sender"),
    ("b2", "999", "sender_type", "CT", "FMT-111"),
    ("b2", "999", "sender", "00000752600023", "FMT-111"),
    ("b2", "999", "recipient", "00000001016423", "FMT-111"),
    ("b2", "999", "file_id", "AB12C4", "FMT-111"),
    ("b2", "999", "records", 12, "FMT-111"),
    ("b2", "999", "batches", 3, "FMT-111"),
    ("b2", "1", "sender", "752600016", "FMT-022"),
    ("b2", "1", "version", "062009", "FMT-116"),
    ("b2", "1", "number", "000", "FMT-111"),
    ("b2", "6", "sender", "752600023", "FMT-111"),
    ("b2", "6", "number", "009", "FMT-111"),
    ("b2", "6", "total_cents", 1, "FMT-111"),
    ("b2", "6", "amo_cents", 1, "FMT-111"),
    ("b2", "6", "amc_cents", 1, "FMT-111"),
    ("b2", "6", "invoices", 9, "FMT-111"),
    ("b2", "2", "nir_key", "04", "FMT-022", "2.nir"),
    ("b2", "2", "biller", "752600016", "FMT-022"),
    ("b2", "2", "invoice", "000000000", "FMT-114"),
    ("b2", "2S", "own_nir_key", "04", "FMT-022", "2S.own_nir"),
    ("b2", "2S", "biller", "752600023", "FMT-111"),
    ("b2", "4", "biller", "752600023", "FMT-111"),
    ("b2", "4", "nir", "2800175056001", "FMT-111"),
    ("b2", "4", "nir_key", "04", "FMT-111"),
    ("b2", "4", "invoice", "000000041", "FMT-111"),
    ("b2", "4", "amo_cents", 1800, "FMT-111"),
    ("b2", "4", "base_cents", 1840, "FMT-111", "4.amo_cents"),
    ("b2", "4", "rate_pct", 60, "FMT-111", "4.amo_cents"),
    ("b2", "4", "total_cents", 1819, "FMT-112", "4.amo_cents"),
    ("b2", "4", "done_on", date(2026, 1, 16), "FMT-113"),
    ("b2", "4S", "invoice", "000000041", "FMT-111"),
    ("b2", "4E", "invoice", "000000041", "FMT-111"),
    ("b2", "4E", "prescriber_rpps", "10001234567", "FMT-022"),
    ("b2", "4E", "executant_rpps", "10001234567", "FMT-022"),
    ("b2", "4F", "invoice", "000000041", "FMT-111"),
    ("b2", "4F", "sequence", "02", "FMT-111"),
    ("b2", "4F", "code", "1241764", "FMT-022"),
    ("b2", "4F", "code", "LITMED", "FMT-021"),
    ("b2", "4F", "siret", "73282932000075", "FMT-022"),
    ("b2", "4F", "total_cents", 1821, "FMT-111", ""),
    ("b2", "4F", "first_day", date(2026, 1, 8), "FMT-113"),
    ("b2", "4F", "last_day", date(2026, 1, 16), "FMT-113"),
    ("b2", "5", "nir", "2800175056001", "FMT-111"),
    ("b2", "5", "lines", 3, "FMT-111"),
    ("b2", "5", "total_cents", 1821, "FMT-111"),
    ("b2", "5", "amo_cents", 1819, "FMT-111"),
    ("b2", "5", "insured_cents", 1, "FMT-111"),
    ("b2", "5", "amc_cents", 1, "FMT-111"),
    ("b2 hospital", "3", "biller", "752600023", "FMT-111"),
    ("b2 hospital", "3", "amo_cents", 95_000, "FMT-111"),
    ("b2 hospital", "3", "last_day", date(2026, 1, 16), "FMT-113"),
    ("b2 hospital", "3S", "invoice", "000000041", "FMT-111"),
    ("b2 hospital", "3E", "prescriber_rpps", "10001234567", "FMT-022"),
    ("b2 hospital", "3F", "sequence", "03", "FMT-111"),
    ("b2 hospital", "3F", "code", "1241764", "FMT-022"),
    ("b2 hospital", "3H", "invoice", "000000041", "FMT-111"),
    ("b2 hospital", "4B", "invoice", "000000041", "FMT-111"),
    ("b2 hospital", "4H", "invoice", "000000041", "FMT-111"),
    ("b2 hospital", "4M", "invoice", "000000041", "FMT-111"),
    ("b2 hospital", "5", "stay_total_cents", 1, "FMT-111"),
    ("b2 hospital", "5", "stay_amo_cents", 1, "FMT-111"),
    ("noemie", "990", "count", 2, "FMT-211"),
    ("noemie", "990", "amount_cents", 1819, "FMT-211"),
    ("noemie", "990", "sign", "X", "FMT-216"),
    ("noemie", "999", "records", 15, "FMT-211"),
    ("noemie", "999", "batches", 2, "FMT-211"),
    ("noemie", "999", "amount_cents", 1, "FMT-211"),
    ("noemie", "999", "sender", "00000001016423", "FMT-111"),
    ("noemie", "999", "recipient_type", "MA", "FMT-111"),
    ("noemie", "999", "file_id", "R00043", "FMT-111"),
    ("noemie", "000", "file_id", "R00043", "FMT-111", "999.file_id"),
    ("noemie", "081", "code", "06", "FMT-217"),
    ("noemie", "102", "kind", "Z", "FMT-217"),
    ("noemie", "103", "nir_key", "04", "FMT-022", "103.nir"),
    ("noemie", "103", "own_nir_key", "04", "FMT-022", "103.own_nir"),
    ("noemie", "103", "nir", "9800175056001", "FMT-021"),
    ("noemie", "198", "state", "X", "FMT-215"),
    ("noemie", "198", "sign", "X", "FMT-216"),
    ("noemie", "198", "paid_cents", 1819, "FMT-211", "990.amount_cents"),
    ("noemie", "294", "share", "X", "FMT-217"),
    ("b2-retour", "2", "outcome", "2", "FMT-222", "2.paid_amo_cents"),
    ("b2-retour", "2", "insured", "180017505600104", "FMT-022"),
    ("arl", "ARL", "verdict", "X", "FMT-231"),
    ("arl", "ARL", "reason", "TOTX", "FMT-232"),
    ("arl", "ARL", "received_at", "240000", "FMT-233"),
    ("arl", "ARL", "batch_created_on", date(2026, 1, 16), "FMT-113"),
    ("sesam", "SVF", "version", "ECH9", "FMT-243"),
    ("sesam", "SVF", "sender", "752600016", "FMT-022"),
    ("sesam", "SVL", "sender", "752600023", "FMT-111"),
    ("sesam", "SVL", "batch", "000", "FMT-111"),
    ("sesam", "SVL", "kind", "D", "FMT-242", "FSE."),
    ("sesam", "FSE", "invoice", "000000050", "FMT-111", "CPS.invoice"),
    ("sesam", "FSE", "nir_key", "04", "FMT-022", "FSE.nir"),
)


def faults() -> Iterator[Fault]:
    """Wrong values, then one unreadable column per kind of record."""
    for name, record, field, value, code, *elsewhere in WRONG_VALUES:
        yield _wrong_value(name, record, field, value, code, *elsewhere)
    for sample in SAMPLES.values():
        yield from _unreadable(sample)


def _wrong_value(
    name: str, record: str, field: str, value: object, code: str, found: str | None = None
) -> Fault:
    sample = SAMPLES[name]
    at = _first(sample, record)
    records = list(sample.records)
    records[at] = changed(records[at], **{field: value})
    where, _, column = (f"{record}.{field}" if found is None else found).partition(".")
    number = _first(sample, where) if where else at
    place = (number + 1, *_columns(sample.records[number], column))
    content = b"".join(map(encode, records))
    return Fault(f"{name}-{record}.{field}", sample.dialect, content, code, place)


def _unreadable(sample: Sample) -> Iterator[Fault]:
    """An X in the last column of the first number of the last record of each kind."""
    last = {layout(type(one)).name: number for number, one in enumerate(sample.records)}
    for record, at in last.items():
        zones = layout(type(sample.records[at])).fields
        zone = next((zone for zone in zones if zone.kind in _NUMERIC), None)
        if zone is None:
            continue
        content = bytearray(sample.content)
        content[sample.starts[at] + zone.end - 1] = ord("X")
        place = (at + 1, zone.start, zone.end)
        yield Fault(
            f"{sample.dialect}-{record} X", sample.dialect, bytes(content), "FMT-002", place
        )


def _first(sample: Sample, record: str) -> int:
    return next(n for n, one in enumerate(sample.records) if layout(type(one)).name == record)


def _columns(record: object, field: str) -> tuple[int, int]:
    """Columns of a field; 0, 0 for none in particular."""
    zones = {zone.name: zone for zone in layout(type(record)).fields}
    return (zones[field].start, zones[field].end) if field else (0, 0)
