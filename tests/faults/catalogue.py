"""The catalogue of faults and the tests that bring them about: `README.md` beside this file."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import Final, NamedTuple

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
_NUMBERED: Final = re.compile(r"test_((?:f\d+_)+)")


class Fault(NamedTuple):
    """What goes wrong; a limit of what is tried, or why nothing is."""

    title: str
    remark: str = ""


FAULTS: Final[dict[int, Fault]] = {
    1: Fault(
        "`kill -9` at every step of the night, of a sending by SFTP, of one by mail",
        "`make test` kills at a sample of the failpoints, `make sweep` at each",
    ),
    2: Fault("`kill -9` at every step of an import: good, bad and doubled files; mails"),
    3: Fault(
        "disk full: of the database, of each folder we write to",
        "limits of SQLite, of the size of files, and `/dev/full`; no disk is mounted",
    ),
    4: Fault(
        "fsync fails (EIO): stop, never again",
        "our own files; a PostgreSQL server stops itself, SQLite's error is told apart",
    ),
    5: Fault("SFTP cut at any byte"),
    6: Fault("SFTP stalls"),
    7: Fault("disk full at the partner's"),
    8: Fault("answer to the rename lost; partner takes files at once"),
    9: Fault("SMTP 4xx, 5xx, one recipient of several"),
    10: Fault("SMTP accepted, answer lost; link cut; stall"),
    11: Fault(
        "SOAP: timeout, Fault, HTML, huge answer",
        "nothing yet: there is no SOAP partner; comes with what calls ADRi and INSi",
    ),
    12: Fault("one content twice, renamed, by two importers at once"),
    13: Fault(
        "one number of a sender twice, with other content",
        "NOEMIE returns: sender, recipient, file number and day; tables and documents bear no "
        "number of a sender, only their content is known (F12)",
    ),
    14: Fault("the same night twice, at once"),
    15: Fault("a file still written, slow, replaced"),
    16: Fault("unfinished, empty, odd names, links, pipes, unreadable, unknown folders"),
    17: Fault("cut, garbage, wrong lengths and counts", "`make fuzz`: thousands of each dialect"),
    18: Fault(
        "oversized, swelling and damaged archives", "gzip of a mail: `tests/formats/message/`"
    ),
    19: Fault("DOCTYPE, entities, depth", "one parser: `tests/house/test_doors.py`"),
    20: Fault("wrong encodings"),
    21: Fault("control and direction marks, decomposed accents"),
    22: Fault("gaps and disorder of numbers, new year, planted gap"),
    23: Fault("tampering: every column and row, the end cut off, the chain written anew"),
    24: Fault("daylight saving, leap days, year end, clock jumps", "with clocks that are given"),
    25: Fault("nights off, holidays, week-ends"),
    26: Fault("two servers on SQLite"),
    27: Fault("two servers, one frozen"),
    28: Fault(
        "PostgreSQL crashes in the middle and is up again",
        "imports, contracts and care wait for it; the rest ends with 75 and is run again",
    ),
    29: Fault("deadlock, serialization failure"),
    30: Fault("no free connection, slow query, lock"),
    31: Fault(
        "rejected, corrected, sent again; twice",
        "rejections come by returns: acknowledgements (ARL) aren't read yet",
    ),
    32: Fault(
        "returns in any order, twice, of an unknown invoice or lot",
        "what matches no invoice waits in the suspense account for a person",
    ),
    33: Fault("host key changed, of another type; account refused"),
    34: Fault("TLS expired, wrong name, unknown authority, STARTTLS stripped"),
    35: Fault("wrong PIN, crash loops"),
    36: Fault(
        "secrets others can read",
        "nothing comes out: `tests/integration/protection/test_canary.py`",
    ),
    37: Fault("upgrade killed, newer database"),
    38: Fault("backup under load, restore, restore killed"),
    39: Fault("a text that a spreadsheet takes for a formula"),
    40: Fault("names and paths that leave their folder"),
    41: Fault("header injection"),
    42: Fault("SIGTERM, SIGINT, SIGHUP"),
    43: Fault("nobody reads the output, or it is closed"),
    44: Fault(
        "huge volume",
        "a chunk's memory here, rates and 200 000 contracts by `make bench`; a file that is "
        "imported is read whole, 256 MB at most",
    ),
    45: Fault(
        "a worker or the planner is killed",
        "dask isn't shipped; a page that kills whoever draws it isn't set apart",
    ),
    46: Fault("monitoring that lies"),
    47: Fault("erasure after the legal term"),
}

PREAMBLE: Final = """# Faults

Each fault of the catalogue (F numbers of the specification) with the tests that bring it about, and
what they leave out. A test that belongs to a fault bears its number: `pytest -k f10_`.

*Page made by `pytest tests/house/test_faults.py --update-golden`.*

| fault | tests | remarks |
|---|---|---|
"""


def brought_about() -> dict[int, dict[str, list[str]]]:
    """The tests of each fault, by file, as they are defined."""
    found: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = node.name if isinstance(node, ast.FunctionDef) else ""
            numbered = _NUMBERED.match(name)
            for number in re.findall(r"\d+", numbered[1]) if numbered else ():
                found[int(number)][str(path.relative_to(ROOT))].append(name)
    return found


def page() -> str:
    """The catalogue as Markdown."""
    tests = brought_about()
    rows = (
        f"| F{number} {fault.title} | {_named(tests.get(number, {}))} | {fault.remark} |\n"
        for number, fault in FAULTS.items()
    )
    return PREAMBLE + "".join(rows)


def _named(files: dict[str, list[str]]) -> str:
    return "; ".join(
        f"`{path}`: {', '.join(f'`{name}`' for name in names)}" for path, names in files.items()
    )
