"""What a monitor asks for: figures as Prometheus reads them, and alerts to start from."""

from __future__ import annotations

from integration.monitoring.figures import FAMILIES, page

__all__ = ["FAMILIES", "page"]
