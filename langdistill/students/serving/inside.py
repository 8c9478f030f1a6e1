"""What runs in vLLM's own process. It imports nothing of langdistill, which the Python that has vLLM may not have.

A program: ``python inside.py --model ... --middleware __main__.Students`` is vLLM's server, with two things added.

It ends when the process that started it is gone, however that one ended: it reads its standard input, a pipe that nobody
writes to and that the system closes with its owner. (Linux's parent-death signal comes when the *thread* ends that started a
process, and elsewhere not at all.)

And it answers to the plain name of a student, "concierge", with the version that is current. vLLM keeps caches by the name
of an adapter, so that a name may never get other weights; and a name that clients look up for themselves would move at
another moment in each of them. So the name is replaced here, in front of vLLM, which only ever sees versioned names: all
clients move in one step, whatever language they are written in, a request is answered by one version from beginning to
end, and its reply tells by which. As every request passes, those under way are known by adapter, and none is unloaded
while it has any. The state is of this process: vLLM is started with one API server, as loading adapters asks for anyway.

vLLM asks for the key below /v1 and a few other paths only; /invocations, which generates, and /adapters, which loads and
unloads, are open to everybody. Here the key is asked for everywhere but at what is `OPEN`.
"""

from __future__ import annotations

import hmac
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TOLD = "LANGDISTILL_SERVING"
"""What this process is told by the one that starts it, as JSON: `base`, `base_digest`, `max_rank`."""
CONTROL = "/v1/students"
UNLOAD = "/v1/unload_lora_adapter"
OPEN = ("/health", "/ping", "/version", "/metrics")
"""For those who watch the server."""
CLOSED = "/adapters"
"""Another way of vLLM's to load and unload, which would pass by what is under way."""
GRACE = 15
"""Seconds that vLLM has for its own way of ending."""
UNAUTHORIZED, ABSENT, CONFLICT, LOCKED = 401, 404, 409, 423


class Students:
    """Which version answers to which name, and what is under way; ASGI middleware.

    GET /v1/students                 what is served: `base`, `base_digest`, `max_rank`, `students`, `running`
    PUT /v1/students/concierge       `versions`, oldest first, the last is current; `instead_of`, what they were: 409 where
                                     they no longer are; no versions at all withdraw the name
    POST /v1/unload_lora_adapter     vLLM's own, but 409 for a current version, and 423 while it has requests under way
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.told: dict[str, Any] = json.loads(os.environ.get(TOLD, "{}"))
        self.versions: dict[str, list[dict[str, str]]] = {}
        self.running: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is meant for this class, and hand on the rest to vLLM."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not _allowed(scope, path):
            return await _reply(send, UNAUTHORIZED, _error("Unauthorized"))
        if path == CLOSED or path.startswith(f"{CLOSED}/"):
            return await _reply(send, ABSENT, _error(f"Load with /v1/load_lora_adapter, unload with {UNLOAD}."))
        if path == CONTROL or path.startswith(f"{CONTROL}/"):
            return await self._control(scope, path, receive, send)
        if scope["method"] != "POST" or b"json" not in _header(scope, b"content-type").lower():
            return await self.app(scope, receive, send)
        body = await _body(receive)
        return None if body is None else await self._hand_on(scope, path, body, receive, send)

    async def _hand_on(self, scope: Scope, path: str, body: bytes, receive: Receive, send: Send) -> None:
        """Resolve the name and count the request in one step: nothing else runs in between."""
        asked = _object(body)
        if path == UNLOAD and (refusal := self._in_use(str(asked.get("lora_name")))):
            return await _reply(send, *refusal)
        name = asked.get("model")
        if not isinstance(name, str):
            return await self.app(scope, _again(body, receive), send)
        if versions := self.versions.get(name):
            name = versions[-1]["name"]
            body = json.dumps({**asked, "model": name}).encode()
            scope = _sized(scope, len(body))
        self.running[name] += 1
        try:
            await self.app(scope, _again(body, receive), send)  # a streamed reply has been sent when this returns
        finally:
            self.running[name] -= 1
        return None

    def _in_use(self, name: str) -> tuple[int, Any] | None:
        for student, versions in self.versions.items():
            if versions[-1]["name"] == name:
                return CONFLICT, _error(f"{name} is the current {student}: swap it, roll it back or withdraw it first.")
        if count := self.running[name]:
            return LOCKED, _error(f"{name} has {count} requests under way.")
        return None

    async def _control(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        name = path.removeprefix(CONTROL).strip("/")
        if scope["method"] == "GET" and not name:
            running = {name: count for name, count in self.running.items() if count}
            return await _reply(send, 200, {**self.told, "students": self.versions, "running": running})
        if scope["method"] != "PUT" or not name:
            return await _reply(send, 405, _error("GET /v1/students, or PUT /v1/students/NAME."))
        asked = _object(await _body(receive) or b"")
        if self.versions.get(name, []) != asked.get("instead_of"):
            return await _reply(send, CONFLICT, _error(f"{name} has been changed by somebody else meanwhile."))
        if versions := asked.get("versions"):
            self.versions[name] = versions
        else:
            self.versions.pop(name, None)
        return await _reply(send, 200, {"versions": self.versions.get(name, [])})


def _allowed(scope: Scope, path: str) -> bool:
    """Whether the key was given, where one is needed; OPTIONS is what a browser asks first, without it."""
    key = os.environ.get("VLLM_API_KEY", "")
    if not key or path in OPEN or scope["method"] == "OPTIONS":
        return True
    return hmac.compare_digest(_header(scope, b"authorization"), f"Bearer {key}".encode())


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key.lower() == name), b"")


def _sized(scope: Scope, length: int) -> Scope:
    others = [pair for pair in scope["headers"] if pair[0].lower() != b"content-length"]
    return {**scope, "headers": [*others, (b"content-length", str(length).encode())]}


async def _body(receive: Receive) -> bytes | None:
    """The whole body; `None` where the client left before its end."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read, then what comes after it: that the client has left."""
    first = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> dict[str, Any]:
        return first.pop() if first else await receive()

    return give


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}  # vLLM says what is wrong with it
    return found if isinstance(found, dict) else {}


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message}}


async def _reply(send: Send, status: int, told: Any) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


def _end_with_the_starter() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGTERM)  # the whole group: while vLLM starts, its first process would leave the others behind
    time.sleep(GRACE)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    import runpy

    sys.path.pop(0)  # this folder: its files are no modules of vLLM's
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__")
