"""Damaged files: each ends in a report, or in values that are named; never in a crash."""
