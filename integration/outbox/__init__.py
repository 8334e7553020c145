"""The outbox: every file and mail is a row with a stable identity, made before the first try.

`send` hands rows over, `desk` and `lease` hold them meanwhile, `retry` decides what follows a try,
`by_hand` is what a person does to a row.
"""

from __future__ import annotations

from integration.outbox.send import Maker, Outbox

__all__ = ["Maker", "Outbox"]
