"""The runs of one root while they are open, and the trace that they make when it ends."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from langchain_core.outputs import ChatGeneration, Generation, LLMResult

import langdistill
from langdistill.recording.messages import messages_in, plain
from langdistill.records import Call, Message, Reply, ToolRun, Trace, Usage
from langdistill.versions import installed

TASK_ID = re.compile(r":[^|]*")
OWN_KEYS = re.compile(r"^(langgraph_|ls_|lc_|checkpoint_|__|thread_id$|run_id$|candidate$)")
"""Metadata that the libraries put there themselves."""

VERSIONS = {"langdistill": langdistill.__version__} | installed("langchain-core", "langgraph")


@dataclass
class Open:
    """A run that has started and not ended."""

    id: str
    parent: str | None
    name: str
    metadata: Mapping[str, Any]
    started: float
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where in the graph: "think/sample", without task ids.

        A step that LangGraph repeats under its own name (a `task` called by a node) or under a mere number (a graph that a
        node runs again) is told once: the path is the same with a checkpointer and without.
        """
        parts = str(self.metadata.get("langgraph_checkpoint_ns", "")).split("|")
        names = [name for part in parts if (name := TASK_ID.sub("", part)) and not name.isdigit()]
        return "/".join(name for name, _ in groupby(names))


@dataclass
class Root:
    """Everything seen of one root run so far."""

    run: Open
    tags: list[str]
    input: list[Message]
    output: Any = None
    calls: dict[str, Call] = field(default_factory=dict)
    open_calls: dict[str, Open] = field(default_factory=dict)
    tool_runs: list[ToolRun] = field(default_factory=list)
    open_tools: dict[str, Open] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    interrupted: bool = False

    def end_call(self, run_id: str, ended: float, response: LLMResult | None, error: str | None) -> None:
        """Close a model call with its replies, its error, or both."""
        started = self.open_calls.pop(run_id, None)
        if started is None:
            return
        metadata = started.metadata
        self.calls[run_id] = Call(
            id=run_id,
            path=started.path,
            node=metadata.get("langgraph_node"),
            strategy=metadata.get("strategy"),
            candidate=bool(metadata.get("candidate", False)),
            model=str(metadata.get("ls_model_name") or started.name),
            replies=replies_of(response),
            usage=usage_of(response),
            started=started.started,
            ended=ended,
            error=error,
            **started.fields,
        )

    def end_tool(self, run_id: str, ended: float, output: Any, error: str | None) -> None:
        """Close a tool run."""
        if started := self.open_tools.pop(run_id, None):
            self.tool_runs.append(
                ToolRun(id=run_id, name=started.name, path=started.path, output=output, started=started.started,
                        ended=ended, error=error, **started.fields)
            )  # fmt: skip

    def trace(self, ended: float, error: str | None) -> Trace:
        """The finished trace; what is still open was cancelled with its root."""
        for run_id in list(self.open_calls):
            self.end_call(run_id, ended, None, "cancelled")
        for run_id in list(self.open_tools):
            self.end_tool(run_id, ended, None, "cancelled")
        metadata = self.run.metadata
        calls = sorted(self.calls.values(), key=lambda call: (call.started, call.id))
        output = messages_in(self.output)
        continued = isinstance(self.output, dict) and output[: len(self.input)] == self.input
        return Trace(
            id=self.run.id,
            name=self.run.name,
            strategy=metadata.get("strategy") or next((call.strategy for call in calls if call.strategy), None),
            thread=str(metadata["thread_id"]) if "thread_id" in metadata else None,
            input=self.input,
            output=output[len(self.input) :] if continued else output[-1:] if isinstance(self.output, dict) else output,
            answer=_answer(self.output),
            calls=calls,
            tool_runs=self.tool_runs,
            tags=self.tags,
            metadata={key: value for key, value in metadata.items() if not OWN_KEYS.match(key) and _is_plain(value)},
            versions=VERSIONS,
            started=self.run.started,
            ended=ended,
            outcome="interrupted" if self.interrupted else "failed" if error else "ended",
            error=error,
        )


def _answer(output: Any) -> str | None:
    answer = output.get("answer") if isinstance(output, dict) else None
    return answer if isinstance(answer, str) else None


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(one) for one in value)
    return value is None or isinstance(value, (str, int, float, bool))


def replies_of(response: LLMResult | None) -> list[Reply]:
    """All n replies of a call, in order."""
    return [_reply(generation) for generation in (response.generations[0] if response and response.generations else [])]


def _reply(generation: Any) -> Reply:
    info = dict(generation.generation_info or {})
    if isinstance(generation, ChatGeneration):
        info |= generation.message.response_metadata
        message = plain(generation.message)
    else:
        assert isinstance(generation, Generation)
        message = Message(role="assistant", content=generation.text)
    logprobs = info.get("logprobs")
    return Reply(
        message=message,
        finish_reason=info.get("finish_reason") or info.get("stop_reason"),
        logprobs=list(logprobs.get("content") or []) if isinstance(logprobs, Mapping) else None,
    )


def usage_of(response: LLMResult | None) -> Usage:
    """Tokens of all replies of a call; a server's own sum goes before what it repeats on every message."""
    if response is None or not response.generations:
        return Usage()
    told: Sequence[Mapping[str, Any]] = [
        usage
        for one in response.generations[0]
        if (usage := getattr(getattr(one, "message", None), "usage_metadata", None))
    ]
    total = (response.llm_output or {}).get("token_usage") or {}
    first: Mapping[str, Any] = told[0] if told else {}
    return Usage(
        input_tokens=total.get("prompt_tokens") or first.get("input_tokens", 0),
        output_tokens=total.get("completion_tokens") or sum(usage.get("output_tokens", 0) for usage in told),
        cached_tokens=(first.get("input_token_details") or {}).get("cache_read") or 0,
        reasoning_tokens=(first.get("output_token_details") or {}).get("reasoning") or 0,
    )
