"""A clerk's desk: the command line on a house of the tests, on 1 January 2030."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integration import cli
from integration.app import App
from integration.verbs import billing, prices
from tests.integration.billing.house import House, contract, fee

READ = {
    "kind": "Nouveau type augmentation",
    "mode": "Nouvelle unité augmentation",
    "value": "Nouvelle valeur augmentation",
    "renewal": "Type renouvellement augmentation",
    "day": "Jour",
    "month": "Mois",
    "year": "Année",
    "standard": "Nouveaux coûts standard",
    "overrun": "Nouveaux coût dépassement / abo.",
}
Rows = list[dict[str, str]]


class Desk:
    """What a clerk types, and the files between two commands."""

    def __init__(
        self, house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.house, self._capsys = house, capsys

        @contextmanager
        def opened(_: Path, executor: str = "") -> Iterator[App]:
            yield house.app

        for module in (prices, billing):
            monkeypatch.setattr(module, "open_app", opened)

    def run(self, *words: object) -> tuple[int, str, str]:
        """One command: exit code, standard output, standard error."""
        self._capsys.readouterr()
        code = cli.main(list(map(str, words)))
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def export(self, *words: str, name: str = "prix.csv") -> Path:
        """Export into the house's folder."""
        path = self.house.folder / name
        code, _, err = self.run("prices", "export", path, *(words or ("--all",)))
        assert code == cli.DONE, err
        return path

    def rows(self, path: Path) -> Rows:
        """The rows of a CSV, by label."""
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, delimiter=";"))

    def fill(self, path: Path, rule: str = "", **cells: str) -> Path:
        """Fill columns of the rows of a rule (all without), by the names of READ or a label."""
        rows = self.rows(path)
        for row in rows:
            if rule in ("", row["Libellé RFC"]):
                row.update({READ.get(name, name): value for name, value in cells.items()})
        return self.save(path, rows)

    def save(self, path: Path, rows: Rows) -> Path:
        """Write rows back."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
            writer.writeheader()
            writer.writerows(rows)
        return path

    def agreed(self) -> list[str]:
        """What each rule agreed, in their order."""
        return [row[0] for row in self.house.rows("SELECT increase FROM rule ORDER BY id")]


def signed(house: House) -> None:
    """Two contracts of one customer: a fee and a toner share; a second fee."""
    house.customers("C1")
    toner = {"article": "TONER", "libelle": "Livraison"}
    house.contracts(
        contract(
            "K1",
            "C1",
            fee("MF", "100.00", libelle="Forfait"),
            fee("TO", "8.00", cout=toner, libelle="Toner"),
        )
        | {"libelle": "Copieurs", "activite": "BUREAU"},
        contract("K2", "C1", fee("MF", "50.00", libelle="Forfait 2")) | {"libelle": "Serveurs"},
    )
