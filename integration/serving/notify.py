"""What systemd is told (sd_notify(3)): ready, alive, stopping. Without systemd, nothing."""

from __future__ import annotations

import os
import socket
from typing import Final

SOCKET: Final = "NOTIFY_SOCKET"
WATCHDOG: Final = "WATCHDOG_USEC"
_PATIENCE_S: Final = 0.5


def notify(message: str) -> None:
    """One datagram to the service manager; one that went away or is slow doesn't stop us."""
    address = os.environ.get(SOCKET, "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.settimeout(_PATIENCE_S)
        try:
            sender.sendto(message.encode(), "\0" + address[1:] if address[0] == "@" else address)
        except OSError:
            return


def watchdog_s() -> float:
    """How often the manager wants to hear from us, in seconds; 0: never."""
    return int(os.environ.get(WATCHDOG, "0")) / 1_000_000
