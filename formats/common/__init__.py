"""The leaf every room may import: anomalies and identifiers."""
