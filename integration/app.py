"""The composition root: the only place where settings, database, vault, flows and clock meet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, insert, select

from billing.contracts.contract import RunOptions
from billing.contracts.seen import Asking
from billing.ledger import Accounts
from config import settings as configuration
from config.parameters import care_rules, run_options
from config.partners import BUILT_IN, AnyPartner, FolderPartner, load_partners
from config.settings import Settings
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration import rehearsal
from integration.database.bulk import reserve_ids
from integration.database.engine import make_engine, snapshot
from integration.database.migrations import is_current
from integration.database.rehearsal import is_rehearsal, rehearsal_engine
from integration.database.tables import organisation
from integration.executors import make_executor
from integration.flows.analysers import silence_texts
from integration.flows.billing.fees import article_faults
from integration.flows.billing.gather import Selection, contracts_due, customer_ids
from integration.flows.billing.kept import kept_checks
from integration.flows.billing.run import Billing
from integration.flows.care import CareRun
from integration.flows.closing import Closer
from integration.flows.closing_check import Trust
from integration.flows.requests import Requests
from integration.flows.teletransmission import Teletransmitter, b2_maker
from integration.inbox import Office
from integration.outbox import Maker, Outbox
from integration.persons import Vault, open_vault
from integration.reporting.publish import mail_maker
from integration.translate.decided import Decisions
from integration.translate.decision_tables import load_decisions
from integration.translate.flow import refuse
from integration.translate.request_letters import request_letters

HOME_VARIABLE: Final = "ECHEANCE_HOME"
DEFAULT_HOME: Final = "echeance-data"
SUBFOLDERS: Final = {
    "invoice_pdf": "factures",
    "b2": "b2",
    "run_silence": "alertes",
    "night_report": "rapports",
    "reading_request": "releves",
    "checks": "controles",
}
AHEAD_FROM: Final = 2000  # contracts due from which a second process is worth its start

NOT_READY: Final = Code(
    "CFG-101",
    "Le dossier « {folder} » n'est pas un dossier de travail.",
    "Lancez « echeance init » sur ce dossier, ou donnez --home.",
)
SCHEMA_OLD: Final = Code(
    "CFG-102",
    "La base n'est pas au schéma de ce programme.",
    "Lancez « echeance upgrade » : il sauvegarde la base, puis la met à jour.",
)


@dataclass(frozen=True, slots=True)
class App:
    """Everything that is running, in one value."""

    settings: Settings
    engine: Engine
    organisation_id: int
    vault: Vault
    executor: Executor
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    settle_s: float = 2.0  # between two looks at a file that may still be written
    home: Path = Path()  # the working folder, as whoever opened it calls it

    @property
    def accounts(self) -> Accounts:
        """The chart of accounts of the settings."""
        return self.settings.accounts.plan()

    @property
    def keeper(self) -> Vault | None:
        """What encrypts kept files that hold NIRs; None when they are kept in clear."""
        return None if self.settings.kept_files == "clear" else self.vault

    def named(self, path: Path) -> Path:
        """A path of the house as its caller calls it, also when this house is a copy."""
        return self.home / path.relative_to(self.settings.folders.home)

    def today(self) -> date:
        """The business date in the organisation's zone."""
        return self.clock().astimezone(ZoneInfo(self.settings.organisation.zone)).date()

    def office(self) -> Office:
        """Where files are imported."""
        return Office(self.engine, self.organisation_id, self.settings, self.clock, self.vault)

    def billing(self, options: RunOptions, *, include_excluded: bool = False) -> Billing:
        """A billing run of contracts; a large one plans in a second process.

        Raises AnomaliesFound for a decision table that can't be followed.
        """
        codes = () if include_excluded else self.settings.parameters.excluded_customers
        decisions, on = self.decisions(), options.work_date
        named = decisions.named_articles()
        with snapshot(self.engine) as connection:
            refuse(list(article_faults(connection, self.organisation_id, named, on)))
            excluded = customer_ids(connection, self.organisation_id, codes)
            due = contracts_due(connection, self.organisation_id, on, AHEAD_FROM)
        choice = Selection(self.organisation_id, excluded)
        ahead = due >= AHEAD_FROM and not is_rehearsal(self.engine)
        return Billing(self.engine, choice, options, self.accounts, decisions, ahead=ahead)

    def requests(self, asking: Asking) -> Requests:
        """What asks for readings. Raises AnomaliesFound for a table that can't be followed."""
        run = self.billing(self.options(asking.work_date))
        return Requests(run, self.settings, asking, self.clock())

    def decisions(self) -> Decisions:
        """The decision tables. Raises AnomaliesFound with every fault."""
        return load_decisions(self.settings.folders.tables, self.settings.organisation.code)

    def options(self, work_date: date, **overrides: Any) -> RunOptions:
        """Parameters, and what this run overrides."""
        return run_options(self.settings.parameters, work_date, **overrides)

    def care(self) -> CareRun:
        """A pricing run of care."""
        rules = care_rules(self.settings.parameters)
        return CareRun(self.engine, self.organisation_id, self.vault, self.accounts, rules)

    def teletransmitter(self) -> Teletransmitter:
        """What writes B2 files."""
        choices = self.settings.teletransmission.choices()
        return Teletransmitter(self.engine, self.vault, self.organisation_id, choices)

    def closer(self) -> Closer:
        """Who closes days, months and years."""
        trust = self.trust()
        return Closer(self.engine, self.organisation_id, trust.key, trust.anchors, self.clock)

    def trust(self) -> Trust:
        """What `verify` believes because it lies outside the database."""
        name = f"{self.settings.organisation.code}.anchors"
        return Trust(self.settings.signing_key, self.settings.folders.exports / "closings" / name)

    def outbox(self) -> Outbox:
        """What delivers. Raises AnomaliesFound (CFG-…) when a partner's file is wrong."""
        return Outbox(
            self.engine,
            self.organisation_id,
            self.settings.folders.home,
            self.partners(),
            self._makers(),
            self.executor,
            self.keeper,
        )

    def partners(self) -> dict[str, AnyPartner]:
        """Who receives: the folder `outbox/`, and the partners' files. Raises AnomaliesFound."""
        folder = self.settings.folders.outbox
        own = FolderPartner(name=BUILT_IN, folder=folder, folders=SUBFOLDERS)
        return {BUILT_IN: own, **load_partners(self.settings.folders.partners)}

    def _makers(self) -> Mapping[str, Maker]:
        choices = self.settings.teletransmission.choices()
        return {
            "invoice_pdf": self._pdfs,
            "b2": b2_maker(self.vault, choices),
            "run_silence": silence_texts,
            "night_report": mail_maker(self.organisation_id),
            "reading_request": partial(request_letters, settings=self.settings),
            "checks": lambda connection, numbers, _: kept_checks(connection, numbers),
        }

    def _pdfs(
        self, connection: Connection, subjects: list[int], executor: Executor
    ) -> Iterator[bytes]:
        """Pages are gathered here; drawing them is pure and runs on the executor."""
        from integration.translate.invoice_pages import drawn, invoice_pages

        pages = invoice_pages(connection, self.settings, self.vault, subjects)
        return executor.map(drawn, [pages[id_] for id_ in subjects], chunksize=25)


def home_of(argument: str | None) -> Path:
    """The working folder: --home, ECHEANCE_HOME, or `echeance-data` here."""
    return Path(argument or os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)


@contextmanager
def open_app(home: Path, executor: str = "processes") -> Iterator[App]:
    """The application of a working folder. Raises AnomaliesFound (CFG-…) when it can't open."""
    if not (home / configuration.FILE_NAME).is_file():
        raise AnomaliesFound(Anomaly(NOT_READY, values={"folder": home.name}))
    with opened_house(configuration.load(home / configuration.FILE_NAME)) as (settings, engine):
        if not is_current(engine):
            raise AnomaliesFound(Anomaly(SCHEMA_OLD))
        vault = open_vault(settings.person_key)
        organisation_id = own_organisation(engine, settings)
        numbers = rehearsal.noting_numbers(engine, organisation_id)
        with make_executor(executor) as pool, numbers:
            yield App(settings, engine, organisation_id, vault, pool, home=home)


@contextmanager
def opened_house(settings: Settings) -> Iterator[tuple[Settings, Engine]]:
    """Folders and database; in a rehearsal a copy of both, that keeps nothing."""
    with ExitStack() as held:
        url = settings.database_url
        if rehearsal.asked():
            settings = held.enter_context(rehearsal.copied(settings))
        engine = rehearsal_engine(url) if rehearsal.asked() else make_engine(url)
        held.callback(engine.dispose)
        yield settings, engine


def own_organisation(engine: Engine, settings: Settings) -> int:
    """The id of the organisation of the settings; made at the first opening."""
    own = settings.organisation
    columns = {
        "code": own.code,
        "name": own.name,
        "address": "\n".join(own.address),
        "siren": own.siren,
        "vat_number": own.vat_number,
        "finess": own.finess,
        "am_number": own.am_number,
        "zone": own.zone,
    }
    with engine.begin() as connection:
        found = connection.scalar(select(organisation.c.id).where(organisation.c.code == own.code))
        if found is None:
            found = reserve_ids(connection, "organisation", 1)
            connection.execute(insert(organisation).values(id=found, **columns))
    return int(found)
