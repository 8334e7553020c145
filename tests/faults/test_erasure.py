"""A patient erased after the legal term: nowhere any more, and the books still verify."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from formats.common.anomaly import AnomaliesFound
from integration import failpoints
from integration.database.tables import cover_amo, patient
from integration.flows.erasure import Eraser, erase, struck_out
from integration.flows.verify import Verified, verify
from integration.kept import kept_below, opened
from integration.persons import ERASED, PersonalFields, open_vault
from tests.faults.scenario import ADELE, NIGHTS, OSCAR, Home, play
from tests.faults.stages import Stage
from tests.faults.sweep import Undisturbed
from tests.integration.care.practice import encoded, person, prescription
from tests.integration.care.practice import patient as document

LAST = date(2037, 12, 31)
"""The prescription ends on 4 January 2027; ten years after the end of 2027."""
TERM = date(2038, 1, 1)
NAMES = (b"Z\xc3\xa9phirin-Quasar", b"ZEPHIRIN", "Adélaïde".encode())


@contextmanager
def eraser(home: Home, today: date) -> Iterator[Eraser]:
    with home.app(NIGHTS[1]) as app:
        yield Eraser(app.engine, app.organisation_id, app.vault, app.settings.folders, today)


def contents(home: Home) -> dict[str, bytes]:
    """Every file of the house, opened when it is kept encrypted, the database raw."""
    vault = open_vault(home.settings.person_key)
    folders = home.settings.folders
    opened_ones = {
        str(path): b"".join(opened(vault, path))
        for path in kept_below(folders.done, folders.error, folders.outbox)
    }
    paths = [path for path in home.folder.rglob("*") if path.is_file()]
    raw = {f"raw {path}": path.read_bytes() for path in paths}
    return opened_ones | raw


def holding(home: Home, value: bytes) -> list[str]:
    return [name for name, content in contents(home).items() if value in content]


@pytest.mark.feature("X-GDP-01")
@pytest.mark.parametrize("kill_at", [0, 1, 3])
def test_f47_erased_after_the_term_nowhere_any_more_and_the_books_verify(
    stage: Stage, reference: Undisturbed, kill_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage.played(reference.arrivals) as home:
        assert len(holding(home, ADELE.encode())) == 6  # patients, three B2, a return twice
        with eraser(home, LAST) as house, pytest.raises(AnomaliesFound) as found:
            erase(house, "P1")
        assert str(found.value.anomalies[0]) == (
            "RUN-531 Le patient P1 ne peut être effacé avant le 01/01/2038 (Code de commerce,"
            " art. L123-22 (pièces comptables)). Attendez ce terme ; d'ici là, son identité reste"
            " chiffrée."
        )
        with eraser(home, TERM) as house:
            if kill_at:
                monkeypatch.setattr(failpoints, "_reached", _Stop(kill_at))
                with pytest.raises(KeyboardInterrupt):
                    erase(house, "P1")
                monkeypatch.setattr(failpoints, "_reached", None)
            assert erase(house, "P1").persons == 1
            assert erase(house, "P1").files == 0  # again: nothing left to do
            assert verified(home).fault is None
            assert [one.nir for one in told(house)] == ["", OSCAR]
        for value in (ADELE.encode(), *NAMES):
            assert holding(home, value) == []
        assert holding(home, OSCAR.encode()) != []  # the other patient is still whole


def verified(home: Home) -> Verified:
    with home.app(NIGHTS[1]) as app:
        return verify(app.engine, app.organisation_id, app.trust())


def told(house: Eraser) -> list[PersonalFields]:
    """Who P1 and P2 are to whoever may ask; only P2 is covered still."""
    with house.engine.connect() as connection:
        ids = dict(connection.execute(select(patient.c.code, patient.c.person_id)).all())
        covered = select(patient.c.code).join(cover_amo, cover_amo.c.patient_id == patient.c.id)
        assert set(connection.scalars(covered)) == {"P2"}
        people = house.vault.load(connection, ids.values())
        assert people[ids["P1"]] == ERASED
    return [people[ids[code]] for code in ("P1", "P2")]


class _Stop(list[str]):
    """Stands for a kill at the n-th failpoint."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def append(self, name: str) -> None:
        super().append(name)
        if len(self) == self.at:
            raise KeyboardInterrupt


def test_an_unknown_patient_is_told(sqlite_stage: Stage) -> None:
    with sqlite_stage.fresh() as home:
        with eraser(home, TERM) as house, pytest.raises(AnomaliesFound) as found:
            erase(house, "P9")
        assert found.value.anomalies[0].code.id == "RUN-532"


def test_f47_only_what_stands_beside_the_nir_is_struck_out() -> None:
    one = PersonalFields("1511178006084", "91", "Élan", "Zoé", "19511103", ("3 rue Basse",))
    far = b"." * 600
    near = b"1511178006084 \xc9LAN Elan ZOE 511103 3 RUE BASSE"
    before = b"ELAN" + far + near + far + b"Zo\xc3\xa9"
    after = struck_out(before, one)
    assert len(after) == len(before)
    assert after == (
        b"ELAN" + far + b"0000000000000 **** **** *** ****** ***********" + far + b"Zo\xc3\xa9"
    )
    assert struck_out(after, one) == after
    assert struck_out(b"nobody", replace(one, nir="2511178006084")) == b"nobody"


def test_f47_an_insured_person_of_somebody_else_stays_until_that_one_is_erased(
    sqlite_stage: Stage,
) -> None:
    zoe = {"nom_famille": "Exemple", "prenom": "Zoé", "naissance": "20150131"}
    child = document("P3", personne=zoe, assure=person())
    files = {
        "patients/p.jsonl": encoded([document(), child]),
        "prescriptions/o.jsonl": encoded([prescription(date="2026-01-01")]),
    }
    with sqlite_stage.fresh() as home:
        play(home, {NIGHTS[0]: files})
        with eraser(home, TERM) as house:
            with pytest.raises(AnomaliesFound) as found:
                erase(house, "P1")
            assert found.value.anomalies[0].code.id == "RUN-533"
            assert erase(house, "P3").persons == 1
            assert holding(home, ADELE.encode()) != []
            assert erase(house, "P1").persons == 1
            assert holding(home, ADELE.encode()) == []
