"""Contract billing: gather → plan (rate and shape, pure) → post, whole groups at a time."""
