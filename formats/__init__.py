"""Bytes: typed records and the files they stand in. No path, clock, database or log."""
