"""`echeance demo`: the main job on invented data, in a sandbox of its own.

Partners are played by folders alone: they drop files into the inbox and read the outbox.
"""

from integration.demo.scenario import play

__all__ = ["play"]
