"""LPP: the official nomenclature of devices and services, two dBase files.

nomenclature = read(fiche_stream, histo_stream)   # -> Nomenclature
"""

from formats.lpp.model import LppCode, LppTariff, Nomenclature

__all__ = ["LppCode", "LppTariff", "Nomenclature"]
