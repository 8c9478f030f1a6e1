"""How a node asks models: the one place that knows sync from async.

A node's body is a generator that yields what it wants asked and is sent the replies; it does no I/O itself. `node` turns
such a body into a Runnable that runs under `invoke` (threads) and under `ainvoke` (the event loop), with the caller's
config, so that callbacks, tags, `max_concurrency` and cancellation are LangChain's own.

    def sample(state):
        replies = yield ask(model, prompt, n=8)
        return {"candidates": [reply.text for reply in replies]}

    builder.add_node("sample", node(sample))

Every request passes through here, so this is also where the budget is counted, where a failed sample is kept apart from
the others of its group, and where an optional reply cache answers what has been asked before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.prompt_values import ChatPromptValue
from langchain_core.runnables import Runnable, RunnableBinding, RunnableConfig, RunnableLambda
from langchain_core.runnables.config import merge_configs

from langdistill.errors import MissingExtra, ModelError

if TYPE_CHECKING:
    from langdistill.caching import ReplyCache

