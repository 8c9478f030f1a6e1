"""Remember replies, so that a long job that runs again asks only for what is missing.

    with caching("replies.db"):
        graph.invoke(...)

A model that cannot be told apart from another (a plain Runnable) is asked every time; of a graph, the calls inside are remembered.
A reply's key is the model with its settings, the prompt, the parameters and the index of the sample: the fifth of eight
samples is a reply of its own, and a group of which five are known asks for three.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from threading import Lock
from typing import Any

import orjson
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, message_to_dict, messages_from_dict
from langchain_core.runnables import RunnableBinding, RunnableWithFallbacks

from langdistill.errors import StoreError
from langdistill.records import digest


class ReplyCache:
    """Replies in one SQLite file; safe to share between threads."""

    def __init__(self, path: str | Path) -> None:
        """Open the file, or make it.

        Raises:
            StoreError: it exists and is no SQLite file, or cannot be opened.
        """
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            # what is kept outlives the process at once; a power cut may take the last replies, which are then asked for again
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS reply (key TEXT PRIMARY KEY, message BLOB NOT NULL) WITHOUT ROWID"
            )
        except sqlite3.Error as error:
            raise StoreError(
                f"The reply cache {str(path)!r} cannot be opened: {error}. Give a path to a new file."
            ) from error
        self._lock = Lock()

    def get(
        self, model: Any, prompt: Sequence[BaseMessage], params: Mapping[str, Any], indices: Iterable[int]
    ) -> dict[int, AIMessage]:
        """The known ones of these replies, by sample index."""
        known: dict[int, AIMessage] = {}
        for index in indices:
            if (key := _key(model, prompt, params, index)) is None:
                return {}
            with self._lock:
                row = self._db.execute("SELECT message FROM reply WHERE key = ?", [key]).fetchone()
            if row and isinstance(message := messages_from_dict([_decoded(row[0])])[0], AIMessage):
                known[index] = message
        if known and (listener := _listener.get()):
            listener(model, list(known.values()))
        return known

    def put(
        self, model: Any, prompt: Sequence[BaseMessage], params: Mapping[str, Any], index: int, message: BaseMessage
    ) -> None:
        """Keep a reply; a later one under the same key replaces it.

        Its id is not kept: a message that comes back must not replace another one of a conversation.
        """
        if (key := _key(model, prompt, params, index)) is None:
            return
        row = [key, _encoded(message_to_dict(message.model_copy(update={"id": None})))]
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO reply VALUES (?, ?)", row)

    def close(self) -> None:
        """Close the file."""
        with self._lock:  # a thread that nobody waits for may be reading
            self._db.close()


def _encoded(message: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(message, default=str)
    except TypeError:  # half a surrogate pair, which models do write, or a number of any size
        return json.dumps(message, default=str).encode()


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line)


def _key(model: Any, prompt: Sequence[BaseMessage], params: Mapping[str, Any], index: int) -> str | None:
    if (settings := settings_of(model)) is None:
        return None
    said = [[message.type, message.content, getattr(message, "tool_calls", None)] for message in prompt]
    return digest(settings, [*said, index], {key: str(value) for key, value in params.items()})


def settings_of(model: Any) -> str | None:
    """What tells two models apart, or `None` where nothing does and replies must not be remembered.

    LangChain's own cache string for a chat model, with what is bound to it and what it falls back to; a `cache_string` of the
    model's own.
    """
    if isinstance(model, RunnableWithFallbacks):
        parts = [settings_of(one) for one in (model.runnable, *model.fallbacks)]
        return None if None in parts else repr(parts)
    if isinstance(model, RunnableBinding):
        inner = settings_of(model.bound)
        return None if inner is None else f"{inner} {sorted(model.kwargs.items())!r}"
    if isinstance(model, BaseChatModel):
        return model._get_llm_string()  # pyright: ignore[reportPrivateUsage]
    return getattr(model, "cache_string", None)


Listener = Callable[[Any, Sequence[AIMessage]], None]
"""Told a model and those of its replies to one prompt that came from a cache."""

_listener: ContextVar[Listener | None] = ContextVar("langdistill_cache_listener", default=None)
_current: ContextVar[ReplyCache | None] = ContextVar("langdistill_cache", default=None)


def current_cache() -> ReplyCache | None:
    """The cache of the enclosing `with caching(...)`, if any."""
    return _current.get()


@contextmanager
def caching(cache: str | Path | ReplyCache) -> Generator[ReplyCache]:
    """Answer from the file what was asked before inside such a block, and keep what is asked now.

    A reply from the cache calls no model, so it raises no callback event and is in no trace.

    Args:
        cache: its file, which is opened for the block; or an open cache, which stays open.
    """
    opened = cache if isinstance(cache, ReplyCache) else ReplyCache(cache)
    token = _current.set(opened)
    try:
        yield opened
    finally:
        _current.reset(token)
        if opened is not cache:
            opened.close()


@contextmanager
def overhearing(listener: Listener) -> Generator[None]:
    """Tell a function what is answered from a cache inside the block: no callback event does."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
