"""Runs with a reasoning, for the tests of what is made of them."""

from __future__ import annotations

from typing import Any

from langdistill.records import Call, Example, Reply, Trace


def solved(problem: str, *texts: str, hint: str | None = None, **fields: Any) -> Trace:
    """A run that sampled these replies, each in its own call."""
    replies = [Reply(message={"role": "assistant", "content": text}) for text in texts]
    calls = [
        Call(id=f"{problem}-{at}", candidate=True, replies=[one], hint=hint, model="teacher")
        for at, one in enumerate(replies)
    ]
    question = fields.pop("question", f"What is {problem}?")
    metadata = {"problem": problem, **fields.pop("metadata", {})}
    return Trace(
        id=problem, name="g", input=[{"role": "user", "content": question}], calls=calls, metadata=metadata, **fields
    )


def row(problem: str, reasoning: str | None = "Because.", answer: str | None = "4", **fields: Any) -> Example:
    """An example."""
    told: Any = {"messages": [{"role": "user", "content": f"What is {problem}?"}], "trace": f"t-{problem}"} | fields
    target: Any = fields.get("target") or [{"role": "assistant", "content": f"{reasoning}\nAnswer: {answer}"}]
    return Example(**told | {"target": target}, problem=problem, reasoning=reasoning, answer=answer)
