"""The doctor: looks at everything a night needs and says how to mend what it finds.

Each look yields findings and never ends the others; nothing is changed.
"""

from __future__ import annotations

from integration.doctor.finding import Finding
from integration.doctor.looks import examined

__all__ = ["Finding", "examined"]
