"""`python -m integration.cli`, where the command isn't installed."""

from __future__ import annotations

from integration.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
