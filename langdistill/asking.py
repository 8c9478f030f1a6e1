"""What a node's body yields to have a model asked.

A node's body is a generator that yields what it wants asked and is sent the replies; it does no I/O itself (`nodes.node`):

    def sample(state):
        replies = yield ask(model, prompt, n=8)
        return {"candidates": [reply.text for reply in replies]}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableBinding, RunnableWithFallbacks
from langgraph.pregel import Pregel

from langdistill.errors import MissingExtra, ModelError

Prompt = str | Sequence[AnyMessage]
Heard = Callable[[str], str]
"""From a reply as far as it has come to the part of it that the user may already read; it only ever grows."""

LOCAL = ("local:", "vllm:")
"""How strings begin that name weights of one's own. Students are found by the name of their module, and only then: the ground
imports no station."""

TOOL_KNOBS = ("tools", "tool_choice", "functions", "function_call", "parallel_tool_calls")


@dataclass(frozen=True)
class Ask:
    """One thing to ask: n replies of one model to one prompt. Made by `ask`."""

    model: Runnable[Any, Any]
    prompt: tuple[AnyMessage, ...]
    n: int
    first: int | None
    candidate: bool
    refinement: bool
    hint: str | None
    heard: Heard | None
    params: dict[str, Any]

    @property
    def indices(self) -> range:
        """Sample indices of the replies."""
        start = self.first or 0
        return range(start, start + self.n)

    @property
    def sampled(self) -> bool:
        """Whether the replies are samples of a group, told apart by their index."""
        return self.n > 1 or self.first is not None

    @property
    def of_graph(self) -> bool:
        """Whether a graph is asked; what is spent inside it is counted there."""
        return isinstance(self.model, Pregel)

    @property
    def n_in_one_request(self) -> bool:
        """Whether the model is one that can give several replies to one request."""
        return self.n > 1 and "n" in getattr(type(unbound(self.model)), "model_fields", {})

    @cached_property
    def model_name(self) -> str:
        """What the model is called in a ledger and in a price table."""
        model = unbound(self.model)
        while isinstance(model, RunnableWithFallbacks):
            model = unbound(model.runnable)
        if isinstance(model, BaseChatModel):
            told = model._get_ls_params().get("ls_model_name")  # pyright: ignore[reportPrivateUsage]
            return str(told or type(model).__name__)
        return str(getattr(model, "model_name", None) or model.get_name())


def ask(
    model: Runnable[Any, Any],
    prompt: Prompt,
    *,
    n: int = 1,
    first: int | None = None,
    candidate: bool = False,
    refinement: bool = False,
    hint: str | None = None,
    heard: Heard | None = None,
    **params: Any,
) -> Ask:
    """What a node's body yields to have a model asked; it is sent back a list of at most `n` AIMessages.

    Several `Ask`s yielded as a list are asked concurrently and answered by a list of such lists, in order. A reply that
    failed is missing from its list; only where every reply of the whole request failed is the first error raised. Where the
    budget leaves nothing of a request, `BudgetSpent` is raised at the `yield`.

    Args:
        model: a chat model, bound or not, or a graph that takes and gives `messages`.
        prompt: a user message's text, or a list of messages.
        n: how many replies; in one request where the model has a field `n`, else in n concurrent ones.
        first: index of the first of these samples, where a group is drawn in several steps.
        candidate: the replies are candidates for the final answer. The mark goes into the run's metadata, where a
            harvest finds the votes by it.
        refinement: the prompt shows an earlier answer, which the reply is to better. The mark goes into the run's metadata: a
            refinement votes for nothing beside what it refines, and nobody learns from it what a first answer is like.
        hint: what the prompt tells of the gold answer, word for word. It goes into the run's metadata, where a harvest finds
            what must not be learnt by it.
        heard: the reply concludes the strategy: its tokens go into LangGraph's `messages` stream as they come, as far as
            this function of the text lets them. Of one reply only.
        params: sampling parameters of this request, such as ``temperature=0.7``; those that are `None` are left out.

    Raises:
        ModelError: `n` is below 1.
    """
    if n < 1:
        raise ModelError(f"A model was to be asked for n={n} replies; ask for at least one.")
    messages = (HumanMessage(prompt),) if isinstance(prompt, str) else tuple(prompt)
    given = {key: value for key, value in params.items() if value is not None}
    return Ask(model, messages, n, first, candidate, refinement, hint, heard if n == 1 else None, given)


def chat_model(model: str | Runnable[Any, Any]) -> Runnable[Any, Any]:
    """The model itself, or the one that a string names.

    "local:PATH" and "vllm:PATH" are the model or student in a folder, in this process or through vLLM's offline `LLM`; any
    other string, such as "openai:gpt-4.1", is for `langchain.chat_models`.

    Raises:
        MissingExtra: another string was given and langchain is not installed.
        StudentError: there is no model at the path.
    """
    if not isinstance(model, str):
        return model
    if model.startswith(LOCAL):
        return import_module("langdistill.students.named").model_named(model)
    try:
        from langchain.chat_models import init_chat_model
    except ImportError as missing:
        raise MissingExtra("langchain", "agents") from missing
    return init_chat_model(model)


def without_tools(model: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """The model without the tools that are bound to it: for the steps before the one that answers.

    A rephrasing or a list of criteria that comes back as a tool call is of no use to the next step.
    """
    if isinstance(model, RunnableWithFallbacks):
        fallbacks = [without_tools(one) for one in model.fallbacks]
        return model.model_copy(update={"runnable": without_tools(model.runnable), "fallbacks": fallbacks})
    if not isinstance(model, RunnableBinding):
        return model
    kwargs = {key: value for key, value in model.kwargs.items() if key not in TOOL_KNOBS}
    return model.model_copy(update={"bound": without_tools(model.bound), "kwargs": kwargs})


def unbound(model: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """The model inside any bindings."""
    while isinstance(model, RunnableBinding):
        model = model.bound
    return model
