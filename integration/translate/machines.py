"""Devices that a file names by code or by serial number, a whole file at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import select

from formats.common.anomaly import Anomaly, Code
from integration.database import tables as t
from integration.translate.codes import ids_by_code, slices
from integration.translate.contract_plan import UNKNOWN_ASSET
from integration.translate.fields import MISSING
from integration.translate.flow import Intake, Record

NO_SUCH_SERIAL: Final = Code(
    "IMP-187",
    "Le numéro de série « {serial} » est porté par {found} bien(s), il en faut un seul.",
    "Donnez le code du bien dans la colonne « bien ».",
)


class Named(NamedTuple):
    """What a row says of its device, either of the two; and the record, for the place."""

    asset: str | None
    serial: str | None
    record: Record[Any]


class Machines(NamedTuple):
    """Ids by code, and by serial number."""

    assets: Mapping[str, int]
    serials: Mapping[str, list[int]]

    @property
    def ids(self) -> set[int]:
        """Of all of them."""
        return {*self.assets.values(), *(id_ for some in self.serials.values() for id_ in some)}

    def id_of(self, named: Named, found: list[Anomaly]) -> int | None:
        """The id of the device; None when nothing names it, or with the anomaly found."""
        if named.asset:
            if named.asset not in self.assets:
                place = named.record.at("bien")
                found.append(Anomaly(UNKNOWN_ASSET, place, {"code": named.asset}))
            return self.assets.get(named.asset)
        if named.serial is None:
            return None
        matching = self.serials.get(named.serial, [])
        if len(matching) != 1:
            values = {"serial": named.serial, "found": len(matching)}
            found.append(Anomaly(NO_SUCH_SERIAL, named.record.at("serie"), values))
            return None
        return matching[0]

    def one(self, named: Named, found: list[Anomaly]) -> int:
        """The id of a device that must be named; 0 with the anomaly found."""
        if not named.asset and named.serial is None:
            found.append(Anomaly(MISSING, named.record.at("serie"), {"field": "serie"}))
        return self.id_of(named, found) or 0


def machines(intake: Intake, rows: Iterable[Named]) -> Machines:
    """The devices these rows name."""
    held = list(rows)
    serials: dict[str, list[int]] = defaultdict(list)
    query = select(t.asset.c.serial, t.asset.c.id)
    query = query.where(t.asset.c.organisation_id == intake.organisation_id)
    for some in slices(sorted({row.serial for row in held if row.serial})):
        for serial, id_ in intake.connection.execute(query.where(t.asset.c.serial.in_(some))):
            serials[serial].append(id_)
    codes = {row.asset for row in held if row.asset}
    known = ids_by_code(intake.connection, t.asset, intake.organisation_id, codes)
    return Machines(known, serials)
