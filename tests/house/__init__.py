"""The house rules, checked like any other behaviour."""
