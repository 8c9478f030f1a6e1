from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill.testing.models import OneReplyChatModel


@pytest.fixture
def saying() -> Callable[..., OneReplyChatModel]:
    """A model that says these replies in turn."""

    def model(replies: Iterable[Any], **knobs: Any) -> OneReplyChatModel:
        told = iter(replies)

        def script(messages: list[BaseMessage], number: int) -> Any:
            reply = next(told)
            if isinstance(reply, Exception):
                raise reply
            return reply

        return OneReplyChatModel(script=script, **knobs)

    return model


@pytest.fixture
def asked() -> Callable[..., Any]:
    """Put a question to a graph, one request at a time."""

    def ask(graph: Any, question: str = "2+2?") -> Any:
        return graph.invoke({"messages": [("user", question)]}, {"max_concurrency": 1})

    return ask
