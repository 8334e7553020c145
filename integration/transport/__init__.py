"""How bytes leave: one transport a file."""
