"""B2, version of June 2007 (`062007`): one file a record, named as the norm names it.

To correct a column, edit its line; a table that no longer adds up doesn't import.
"""

from typing import Final

from formats.b2.v062007.type_000 import FileStart
from formats.b2.v062007.type_1 import BatchStart
from formats.b2.v062007.type_2 import InvoiceStart
from formats.b2.v062007.type_2s import InvoiceSupplement
from formats.b2.v062007.type_3 import StayLine
from formats.b2.v062007.type_3e import StayPrescriber
from formats.b2.v062007.type_3f import StayDetail
from formats.b2.v062007.type_3h import StayDrug
from formats.b2.v062007.type_3s import StaySupplement
from formats.b2.v062007.type_4 import ServiceLine
from formats.b2.v062007.type_4b import LineAnalyses
from formats.b2.v062007.type_4e import LinePractitioners
from formats.b2.v062007.type_4f import LineDetail
from formats.b2.v062007.type_4h import LineDrug
from formats.b2.v062007.type_4m import LineProcedure
from formats.b2.v062007.type_4s import LineSupplement
from formats.b2.v062007.type_5 import InvoiceEnd
from formats.b2.v062007.type_6 import BatchEnd
from formats.b2.v062007.type_999 import FileEnd

RECORDS: Final[dict[str, type]] = {
    "000": FileStart,
    "1": BatchStart,
    "2": InvoiceStart,
    "2S": InvoiceSupplement,
    "3": StayLine,
    "3S": StaySupplement,
    "3E": StayPrescriber,
    "3F": StayDetail,
    "3H": StayDrug,
    "4": ServiceLine,
    "4S": LineSupplement,
    "4E": LinePractitioners,
    "4B": LineAnalyses,
    "4F": LineDetail,
    "4H": LineDrug,
    "4M": LineProcedure,
    "5": InvoiceEnd,
    "6": BatchEnd,
    "999": FileEnd,
}
"""Record classes by the name the norm gives them, in its order."""

__all__ = [
    "RECORDS",
    "BatchEnd",
    "BatchStart",
    "FileEnd",
    "FileStart",
    "InvoiceEnd",
    "InvoiceStart",
    "InvoiceSupplement",
    "LineAnalyses",
    "LineDetail",
    "LineDrug",
    "LinePractitioners",
    "LineProcedure",
    "LineSupplement",
    "ServiceLine",
    "StayDetail",
    "StayDrug",
    "StayLine",
    "StayPrescriber",
    "StaySupplement",
]
