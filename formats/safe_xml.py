"""XML from outside: the only place where it is parsed (`tests/house/test_doors.py` sees to it).

No DOCTYPE at all, so no entity, no external file, no network; depth and text are bounded by
libxml2. Source: trials of the ecosystem page, A.2 (lxml accepts an external DTD by default).
"""

from __future__ import annotations

from typing import Any, Final

from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place

DOCTYPE: Final = Code(
    "FMT-691",
    "Le XML contient un DOCTYPE, qui n'est jamais admis.",
    "Demandez le fichier sans DOCTYPE ni entités.",
)
BROKEN: Final = Code(
    "FMT-692", "Le XML est illisible à partir d'ici.", "Demandez un fichier entier à son émetteur."
)


def parsed(content: bytes, file: str = "") -> Any:
    """The root element. Raises AnomaliesFound (FMT-691, FMT-692)."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, recover=False
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        doctype = b"<!DOCTYPE" in content
        line, column = error.position
        place = Place(file) if doctype else Place(file, line, column)
        raise AnomaliesFound(Anomaly(DOCTYPE if doctype else BROKEN, place)) from None
    told: Any = root.getroottree().docinfo
    if told.doctype:
        raise AnomaliesFound(Anomaly(DOCTYPE, Place(file)))
    return root
