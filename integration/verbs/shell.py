"""What a machine needs around the program: systemd units, the man page, completion."""

from __future__ import annotations

import argparse
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

from config import settings as configuration
from config.settings import Organisation
from integration.app import home_of
from integration.cli import DONE
from integration.verbs import completing, manual
from integration.verbs.outcome import say

UNITS: Final = ("echeance.service", "echeance-night.service", "echeance-night.timer")


def systemd(arguments: argparse.Namespace) -> int:
    """Print the units for this home, or write them into a folder."""
    made = units(home_of(arguments.home).resolve())
    for name, text in made.items():
        if arguments.output:
            (Path(arguments.output) / name).write_text(text, "utf-8")
            say(f"{Path(arguments.output) / name}")
        else:
            say(f"# /etc/systemd/system/{name}\n{text}")
    return DONE


def units(home: Path) -> dict[str, str]:
    """Each unit by its file name; services bear the same hardening."""
    folder = files("integration") / "systemd"
    hardened = (folder / "hardened.conf").read_text("utf-8")
    found = {}
    for name in UNITS:
        text = (folder / name).read_text("utf-8")
        if name.endswith(".service"):
            text = text.replace("[Service]\n", f"[Service]\n{hardened}")
        found[name] = _filled(text, home)
    return found


def _filled(text: str, home: Path) -> str:
    program = shutil.which("echeance") or str(Path(sys.executable).with_name("echeance"))
    slots = {"@PROGRAM@": program, "@HOME@": str(home), "@ZONE@": _zone(home)}
    for slot, value in slots.items():
        text = text.replace(slot, value)
    return text


def _zone(home: Path) -> str:
    file = home / configuration.FILE_NAME
    if not file.is_file():
        return str(Organisation.model_fields["zone"].default)
    return configuration.load(file).organisation.zone


def man(arguments: argparse.Namespace) -> int:
    """Print the manual page, as `man -l -` reads it."""
    del arguments
    say(manual.page().rstrip("\n"))
    return DONE


def completion(arguments: argparse.Namespace) -> int:
    """Print the completion of a shell."""
    say(completing.SHELLS[arguments.shell]().rstrip("\n"))
    return DONE
