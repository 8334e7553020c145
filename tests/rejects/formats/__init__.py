"""Bad files of the norms: one fault each."""
