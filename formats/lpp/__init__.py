"""LPP: the official nomenclature of devices and services, two dBase files.

nomenclature = read(fiche_stream, histo_stream)     # -> Nomenclature
fiche, histo = write(nomenclature, date(2026, 1, 1))  # bytes, for tests and the demo
"""

from formats.lpp.model import LppCode, LppTariff, Nomenclature
from formats.lpp.tips import HistoryColumns, read, write

__all__ = ["HistoryColumns", "LppCode", "LppTariff", "Nomenclature", "read", "write"]
