"""Card readers: one protocol, whatever holds the cards."""
