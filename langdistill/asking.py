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
from contextvars import ContextVar, Token
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.prompt_values import ChatPromptValue
from langchain_core.runnables import Runnable, RunnableBinding, RunnableConfig, RunnableLambda
from langchain_core.runnables.config import get_executor_for_config, merge_configs
from langchain_core.runnables.utils import gather_with_concurrency
from langgraph.errors import GraphBubbleUp
from langgraph.pregel import Pregel

from langdistill.budgets import current_budget
from langdistill.errors import MissingExtra, ModelError
from langdistill.replies import current_cache

Prompt = str | Sequence[AnyMessage]
Body = Callable[[Any], Any]
"""A node's body: takes the state and yields `Ask`s, or lists of them, before it returns the update."""

sample_path: ContextVar[tuple[int, ...]] = ContextVar("langdistill_sample_path", default=())
"""Indices of the samples that the running request belongs to, outermost first. A graph that is sampled n times asks the same
prompt n times; a seeded model in this process tells the samples apart by it."""

HIDDEN = "nostream"
"""Tag that keeps inner calls out of LangGraph's `messages` stream."""


@dataclass(frozen=True)
class Ask:
    """One thing to ask: n replies of one model to one prompt. Made by `ask`."""

    model: Runnable[Any, Any]
    prompt: tuple[AnyMessage, ...]
    n: int
    candidate: bool
    params: dict[str, Any]

    @property
    def n_in_one_request(self) -> bool:
        """Whether the model is one that can give several replies to one request."""
        return self.n > 1 and "n" in getattr(type(_unbound(self.model)), "model_fields", {})


def ask(model: Runnable[Any, Any], prompt: Prompt, *, n: int = 1, candidate: bool = False, **params: Any) -> Ask:
    """What a node's body yields to have a model asked; it is sent back a list of at most `n` AIMessages.

    Several `Ask`s yielded as a list are asked concurrently and answered by a list of such lists, in order. A reply that
    failed is missing from its list; only where every reply of the whole request failed is the first error raised.

    Args:
        model: a chat model, bound or not, or a graph that takes and gives `messages`.
        prompt: a user message's text, or a list of messages.
        n: how many replies; in one request where the model has a field `n`, else in n concurrent ones.
        candidate: the replies are candidates for the final answer. The mark goes into the run's metadata, where a
            harvest finds the votes by it.
        params: sampling parameters of this request, such as ``temperature=0.7``; those that are `None` are left out.

    Raises:
        ModelError: `n` is below 1.
    """
    if n < 1:
        raise ModelError(f"A model was to be asked for n={n} replies; ask for at least one.")
    messages = (HumanMessage(prompt),) if isinstance(prompt, str) else tuple(prompt)
    return Ask(model, messages, n, candidate, {key: value for key, value in params.items() if value is not None})


def chat_model(model: str | Runnable[Any, Any]) -> Runnable[Any, Any]:
    """The model itself, or the one that a string such as "openai:gpt-4.1" names (`langchain.chat_models`).

    Raises:
        MissingExtra: a string was given and langchain is not installed.
    """
    if not isinstance(model, str):
        return model
    try:
        from langchain.chat_models import init_chat_model
    except ImportError as missing:
        raise MissingExtra("langchain", "agents") from missing
    return init_chat_model(model)


def node(body: Body) -> RunnableLambda[Any, Any]:
    """Make a graph node of a generator body; it runs under `invoke` and under `ainvoke`."""

    def run(state: Any, config: RunnableConfig) -> Any:
        work, replies = body(state), None
        while inspect.isgenerator(work):
            request, update = _advance(work, replies)
            if request is None:
                return update
            while jobs := request.jobs():
                request.settle(jobs, _fetch(jobs, config))
            replies = request.replies()
        return work

    async def arun(state: Any, config: RunnableConfig) -> Any:
        work, replies = body(state), None
        while inspect.isgenerator(work):
            request, update = _advance(work, replies)
            if request is None:
                return update
            while jobs := request.jobs():
                request.settle(jobs, await _afetch(jobs, config))
            replies = request.replies()
        return work

    return RunnableLambda(run, afunc=arun, name=body.__name__)


def _advance(work: Generator[Any, Any, Any], replies: Any) -> tuple[_Request | None, Any]:
    """Send the replies in; out comes the next request, or `None` and the node's update."""
    try:
        return _Request(work.send(replies)), None
    except StopIteration as finished:
        return None, finished.value


class _Job(NamedTuple):
    """One request to one model, for the replies with these indices of an ask."""

    at: int
    ask: Ask
    indices: tuple[int, ...]

    def call(self, config: RunnableConfig) -> LLMResult | Exception:
        entered = self._enter()
        try:
            if len(self.indices) > 1:
                chat, given = _unwrap(self.ask.model, self._config(config))
                return chat.generate_prompt([self._prompt], n=len(self.indices), **(given | self.ask.params))
            return _result(self.ask.model.invoke(self._input, self._config(config), **self._params))
        except GraphBubbleUp:  # an interrupt or a hand-off of an inner graph is no failure
            raise
        except Exception as error:
            return error
        finally:
            sample_path.reset(entered)

    async def acall(self, config: RunnableConfig) -> LLMResult | Exception:
        entered = self._enter()
        try:
            if len(self.indices) > 1:
                chat, given = _unwrap(self.ask.model, self._config(config))
                return await chat.agenerate_prompt([self._prompt], n=len(self.indices), **(given | self.ask.params))
            return _result(await self.ask.model.ainvoke(self._input, self._config(config), **self._params))
        except GraphBubbleUp:
            raise
        except Exception as error:
            return error
        finally:
            sample_path.reset(entered)

    def _enter(self) -> Token[tuple[int, ...]]:
        return sample_path.set((*sample_path.get(), *self.indices[:1]) if self.ask.n > 1 else sample_path.get())

    @property
    def _prompt(self) -> ChatPromptValue:
        return ChatPromptValue(messages=self.ask.prompt)

    @property
    def _input(self) -> Any:
        return {"messages": list(self.ask.prompt)} if isinstance(self.ask.model, Pregel) else list(self.ask.prompt)

    @property
    def _params(self) -> dict[str, Any]:
        """A graph takes no sampling parameters; a seed shared by separate requests would make their replies equal."""
        if isinstance(self.ask.model, Pregel):
            return {}
        params = self.ask.params
        return params | {"seed": params["seed"] + self.indices[0]} if "seed" in params else params

    def _config(self, config: RunnableConfig) -> RunnableConfig:
        marks: RunnableConfig = {"tags": [HIDDEN]}
        if self.ask.candidate:
            marks["metadata"] = {"candidate": True}
        return merge_configs(config, marks)


class _Request:
    """What one `yield` asked for, and what has come back of it."""

    def __init__(self, wanted: Ask | Sequence[Ask]) -> None:
        self.single = isinstance(wanted, Ask)
        self.asks: list[Ask] = [wanted] if isinstance(wanted, Ask) else list(wanted)
        self.found: list[dict[int, AIMessage]] = [self._cached(one) for one in self.asks]
        self.errors: list[Exception] = []
        self.rounds = 0

    def jobs(self) -> list[_Job]:
        """What is still to be asked: at first everything, then, one by one, what a server that ignores `n` left out."""
        self.rounds += 1
        if self.rounds > 2 or self.errors:
            return []
        jobs: list[_Job] = []
        for at, one in enumerate(self.asks):
            missing = current_budget().admit([i for i in range(one.n) if i not in self.found[at]])
            whole = self.rounds == 1 and one.n_in_one_request
            jobs += [_Job(at, one, tuple(missing))] if whole and missing else [_Job(at, one, (i,)) for i in missing]
        return jobs

    def settle(self, jobs: list[_Job], results: Sequence[LLMResult | Exception]) -> None:
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, Exception):
                self.errors.append(result)
                continue
            messages = [
                generation.message for generation in result.generations[0] if isinstance(generation, ChatGeneration)
            ]
            current_budget().spend(len(messages), _tokens(result, messages))
            for index, message in zip(job.indices, messages, strict=False):
                self.found[job.at][index] = message  # type: ignore[assignment]
                if cache := current_cache():
                    cache.put(job.ask.model, job.ask.prompt, job.ask.params, index, message)

    def replies(self) -> Any:
        """The replies in the shape of the request; raises where not a single one came."""
        if not any(self.found):
            error = self.errors[0] if self.errors else current_budget().exhausted()
            if len(self.errors) > 1:
                error.add_note(f"All {len(self.errors)} requests of this step failed; this is the first error.")
            raise error
        lists = [[found[index] for index in sorted(found)] for found in self.found]
        return lists[0] if self.single else lists

    @staticmethod
    def _cached(one: Ask) -> dict[int, AIMessage]:
        cache = current_cache()
        return cache.get(one.model, one.prompt, one.params, one.n) if cache else {}


def _fetch(jobs: list[_Job], config: RunnableConfig) -> Sequence[LLMResult | Exception]:
    if len(jobs) == 1:
        return [jobs[0].call(config)]
    with get_executor_for_config(config) as executor:
        return list(executor.map(partial(_Job.call, config=config), jobs))


async def _afetch(jobs: list[_Job], config: RunnableConfig) -> Sequence[LLMResult | Exception]:
    return await gather_with_concurrency(config.get("max_concurrency"), *(job.acall(config) for job in jobs))


def _result(reply: Any) -> LLMResult:
    """A message, or a graph's output whose last message it is, as the result of a request for one reply."""
    message = reply["messages"][-1] if isinstance(reply, dict) else reply
    return LLMResult(generations=[[ChatGeneration(message=message)]])


def _tokens(result: LLMResult, messages: Sequence[Any]) -> int:
    """Generated tokens of a request. Servers tell the sum over n replies, some repeating it on each message."""
    total = (result.llm_output or {}).get("token_usage") or {}
    if "completion_tokens" in total:
        return int(total["completion_tokens"])
    return sum((message.usage_metadata or {}).get("output_tokens", 0) for message in messages)


def _unbound(model: Runnable[Any, Any]) -> Runnable[Any, Any]:
    while isinstance(model, RunnableBinding):
        model = model.bound
    return model


def _unwrap(model: Runnable[Any, Any], config: RunnableConfig) -> tuple[BaseChatModel, dict[str, Any]]:
    """The chat model inside any bindings, with what they bound and the config as arguments of `generate_prompt`."""
    bound: dict[str, Any] = {}
    while isinstance(model, RunnableBinding):
        bound, config, model = {**model.kwargs, **bound}, merge_configs(model.config, config), model.bound
    told = {key: config.get(key) for key in ("callbacks", "tags", "metadata", "run_name")}
    assert isinstance(model, BaseChatModel)
    return model, bound | told
