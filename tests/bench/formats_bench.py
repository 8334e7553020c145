"""How fast formats are written and read with all checks, beside the barest code that could do it.

`python -m tests.bench.formats_bench` streams a small file; with `--large` it really streams 1 GB.
"""

from __future__ import annotations

import json
import struct
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

from formats import b2, noemie
from formats.b2 import Beneficiary, Invoice, Line
from formats.b2.check import Checker
from formats.b2.grammar import Tables
from formats.b2.v062007 import FileEnd
from formats.b2.versions import JUNE_2007
from formats.fixedwidth import (
    Kind,
    Layout,
    Zone,
    _by_kind,
    _in_order,
    _joined,
    changed,
    encode_all,
    layout,
    settled,
)
from formats.noemie import entities_in
from formats.report import Report
from formats.runon import write_checked
from tests.formats.invoices import b2_file, invoice, line
from tests.formats.test_noemie import CONSTRUCTED

INVOICES = 900
ROUNDS = 9
CHUNK = 2048
SMALL_MB, LARGE_MB = 24, 1024


def run(streamed_mb: int = SMALL_MB) -> dict[str, object]:
    """Records (entities for NOEMIE) a second on one core; ratios are to the bare code."""
    tree = b2_file(*_invoices())
    items = list(map(settled, b2.records(tree)))
    content = encode_all(items)
    count, tables = len(items), [layout(type(item)) for item in items]
    rows = [content[at : at + 128] for at in range(0, len(content), 128)]
    works = {
        "bare_template": _bare_write(items, tables),
        "bare_struct_and_int": _bare_read(rows, tables),
        "b2_encode_alone": _encode_alone(items),
        "b2_encode_checked": _encode_checked(items),
        "b2_write_records_all_rules": _write_records(items),
        "b2_write_from_tree_all_rules": lambda: b2.write(tree),
        "b2_decode_alone": lambda: _exhaust(_records(content)),
        "b2_read_all_rules": lambda: b2.check(BytesIO(content)),
    }
    rates = _rates(count, works)
    bare = {name: rates[_BARE[name]] for name in rates if name in _BARE}
    return {
        "b2_records": count,
        **{f"{name}_per_s": rate for name, rate in rates.items()},
        **{f"{name}_ratio": round(rates[name] / rate, 2) for name, rate in bare.items()},
        "b2_ratios_are_to": _BARE,
        **_noemie(),
        **_streamed(items, streamed_mb),
    }


_BARE = {
    "b2_encode_alone": "bare_template",
    "b2_encode_checked": "bare_template",
    "b2_write_records_all_rules": "bare_template",
    "b2_write_from_tree_all_rules": "bare_template",
    "b2_decode_alone": "bare_struct_and_int",
    "b2_read_all_rules": "bare_struct_and_int",
}


def _noemie() -> dict[str, object]:
    """The reading of entities alone, of the whole result, and the check that keeps nothing."""
    content = noemie.write([CONSTRUCTED[0], *CONSTRUCTED[1:-1] * 500, CONSTRUCTED[-1]])
    count = 12 * 500 + 2
    works = {
        "noemie_entities": lambda: _exhaust(entities_in(BytesIO(content), [])),
        "noemie_return": lambda: noemie.read(BytesIO(content)),
        "noemie_check": lambda: noemie.check(BytesIO(content)),
    }
    return {f"{name}_per_s": rate for name, rate in _rates(count, works).items()}


def _invoices() -> list:
    """Two a person; prescribers, prices and weeks differ, as in a file one really sends."""
    return [_invoice(number) for number in range(1, INVOICES)]


def _invoice(number: int) -> Invoice:
    nir = f"18001750{number // 2 * 7919 % 100_000:05d}"
    own = {"nir": nir, "nir_key": f"{97 - int(nir) % 97:02d}"}
    lines = tuple(_line(number * 3 + rank) for rank in range(2))
    return invoice(f"{number:09d}", **own, lines=lines, beneficiary=Beneficiary(**own))


def _line(number: int) -> Line:
    """A week's rental, at one of 60 prices, asked by one of 200 prescribers."""
    first, price = date(2026, 1, 1 + number % 9), 1000 + number % 60 * 35
    (detail,) = line().details
    week = {"first_day": first, "last_day": first + timedelta(days=6)}
    paid = dict.fromkeys(("unit_price_cents", "base_cents", "amo_cents", "total_cents"), price)
    return line(
        **paid,
        done_on=first,
        prescriber=f"7512{number % 200:05d}",
        details=(replace(detail, price_cents=price, total_cents=price, **week),),
    )


def _records(content: bytes) -> Iterator[object]:
    return b2.records_in(BytesIO(content), [])


def _exhaust(items: Iterator[object]) -> None:
    """Take every item and keep none, as a stream is read."""
    deque(items, maxlen=0)


def _rates(count: int, works: dict[str, Callable[[], object]]) -> dict[str, int]:
    """Best of a few rounds, in processor time: neighbours on the machine count little.

    Every round does all the works, so that what is compared met the same neighbours.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            start = process_time()
            work()
            times[name].append(process_time() - start)
    return {name: round(count / min(spent)) for name, spent in times.items()}


def _bare_write(items: list, tables: list[Layout]) -> Callable[[], object]:
    """One `%` a record, its values already text or numbers; nothing is checked."""
    ready = [
        (
            "".join(map(_template, table.zones)),
            tuple(
                (f"{value:%y%m%d}" if value else "000000") if zone.kind is Kind.DAY else value
                for zone, value in zip(table.fields, item, strict=True)
            ),
        )
        for item, table in zip(items, tables, strict=True)
    ]
    return lambda: b"".join([(template % values).encode("ascii") for template, values in ready])


def _template(zone: Zone) -> str:
    """What puts one value in its columns."""
    if zone.fixed:
        return zone.expected.replace("%", "%%")
    if zone.kind in (Kind.NUMBER, Kind.CENTS):
        return f"%0{zone.length}d"
    return f"%-{zone.length}s"


def _bare_read(rows: list[bytes], tables: list[Layout]) -> Callable[[], object]:
    """One `struct` a record, `int` on the norm's numeric columns; nothing is checked or named."""
    cuts: dict[str, tuple[struct.Struct, list[bool]]] = {}
    for table in tables:
        shape = "".join(f"{z.length}{'x' if z.fixed else 's'}" for z in table.zones)
        numeric = [zone.kind is not Kind.TEXT for zone in table.fields]
        cuts.setdefault(table.name, (struct.Struct(shape), numeric))
    ready = [(*cuts[table.name], row) for table, row in zip(tables, rows, strict=True)]

    def work() -> None:
        for cut, numeric, row in ready:
            [int(v) if n else v.decode() for v, n in zip(cut.unpack(row), numeric, strict=True)]

    return work


def _encode_alone(items: list) -> Callable[[], object]:
    """Typed records to bytes, in order; nothing is read back nor judged."""

    def group(table: Layout, those: list) -> Iterator[str]:
        columns = zip(table._held, zip(*those, strict=True), strict=True)
        cells = [column.write(values) for (_, column), values in columns]
        return iter(_joined(table._with_fixed(cells), len(those)))

    def some(chunk: list) -> bytes:
        kinds, groups = _by_kind(chunk)
        rows = _in_order(kinds, {k: group(layout(k), g) for k, g in groups.items()})
        return "".join(rows).encode("ascii")

    return lambda: b"".join([some(items[at : at + CHUNK]) for at in range(0, len(items), CHUNK)])


def _encode_checked(items: list) -> Callable[[], object]:
    """What the writer does of records: every column checked and read back."""
    return lambda: b"".join(
        [encode_all(items[at : at + CHUNK]) for at in range(0, len(items), CHUNK)]
    )


def _write_records(items: list) -> Callable[[], object]:
    """All that the writer does but make records from the tree: they are judged too."""
    return lambda: write_checked(items, JUNE_2007, Tables(), Checker())


# -- memory ------------------------------------------------------------------------------------


class _Repeated:
    """A stream of one file: its head, its body again and again, its end."""

    def __init__(self, head: bytes, body: bytes, end: bytes, times: int) -> None:
        self._pieces = self._all(head, body, end, times)
        self._pending = b""
        self.highest = self.lowest = _resident()

    def _all(self, head: bytes, body: bytes, end: bytes, times: int) -> Iterator[bytes]:
        yield head
        for _ in range(times):
            self.highest = max(self.highest, _resident())
            yield body
        yield end

    def read(self, size: int = -1) -> bytes:
        while len(self._pending) < size and (piece := next(self._pieces, b"")):
            self._pending += piece
        given, self._pending = self._pending[:size], self._pending[size:]
        return given


def _streamed(items: list, megabytes: int) -> dict[str, object]:
    """A long file of each dialect checked in a stream: B2 batches, NOEMIE transfers."""
    body = encode_all(items[1:-1])
    times = max(megabytes * 2**20 // len(body), 1)
    count = times * (len(items) - 2) + 2
    end = FileEnd._make(items[-1])._replace(records=count, batches=times)  # type: ignore[attr-defined]
    b2_file = _Repeated(encode_all(items[:1]), body, encode_all([end]), times)
    transfers = noemie.write(CONSTRUCTED[1:-1] * 100)
    times = max(megabytes * 2**20 // len(transfers), 1)
    entities = times * 100 * (len(CONSTRUCTED) - 2) + 2
    sum_cents = times * 100 * 1820
    last = changed(CONSTRUCTED[-1], records=entities, amount_cents=sum_cents)
    ours = _Repeated(noemie.write(CONSTRUCTED[:1]), transfers, noemie.write([last]), times)
    return _checked("b2", b2.check, b2_file, count) | _checked(
        "noemie", noemie.check, ours, entities
    )


def _checked(
    name: str, check: Callable[..., Report], stream: _Repeated, count: int
) -> dict[str, object]:
    start = process_time()
    report = check(stream)
    seconds = process_time() - start
    assert (report.records, list(islice(report.anomalies, 3))) == (count, [])
    return {
        f"{name}_streamed_records": count,
        f"{name}_streamed_records_per_s": round(count / seconds),
        f"{name}_streamed_memory_growth_mb": round((stream.highest - stream.lowest) / 2**20, 1),
    }


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


if __name__ == "__main__":
    started = perf_counter()
    found = run(LARGE_MB if "--large" in sys.argv[1:] else SMALL_MB)
    print(json.dumps(found | {"seconds": round(perf_counter() - started, 1)}, indent=1))
