"""How fast B2 is written and read with all checks, beside the barest code that could do it."""

from __future__ import annotations

import json
import struct
from collections import deque
from collections.abc import Callable, Iterator
from io import BytesIO
from time import perf_counter, process_time

from formats.b2 import check, records, records_in
from formats.b2 import write as whole_write
from formats.fixedwidth import Kind, Layout, encode_all, layout, settled
from formats.noemie import entities_in, write
from formats.noemie import read as read_return
from tests.formats.invoices import b2_file, invoice, line
from tests.formats.test_noemie import CONSTRUCTED

INVOICES = 1500
ROUNDS = 3


def run() -> dict[str, object]:
    """Records (entities for NOEMIE) a second on one core; ratios are to the bare code."""
    items = list(map(settled, records(b2_file(*_invoices()))))
    content = encode_all(items)
    rows = [content[at : at + 128] for at in range(0, len(content), 128)]
    tables = [layout(type(item)) for item in items]
    half = b2_file(*_invoices()[: INVOICES // 2])
    returned = write([CONSTRUCTED[0], *CONSTRUCTED[1:-1] * 500, CONSTRUCTED[-1]])
    entities = 12 * 500 + 2
    write_rate = _rate(len(items), lambda: encode_all(items))
    read_rate = _rate(len(items), lambda: _exhaust(records_in(BytesIO(content), [])))
    bare_write = _rate(len(items), _bare_write(items, tables))
    bare_read = _rate(len(items), _bare_read(rows, tables))
    return {
        "b2_records": len(items),
        "b2_write_per_s": write_rate,
        "b2_read_per_s": read_rate,
        "b2_whole_write_per_s": _rate(len(items) // 2, lambda: whole_write(half)),
        "b2_check_per_s": _rate(len(items), lambda: check(BytesIO(content))),
        "b2_write_ratio_to_bare_template": round(write_rate / bare_write, 2),
        "b2_read_ratio_to_struct_and_int": round(read_rate / bare_read, 2),
        "noemie_entities_per_s": _rate(
            entities, lambda: _exhaust(entities_in(BytesIO(returned), []))
        ),
        "noemie_return_per_s": _rate(entities, lambda: read_return(BytesIO(returned))),
    }


def _invoices() -> list:
    return [invoice(f"{number:09d}", lines=(line(), line())) for number in range(1, INVOICES)]


def _exhaust(items: Iterator[object]) -> None:
    """Take every item and keep none, as a stream is read."""
    deque(items, maxlen=0)


def _rate(count: int, work: Callable[[], object]) -> int:
    """Best of a few rounds, in processor time: neighbours on the machine don't count."""
    times = []
    for _ in range(ROUNDS):
        start = process_time()
        work()
        times.append(process_time() - start)
    return round(count / min(times))


def _bare_write(items: list, tables: list[Layout]) -> Callable[[], object]:
    """One `%` a record, its values already text or numbers; nothing is checked."""
    ready = [
        (
            table._template,
            tuple(
                (f"{value:%y%m%d}" if value else "000000") if zone.kind is Kind.DAY else value
                for zone, value in zip(table.fields, item, strict=True)
            ),
        )
        for item, table in zip(items, tables, strict=True)
    ]
    return lambda: b"".join([(template % values).encode("ascii") for template, values in ready])


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


if __name__ == "__main__":
    started = perf_counter()
    print(json.dumps(run() | {"seconds": round(perf_counter() - started, 1)}, indent=1))
