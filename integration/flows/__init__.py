"""One use case a file: gather → decide (pure) → act."""
