"""Measures, each with its machine and its database settings (make bench)."""
