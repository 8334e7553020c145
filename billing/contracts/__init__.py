"""Contract billing: what is due, what was counted, what it costs, and on which invoice."""
