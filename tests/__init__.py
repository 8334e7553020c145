"""Evidence: one folder a package, then norms, rejects, faults and house rules."""
