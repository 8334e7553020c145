"""B2-retour: settlement notices of a concentrator, read into the same result as NOEMIE.

result = read(stream, "retour.b2r")     # Return: transfers → invoices → shares and reasons
content = write(result)                 # bytes, or AnomaliesFound when it can't be said in them
report = check(stream, "retour.b2r")    # every broken rule, constant memory
"""

from formats.b2_retour.layout import VERSIONS, Notice
from formats.b2_retour.reader import check, detect, notices_in, read
from formats.b2_retour.writer import write

__all__ = ["VERSIONS", "Notice", "check", "detect", "notices_in", "read", "write"]
