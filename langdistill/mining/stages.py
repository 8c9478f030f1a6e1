"""What the stages share: a model in its role, asked for many replies that are kept as they come, and the end of a budget.

A stage is a generator body (`langdistill.nodes`) whose replies are answered from the pools' folder where they are known. It reads
ids from the state and the rest from the pools.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, wraps
from itertools import islice
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.asking import Ask, ask, chat_model, without_tools
from langdistill.budgets import BudgetSpent, current_budget
from langdistill.errors import ModelError
from langdistill.fetching import stopped_of
from langdistill.mining.instructions import storable
from langdistill.mining.pools import Answer, InstructionPools
from langdistill.nodes import Body, node, stream_writer
from langdistill.records import digest
from langdistill.replies import settings_of

Model = str | BaseChatModel | Runnable[Any, Any]
Asking = Generator[list[Ask], list[list[AIMessage]], None]

BATCH = 512
"""Requests that are made before what came of them is written into the pools."""

FEW, FEW_IN = 16, 50
"""Requests that may fail together while the model is taken to be up: so many, or one in so many of those it has answered."""

ANSWERING: dict[str, Any] = {"temperature": 0.7, "max_tokens": 1024}
"""How teacher and student are sampled: the authors' settings."""


@dataclass(frozen=True)
class Role:
    """A model in one of the four roles."""

    name: str
    model: Runnable[Any, Any]
    decoding: Mapping[str, Any] = field(default_factory=dict[str, Any])
    version: str = ""
    """Tells students apart that are graphs of one name."""

    @classmethod
    def of(cls, name: str, model: Model, decoding: Mapping[str, Any], *, version: str = "") -> Role:
        """A model or its string, in a role."""
        return cls(name, without_tools(chat_model(model)), dict(decoding), version)

    @cached_property
    def label(self) -> str:
        """What its answers go by: two roles, models, versions, or two settings of one, never share it."""
        name = ask(self.model, "").model_name
        decoding = {key: str(value) for key, value in self.decoding.items()}
        told = digest(self.name, settings_of(self.model) or name, self.version, decoding)
        return f"{name}-{told[:8]}"

    def asks(self, prompts: Iterable[str], *, first: int | None = None) -> Iterator[Ask]:
        """A request for one reply to each prompt; `first` tells further replies to the same prompt apart."""
        return (ask(self.model, prompt, first=first, **self.decoding) for prompt in prompts)


def stage(body: Body, pools: InstructionPools) -> Runnable[Any, Any]:
    """A node of a body, which answers from the pools' folder; where a budget is spent the run stops and says so."""
    return node(_stopping(body), inside=pools.remembering)


def ask_all(
    role: str, asks: Iterable[Ask], keep: Callable[[list[tuple[int, AIMessage]]], None], *, of: int, given: int = 0
) -> Asking:
    """Make requests in batches, and hand over each batch's replies with their places; those that failed are left out.

    So is what a graph made the best of when the budget was spent: it is asked again when there is more. Where a few fail together
    beside many that were answered it is the requests' own fault, a filter's say; otherwise the model is down. After each batch a
    custom stream event tells the role, how many requests are done, and of how many.

    Args:
        role: as the error names it.
        asks: what is asked.
        keep: is handed the replies.
        of: how many requests there are.
        given: how many replies the model has given before.

    Raises:
        BudgetSpent: the budget left none of a batch, or not all.
        ModelError: the model is down.
    """
    left, start, failed = iter(asks), 0, 0
    while some := list(islice(left, BATCH)):
        try:
            replies = yield some
        except BudgetSpent:
            raise
        except Exception as error:
            failed += len(some)
            if not given or failed > max(FEW, given // FEW_IN):
                raise ModelError(
                    f"The {role} ({some[0].model_name}) gave none of {len(some)} replies: {str(error).rstrip('.')}. What came before "
                    "is kept: mend it, and run the same again."
                ) from error
            replies = [[] for _ in some]
        spent = current_budget().reached()
        whole = [(start + at, one[0]) for at, one in enumerate(replies) if one and not (spent and stopped_of(one[0]))]
        keep(whole)
        stream_writer()({"role": role, "done": start + len(some), "of": of})
        if spent and len(whole) < len(some):
            raise current_budget().exhausted()
        start, given, failed = start + len(some), given + len(whole), 0 if whole else failed


def answer_all(role: Role, ids: Sequence[str], pools: InstructionPools) -> Asking:
    """Have a model answer the instructions that it has not answered yet."""
    known = pools.answers(ids, role.label)
    left = [one for one in pools.instructions(list(dict.fromkeys(ids))) if one.id not in known]

    def keep(replies: list[tuple[int, AIMessage]]) -> None:
        pools.put_answers(
            Answer(left[at].id, role.label, role.name, said(reply), *tokens(reply)) for at, reply in replies
        )

    asks = role.asks(one.request for one in left)
    yield from ask_all(role.name, asks, keep, of=len(left), given=len(known))


def said(reply: AIMessage) -> str:
    """The text of a reply, as files hold it."""
    return storable(reply.text)


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
