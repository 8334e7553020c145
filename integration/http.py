"""HTTP, off unless asked: health, readiness, metrics, and exports to fetch. Nothing is written.

Files are those of `exports/`, found by their listed name, never by joining a path; they don't
change under a name, so ranges and ETags are safe. Bearer tokens stand as SHA-256 in the settings,
each for some folders. Bind to the loopback; TLS is a reverse proxy's.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final, NamedTuple

from integration.exports import digest_of

_CHUNK: Final = 1 << 16
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")
_TIMEOUT_S: Final = 30


class Token(NamedTuple):
    """Who may fetch: SHA-256 of the secret, folders of exports (or `metrics`), last day or none."""

    sha256: str
    scopes: frozenset[str]
    until: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """What is served. wrong: the names of what isn't well; metrics: Prometheus text; fetched: told
    the token's name and the file's before a file is answered."""

    exports: Path
    tokens: Mapping[str, Token]
    wrong: Callable[[], Sequence[str]]
    metrics: Callable[[], str]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    fetched: Callable[[str, str], None] = lambda token, name: None

    def allows(self, secret: str, scope: str) -> str:
        """The name of the token that opens that scope today, or nothing; every token is compared,
        in constant time."""
        digest = hashlib.sha256(secret.encode()).hexdigest()
        today = self.clock().date().isoformat()
        known = [
            (name, one)
            for name, one in self.tokens.items()
            if hmac.compare_digest(one.sha256, digest)
        ]
        opens = (n for n, one in known if scope in one.scopes and (one.until or today) >= today)
        return next(opens, "")

    def listed(self) -> dict[str, Path]:
        """Files by `folder/name`; parts, links and hidden files aren't among them."""
        return {
            f"{folder.name}/{path.name}": path
            for folder in sorted(self.exports.iterdir() if self.exports.is_dir() else ())
            if folder.is_dir() and not folder.is_symlink()
            for path in sorted(folder.iterdir())
            if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
        }


class Server:
    """A site on an address, in threads of its own."""

    def __init__(self, site: Site, host: str, port: int) -> None:
        handler = type("Handler", (_Handler,), {"site": site})
        self._server = ThreadingHTTPServer((host, port), handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def port(self) -> int:
        """The port bound, also when 0 was asked."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more; returns when the port is free."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    site: Site
    timeout = _TIMEOUT_S
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Echeance", ""

    def do_GET(self) -> None:
        """Every page there is; other methods are refused by the library (501)."""
        path = self.path.partition("?")[0]
        pages: dict[str, Callable[[], None]] = {
            "/healthz": lambda: self._text(HTTPStatus.OK, "ok\n"),
            "/readyz": self._ready,
            "/metrics": self._metrics,
            "/v1/exports": self._index,
        }
        if path in pages:
            pages[path]()
        elif path.startswith("/v1/exports/"):
            self._export(path.removeprefix("/v1/exports/"))
        else:
            self._text(HTTPStatus.NOT_FOUND, "inconnu\n")

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what is fetched stands in the audit trail."""

    def _ready(self) -> None:
        wrong = self.site.wrong()
        if wrong:
            self._text(HTTPStatus.SERVICE_UNAVAILABLE, f"pas prêt : {', '.join(wrong)}\n")
        else:
            self._text(HTTPStatus.OK, "ok\n")

    def _metrics(self) -> None:
        if self._allowed("metrics"):
            self._text(HTTPStatus.OK, self.site.metrics())

    def _index(self) -> None:
        secret = self._secret()
        files = [
            {"name": name, "bytes": path.stat().st_size}
            for name, path in self.site.listed().items()
            if self.site.allows(secret, name.partition("/")[0])
        ]
        self._text(HTTPStatus.OK, json.dumps({"files": files}), "application/json")

    def _secret(self) -> str:
        scheme, _, secret = self.headers.get("Authorization", "").partition(" ")
        return secret if scheme == "Bearer" else ""

    def _allowed(self, scope: str) -> bool:
        secret = self._secret()
        if self.site.allows(secret, scope):
            return True
        if secret:
            self._text(HTTPStatus.FORBIDDEN, "ce jeton n'ouvre pas cette page\n")
        else:
            self._text(
                HTTPStatus.UNAUTHORIZED, "jeton attendu\n", more={"WWW-Authenticate": "Bearer"}
            )
        return False

    def _export(self, name: str) -> None:
        """A file by its listed name: what isn't listed doesn't exist, whatever it points to."""
        if not self._allowed(name.partition("/")[0]):
            return
        path = self.site.listed().get(name)
        if path is None:
            self._text(HTTPStatus.NOT_FOUND, "inconnu\n")
        else:
            self._answered(name, path)

    def _answered(self, name: str, path: Path) -> None:
        size, tag = path.stat().st_size, f'"{digest_of(path)}"'
        if self.headers.get("If-None-Match") == tag:
            self._headers(HTTPStatus.NOT_MODIFIED, 0, {"ETag": tag})
            return
        whole = self.headers.get("If-Range", tag) != tag
        span = (0, size) if whole else _span(self.headers.get("Range", ""), size)
        if span is None:
            more = {"Content-Range": f"bytes */{size}"}
            self._text(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "", more=more)
            return
        if self.command != "HEAD":
            self.site.fetched(self.site.allows(self._secret(), name.partition("/")[0]), name)
        self._file(path, tag, span, size)

    def _file(self, path: Path, tag: str, span: tuple[int, int], size: int) -> None:
        start, end = span
        more = {"ETag": tag, "Accept-Ranges": "bytes"}
        status = HTTPStatus.OK
        if span != (0, size):
            status = HTTPStatus.PARTIAL_CONTENT
            more["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self._headers(status, end - start, more)
        if self.command == "HEAD":
            return
        with path.open("rb") as file:
            file.seek(start)
            for at in range(start, end, _CHUNK):
                self.wfile.write(file.read(min(_CHUNK, end - at)))

    def _text(
        self,
        status: HTTPStatus,
        text: str,
        kind: str = "text/plain; charset=utf-8",
        more: Mapping[str, str] | None = None,
    ) -> None:
        content = text.encode()
        self._headers(status, len(content), {"Content-Type": kind, **(more or {})})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _headers(self, status: HTTPStatus, length: int, more: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last; None when nothing of it is there (RFC 9110 §14).

    What isn't one range of bytes is passed over: the whole file answers.
    """
    found = _RANGE.fullmatch(asked)
    if not found or found[0] == "bytes=-":
        return 0, size
    first, last = found[1], found[2]
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    return (start, end) if start < end else None
