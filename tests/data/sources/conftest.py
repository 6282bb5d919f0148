"""A small HTTP server for tests: with ranges or without, cut in the middle, slow, or with something else than was asked for."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

CONTENT = bytes(range(256)) * 4_000  # 1 MB: several chunks


@dataclass
class Served:
    """What the server gives, and what it was asked for."""

    content: bytes = CONTENT
    ranges: bool = True
    etag: str = '"one"'
    status: int = 200
    cuts: list[int] = field(default_factory=list)  # after how many bytes the next answers break off
    says_length: bool = True
    asked: list[str] = field(default_factory=list)  # the Range of every request, "" for none
    url: str = ""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        served: Served = self.server.served
        wanted = self.headers.get("Range", "")
        served.asked.append(wanted)
        if served.status != 200:
            self.send_error(served.status)
            return
        start = 0
        if wanted and served.ranges and self.headers.get("If-Range") == served.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(served.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(served.content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(served.content) - 1}/{len(served.content)}")
        else:
            self.send_response(200)
        rest = served.content[start:]
        if served.says_length:
            self.send_header("Content-Length", str(len(rest)))
        if served.etag:
            self.send_header("ETag", served.etag)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.wfile.write(rest[: served.cuts.pop(0)] if served.cuts else rest)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server on this machine; what it does is set on the object, which also tells what it was asked for."""
    monkeypatch.setattr("core.data.sources.transfer.PAUSE", 0)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.served = Served(url=f"http://127.0.0.1:{server.server_port}/set.zip")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.served
    server.shutdown()
    server.server_close()
