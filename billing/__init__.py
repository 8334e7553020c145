"""Meaning, in euros: contracts, care, ledger. Pure and exact."""
