"""Accounting files: the FEC of the tax office, and the layouts accounting software imports.

for piece in fec.written(lines): ...                # bytes, ISO 8859-15
report = fec.check(stream, "732829320FEC20261231.txt")
for piece in layouts.written(layout("quadra"), lines): ...
"""
