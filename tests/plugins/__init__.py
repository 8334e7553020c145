"""The suite's own pytest plugins: databases, feature claims, golden files."""
