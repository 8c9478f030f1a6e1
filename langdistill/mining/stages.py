"""What the stages share: a model in its role, asked for many replies that are kept as they come, and the end of a budget.

A stage is a generator body (`langdistill.nodes`) whose replies are answered from the pools' folder where they are known. It reads
ids from the state and the rest from the pools.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.asking import Ask, ask, chat_model, without_tools
from langdistill.budgets import BudgetSpent, current_budget
from langdistill.errors import ModelError
from langdistill.mining.pools import Answer, Pools
from langdistill.nodes import Body, node, stream_writer
from langdistill.records import digest
from langdistill.replies import settings_of

Model = str | BaseChatModel | Runnable[Any, Any]
Asking = Generator[list[Ask], list[list[AIMessage]], None]

BATCH = 512
"""Requests that are made before what came of them is written into the pools."""

OUTAGE = 8
"""So many requests that fail together are an outage, whatever was answered before."""

ANSWERING: dict[str, Any] = {"temperature": 0.7, "max_tokens": 1024}
"""How teacher and student are sampled: the authors' settings."""


@dataclass(frozen=True)
class Role:
    """A model in one of the four roles."""

    name: str
    model: Runnable[Any, Any]
    decoding: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def of(cls, name: str, model: Model, decoding: Mapping[str, Any]) -> Role:
        """A model or its string, in a role."""
        return cls(name, without_tools(chat_model(model)), dict(decoding))

    @cached_property
    def label(self) -> str:
        """What its answers go by: two models, or two settings of one, never share it."""
        name = ask(self.model, "").model_name
        told = digest(settings_of(self.model) or name, {key: str(value) for key, value in self.decoding.items()})
        return f"{name}-{told[:8]}"

    def asks(self, prompts: Iterable[str], *, first: int | None = None) -> list[Ask]:
        """A request for one reply to each prompt; `first` tells further replies to the same prompt apart."""
        return [ask(self.model, prompt, first=first, **self.decoding) for prompt in prompts]


def stage(body: Body, pools: Pools) -> Runnable[Any, Any]:
    """A node of a body, which answers from the pools' folder; where a budget is spent the run stops and says so."""
    return node(_stopping(body), inside=pools.remembering)


def ask_all(
    role: str, asks: Sequence[Ask], keep: Callable[[list[tuple[int, AIMessage]]], None], *, known: int = 0
) -> Asking:
    """Make requests in batches, and hand over each batch's replies with their places; those that failed are left out.

    After each batch a custom stream event tells the role, how many requests are done, and of how many.

    Args:
        role: who is asked.
        asks: for one reply each.
        keep: takes what came.
        known: replies that the role has given before. Where it has given any, a few requests that all fail are these requests'
            fault (a prompt that is too long, say), and not an outage.

    Raises:
        BudgetSpent: the budget left none of a batch, or not all.
        ModelError: not one reply of a batch came.
    """
    for start in range(0, len(asks), BATCH):
        some = list(asks[start : start + BATCH])
        try:
            replies = yield some
        except BudgetSpent:
            raise
        except Exception as error:
            if (known or start) and len(some) < OUTAGE:
                continue
            raise ModelError(
                f"The {role} ({some[0].model_name}) gave none of {len(some)} replies: {str(error).rstrip('.')}. What came before is "
                "kept: mend it, and run the same again."
            ) from error
        keep([(start + at, found[0]) for at, found in enumerate(replies) if found])
        stream_writer()({"role": role, "done": start + len(some), "of": len(asks)})
        if not all(replies) and current_budget().reached():
            raise current_budget().exhausted()


def answer_all(role: Role, ids: Sequence[str], pools: Pools) -> Asking:
    """Have a model answer the instructions that it has not answered yet."""
    known = pools.answers(ids, role.label)
    left = [one for one in pools.instructions(ids) if one.id not in known]

    def keep(replies: list[tuple[int, AIMessage]]) -> None:
        pools.put_answers(
            Answer(left[at].id, role.label, role.name, reply.text, *tokens(reply)) for at, reply in replies
        )

    yield from ask_all(role.name, role.asks(one.request for one in left), keep, known=len(known))


def tokens(reply: AIMessage) -> tuple[int | None, int | None]:
    """Tokens read and written, as far as the model told."""
    usage = reply.usage_metadata
    return (usage["input_tokens"], usage["output_tokens"]) if usage else (None, None)


def _stopping(body: Body) -> Body:
    @wraps(body)
    def run(state: Any):
        try:
            return (yield from body(state))
        except BudgetSpent:
            return {"stopped": f"the budget is spent: {current_budget().reached()}", "ended": True}

    return run
