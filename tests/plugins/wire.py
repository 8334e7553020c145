"""A wire that fails on command: a small TCP relay between a client and a server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Wire:
    """Relays to a port. Bytes are counted from the client's side, on each connection.

    cut_at: hang up on both after so many; stall_at: carry no more; deaf: answers are kept back
    and the client is hung up on, while the server gets everything.
    """

    upstream: int
    port: int = 0
    cut_at: int = 0
    stall_at: int = 0
    deaf: bool = False
    connections: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    def heal(self) -> None:
        """Carry everything again, on new connections."""
        self.cut_at = self.stall_at = 0
        self.deaf = False

    def serve(self, listener: socket.socket) -> None:
        """Take connections till the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self.connections += 1
                server = socket.create_connection(("127.0.0.1", self.upstream))
                self._open += [client, server]
                self._relay(client, server, self._from_client)
                self._relay(server, client, self._from_server)

    def hang_up(self) -> None:
        """End every connection."""
        for one in self._open:
            _shut(one)
            one.close()

    def _relay(self, source: socket.socket, to: socket.socket, carry: object) -> None:
        threading.Thread(target=carry, args=(source, to), daemon=True).start()  # type: ignore[arg-type]

    def _from_client(self, client: socket.socket, server: socket.socket) -> None:
        carried = 0
        with suppress(OSError):
            while piece := client.recv(65536):
                carried += len(piece)
                if self.stall_at and carried >= self.stall_at:
                    continue
                if self.cut_at and carried >= self.cut_at:
                    break
                server.sendall(piece)
        _shut(server)
        _shut(client)

    def _from_server(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while piece := server.recv(65536):
                if self.deaf:
                    break
                client.sendall(piece)
        _shut(client)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(upstream: int) -> Iterator[Wire]:
    """A wire to a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Wire(upstream, listener.getsockname()[1])
        thread = threading.Thread(target=made.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            _shut(listener)
            made.hang_up()
            thread.join(5)
