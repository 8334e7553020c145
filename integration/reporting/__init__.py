"""Views of the night's account: text, page with charts, sheets, and the mail of the three."""
