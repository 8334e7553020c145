"""The sandbox: a working folder of our own, told by its marker, and files dropped into it."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Final

from config import settings as configuration
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.demo import cards
from integration.demo.drops import Drop, Scale
from integration.verbs.setup import make_home

NOT_OURS: Final = Code(
    "RUN-130",
    "Le dossier « {folder} » n'est pas vide et n'est pas un bac à sable de la démonstration.",
    "Donnez un autre dossier ; rien n'a été touché.",
)

MARKER: Final = ".echeance-demo.json"
ACCOUNT: Final = "bilan.txt"
_OURS: Final = (
    *("inbox", "processing", "done", "error", "outbox", "exports", "reports", "tables", "state"),
    *(cards.FOLDER, configuration.FILE_NAME, ACCOUNT, MARKER),
)
_LANDINGS: Final = ("inbox", "processing", "done", "error")
_CLAIM_LENGTH: Final = 9  # `xxxxxxxx-` before the name of a file being imported
_SETTINGS: Final = Path(__file__).with_name("echeance.toml")


def ready(home: Path, scale: Scale, *, fresh: bool) -> Scale:
    """A sandbox to play in, new or begun; the scale it was begun with.

    Raises AnomaliesFound (RUN-130) for a folder that holds anything and isn't ours.
    """
    if home.exists() and any(home.iterdir()) and not (home / MARKER).is_file():
        raise AnomaliesFound(Anomaly(NOT_OURS, values={"folder": home.name}))
    if fresh:
        clear(home)
    home.mkdir(parents=True, exist_ok=True)
    marker = home / MARKER
    if not marker.exists():
        _write(marker, json.dumps(asdict(scale)).encode())
    if not (home / configuration.FILE_NAME).exists():
        _write(home / configuration.FILE_NAME, _SETTINGS.read_bytes())
    make_home(home)
    cards.make_cards(home)
    return Scale(**json.loads(marker.read_text("utf-8")))


def clear(home: Path) -> None:
    """Remove what a demo makes, the marker last, and nothing else."""
    for name in _OURS:
        path = home / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def account(home: Path) -> str | None:
    """The final account of a demo played to its end."""
    path = home / ACCOUNT
    return path.read_text("utf-8") if path.is_file() and (home / MARKER).is_file() else None


def keep_account(home: Path, text: str) -> None:
    """Write the final account: from then on the demo is played."""
    _write(home / ACCOUNT, text.encode())


def arrived(home: Path) -> set[str]:
    """Names of files dropped so far, wherever they have got to."""
    names = {path.name for folder in _LANDINGS for path in (home / folder).rglob("*")}
    return names | {name[_CLAIM_LENGTH:] for name in names}


def put(home: Path, drop: Drop) -> None:
    """Drop a file as a partner would: it appears whole."""
    _write(home / "inbox" / drop.flow / drop.name, drop.content)


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    part.rename(path)
