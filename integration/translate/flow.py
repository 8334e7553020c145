"""A flow in: bytes → records (pure) → rows, inside the one transaction of the file.

A flow is one module of this package that exports `FLOW`; `FLOWS` is the list of them, in the order
a folder full of files is imported (customers before the contracts that name them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection

from config.settings import Settings
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from integration.persons import Vault

NO_FLOW: Final = Code(
    "IMP-001",
    "Aucun flux ne reconnaît ce fichier.",
    "Déposez-le dans le dossier de son flux, ou voyez les modèles par « echeance schema ».",
)
SEVERAL_FLOWS: Final = Code(
    "IMP-002",
    "Plusieurs flux reconnaissent ce fichier : {flows}.",
    "Déposez-le dans le dossier du flux voulu.",
)
UNKNOWN_FLOW: Final = Code(
    "IMP-003",
    "Le flux « {flow} » n'existe pas ; flux connus : {flows}.",
    "Corrigez le nom du flux.",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """One value read from a file, and how to say where it stands there.

    `at("client")` is the place of a field: French name in a table, `at("modules", 0, "debut")` in a
    document; without argument the record's own place.
    """

    value: T
    locate: Callable[[tuple[str | int, ...]], Place] = field(repr=False)

    def at(self, *path: str | int) -> Place:
        """Where a field of the record stands."""
        return self.locate(path)


@dataclass(frozen=True, slots=True)
class Records(Generic[T]):
    """What a file says, and what is accepted but reported (options without effect).

    identity: the sender's own number of the file, where it has one; a second file may not bear it.
    """

    items: Sequence[Record[T]]
    notices: tuple[Anomaly, ...] = ()
    identity: str = ""

    def __iter__(self) -> Iterator[Record[T]]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Intake:
    """What applying a file may look at: its transaction, our organisation, the clock, the choices.

    today is the business date in the organisation's zone, now is UTC.
    received_file_id is the row of `received_file` already written in the same transaction.
    """

    connection: Connection
    organisation_id: int
    today: date
    now: datetime
    file: str
    received_file_id: int
    settings: Settings
    vault: Vault


@dataclass(frozen=True, slots=True)
class Applied:
    """What was stored, by French noun (`{"clients créés": 3}`), and what must be said about it."""

    counts: Mapping[str, int]
    notices: tuple[Anomaly, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """One kind of file.

    detect: does this content look like ours? Bytes and file name; never raises.
    read:   bytes and file name → Records, pure; raises AnomaliesFound with all it found.
    apply:  writes the records, all or nothing; raises AnomaliesFound (unknown customer…).
    personal: whether its files hold NIRs, and are kept encrypted.
    schema: the documented layout, as text: CSV header with an example row, or JSON Schema.
    bind:   the flow as the layouts of an installation extend it, restricted to the one named
            (`readings@kpax`); raises AnomaliesFound when there is none of that name.
    """

    name: str
    french: str
    detect: Callable[[bytes, str], bool]
    read: Callable[[bytes, str], Records[Any]]
    apply: Callable[[Intake, Records[Any]], Applied]
    schema: Callable[[], str]
    bind: Callable[[Settings | None, str], Flow] | None = None
    personal: bool = False


FLOWS: Final[Mapping[str, str]] = MappingProxyType(
    {
        name: f"integration.translate.{name}"
        for name in (
            "customers",
            "articles",
            "price_lists",
            "assets",
            "contracts",
            "readings",
            "deliveries",
            "moves",
            "runs",
            "consumptions",
            "extra_lines",
            "lpp",
            "patients",
            "prescriptions",
            "payments",
            "acknowledgements",
            "returns",
            "indices",
            "increases",
        )
    }
)


def load(name: str, settings: Settings | None = None) -> Flow:
    """The flow of that name; `flow@layout`: one layout of it. Raises AnomaliesFound (IMP-003)."""
    base, _, layout = name.partition("@")
    flow: Flow | None = import_module(FLOWS[base]).FLOW if base in FLOWS else None
    if flow is not None and flow.bind:
        return flow.bind(settings, layout)
    if flow is None or layout:
        known = ", ".join(FLOWS)
        raise AnomaliesFound(Anomaly(UNKNOWN_FLOW, values={"flow": name, "flows": known}))
    return flow


def detect(data: bytes, file: str, settings: Settings | None = None) -> Flow:
    """The only flow that recognises this content. Raises AnomaliesFound when none or several do."""
    found = [flow for name in FLOWS if (flow := load(name, settings)).detect(data, file)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise AnomaliesFound(Anomaly(NO_FLOW, Place(file)))
    names = ", ".join(flow.name for flow in found)
    raise AnomaliesFound(Anomaly(SEVERAL_FLOWS, Place(file), {"flows": names}))


def refuse(anomalies: Sequence[Anomaly]) -> None:
    """Raise them all at once, if there are any."""
    if anomalies:
        raise AnomaliesFound(*anomalies)
