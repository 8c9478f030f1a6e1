"""What the replies to one problem took, by model: of every call below it, and of what a cache answered instead of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from langdistill.asking import ask
from langdistill.evaluation.results import Account
from langdistill.usage import tokens_of


def model_in(metadata: Mapping[str, Any]) -> str | None:
    """The configured name of the model that is asked."""
    name = metadata.get("ls_model_name")
    return str(name) if name else None


def node_in(metadata: Mapping[str, Any]) -> str | None:
    """The graph's node that asks; of a graph inside it, the node of the outer one."""
    return str(metadata.get("langgraph_checkpoint_ns") or "").partition(":")[0] or None


class Meter(BaseCallbackHandler):
    """Counts completions and tokens of every model call below it; thread-safe."""

    run_inline = True

    def __init__(self, by: Callable[[Mapping[str, Any]], str | None] = model_in) -> None:
        """Begin at nothing.

        Args:
            by: from a call's metadata to the account that it goes to; where it tells none, by the model that the reply names.
        """
        self.accounts: dict[str, Account] = {}
        self._by = by
        self._names: dict[UUID, str] = {}
        self._lock = Lock()

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note whose account it goes to."""
        if name := self._by(metadata or {}):
            with self._lock:
                self._names[run_id] = name

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Count one call, all its replies together."""
        replies = response.generations[0] if response.generations else []
        told = next((one.message for one in replies if isinstance(one, ChatGeneration)), None)
        with self._lock:
            name = self._names.pop(run_id, None)
        self._count(_name(name, told), len(replies), response)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget a call that failed."""
        with self._lock:
            self._names.pop(run_id, None)

    def overhear(self, model: Any, messages: Sequence[AIMessage]) -> None:
        """Count replies to one prompt that came from a cache.

        Servers repeat the sum of all n replies of a request on each of them: those of one response count once.
        """
        responses = {one.response_metadata.get("id") or at: one for at, one in enumerate(messages)}
        result = LLMResult(generations=[[ChatGeneration(message=one) for one in responses.values()]])
        self._count(ask(model, "").model_name, len(messages), result)

    def _count(self, name: str, replies: int, result: LLMResult) -> None:
        account = Account(completions=replies, **tokens_of(result))
        with self._lock:
            self.accounts[name] = self.accounts.get(name, Account()) + account


def _name(configured: str | None, told: BaseMessage | None) -> str:
    """What a model goes by: its configured name, or where it has none the one that its reply tells."""
    return configured or str(told.response_metadata.get("model_name") if told else "unknown")
