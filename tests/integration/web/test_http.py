"""HTTP with real sockets: who may fetch what, parts of files, nothing outside the exports."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from integration.http import Server, Site, Token

CONTENT = b"0123456789"
KEY = {"Authorization": "Bearer clerk"}


def token(secret: str, *scopes: str, until: str = "") -> Token:
    """As the settings keep it."""
    return Token(hashlib.sha256(secret.encode()).hexdigest(), frozenset(scopes), until)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A site with one FEC, one archive, and a secret beside them."""
    for name in ("exports/fec/A.txt", "exports/archives/B.zip", "state/signing.key"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(CONTENT)
    (tmp_path / "exports/fec/.A.txt.part").write_bytes(b"half")
    (tmp_path / "exports/fec/link.txt").symlink_to(tmp_path / "state/signing.key")
    tokens = {
        "clerk": token("clerk", "fec"),
        "monitor": token("monitor", "metrics"),
        "gone": token("gone", "fec", until="2026-01-31"),
    }
    clock = lambda: datetime(2026, 2, 1, tzinfo=UTC)  # noqa: E731
    fetched = tmp_path / "fetched"

    def note(token: str, name: str) -> None:
        with fetched.open("a") as file:
            file.write(f"{token} {name}\n")

    site = Site(tmp_path / "exports", tokens, tuple, lambda: "echeance_up 1\n", clock, note)
    made = Server(site, "127.0.0.1", 0)
    made.start()
    yield made
    made.stop()


Answer = tuple[HTTPResponse, bytes]


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> Answer:
    """One request on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def test_health_needs_no_token_metrics_and_exports_do(server: Server) -> None:
    assert ask(server, "/healthz")[1] == b"ok\n"
    assert ask(server, "/readyz")[0].status == 200
    assert ask(server, "/metrics")[0].status == 401
    assert ask(server, "/metrics", Authorization="Bearer monitor")[1] == b"echeance_up 1\n"
    assert ask(server, "/v1/exports/fec/A.txt")[0].getheader("WWW-Authenticate") == "Bearer"


@pytest.mark.parametrize(
    ("secret", "status"), [("clerk", 200), ("monitor", 403), ("gone", 403), ("nobody", 403)]
)
def test_a_token_opens_its_scope_until_its_day(server: Server, secret: str, status: int) -> None:
    answer, _ = ask(server, "/v1/exports/fec/A.txt", Authorization=f"Bearer {secret}")
    assert answer.status == status


def test_the_list_shows_what_the_token_opens(server: Server) -> None:
    assert ask(server, "/v1/exports")[1] == b'{"files": []}'
    assert (
        ask(server, "/v1/exports", **KEY)[1] == b'{"files": [{"name": "fec/A.txt", "bytes": 10}]}'
    )
    assert ask(server, "/v1/exports/archives/B.zip", **KEY)[0].status == 403


@pytest.mark.parametrize(
    ("asked", "status", "content", "shown"),
    [
        ("", 200, CONTENT, None),
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=5-2", 416, b"", "bytes */10"),
        ("bytes=0-1,4-5", 200, CONTENT, None),
    ],
)
def test_ranges(server: Server, asked: str, status: int, content: bytes, shown: str | None) -> None:
    answer, got = ask(server, "/v1/exports/fec/A.txt", **KEY, Range=asked)
    assert (answer.status, got, answer.getheader("Content-Range")) == (status, content, shown)


def test_what_is_fetched_is_noted_with_its_token(server: Server, tmp_path: Path) -> None:
    """A file or a part of it; not a look, a refusal or a file that hasn't changed."""
    tag = ask(server, "/v1/exports/fec/A.txt", **KEY)[0].getheader("ETag") or ""
    ask(server, "/v1/exports/fec/A.txt", **KEY, Range="bytes=0-3")
    ask(server, "/v1/exports/fec/A.txt", "HEAD", **KEY)
    ask(server, "/v1/exports/fec/A.txt", **KEY, If_None_Match=tag)
    ask(server, "/v1/exports/fec/A.txt", Authorization="Bearer nobody")
    assert (tmp_path / "fetched").read_text().splitlines() == ["clerk fec/A.txt"] * 2


def test_etags(server: Server) -> None:
    answer, _ = ask(server, "/v1/exports/fec/A.txt", **KEY)
    tag = answer.getheader("ETag") or ""
    assert tag == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    again, content = ask(server, "/v1/exports/fec/A.txt", **KEY, If_None_Match=tag)
    assert (again.status, content) == (304, b"")
    other = {"If_Range": '"other"', "Range": "bytes=0-3"}
    assert ask(server, "/v1/exports/fec/A.txt", **KEY, **other)[1] == CONTENT


@pytest.mark.parametrize(
    "path",
    [
        "fec/../../state/signing.key",
        "fec/%2e%2e/%2e%2e/state/signing.key",
        "fec/..%2f..%2fstate%2fsigning.key",
        "fec//etc/passwd",
        "fec/link.txt",
        "fec/.A.txt.part",
        "fec/",
    ],
)
def test_f40_nothing_outside_the_exports(server: Server, path: str) -> None:
    assert ask(server, f"/v1/exports/{path}", **KEY)[0].status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_is_written(server: Server, method: str) -> None:
    assert ask(server, "/v1/exports/fec/A.txt", method, **KEY)[0].status == 501


def test_head_tells_without_the_content(server: Server) -> None:
    answer, content = ask(server, "/v1/exports/fec/A.txt", "HEAD", **KEY)
    assert (answer.status, answer.getheader("Content-Length"), content) == (200, "10", b"")


def test_a_silent_client_stops_nobody(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as silent:
        silent.sendall(b"GET /v1/ex")
        assert ask(server, "/healthz")[0].status == 200


def test_the_verb_answers_until_it_is_told_to_stop(tmp_path: Path) -> None:
    import os
    import signal
    import subprocess
    import sys

    command = [sys.executable, "-m", "integration.cli", "--home", str(tmp_path)]
    environment = {**os.environ, "ECHEANCE_HTTP__PORT": "0", "PYTHONUNBUFFERED": "1"}
    (tmp_path / "echeance.toml").write_text('[organisation]\ncode = "A"\nname = "A"\n')
    subprocess.run([*command, "init"], check=True, capture_output=True)
    with subprocess.Popen([*command, "http"], env=environment, stdout=subprocess.PIPE) as running:
        assert running.stdout
        port = int(running.stdout.readline().split(b",")[0].rpartition(b":")[2])
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/readyz")
        assert connection.getresponse().read() == b"ok\n"
        connection.close()
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
