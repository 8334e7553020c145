"""Sound files of every dialect, as rich as its checks: what is damaged on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

from formats import arl, b2, b2_retour, noemie, sesam
from formats.common.anomaly import Anomaly
from formats.fixedwidth import encode, zones
from tests.formats.invoices import b2_file, invoice, line
from tests.formats.samples import NOTICES, RECEIVED, REFUSED, SESAM, hospital

DATA = Path(__file__).parents[2] / "data"
Reader = Callable[[BinaryIO, list[Anomaly], str], Iterable[Any]]


def _nothing(_: bytes, __: bytes) -> str:
    return ""


@dataclass(frozen=True, eq=False)
class Sample:
    """A sound file, how it is cut into records, and what its readers forgive."""

    dialect: str
    content: bytes
    reader: Reader
    tolerated: Callable[[bytes, bytes], str] = _nothing
    """Why what was read may be written otherwise than it came; empty when it may not."""
    counted: bool = True
    """Whether the file counts its records: then one too many, or lost, must be found."""

    def read(self, content: bytes) -> tuple[object, ...]:
        """Its typed records."""
        return tuple(self.reader(BytesIO(content), [], ""))

    @cached_property
    def records(self) -> tuple[object, ...]:
        """The records of the sample itself."""
        return self.read(self.content)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Offset of each record."""
        return tuple(accumulate((len(encode(one)) for one in self.records[:-1]), initial=0))

    @cached_property
    def secrets(self) -> frozenset[str]:
        """Beginnings of the personal values it holds."""
        values = {
            str(getattr(record, zone.name))
            for record in self.records
            for zone in zones(type(record))
            if zone.personal and not zone.fixed
        }
        return frozenset(value[:9] for value in values if len(value.strip("0 ")) >= 6)


def _b2() -> bytes:
    """Two batches; a share of the AMC, two details under one line, a line without complement."""
    base = b2_file()
    (detail,) = line().details
    shared = line(rate_pct=60, amo_cents=1092, amc_cents=728)
    twice = line(
        quantity=2,
        base_cents=3640,
        amo_cents=3640,
        total_cents=3640,
        details=(detail, detail),
    )
    bare = line(supplement=None, practitioners=None, details=())
    first = replace(base.batches[0], invoices=(invoice(), invoice("000000043", lines=(twice,))))
    other = invoice("000000044", beneficiary=None, lines=(shared, bare))
    second = replace(base.batches[0], number=8, invoices=(other,))
    return b2.write(replace(base, batches=(first, second)))


def _returns_forgive(came: bytes, written: bytes) -> str:
    """Line ends between entities, and blanks where facultative numbers are zero."""
    joined = came.replace(b"\r", b"").replace(b"\n", b"")
    pairs = zip(joined, written, strict=False)
    if len(joined) != len(written) or any(a != b and (a, b) != (32, 48) for a, b in pairs):
        return ""
    return "line ends between entities" if joined == written else "blanks for facultative zeros"


NOEMIE = (DATA / "noemie" / "578" / "constructed_paid_and_rejected.noe").read_bytes()


def _acknowledgements(stream: BinaryIO, _: list[Anomaly], __: str) -> Iterable[Any]:
    return arl.read(stream)


SAMPLES = {
    "b2": Sample("b2", _b2(), b2.records_in),
    "b2 hospital": Sample("b2", b2.write(hospital()), b2.records_in),
    "noemie": Sample("noemie", NOEMIE, noemie.entities_in, _returns_forgive),
    "b2-retour": Sample("b2-retour", b2_retour.write(NOTICES), b2_retour.notices_in, counted=False),
    "arl": Sample("arl", arl.write((RECEIVED, REFUSED)), _acknowledgements, counted=False),
    "sesam": Sample("sesam", sesam.write(SESAM), sesam.records_in),
}
"""One a dialect, and one more where a norm has two trades."""
