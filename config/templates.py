"""What mails say: four files in `templates/` that an administrator changes (A-DEM-10).

`init` writes them; one that isn't there counts as it was written. Seed 004, "Paramétrage du mail
pour les envois automatiques": text, sender by module, signature, properties of the logo.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from pydantic import Field

from config.settings import Section, from_toml
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place

UNKNOWN_SLOT: Final = Code(
    "CFG-211",
    "Le repère « {slot} » n'existe pas ; repères admis : {known}.",
    "Corrigez-le dans ce fichier du dossier « templates ».",
)
NO_SUBJECT: Final = Code(
    "CFG-212",
    "Le texte du courriel ne commence pas par une ligne « Objet : … ».",
    "Remettez cette première ligne.",
)
NO_LOGO: Final = Code(
    "CFG-213",
    "Le logo « {name} » n'est pas un fichier .png ou .jpg du dossier « templates ».",
    "Déposez-le, ou corrigez son nom.",
)

TEXT: Final = "mailReleveCompteur.txt"
SENDERS: Final = "mail-signature.toml"
SIGNATURE: Final = "signature.txt"
LOGO: Final = "mailReleveCompteur.toml"
SLOTS: Final = (
    *("client", "interlocuteur", "date", "biens", "nombre", "reference"),
    *("organisation", "adresse", "fax", "SOC_FAX_RELEVE_COMPTEUR"),
)
_SUBJECT: Final = re.compile(r"Objet ?: ?(.+)")
_SLOT: Final = re.compile(r"\{(\w+)\}")

S = TypeVar("S", bound=Section)

DEFAULTS: Final[Mapping[str, str]] = {
    TEXT: """\
Objet : Relevé de vos compteurs au {date}

Bonjour,

Pour établir votre prochaine facture, merci de nous communiquer avant la fin de la semaine les
compteurs du matériel suivant : {biens}.

Vous pouvez, au choix :
- répondre à ce message en complétant les lignes ci-dessous, après le signe « = » ;
- nous retourner le fichier joint complété ;
- imprimer la fiche jointe, la remplir et nous la faxer{fax}.
""",
    SENDERS: """\
# Expéditeur des courriels, par module. Une adresse donnée ici l'emporte ; vide : celle des
# paramètres BIEN_COMPTEUR_EXPEDITEUR_MAIL, puis MAIL.

[demandes_releves]
nom = ""
adresse = ""

[interventions]
nom = ""
adresse = ""

[commandes]
nom = ""
adresse = ""
""",
    SIGNATURE: """\
{organisation}
{adresse}
""",
    LOGO: """\
# Logo sous la signature et en tête de la fiche : un .png ou .jpg de ce dossier ; vide : aucun.
logo = ""
largeur_cm = 4.0
""",
}


class Sender(Section):
    """Who writes, of one module."""

    name: str = Field("", alias="nom", description="nom affiché")
    address: str = Field("", alias="adresse", pattern=r"^([^\s@<>]+@[^\s@<>]+)?$")


class Senders(Section):
    """Who writes, by module."""

    requests: Sender = Field(Sender(), alias="demandes_releves")
    service: Sender = Field(Sender(), alias="interventions")
    orders: Sender = Field(Sender(), alias="commandes")


class Logo(Section):
    """The picture under the signature. width_cm: on a screen; its height follows."""

    file: str = Field("", alias="logo", pattern=r"(?i)^([\w -][\w .-]*\.(png|jpe?g))?$")
    width_cm: float = Field(4.0, alias="largeur_cm", gt=0, le=17)


class Templates(NamedTuple):
    """The four files, read; slots still to fill. logo: its bytes, or none."""

    subject: str
    text: str
    signature: str
    sender: Sender
    logo: bytes = b""
    logo_width_cm: float = 4.0


def load_templates(folder: Path) -> Templates:
    """The templates of reading requests. Raises AnomaliesFound (CFG-…) when one can't be used."""
    subject, text = _parted(_text(folder, TEXT))
    senders = _read(folder, SENDERS, Senders).requests
    logo = _read(folder, LOGO, Logo)
    return Templates(
        subject, text, _text(folder, SIGNATURE), senders, _logo(folder, logo.file), logo.width_cm
    )


def filled(text: str, values: Mapping[str, str]) -> str:
    """A template with its slots filled; braces around anything else stay."""
    return _SLOT.sub(lambda slot: values.get(slot[1], slot[0]), text)


def write_defaults(folder: Path) -> None:
    """The files that are missing; what is there is the administrator's."""
    folder.mkdir(mode=0o750, exist_ok=True)
    for name, text in DEFAULTS.items():
        if not (folder / name).exists():
            (folder / name).write_text(text, "utf-8")


def _text(folder: Path, name: str) -> str:
    path = folder / name
    text = path.read_text("utf-8") if path.exists() else DEFAULTS[name]
    wrong = [
        Anomaly(UNKNOWN_SLOT, Place(name, number), {"slot": slot, "known": ", ".join(SLOTS)})
        for number, line in enumerate(text.splitlines(), 1)
        for slot in _SLOT.findall(line)
        if slot not in SLOTS
    ]
    if wrong:
        raise AnomaliesFound(*wrong)
    return text


def _parted(text: str) -> tuple[str, str]:
    first, _, rest = text.partition("\n")
    subject = _SUBJECT.fullmatch(first.strip())
    if subject is None:
        raise AnomaliesFound(Anomaly(NO_SUBJECT, Place(TEXT, 1)))
    return subject[1], rest.strip("\n")


def _read(folder: Path, name: str, model: type[S]) -> S:
    return from_toml(folder / name, model) if (folder / name).exists() else model()


def _logo(folder: Path, name: str) -> bytes:
    if not name:
        return b""
    path = folder / name
    if not path.is_file() or path.is_symlink():
        raise AnomaliesFound(Anomaly(NO_LOGO, Place(LOGO), {"name": name}))
    return path.read_bytes()
