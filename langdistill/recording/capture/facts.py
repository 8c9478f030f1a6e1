"""What LangChain and LangGraph tell with a callback, in the words of a trace.

Every rule here was observed: a node's run bears the tag "graph:step:N", a branch is in `langgraph_path`, an interrupt and a
hand-off arrive as errors, and an answer from the cache is known by its price of 0 alone.
"""

from __future__ import annotations

import re
from asyncio import CancelledError
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables.config import var_child_runnable_config
from langgraph.errors import GraphBubbleUp, GraphInterrupt, ParentCommand

import langdistill
from langdistill.recording.capture.encoding import DEEPEST, text_of
from langdistill.recording.capture.messages import plain
from langdistill.records import SEARCHED, Message, Outcome
from langdistill.versions import installed

OWN_KEYS = re.compile(r"^(langgraph_|ls_|lc_|checkpoint_|__|thread_id$|run_id$|candidate$|refinement$|answer_hint$)")
"""Metadata that the libraries put there themselves."""
OWN_TAGS = re.compile(r"^(seq:step:|graph:step:|map:key:|retry:attempt:|langsmith:)")
USER_KEYS = ("user_id", "langgraph_auth_user_id", "langfuse_user_id", "user")
SAMPLING = frozenset((
    "temperature", "top_p", "top_k", "min_p", "max_tokens", "max_completion_tokens", "n", "seed", "stop", "tool_choice",
    "parallel_tool_calls", "frequency_penalty", "presence_penalty", "repetition_penalty", "logprobs", "top_logprobs",
    "reasoning_effort", "reasoning", "response_format", "extra_body",
))  # fmt: skip
VERSIONS = {"langdistill": langdistill.__version__} | installed("langchain-core", "langgraph", "langchain")


def is_node(tags: Sequence[str] | None, name: str | None) -> bool:
    """Whether a chain run is a node's own: not a Runnable inside of it, and not the routing of LangGraph itself."""
    for tag in tags or ():
        if tag.startswith("graph:step:"):
            return not (name and name.startswith("__") and "langsmith:hidden" in (tags or ()))
    return False


def parent_in_context() -> UUID | None:
    """The run inside of which the code is that is running, where LangChain knows it."""
    callbacks = (var_child_runnable_config.get() or {}).get("callbacks")
    return getattr(callbacks, "parent_run_id", None)


def branch_of(metadata: Mapping[str, Any]) -> int | None:
    """Index of the `Send` that started a node."""
    place = metadata.get("langgraph_path") or ()
    return place[1] if len(place) > 1 and place[0] == "__pregel_push" and isinstance(place[1], int) else None


def own_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What the user gave, without the libraries' keys."""
    return {key: value for key, value in metadata.items() if not OWN_KEYS.match(key) and _is_plain(value)}


def own_tags(tags: Sequence[str] | None) -> list[str]:
    """The user's tags, without the libraries'."""
    return [tag for tag in tags or () if not OWN_TAGS.match(tag)]


def user_of(metadata: Mapping[str, Any]) -> str | None:
    """Whose run it is."""
    return next((str(metadata[key]) for key in USER_KEYS if metadata.get(key)), None)


def marks_of(metadata: Mapping[str, Any], tags: Sequence[str] | None) -> dict[str, Any]:
    """What is known of a model call beside its prompt: model, provider, node, strategy."""
    marks: dict[str, Any] = {}
    for mark, key in (
        ("model", "ls_model_name"),
        ("provider", "ls_provider"),
        ("node", "langgraph_node"),
        ("strategy", "strategy"),
        ("candidate", "candidate"),
        ("refinement", "refinement"),
        ("hint", "answer_hint"),
    ):
        if value := metadata.get(key):
            marks[mark] = value
    if (branch := branch_of(metadata)) is not None:
        marks["branch"] = branch
    for tag in tags or ():
        if tag.startswith("retry:attempt:"):
            marks["retry"] = True
    return marks


def params_of(invocation: Mapping[str, Any]) -> dict[str, Any]:
    """The sampling parameters that were set."""
    return {key: value for key, value in invocation.items() if key in SAMPLING and value is not None}


def reasoning_in(chunk: Any) -> str | None:
    """The reasoning that a part of a reply holds, where it is beside the text."""
    return getattr(getattr(chunk, "message", None), "additional_kwargs", {}).get("reasoning_content")


def outcome_of(error: BaseException | None) -> Outcome:
    """How a run stopped."""
    if error is None:
        return "ended"
    if isinstance(error, ParentCommand):
        return "handed-off"
    if isinstance(error, GraphBubbleUp):
        return "interrupted"
    return "cancelled" if isinstance(error, (CancelledError, GeneratorExit)) else "failed"


def interrupts_of(error: BaseException | None) -> list[dict[str, Any]]:
    """The questions to a human that a run stopped at."""
    asked = error.args[0] if isinstance(error, GraphInterrupt) and error.args else ()
    return [{"id": text_of(one.id), "value": one.value} for one in asked]


def interrupts_in(output: Any) -> list[dict[str, Any]]:
    """The same, in what a graph gives back."""
    asked = output.get("__interrupt__") if isinstance(output, Mapping) else None
    return [{"id": text_of(one.id), "value": one.value} for one in asked or ()]


def searched_in(output: Any) -> dict[str, Any] | None:
    """The tree of reasoning steps that a node's update tells; `None` where it tells none."""
    searched = output.get(SEARCHED) if isinstance(output, Mapping) else None
    return {**searched} if isinstance(searched, Mapping) and "thoughts" in searched else None


def handed_to(error: BaseException | None) -> list[str]:
    """The nodes of the enclosing graph that a run hands over to."""
    if not isinstance(error, ParentCommand) or not error.args:
        return []
    goto = getattr(error.args[0], "goto", ()) or ()
    targets = [goto] if isinstance(goto, str) or not isinstance(goto, Sequence) else goto
    return [one if isinstance(one, str) else text_of(getattr(one, "node", one)) for one in targets]


def replies_of(response: LLMResult | None) -> list[tuple[Any, dict[str, Any]]]:
    """All n replies of a call: the message object, or a plain message, and what the server told of each."""
    return [_reply(one) for one in (response.generations[0] if response and response.generations else ())]


def cut_replies_of(response: LLMResult | None) -> list[tuple[Any, dict[str, Any]]]:
    """What had come of the replies when a call failed; LangChain makes an empty one up to carry the server's answer."""
    said = ("content", "tool_calls", "reasoning_content")
    return [(one, told) for one, told in replies_of(response) if any(plain_of(one).get(key) for key in said)]


def answer_of_server(response: LLMResult | None) -> str:
    """Status and body of an HTTP answer that was an error."""
    for said, _ in replies_of(response):
        told = getattr(said, "response_metadata", {})
        if "status_code" in told or "body" in told:
            return " ".join(text_of(told[key]) for key in ("status_code", "body") if told.get(key))
    return ""


def is_cached(replies: Sequence[tuple[Any, dict[str, Any]]]) -> bool:
    """Whether LangChain's cache answered: it leaves a price of 0 behind, and nothing else."""
    usage = getattr(replies[0][0], "usage_metadata", None) if replies else None
    return bool(usage) and usage.get("total_cost") == 0


def _reply(generation: Any) -> tuple[Any, dict[str, Any]]:
    info: dict[str, Any] = generation.generation_info or {}
    if isinstance(generation, ChatGeneration):
        message: Any = generation.message
        info = {**info, **message.response_metadata}
    else:
        message = Message(role="assistant", content=generation.text)
    told: dict[str, Any] = {}
    if reason := info.get("finish_reason") or info.get("stop_reason"):
        told["finish_reason"] = text_of(reason)
    logprobs = info.get("logprobs")
    if isinstance(logprobs, Mapping):
        told["logprobs"] = list(logprobs.get("content") or ())
    return message, told


def plain_of(message: Any) -> Message:
    """A reply as a plain message."""
    return message if isinstance(message, dict) else plain(message)  # type: ignore[return-value]


def _is_plain(value: Any, levels: int = DEEPEST) -> bool:
    if not levels:  # a circle
        return False
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(one, levels - 1) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(one, levels - 1) for one in value)
    return value is None or isinstance(value, (str, int, float, bool))
