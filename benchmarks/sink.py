"""A server on loopback that takes whatever a tracer sends, in a process of its own, and counts its bytes."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

LANGSMITH: dict[str, Any] = {
    "version": "0.13.0",
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 16,
        "scale_down_nempty_trigger": 4,
        "size_limit": 100,
        "size_limit_bytes": 20_971_520,
    },
    "instance_flags": {"zstd_compression_enabled": True},
}
"""What LangSmith's client is told when it asks how to send."""


class Sink:
    """The process, its address and its counters."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.url = f"http://127.0.0.1:{self._process.stdout.readline().strip()}"

    def taken(self) -> Counter[str]:
        """Requests, bytes as sent and bytes after unpacking, since the last question."""
        with urllib.request.urlopen(f"{self.url}/taken") as told:
            return Counter(json.load(told))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


class Handler(BaseHTTPRequestHandler):
    """Takes everything."""

    protocol_version = "HTTP/1.1"
    counts: ClassVar[Counter[str]] = Counter()

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/taken":
            told = dict(self.counts)
            self.counts.clear()
            return self._answer(200, told)
        return self._answer(200, LANGSMITH if self.path.endswith("/info") else {})

    def do_POST(self) -> None:
        body = self._body()
        plain = unpacked(body, self.headers.get("content-encoding", ""))
        self.counts.update(requests=1, sent=len(body), plain=len(plain))
        self._answer(202 if "/runs" in self.path else 200, {})

    do_PATCH = do_POST

    def _body(self) -> bytes:
        if "content-length" in self.headers:
            return self.rfile.read(int(self.headers["content-length"]))
        parts = []
        while size := int(self.rfile.readline(), 16):  # chunked
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, told: Any) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def unpacked(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "zstd":
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return body


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
