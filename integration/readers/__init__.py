"""Card readers: one protocol, whatever holds the cards.

    with open_reader(settings) as reader:
        cps = reader.read_cps(pin_of(settings))
        vitale = reader.read_vitale(today)

Only this module knows which implementation the settings choose.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from config.settings import Settings
from integration.readers.protocol import CardReader


@contextmanager
def open_reader(settings: Settings) -> Iterator[CardReader]:
    """The reader of the settings (SSV_InitLIB), closed at the end (SSV_TermLIB)."""
    from integration.readers.mock import MockReader

    known = {"mock": MockReader}
    reader: CardReader = known[settings.cards.reader](settings.folders.home / settings.cards.folder)
    try:
        yield reader
    finally:
        reader.close()
