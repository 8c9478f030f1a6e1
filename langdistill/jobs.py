"""One request to one model: what the cache knows, what the budget allows, the call, and what is counted of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar, Token
from functools import partial
from typing import Any, NamedTuple, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.prompt_values import ChatPromptValue
from langchain_core.runnables import Runnable, RunnableBinding, RunnableConfig
from langchain_core.runnables.config import merge_configs

from langdistill.asking import Ask
from langdistill.budgets import Spent, current_budget
from langdistill.replies import current_cache
from langdistill.speaking import SPOKEN, aloud
from langdistill.usage import tokens_of

sample_path: ContextVar[tuple[int, ...]] = ContextVar("langdistill_sample_path", default=())
"""Indices of the samples that the running request belongs to, outermost first. A graph that is sampled n times asks the same
prompt n times; a seeded model in this process tells the samples apart by it."""

HIDDEN = "nostream"
"""Tag that keeps inner calls out of LangGraph's `messages` stream."""

ANSWER = "answer"
"""Key of a message's `response_metadata` under which a graph's own `answer` comes back, `None` included."""

SHOW_THINKING = "show_thinking"
"""Key of `config["configurable"]` that lets the inner calls into the stream after all."""


class Fetched(TypedDict):
    """What came of a request, as a checkpointer can keep it."""

    replies: list[tuple[int, AIMessage]]
    """Sample index and reply."""
    short: list[int]
    """Sample indices that were asked for and left out by a server that ignores `n`."""
    refused: bool
    """Whether the budget kept some from being asked."""


class Job(NamedTuple):
    """One request to one model, for the replies with these indices of an ask.

    Which jobs there are depends on nothing but what is asked. What the cache knows and what the budget allows is looked up
    only when a job runs: on resuming, LangGraph finds kept results by the position of their task.
    """

    at: int
    ask: Ask
    indices: tuple[int, ...]

    def call(self, config: RunnableConfig, hidden: RunnableConfig) -> Fetched:
        """Ask, and count what came. `config` is the node's, `hidden` the same with this request's marks."""
        known, asked = self._begin()
        entered = self._enter(asked)
        try:
            if not asked:
                result = None
            elif len(asked) > 1:
                chat, given = _unwrap(self.ask.model, hidden)
                result = chat.generate_prompt([self._prompt], n=len(asked), **(given | self.ask.params))
            elif spoken := self._aloud(config, hidden):
                speaker, listening = spoken
                result = _result(speaker.reply(speaker.invoke(self._input, listening, **self._params(asked))))
            else:
                result = _result(self.ask.model.invoke(self._input, hidden, **self._params(asked)))
        finally:
            sample_path.reset(entered)
        return self._end(known, asked, result, config)

    async def acall(self, config: RunnableConfig, hidden: RunnableConfig) -> Fetched:
        """The same on the event loop; files are read and written in a thread."""
        known, asked = await asyncio.to_thread(self._begin) if current_cache() else self._begin()
        entered = self._enter(asked)
        try:
            if not asked:
                result = None
            elif len(asked) > 1:
                chat, given = _unwrap(self.ask.model, hidden)
                result = await chat.agenerate_prompt([self._prompt], n=len(asked), **(given | self.ask.params))
            elif spoken := self._aloud(config, hidden):
                speaker, listening = spoken
                result = _result(speaker.reply(await speaker.ainvoke(self._input, listening, **self._params(asked))))
            else:
                result = _result(await self.ask.model.ainvoke(self._input, hidden, **self._params(asked)))
        finally:
            sample_path.reset(entered)
        end = partial(self._end, known, asked, result, config)
        return await asyncio.to_thread(end) if current_cache() else end()

    def marked(self, config: RunnableConfig) -> RunnableConfig:
        """The node's config with the marks of this request; the same for all requests of an ask."""
        marks: RunnableConfig = {} if _shown(config) else {"tags": [HIDDEN]}
        told = {"candidate": self.ask.candidate, "refinement": self.ask.refinement, "answer_hint": self.ask.hint}
        if said := {key: value for key, value in told.items() if value}:
            marks["metadata"] = said
        return merge_configs(config, marks)

    def _begin(self) -> tuple[dict[int, AIMessage], Sequence[int]]:
        """Replies that the cache knows, and the indices to ask for.

        Raises:
            BudgetSpent: there are neither.
            ModelError: money is capped and the model has no price.
        """
        if self.ask.of_graph:  # its own requests are cached and counted
            return {}, self.indices
        cache = current_cache()
        known = cache.get(self.ask.model, self.ask.prompt, self.ask.params, self.indices) if cache else {}
        missing = [index for index in self.indices if index not in known]
        if missing:
            current_budget().check_price(self.ask.model_name)
        asked = current_budget().admit(missing)
        if not known and not asked:
            raise current_budget().exhausted()
        return known, asked

    def _end(
        self, known: dict[int, AIMessage], asked: Sequence[int], result: LLMResult | None, config: RunnableConfig
    ) -> Fetched:
        """Count and remember what came."""
        generations = result.generations[0] if result else []
        messages = [one.message for one in generations if isinstance(one, ChatGeneration)]
        short = list(asked[len(messages) :])
        replies = {**known, **{index: _fresh(message) for index, message in zip(asked, messages, strict=False)}}
        if result and not self.ask.of_graph:
            strategy = str((config.get("metadata") or {}).get("strategy") or "")
            name = _answering(self.ask.model_name, messages)
            current_budget().spend(strategy, name, _spent(result, messages))
            current_budget().release(len(short))
            if cache := current_cache():
                for index in asked[: len(messages)]:
                    cache.put(self.ask.model, self.ask.prompt, self.ask.params, index, replies[index])
        refused = len(known) + len(asked) < len(self.indices)
        return Fetched(replies=sorted(replies.items(), key=lambda one: one[0]), short=short, refused=refused)

    def _enter(self, asked: Sequence[int]) -> Token[tuple[int, ...]]:
        path = sample_path.get()
        return sample_path.set((*path, *asked[:1]) if self.ask.sampled else path)

    def _aloud(self, config: RunnableConfig, hidden: RunnableConfig) -> Any:
        if self.ask.heard is None or self.ask.of_graph or _shown(config):
            return None
        return aloud(self.ask.model, self.ask.heard, config, hidden)

    @property
    def _prompt(self) -> ChatPromptValue:
        return ChatPromptValue(messages=self.ask.prompt)

    @property
    def _input(self) -> Any:
        return {"messages": list(self.ask.prompt)} if self.ask.of_graph else list(self.ask.prompt)

    def _params(self, asked: Sequence[int]) -> dict[str, Any]:
        """A graph takes no sampling parameters; a seed shared by separate requests would make their replies equal."""
        if self.ask.of_graph:
            return {}
        params = self.ask.params
        return params | {"seed": params["seed"] + asked[0]} if "seed" in params else params


def _shown(config: RunnableConfig) -> bool:
    return bool((config.get("configurable") or {}).get(SHOW_THINKING))


def _fresh(message: BaseMessage) -> AIMessage:
    """The reply with no id but that of what was said aloud: the stream is to show one message, not two."""
    assert isinstance(message, AIMessage)
    others = {key: value for key, value in message.additional_kwargs.items() if key != SPOKEN}
    return message.model_copy(update={"id": message.additional_kwargs.get(SPOKEN), "additional_kwargs": others})


def _answering(configured: str, messages: Sequence[BaseMessage]) -> str:
    """What the model is called that answered: behind a fallback it is another than the one that was asked.

    A dated name of the same model, and a name without a price where the configured one has one, are the configured one.
    """
    told = str(messages[0].response_metadata.get("model_name") or "") if messages else ""
    prices = current_budget().prices
    other = told and not told.startswith(configured) and (told in prices or configured not in prices)
    return told if other else configured


def _result(reply: Any) -> LLMResult:
    """A message, or a graph's output whose last message it is, as the result of a request for one reply.

    What a graph gives as its `answer` goes with its message.
    """
    message = reply["messages"][-1] if isinstance(reply, dict) else reply
    if isinstance(reply, dict) and "answer" in reply:
        told = {**message.response_metadata, ANSWER: reply["answer"]}
        message = message.model_copy(update={"response_metadata": told})
    return LLMResult(generations=[[ChatGeneration(message=message)]])


def _spent(result: LLMResult, messages: Sequence[BaseMessage]) -> Spent:
    """What a request cost."""
    tokens = tokens_of(result)
    return Spent(len(messages), tokens.get("input_tokens", 0), tokens.get("output_tokens", 0))


def _unwrap(model: Runnable[Any, Any], config: RunnableConfig) -> tuple[BaseChatModel, dict[str, Any]]:
    """The chat model inside any bindings, with what they bound and the config as arguments of `generate_prompt`."""
    bound: dict[str, Any] = {}
    while isinstance(model, RunnableBinding):
        bound, config, model = {**model.kwargs, **bound}, merge_configs(model.config, config), model.bound
    told = {key: config.get(key) for key in ("callbacks", "tags", "metadata", "run_name")}
    assert isinstance(model, BaseChatModel)
    # Somebody who streams messages makes every model under him stream, and n replies do not come apart in one stream.
    return model.model_copy(update={"disable_streaming": True}), bound | told
