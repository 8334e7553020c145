"""Settings: `echeance.toml` and `ECHEANCE_SECTION__KEY`, read once, checked once, passed by hand.

Every key is checked at start-up; an unknown one is an error with its name. What a key means is
written once, here, and `write_default` prints it as comments.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from billing import ledger
from billing.contracts.formula import parse, text_of
from billing.ledger import Share
from billing.money import Rounding
from config.parameters import Parameters
from config.rights import Right
from config.teletransmission import B2Choices
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place

NO_FILE: Final = Code(
    "CFG-001",
    "Le fichier de configuration « {name} » n'existe pas.",
    "Créez-le avec « echeance init ».",
)
BROKEN_TOML: Final = Code(
    "CFG-002", "Le TOML est illisible.", "Vérifiez guillemets et crochets de cette ligne."
)
UNKNOWN_KEY: Final = Code(
    "CFG-003", "La clé « {key} » est inconnue{near}.", "Retirez-la ou corrigez son nom."
)
MISSING_KEY: Final = Code("CFG-004", "La clé « {key} » manque.", "Renseignez-la.")
BAD_VALUE: Final = Code(
    "CFG-005",
    "La valeur de la clé « {key} » n'est pas admise{allowed}.",
    "Lisez le commentaire de la clé dans le fichier écrit par « echeance init ».",
)
READABLE_SECRET: Final = Code(
    "CFG-006",
    "La clé « {key} » contient un mot de passe et le fichier est lisible par d'autres.",
    "Passez le fichier en droits 0600 (chmod 600), ou donnez la valeur par l'environnement.",
)
TWO_RATES = Code(
    "CFG-041",
    "COEFF_UNITAIRE_MAJORATIONSOCIETE ({coefficient}) et POURC_UNITAIRE_MAJORATIONSOCIETE"
    " ({percent} %) ne disent pas la même chose : le coefficient s'applique.",
    "Donnez aux deux la même valeur, par exemple 1.05 et 5.",
)
FILE_NAME: Final = "echeance.toml"
PREFIX: Final = "ECHEANCE_"
_PRIVATE: Final = 0o077
_TOP_LEVEL: Final = ("KEPT_FILES", "PERSON_KEY_FILE")  # the environment gives these whole
_TOML_PLACE: Final = re.compile(r"at line (\d+), column (\d+)")


class Section(BaseModel):
    """Base of every section: unknown keys are refused, values don't change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


S = TypeVar("S", bound=Section)


class Database(Section):
    """Where the truth lies; empty: the SQLite file of the `state` folder."""

    url: str = Field("", description="sqlite:///FICHIER ou postgresql+psycopg://… ; vide : SQLite")


class Folders(Section):
    """Folders, all under `home`; relative to the configuration file."""

    home: Path = Field(Path(), description="dossier qui contient tous les autres")

    @property
    def inbox(self) -> Path:
        """Files to import, one folder a flow."""
        return self.home / "inbox"

    @property
    def processing(self) -> Path:
        """Files claimed and being imported."""
        return self.home / "processing"

    @property
    def done(self) -> Path:
        """Files imported, by flow and day."""
        return self.home / "done"

    @property
    def error(self) -> Path:
        """Files refused, with their reasons."""
        return self.home / "error"

    @property
    def outbox(self) -> Path:
        """Files made, immutable."""
        return self.home / "outbox"

    @property
    def partners(self) -> Path:
        """Who receives, one TOML file each."""
        return self.home / "partners"

    @property
    def exports(self) -> Path:
        """Ledger and extracts."""
        return self.home / "exports"

    @property
    def reports(self) -> Path:
        """The night's reports."""
        return self.home / "reports"

    @property
    def mappings(self) -> Path:
        """The installation's own mappings of readings, TOML."""
        return self.home / "mappings"

    @property
    def tables(self) -> Path:
        """Decision tables, one file each."""
        return self.home / "tables"

    @property
    def templates(self) -> Path:
        """Texts of mails, and the logo."""
        return self.home / "templates"

    @property
    def images(self) -> Path:
        """How-to pictures, named after product references."""
        return self.home / "images"

    @property
    def state(self) -> Path:
        """The embedded database and the key of persons."""
        return self.home / "state"


class Organisation(Section):
    """Who bills: printed on invoices, declared in files."""

    code: str = Field(min_length=1, description="code court, jamais changé")
    name: str = Field(min_length=1, description="raison sociale")
    address: tuple[str, ...] = Field((), description="lignes d'adresse")
    siren: str = Field("", description="9 chiffres")
    vat_number: str = Field("", description="numéro de TVA intracommunautaire")
    finess: str = Field("", description="9 chiffres, prestataires de santé")
    am_number: str = Field("", description="numéro d'identification de l'assurance maladie")
    legal_line: str = Field("", description="forme, capital, RCS : imprimés sur les factures")
    zone: str = Field("Europe/Paris", description="fuseau des dates d'affaires")

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(value)
        return value


class Teletransmission(Section):
    """What the envelope of every B2 file says; see `config.teletransmission`."""

    emitter_type: str = Field("TP", description="type d'émetteur")
    norm: str = Field("FR", description="code norme du fournisseur")
    version: str = Field("062007", description="version de la norme B2")
    flow: Literal["", "R", "T", "D"] = Field(
        "", description="vide ou R : réel ; T : test ; D : démo"
    )
    message: str = Field("ECHEANCE", description="éditeur, logiciel, version")
    centres: dict[str, str] = Field(
        {}, description='centre informatique par régime et caisse, ex. 01422 = "422"'
    )

    def choices(self) -> B2Choices:
        """As the writer of B2 files takes them."""
        return B2Choices(self.norm, self.version, self.flow, self.message, self.centres)


class Accounts(Section):
    """Ledger accounts (plan comptable général); contract sales have theirs on each cost line."""

    customer: str = Field("411000", description="clients")
    amo: str = Field("411100", description="caisses AMO")
    amc: str = Field("411200", description="organismes AMC")
    patient: str = Field("411300", description="patients")
    doubtful_customer: str = Field("416000", description="clients, impayés")
    rejected_amo: str = Field("416100", description="caisses AMO, factures rejetées")
    rejected_amc: str = Field("416200", description="organismes AMC, factures rejetées")
    doubtful_patient: str = Field("416300", description="patients, impayés")
    sales_care: str = Field("706100", description="prestations de santé à domicile")
    vat: str = Field("445710", description="TVA collectée")
    bank: str = Field("512000", description="banque")
    suspense: str = Field("471000", description="attente : retours non rapprochés")
    losses: str = Field("658000", description="écarts de règlement perdus")
    gains: str = Field("758000", description="écarts de règlement gagnés")

    def plan(self) -> ledger.Accounts:
        """As the ledger takes them."""
        return ledger.Accounts(
            receivable={
                Share.AMO: self.amo,
                Share.AMC: self.amc,
                Share.PATIENT: self.patient,
                Share.CUSTOMER: self.customer,
            },
            rejected={
                Share.AMO: self.rejected_amo,
                Share.AMC: self.rejected_amc,
                Share.PATIENT: self.doubtful_patient,
                Share.CUSTOMER: self.doubtful_customer,
            },
            sales_care=self.sales_care,
            vat_collected=self.vat,
            bank=self.bank,
            suspense=self.suspense,
            losses=self.losses,
            gains=self.gains,
        )


class Invoice(Section):
    """What every invoice prints besides its figures."""

    iban: str = Field("", description="compte à créditer")
    bic: str = Field("", description="BIC du compte")
    mentions: tuple[str, ...] = Field((), description="mentions légales, une par ligne")
    footer: str = Field("", description="bas de page")
    late_rate: str = Field(
        "trois fois le taux d'intérêt légal", description="taux des pénalités de retard"
    )
    discount: str = Field(
        "Pas d'escompte pour paiement anticipé.", description="conditions d'escompte"
    )


class Cards(Section):
    """The card reader, its PIN and whom signatures are trusted from; paths below `home`."""

    reader: Literal["mock"] = Field("mock", description="lecteur de cartes : mock (simulé)")
    folder: Path = Field(Path("cards"), description="dossier des cartes simulées")
    pin_file: str = Field(
        "", description="fichier du code porteur, droits 0600 ; vide : demandé au terminal"
    )
    authorities: Path = Field(
        Path("cards/authorities.pem"), description="certificats (PEM) des autorités de confiance"
    )


class PredefinedMeter(Section):
    """*Configuration prédéfinie de grandeur*: the formula every meter of that code has."""

    formula: str = Field(description='formule, ex. "NB / 1000"')
    rounding: Rounding = Field(Rounding.STANDARD, description="arrondi : standard, up, down")

    @field_validator("formula")
    @classmethod
    def _readable(cls, value: str) -> str:
        return text_of(parse(value))


class Habilitation(Section):
    """A row of TD_HABILITATIONS_SPECIALES; see `config.rights`."""

    screen: str = Field("", description="écran ou sujet, pour mémoire")
    right: Right = Field(description="droit réservé")
    logins: tuple[str, ...] = Field(description="comptes qui l'ont")


class Mail(Section):
    """Mail received, that the mail server leaves in a maildir, and faxes; paths below `home`."""

    maildir: str = Field("", description="dossier maildir des courriels reçus ; vide : aucun")
    key: str = Field(
        "",
        description="clé RSA (PEM, droits 0600) qui ouvre les courriels chiffrés ; vide : aucune",
    )
    certificate: str = Field("", description="certificat (PEM) de cette clé")
    fax_gateway: str = Field(
        "",
        description='passerelle de courriel à fax, ex. "{number}@fax.exemple.fr" ; vide : aucune',
        pattern=r"^([^\s@{}]*\{number\}[^\s@{}]*@[^\s@{}]+)?$",
    )


class HttpToken(Section):
    """Who may fetch over HTTP; the secret itself stands nowhere."""

    sha256: str = Field(
        pattern="^[0-9a-f]{64}$", description="SHA-256 du secret, 64 chiffres hexadécimaux"
    )
    scopes: tuple[str, ...] = Field(
        description='dossiers d\'exports, ou metrics, ex. ["fec", "ledger"]'
    )
    until: str = Field(
        "",
        pattern=r"^(\d{4}-\d{2}-\d{2})?$",
        description="dernier jour ; vide : toujours",
    )


class Http(Section):
    """What `echeance http` answers on; TLS is a reverse proxy's."""

    host: str = Field("127.0.0.1", description="adresse d'écoute")
    port: int = Field(8087, ge=0, le=65535, description="port d'écoute ; 0 : un port libre")
    tokens: dict[str, HttpToken] = Field({}, description="jetons, par nom")


class Server(Section):
    """How `echeance serve` works; what it does stands in jobs.toml."""

    watch: bool = Field(True, description="importer ce qui est déposé dans inbox sans attendre")
    poll_s: int = Field(5, ge=1, le=3600, description="secondes entre deux regards sur inbox")
    tick_s: int = Field(20, ge=1, le=60, description="secondes entre deux regards sur les tâches")
    lease_s: int = Field(
        60, ge=3, le=3600, description="secondes après lesquelles un serveur figé perd sa tâche"
    )


class Settings(Section):
    """Everything chosen, in one value.

    kept_files: how files that hold a NIR are kept.
    person_key_file: the AES key of persons, below `home`.
    """

    organisation: Organisation
    database: Database = Database()
    folders: Folders = Folders()
    teletransmission: Teletransmission = Teletransmission()
    accounts: Accounts = Accounts()
    invoice: Invoice = Invoice()
    cards: Cards = Cards()
    mail: Mail = Mail()
    http: Http = Http()
    server: Server = Server()
    parameters: Parameters = Parameters()
    organisation_parameters: dict[str, Parameters] = Field(
        {}, description="paramètres propres à une organisation, par son code"
    )
    meters: dict[str, PredefinedMeter] = Field(
        {}, description='grandeurs calculées, ex. MILLE = {formula = "NB / 1000"}'
    )
    habilitations: tuple[Habilitation, ...] = Field(
        (), description="droits réservés : {screen, right, logins} ; aucun : tout est permis"
    )
    kept_files: Literal["encrypted", "clear"] = Field(
        "encrypted", description="fichiers conservés qui portent un NIR : encrypted ou clear"
    )
    person_key_file: Path = Field(
        Path("state/persons.key"), description="clé des identités, sous le dossier home"
    )
    signing_key_file: Path = Field(
        Path("state/signing.key"),
        description="clé qui signe clôtures et archives, sous le dossier home",
    )

    @property
    def database_url(self) -> str:
        """The URL to open: the one written, or the SQLite file of the `state` folder."""
        return self.database.url or f"sqlite:///{self.folders.state / 'echeance.db'}"

    @property
    def person_key(self) -> Path:
        """The file of the key of persons."""
        return self.folders.home / self.person_key_file

    @property
    def signing_key(self) -> Path:
        """The file of the key that signs."""
        return self.folders.home / self.signing_key_file


def remarks(settings: Settings) -> list[Anomaly]:
    """What is allowed and seldom meant: a company increase told twice, differently (A-AUG-03)."""
    given = settings.parameters
    coefficient = given.COEFF_UNITAIRE_MAJORATIONSOCIETE
    percent = given.POURC_UNITAIRE_MAJORATIONSOCIETE
    if not coefficient or not percent or coefficient == 1 + percent / 100:
        return []
    values = {"coefficient": coefficient.normalize(), "percent": percent.normalize()}
    return [Anomaly(TWO_RATES, Place(FILE_NAME), values)]


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a TOML file, environment on top. Raises AnomaliesFound with every fault."""
    raw = read_toml(path)
    _refuse_readable_secret(path, raw)
    for name, value in environment.items():
        if name.removeprefix(PREFIX) in _TOP_LEVEL and name.startswith(PREFIX):
            raw[name.removeprefix(PREFIX).lower()] = value
        elif name.startswith(PREFIX) and "__" in name:
            section, _, key = name.removeprefix(PREFIX).lower().partition("__")
            raw.setdefault(section, {})[_spelling(section, key)] = value
            if section == "parameters":
                _forget_narrower(raw, key.upper())
    return from_mapping(raw, base=path.parent, file=path.name)


def from_toml(path: Path, model: type[S]) -> S:
    """Another TOML file, checked like this one. Raises AnomaliesFound with every fault."""
    try:
        return model.model_validate(read_toml(path))
    except ValidationError as found:
        raise AnomaliesFound(*(anomaly_of(error, path.name) for error in found.errors())) from None


def from_mapping(raw: Mapping[str, Any], *, base: Path, file: str = "") -> Settings:
    """Settings from plain values; folders are relative to `base`."""
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as found:
        raise AnomaliesFound(*(anomaly_of(error, file) for error in found.errors())) from None
    home = (base / settings.folders.home).resolve()
    own = settings.organisation_parameters.get(settings.organisation.code, Parameters())
    given = {name: getattr(own, name) for name in own.model_fields_set}
    parameters = settings.parameters.model_copy(update=given)
    return settings.model_copy(update={"folders": Folders(home=home), "parameters": parameters})


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises AnomaliesFound (CFG-001, CFG-002)."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise AnomaliesFound(Anomaly(NO_FILE, values={"name": path.name})) from None
    except tomllib.TOMLDecodeError as error:
        raise AnomaliesFound(Anomaly(BROKEN_TOML, _toml_place(path.name, str(error)))) from None


def _toml_place(file: str, message: str) -> Place:
    """From `… (at line 3, column 7)`: all that this Python says of the place."""
    match = _TOML_PLACE.search(message)
    return Place(file, int(match[1]), int(match[2])) if match else Place(file)


def _spelling(section: str, key: str) -> str:
    """Parameters keep their capitals."""
    return key.upper() if section == "parameters" else key


def _forget_narrower(raw: Mapping[str, Any], parameter: str) -> None:
    """The environment wins over what the file says of one organisation."""
    for own in raw.get("organisation_parameters", {}).values():
        own.pop(parameter, None)


def _refuse_readable_secret(path: Path, raw: Mapping[str, Any]) -> None:
    url = str(raw.get("database", {}).get("url", ""))
    secret = "@" in url and ":" in url.partition("://")[2].partition("@")[0]
    if secret and stat.S_IMODE(path.stat().st_mode) & _PRIVATE:
        raise AnomaliesFound(Anomaly(READABLE_SECRET, Place(path.name), {"key": "database.url"}))


def anomaly_of(error: ErrorDetails, file: str, model: type[BaseModel] | None = None) -> Anomaly:
    """What a model (the settings') refuses, by key; never the value."""
    key = ".".join(map(str, error["loc"]))
    allowed = error.get("ctx", {}).get("expected", "")
    code = {"missing": MISSING_KEY, "extra_forbidden": UNKNOWN_KEY}.get(error["type"], BAD_VALUE)
    words = f" ; valeurs admises : {allowed.replace(' or ', ', ')}" if allowed else ""
    near = _near(error["loc"], model or Settings) if code is UNKNOWN_KEY else ""
    return Anomaly(code, Place(file), {"key": key, "allowed": words, "near": near})


def _near(path: tuple[str | int, ...], model: type[BaseModel]) -> str:
    """The known key most like the last of a path, as the end of a sentence."""
    for step in path[:-1]:
        if step in model.model_fields:
            kind = model.model_fields[str(step)].annotation
            kind = get_args(kind)[-1] if get_args(kind) else kind  # of a table by name
            model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else model
    close = get_close_matches(str(path[-1]), model.model_fields, 1)
    return f" (la plus proche : « {close[0]} »)" if close else ""


def write_default(path: Path, **organisation: str) -> None:
    """Write a commented settings file with every default; never over an existing one (0600).

    `organisation` gives `code`, `name`… of whoever bills. Raises FileExistsError.
    """
    text = default_text({"code": "DEMO", "name": "Mon entreprise", **organisation})
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def default_text(organisation: Mapping[str, str]) -> str:
    """The settings file of an organisation: values that are set, the others as comments."""
    values = Settings.model_validate({"organisation": organisation})
    plain = [name for name, value in values if not isinstance(value, BaseModel | dict)]
    parts = [
        "# Réglages d'Échéance. Une ligne commentée montre la valeur par défaut.\n"
        "# Chaque clé peut aussi venir de l'environnement : ECHEANCE_SECTION__CLE.\n",
        *(_line(Settings, name, getattr(values, name), given=False) for name in plain),
    ]
    for name, section in values:
        if isinstance(section, BaseModel):
            given = set(organisation) if name == "organisation" else set()
            parts.append(f"\n[{name}]\n")
            model = type(section)
            parts += [_line(model, key, value, given=key in given) for key, value in section]
    tables = (
        "\n# Une table par organisation, par exemple [organisation_parameters.041] : ce qu'elle\n"
        "# donne l'emporte sur [parameters].\n[organisation_parameters]\n",
        '\n# Grandeurs calculées : CODE = {formula = "NB / 1000", rounding = "up"}.\n[meters]\n',
    )
    return "".join([*parts, *tables])


def _line(model: type[BaseModel], key: str, value: object, *, given: bool) -> str:
    description = model.model_fields[key].description or ""
    mark = "" if given else "# "
    return f"# {description}\n{mark}{key} = {_toml_value(value)}\n"


def _toml_value(value: object) -> str:
    """A TOML literal: JSON's, for strings, numbers, booleans and lists."""
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, Path):
        return json.dumps(value.as_posix() if value != Path() else ".", ensure_ascii=False)
    if isinstance(value, bool | int | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(str(value), ensure_ascii=False)
