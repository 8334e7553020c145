"""ARL: the front end received a file or batch, or refused it technically.

acknowledgements = read(stream, "arl.txt")   # tuple, or AnomaliesFound
content = write(acknowledgements)            # bytes, or AnomaliesFound
report = check(stream, "arl.txt")            # every broken rule, constant memory
"""

from formats.arl.acknowledgements import check, detect, read, write
from formats.arl.layout import REASONS, VERSIONS, Acknowledgement

__all__ = ["REASONS", "VERSIONS", "Acknowledgement", "check", "detect", "read", "write"]
