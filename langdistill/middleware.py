"""Strategies around the model call of an agent (`langchain.agents.create_agent`), and a context cleaned before it.

    create_agent(model, tools, middleware=[Think(create_self_consistency, samples=5)])
    create_agent(model, tools, middleware=[Attend()])

Every call that a strategy makes goes through the agent's own handler: the middleware inside of this one that wraps model calls
(retries, fallbacks, caching) holds for each of them, and the agent's system prompt, tools and settings reach the model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Annotated, Any, NotRequired

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config, set_config_context
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from langdistill.asking import TOOL_KNOBS, ask, chat_model, without_tools
from langdistill.errors import MissingExtra
from langdistill.nodes import node
from langdistill.prompts import check, fill
from langdistill.questions import asked, question_of, reworded, said, turn
from langdistill.records import digest
from langdistill.replies import settings_of
from langdistill.strategies.system2_attention import REGENERATE, attended

try:
    from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
    from langchain.agents.middleware.types import ExtendedModelResponse, PrivateStateAttr
except ImportError as missing:
    raise MissingExtra("langchain", "agents") from missing

Handler = Callable[[Any], Any]
When = Callable[[ModelRequest[Any]], bool]
"""Whether to think about this model call."""


def always(request: ModelRequest[Any]) -> bool:
    """Before every model call of the agent, those after tool results included."""
    return True


def first_turn(request: ModelRequest[Any]) -> bool:
    """Only before the first model call after the user's message."""
    return isinstance(request.messages[-1], HumanMessage)


class _Handed:
    """The model call that a strategy is put around: how to make it, and what its calls brought."""

    def __init__(self, request: ModelRequest[Any], handler: Handler) -> None:
        self.request, self.handler = request, handler
        self.responses: list[ModelResponse[Any]] = []

    def asked(self, prompt: Sequence[AnyMessage], params: dict[str, Any]) -> ModelRequest[Any]:
        """The agent's request with a strategy's prompt; without tools where the strategy took them away."""
        settings = {**self.request.model_settings, **{k: v for k, v in params.items() if k not in TOOL_KNOBS}}
        changes: dict[str, Any] = {"messages": list(prompt), "model_settings": settings}
        if "tools" not in params:
            changes |= {"tools": [], "tool_choice": None, "response_format": None}
        return self.request.override(**changes)

    def took(self, response: Any) -> AIMessage:
        """Keep a response, and give its message."""
        kept = response if isinstance(response, ModelResponse) else ModelResponse(result=[response])
        self.responses.append(kept)
        return _message(kept)

    def concluded(self, final: AIMessage) -> ModelResponse[Any]:
        """The response that the strategy settled on: whole where its tool calls or its text are one response's own."""
        for response in self.responses:
            message = _message(response)
            if message.tool_calls == final.tool_calls and (final.tool_calls or message.text == final.text):
                return _as_said(response, final)
        names = {_message(response).name for response in self.responses}
        return ModelResponse(result=[final.model_copy(update={"name": next(iter(names), None)})])


_handed: ContextVar[_Handed] = ContextVar("langdistill_handed")


class AgentModel(Runnable[Any, Any]):
    """The model call of the agent that is running, as a model that strategies can ask."""

    @property
    def model_name(self) -> str:
        """Of the model that the agent asks at the moment."""
        return ask(_handed.get().request.model, "").model_name

    @property
    def cache_string(self) -> str | None:
        """What tells this call from that of another agent: model, system prompt, tools, response format, settings."""
        request = _handed.get().request
        model = settings_of(request.model)
        told = (
            request.system_prompt,
            request.tools,
            request.tool_choice,
            request.response_format,
            request.model_settings,
        )
        return None if model is None else f"{model} {told!r}"

    def invoke(self, input: Any, config: RunnableConfig | None = None, **params: Any) -> AIMessage:
        """Make the call."""
        handed = _handed.get()
        with set_config_context(ensure_config(config)) as context:
            return handed.took(context.run(handed.handler, handed.asked(input, params)))

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **params: Any) -> AIMessage:
        """Make the call on the event loop."""
        handed = _handed.get()
        with set_config_context(ensure_config(config)) as context:
            work = asyncio.create_task(handed.handler(handed.asked(input, params)), context=context)
            return handed.took(await work)


AGENT_MODEL: Runnable[Any, Any] = AgentModel().bind(tools="the agent's own")
"""Steps that ask without tools drop the binding (`asking.without_tools`), and `AgentModel` takes them away for that call."""


class Think(AgentMiddleware[Any, Any, Any]):
    """Put a strategy around the model calls of an agent.

    The strategy answers in the model's place: its conclusion is the one message that the agent sees. Tool calls stay whole: a
    reply that calls tools is the agent's next step as it is, and samples vote for a call by its name and arguments. A call
    that holds no question of a user is left alone.
    """

    def __init__(
        self, strategy: Callable[..., CompiledStateGraph[Any, Any, Any, Any]], *, when: When = always, **knobs: Any
    ) -> None:
        """Build the strategy's graph.

        Args:
            strategy: a factory such as `create_self_consistency`, called with the agent's model.
            when: whether to think about a model call; `always`, `first_turn`, or your own function of the request.
            knobs: for the factory.
        """
        super().__init__()
        self.graph = strategy(AGENT_MODEL, checkpointer=False, **knobs)
        self.when = when

    @property
    def name(self) -> str:
        """Of the middleware; an agent may have one per strategy."""
        return f"Think[{self.graph.get_name()}]"

    def wrap_model_call(self, request: ModelRequest[Any], handler: Handler) -> Any:
        """Think, then answer."""
        if not _wanted(request, self.when):
            return handler(request)
        handed = _Handed(request, handler)
        token = _handed.set(handed)
        try:
            return handed.concluded(self.graph.invoke({"messages": request.messages})["messages"][-1])
        finally:
            _handed.reset(token)

    async def awrap_model_call(self, request: ModelRequest[Any], handler: Callable[..., Awaitable[Any]]) -> Any:
        """Think, then answer, on the event loop."""
        if not _wanted(request, self.when):
            return await handler(request)
        handed = _Handed(request, handler)
        token = _handed.set(handed)
        try:
            output = await self.graph.ainvoke({"messages": request.messages})
            return handed.concluded(output["messages"][-1])
        finally:
            _handed.reset(token)


class Attending(AgentState[Any]):
    """The agent's state with what has been cleaned: digest of the user's message to what the model sees of it."""

    attended: NotRequired[Annotated[dict[str, str], PrivateStateAttr]]


class Attend(AgentMiddleware[Any, Any, Any]):
    """Let the model see the user's messages as System 2 Attention rewrites them (Weston & Sukhbaatar, 2311.11829).

    The conversation in the agent's state keeps the originals. The last message is rewritten once, however many model calls the
    agent makes for it; what was rewritten in earlier turns stays so where a checkpointer kept it, and is seen as it was
    written otherwise.
    """

    state_schema = Attending

    def __init__(
        self,
        model: str | BaseChatModel | None = None,
        *,
        regenerate: str = REGENERATE,
        attend: Callable[[str], str] = attended,
        when: When = always,
    ) -> None:
        """Prepare the rewriting.

        Args:
            model: the model that rewrites; `None`: the agent's own, without its tools.
            regenerate: template with the place ``{question}``.
            attend: from the rewriting to what the model sees of it.
            when: whether to clean before a model call.

        Raises:
            PromptError: the template has other places.
        """
        super().__init__()
        check(regenerate, "question")
        self.when = when
        rewriter = without_tools(chat_model(model) if model is not None else AGENT_MODEL)

        def rewrite(state: dict[str, Any]):
            [reply] = yield ask(rewriter, turn(state, fill(regenerate, question=question_of(state))))
            return attend(said(reply, "regenerate"))

        self._rewriting = node(rewrite)

    def wrap_model_call(self, request: ModelRequest[Any], handler: Handler) -> Any:
        """Clean, then ask."""
        known, key = _known(request)
        if key in known or not _wanted(request, self.when):
            return handler(_cleaned(request, known))
        token = _handed.set(_Handed(request, handler))
        try:
            known = {**known, key: self._rewriting.invoke({"messages": request.messages})}
        finally:
            _handed.reset(token)
        return _remembering(handler(_cleaned(request, known)), known)

    async def awrap_model_call(self, request: ModelRequest[Any], handler: Callable[..., Awaitable[Any]]) -> Any:
        """Clean, then ask, on the event loop."""
        known, key = _known(request)
        if key in known or not _wanted(request, self.when):
            return await handler(_cleaned(request, known))
        token = _handed.set(_Handed(request, handler))
        try:
            known = {**known, key: await self._rewriting.ainvoke({"messages": request.messages})}
        finally:
            _handed.reset(token)
        return _remembering(await handler(_cleaned(request, known)), known)


def _known(request: ModelRequest[Any]) -> tuple[dict[str, str], str]:
    """What has been rewritten, and the key of the user's last message."""
    known: Any = request.state.get("attended") or {}
    return known, digest(asked(request.messages) or "")


def _cleaned(request: ModelRequest[Any], known: dict[str, str]) -> ModelRequest[Any]:
    """The request with every message of the user as it was rewritten."""
    messages: list[Any] = [
        reworded(one, known[key]) if isinstance(one, HumanMessage) and (key := digest(one.text)) in known else one
        for one in request.messages
    ]
    return request.override(messages=messages)


def _remembering(response: Any, known: dict[str, str]) -> Any:
    return ExtendedModelResponse(response, Command(update={"attended": known}))


def _as_said(response: ModelResponse[Any], final: AIMessage) -> ModelResponse[Any]:
    """The response with the id of what was streamed of it, and with what the strategy says about it."""
    message = _message(response)
    told = {**message.response_metadata, **final.response_metadata}
    said = message.model_copy(update={"id": final.id or message.id, "response_metadata": told})
    result = [said if one is message else one for one in response.result]
    return replace(response, result=result)


def _message(response: ModelResponse[Any]) -> AIMessage:
    return next(one for one in reversed(response.result) if isinstance(one, AIMessage))


def _wanted(request: ModelRequest[Any], when: When) -> bool:
    """Whether the conversation holds a question to think about, and the user of the middleware wants it thought about."""
    return asked(request.messages) is not None and when(request)
