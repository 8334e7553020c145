"""Records of files ↔ the domain: the only place where formats and billing meet."""
