"""Covers, prescriptions, split, engines and drafts of home care."""
