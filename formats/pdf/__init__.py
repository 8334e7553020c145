"""Invoices as PDF, from plain values to the same bytes each time."""
