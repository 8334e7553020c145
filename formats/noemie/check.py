"""Everything wrong in a return, in flat memory: the tree is built and let go as it comes."""

from __future__ import annotations

from typing import BinaryIO

from formats.common.anomaly import Anomaly
from formats.noemie.reader import placed_in
from formats.noemie.tree import Builder
from formats.report import LIMIT, Report, bounded


def check(stream: BinaryIO, file: str = "", limit: int = LIMIT) -> Report:
    """Every anomaly of a NOEMIE stream; never raises on its content. `file` is a bare name."""
    found: list[Anomaly] = []
    builder = Builder(found, file, keep=False)
    entities = 0
    for entity, offset in placed_in(stream, found, file):
        entities += 1
        builder.take(entity, offset)
        del found[limit + 1 :]
    builder.result()
    return Report(records=entities, anomalies=bounded(found, limit))
