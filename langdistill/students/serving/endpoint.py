"""A server by its address and key: plain requests to it, and chat models on it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import orjson
from pydantic import SecretStr

from langdistill.errors import StudentError

if TYPE_CHECKING:
    from langdistill.reasoning_openai import ReasoningChatOpenAI

KEY = "LANGDISTILL_API_KEY"
"""Names the key of a server, where none is given."""
NO_KEY = "none"
"""What a client says to a server that asks for none. Without a key it would send that of OpenAI, where the environment has one."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Served(Protocol):
    """What has the address of a server: a `VLLMServer`, its `Adapters`, an `Endpoint`."""

    @property
    def url(self) -> str:
        """Its address, which ends in /v1."""
        ...

    @property
    def api_key(self) -> str:
        """Its key; empty where it asks for none."""
        ...


class Refused(StudentError):
    """The server answered, but not with what was asked for."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        """Of HTTP."""

    def __str__(self) -> str:
        return str(self.args[1])


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible server."""

    url: str
    """Its address, which ends in /v1."""
    api_key: str = field(default="", repr=False)

    @classmethod
    def of(cls, server: str | Served, api_key: str | None = None) -> Endpoint:
        """The server of an address, with or without /v1; without a key, that of the environment variable `LANGDISTILL_API_KEY`.

        Raises:
            StudentError: that is no address.
        """
        if not isinstance(server, str):
            return cls(server.url, server.api_key if api_key is None else api_key)
        url = server.rstrip("/").removesuffix("/v1")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise StudentError(f"{server!r} is no address of a server. Give one such as http://127.0.0.1:8000.")
        return cls(f"{url}/v1", os.environ.get(KEY, "") if api_key is None else api_key)

    def call(self, method: str, path: str, body: Any = None, *, timeout: float = 600) -> Any:
        """Make a request and read the JSON of its reply; `None` where it is none.

        Args:
            method: of HTTP.
            path: below /v1, as "/models".
            body: sent as JSON.
            timeout: seconds without a byte.

        Raises:
            Refused: the server says no.
            StudentError: there is no server, or it does not answer.
        """
        return _json(self._reply(method, f"{self.url}{path}", body, timeout))

    def metrics(self) -> str:
        """What the server tells of itself at /metrics, in the text format of Prometheus.

        Raises:
            Refused: it tells nothing there.
            StudentError: there is no server, or it does not answer.
        """
        return self._reply("GET", f"{self.url.removesuffix('/v1')}/metrics", None, 60).decode()

    def _reply(self, method: str, url: str, body: Any, timeout: float) -> bytes:
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.api_key or NO_KEY}"}
        data = None if body is None else orjson.dumps(body)
        request = Request(url, data, headers, method=method)
        proxies = {} if urlsplit(self.url).hostname in LOOPBACK else None
        try:
            with build_opener(ProxyHandler(proxies)).open(request, timeout=timeout) as reply:
                return reply.read()
        except HTTPError as error:
            raise Refused(error.code, self._refusal(error)) from error
        except (URLError, HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            raise StudentError(
                f"No server answers at {self.url}: {reason}. Start one with `langdistill serve`, or mend the address."
            ) from error

    def _refusal(self, error: HTTPError) -> str:
        with error:  # It is the reply, too, and keeps its socket until it is closed.
            told = _json(error.read())
        if error.code == 401:
            return (
                f"The server at {self.url} refuses the key. Give the one that it was started with: --api-key, or {KEY}."
            )
        said = told.get("error", told) if isinstance(told, dict) else told
        said = said.get("message", said) if isinstance(said, dict) else said
        return f"The server at {self.url} says {error.code}: {said or error.reason}"

    def chat_model(self, model: str, **knobs: Any) -> ReasoningChatOpenAI:
        """A LangChain chat model of that name on the server; it decodes greedily unless told otherwise.

        Raises:
            MissingExtra: langchain-openai is not installed.
        """
        from langdistill.reasoning_openai import ReasoningChatOpenAI

        key = SecretStr(self.api_key or NO_KEY)
        told: dict[str, Any] = {"temperature": 0.0, **knobs}
        return ReasoningChatOpenAI(model=model, base_url=self.url, api_key=key, **told)


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
