"""The error gallery of imports: the smallest bad file of each code, and its exact message."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import from_mapping
from formats.common.anomaly import catalogue
from integration.database import tables as t
from integration.database.engine import make_engine
from integration.inbox import Office, Outcome, prepare
from integration.persons import Vault
from integration.translate.flow import FLOWS, load
from tests.integration.imports.samples import (
    ASSETS,
    CUSTOMERS,
    DELIVERIES,
    EXTRA_LINES,
    bring_in,
    contract,
    contracts,
    rows,
    sentences,
)

HERE = Path(__file__).parent
CASES = sorted(path for path in HERE.iterdir() if path.suffix in (".csv", ".json", ".xlsx"))
OWN_FLOWS = ("customers", "assets", "contracts", "readings", "deliveries", "extra_lines")
# Of a folder, a name or a run, not of a file's content; 119 is what no known fault reaches,
# 153, 154, 165, 173 to 175, 181, 182 and 190 are notices; 191 to 195 are of a mapping;
# 201 to 209 are of files that `prices import` and `rules import` read.
ELSEWHERE = {
    "IMP-002",
    "IMP-003",
    "IMP-010",
    "IMP-011",
    "IMP-012",
    "IMP-013",
    "IMP-014",
    "IMP-015",
    "IMP-119",
    "IMP-129",
    "IMP-153",
    "IMP-154",
    "IMP-165",
    *(f"IMP-{number}" for number in range(190, 196)),
    *(f"IMP-{number}" for number in range(201, 210)),
    "IMP-173",
    "IMP-174",
    "IMP-175",
    "IMP-181",
    "IMP-182",
}


@pytest.fixture
def office(sqlite_url: str, tmp_path: Path) -> Iterator[Office]:
    """A shop with customers, assets and one contract, on 1 July 2026."""
    raw = {"organisation": {"code": "DEMO", "name": "Démo"}, "folders": {"home": "home"}}
    settings = from_mapping(raw, base=tmp_path)
    prepare(settings)
    engine = make_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(t.organisation.insert().values(id=1, code="DEMO", name="Démo"))
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    made = Office(engine, 1, settings, lambda: noon, Vault(bytes(32)))
    bring_in(made, "customers", CUSTOMERS)
    bring_in(made, "assets", ASSETS)
    bring_in(made, "assets", "bien;client;compteur;formule\nB3;C1;NB;\nB3;C1;MILLE;NB / 1000\n")
    bring_in(made, "assets", "bien;client;compteur;cumulatif\nB8;C1;GO;non\n")
    bring_in(made, "contracts", contracts(contract()))
    bring_in(made, "deliveries", DELIVERIES)
    bring_in(made, "extra_lines", EXTRA_LINES)
    yield made
    engine.dispose()


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_bad_file_gets_its_exact_message_and_stores_nothing(office: Office, case: Path) -> None:
    code, flow, _ = case.name.split(".")
    before = [rows(office, table) for table in (t.customer, t.asset, t.reading, t.contract)]
    one = bring_in(office, "" if flow == "any" else flow, case.read_bytes(), case.name)
    assert one.outcome is Outcome.REFUSED
    assert {anomaly.code.id for anomaly in one.anomalies} == {code}
    expected = case.with_name(case.name + ".txt").read_text("utf-8").splitlines()
    assert sentences(one) == expected
    after = [rows(office, table) for table in (t.customer, t.asset, t.reading, t.contract)]
    assert after == before


def test_every_code_of_imports_has_its_bad_file() -> None:
    for name in OWN_FLOWS:
        load(name)
    import integration.inbox  # noqa: F401

    shown = {path.name.split(".")[0] for path in CASES}
    ours = {id_ for id_ in catalogue() if id_.startswith(("IMP-0", "IMP-1"))}
    assert ours - shown - ELSEWHERE == set()
    assert set(OWN_FLOWS) <= set(FLOWS)
