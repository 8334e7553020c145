"""The watched folders: once, all or nothing, one place, killed anywhere."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from integration import failpoints
from integration.database import tables as t
from integration.inbox import Office, Outcome, Watch, import_paths, import_waiting, safe_name
from tests.integration.imports.samples import ASSETS, CUSTOMERS, bring_in, drop, rows, sentences


def tree(office: Office) -> list[str]:
    """Every file below home, relative."""
    home = office.settings.folders.home
    return sorted(str(p.relative_to(home)) for p in home.rglob("*") if p.is_file())


def test_a_file_is_imported_and_kept_by_day(office: Office) -> None:
    one = bring_in(office, "customers", CUSTOMERS, "clients.csv")
    assert one.outcome is Outcome.IMPORTED
    assert one.counts["clients créés"] == 4
    assert tree(office) == ["done/customers/2026/07/01/clients.csv"]


def test_the_same_content_is_a_duplicate_whatever_its_name(office: Office) -> None:
    bring_in(office, "customers", CUSTOMERS, "clients.csv")
    again = bring_in(office, "customers", CUSTOMERS, "clients.csv")
    other = bring_in(office, "", CUSTOMERS, "autre.csv")
    assert (again.outcome, other.outcome) == (Outcome.DUPLICATE, Outcome.DUPLICATE)
    assert rows(office, t.customer) == 4
    assert tree(office) == [
        "done/customers/2026/07/01/autre.csv",
        "done/customers/2026/07/01/clients-2.csv",
        "done/customers/2026/07/01/clients.csv",
    ]
    with office.engine.begin() as connection:
        states = connection.execute(select(t.received_file.c.state).order_by("id")).scalars().all()
    assert states == ["imported", "duplicate", "duplicate"]


def test_a_refused_file_stores_nothing_and_says_why(office: Office) -> None:
    bring_in(office, "customers", CUSTOMERS)
    one = bring_in(office, "assets", ASSETS + "B9;INCONNU;;NB\n", "biens.csv")
    assert one.outcome is Outcome.REFUSED
    assert rows(office, t.asset) == 0
    home = office.settings.folders.home
    text = (home / "error/assets/biens.csv.err.txt").read_text("utf-8")
    assert "IMP-150 : Le client « INCONNU » est inconnu.\n   Où : ligne 5, colonne 2\n" in text
    assert "À faire : Importez d'abord le client." in text
    assert "redéposez-le dans « inbox/assets »" in text
    bring_in(office, "customers", "code;nom\nINCONNU;Nouveau\n")
    later = bring_in(office, "assets", ASSETS + "B9;INCONNU;;NB\n", "biens.csv")
    assert later.outcome is Outcome.IMPORTED  # a refused content isn't "already seen"


def test_a_moving_file_waits_for_two_equal_looks(office: Office) -> None:
    watch = Watch(office)
    drop(office, "customers", "c.csv", CUSTOMERS[:20])
    assert watch.step() == []
    drop(office, "customers", "c.csv", CUSTOMERS)
    assert watch.step() == []
    assert [one.outcome for one in watch.step()] == [Outcome.IMPORTED]


@pytest.mark.parametrize(
    "name", ["c.csv.part", "c.tmp", "c.csv~", "~c.csv", ".c.csv", "README.txt"]
)
def test_unfinished_and_hidden_files_are_left_alone(office: Office, name: str) -> None:
    drop(office, "customers", name, CUSTOMERS)
    assert import_waiting(office, settle_s=0) == []
    assert tree(office) == [f"inbox/customers/{name}"]


def test_a_link_is_never_followed(office: Office, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(CUSTOMERS)
    (office.settings.folders.inbox / "customers" / "lien.csv").symlink_to(secret)
    assert import_waiting(office, settle_s=0) == []


def test_without_flow_folder_the_content_decides_and_customers_come_first(office: Office) -> None:
    drop(office, "", "a-biens.csv", ASSETS)
    drop(office, "", "z-clients.csv", CUSTOMERS)
    drop(office, "", "m-autre.csv", "rien;à;voir\n1;2;3\n")
    done = import_waiting(office, settle_s=0)
    assert [(one.name, one.flow, one.outcome) for one in done] == [
        ("z-clients.csv", "customers", Outcome.IMPORTED),
        ("a-biens.csv", "assets", Outcome.IMPORTED),
        ("m-autre.csv", "a-detecter", Outcome.REFUSED),
    ]
    assert sentences(done[2]) == [
        "IMP-001 m-autre.csv : Aucun flux ne reconnaît ce fichier. Déposez-le dans le dossier "
        "de son flux, ou voyez les modèles par « echeance schema »."
    ]


def test_paths_named_by_hand_are_copied_and_left_in_place(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "ailleurs"
    folder.mkdir()
    (folder / "biens.csv").write_text(ASSETS)
    (folder / "clients.csv").write_text(CUSTOMERS)
    done = import_paths(office, [folder])
    assert [one.flow for one in done] == ["customers", "assets"]
    assert sorted(p.name for p in folder.iterdir()) == ["biens.csv", "clients.csv"]
    assert {one.outcome for one in import_paths(office, [folder])} == {Outcome.DUPLICATE}


def test_an_unexpected_failure_shows_its_class_only(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("NIR 1 80 01 75 056 001 03")

    monkeypatch.setattr("integration.translate.customers.upsert", fail)
    one = bring_in(office, "customers", CUSTOMERS, "c.csv")
    assert [a.code.id for a in one.anomalies] == ["IMP-011"]
    text = (office.settings.folders.error / "customers" / "c.csv.err.txt").read_text("utf-8")
    assert "ZeroDivisionError" in text
    assert "1 80 01" not in text


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "etc_passwd"),
        ("relevés été.csv", "releves_ete.csv"),
        ("...", "fichier"),
        ("a" * 300 + ".csv", "a" * 96 + ".csv"),
    ],
)
def test_names_stay_in_their_folder(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def in_child(office: Office, at: int) -> list[str]:
    """Import in a child killed at the `at`-th failpoint (0: not killed); the points it reached."""
    office.engine.dispose()
    child = os.fork()
    if child == 0:
        failpoints.arm(at)
        import_waiting(office, settle_s=0)
        os._exit(0)
    os.waitpid(child, 0)
    return []


def undisturbed(office: Office) -> list[str]:
    failpoints.arm()
    reached = failpoints.arm()
    import_waiting(office, settle_s=0)
    failpoints.disarm()
    return reached


def drop_all(office: Office) -> None:
    """A good file, the same again, and a bad one."""
    drop(office, "customers", "bon.csv", CUSTOMERS)
    drop(office, "customers", "double.csv", CUSTOMERS)
    drop(office, "assets", "faux.csv", "bien;client\nB1;INCONNU\n")


@pytest.mark.parametrize("at", range(1, 20))
def test_f2_killed_anywhere_and_run_again_each_file_ends_in_one_place(
    office: Office, at: int
) -> None:
    drop_all(office)
    in_child(office, at)
    import_waiting(office, settle_s=0)
    assert tree(office) == [
        "done/customers/2026/07/01/bon.csv",
        "done/customers/2026/07/01/double.csv",
        "error/assets/faux.csv",
        "error/assets/faux.csv.err.txt",
    ]
    assert rows(office, t.customer) == 4
    with office.engine.connect() as connection:
        states = sorted(connection.scalars(select(t.received_file.c.state)))
    assert states == ["duplicate", "imported", "refused"]


def test_f2_the_kills_above_visit_every_failpoint(office: Office) -> None:
    drop_all(office)
    assert len(undisturbed(office)) == 19


def test_a_look_at_five_thousand_waiting_files_takes_50_ms(office: Office) -> None:
    """Of the processor, the best of five: other tests may hold the machine meanwhile."""
    folder = office.settings.folders.inbox / "readings"
    for n in range(5000):
        (folder / f"{n:05d}.csv").touch()
    watch, spent = Watch(office), []
    for _ in range(5):
        began = time.process_time()
        watch.look()
        spent.append(time.process_time() - began)
    assert len(watch.seen) == 5000
    assert min(spent) <= 0.05
