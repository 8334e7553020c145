"""Money, periods, contracts and care."""
