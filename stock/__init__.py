"""Facts, in units: what is where. Pure; knows no prices."""
