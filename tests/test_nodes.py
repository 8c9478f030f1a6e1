"""A node's body, and the block that it runs in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from langdistill.asking import ask
from langdistill.nodes import node
from langdistill.replies import caching, current_cache
from langdistill.testing.models import OneReplyChatModel

around: ContextVar[str] = ContextVar("around", default="nothing")


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
async def test_body_and_requests_run_inside_the_block(how: str) -> None:
    told: list[str] = []

    @contextmanager
    def block() -> Iterator[None]:
        told.append("entered")
        token = around.set("block")
        try:
            yield
        finally:
            around.reset(token)
            told.append("left")

    model = OneReplyChatModel(script=lambda messages, number: around.get())

    def body(state: Any) -> Any:
        [[reply], _] = yield [ask(model, "a"), ask(model, "b")]
        return {"asked": reply.text, "in": around.get()}

    runnable = node(body, inside=block)
    for _ in range(2):
        found = runnable.invoke({}) if how == "invoke" else await runnable.ainvoke({})
        assert found == {"asked": "block", "in": "block"}
    assert told == ["entered", "left"] * 2, "a new one for each run"
    assert around.get() == "nothing"


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
async def test_the_block_is_left_where_the_body_fails(tmp_path: Path, how: str) -> None:
    model = OneReplyChatModel(script=lambda messages, number: "said")

    def body(state: Any) -> Any:
        yield ask(model, "a")
        raise ValueError("of the body")

    runnable = node(body, inside=lambda: caching(tmp_path / "replies.db"))
    for _ in range(2):
        with pytest.raises(ValueError, match="of the body"):
            _ = runnable.invoke({}) if how == "invoke" else await runnable.ainvoke({})
        assert current_cache() is None
    assert len(model.prompts) == 1, "what had been said is kept"
