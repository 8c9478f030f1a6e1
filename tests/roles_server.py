"""A server on loopback that speaks OpenAI's protocol and plays the four roles of mining, by the model's name."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

SYLLABLES = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ha",
    "je",
    "ki",
    "lo",
    "mu",
    "na",
    "pe",
    "ri",
    "so",
    "tu",
    "va",
    "wi",
    "xo",
    "yu",
    "za",
]


def words(rng: Random, count: int = 9) -> str:
    """An instruction of invented words, unlike any other."""
    return " ".join("".join(rng.choices(SYLLABLES, k=2)) for _ in range(count))


def between(text: str, start: str, end: str) -> str:
    return text.split(start)[1].split(end)[0].strip()


def reply(model: str, prompt: str, number: int) -> str:
    """What a role says: the teacher well, the student well to every other instruction, by its first letter."""
    if model == "teacher":
        return f"A good answer to {prompt[:30]}"
    if model == "student":
        return f"A {'good' if ord(prompt[0]) % 2 else 'poor'} answer of the student"
    if model == "referee":
        first, second = between(prompt, "[Response A]", "[Response B]"), between(prompt, "[Response B]", "[End]")
        return f"As I see it.\nScore of A: {9 if 'good' in first else 5}\nScore of B: {9 if 'good' in second else 5}"
    return words(Random(number))


class Roles(ThreadingHTTPServer):
    """The server; `asked` has the requests in their order."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def models(self) -> dict[str, int]:
        """Model to how often it was asked."""
        names = [one["model"] for one in self.asked]
        return {name: names.count(name) for name in sorted(set(names))}


class _Handler(BaseHTTPRequestHandler):
    server: Roles

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            number = len(self.server.asked)
            self.server.asked.append(asked)
        said = reply(asked["model"], asked["messages"][-1]["content"], number)
        message = {"role": "assistant", "content": said}
        body = {
            "id": str(number), "object": "chat.completion", "created": 0, "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }  # fmt: skip
        sent = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)


@contextmanager
def roles() -> Iterator[Roles]:
    """A running server."""
    with Roles() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
