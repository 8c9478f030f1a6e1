"""The events of an Inspect sample in order: spans as steps, models as calls, tools as runs; what scorers did is left out."""

from __future__ import annotations

from typing import Any

from langdistill.records import Call, Message, Reply, Step, ToolRun
from langdistill.stores.foreign.chats import read_chat
from langdistill.stores.foreign.expected import Unreadable, a_count, a_list, a_text, an_object, within
from langdistill.stores.foreign.made import filled
from langdistill.stores.foreign.values import a_time, usage_of

SCORING = ("scorer", "scorers")
GRADER = "grader"
"""The role of a model that Inspect's own scorers ask."""
ELSEWHERE = ("sample_init", "score", "sample_limit", "error")
"""Events that repeat what the sample says itself."""


def read_inspect_chat(raw: Any) -> list[Message]:
    """Messages of Inspect: a tool's name is its `function`.

    Raises:
        Unreadable: they are no messages.
    """
    entries = [an_object(one, "A message") for one in a_list(raw, "messages")]
    return read_chat([one | {"name": one["function"]} if "function" in one else one for one in entries])


def tool_error(raw: Any) -> str | None:
    """The error of a tool: its kind and its message."""
    if not isinstance(raw, dict):
        return a_text(raw)
    kind, said = a_text(raw.get("type")), a_text(raw.get("message"))
    return ": ".join(part for part in (kind, said) if part) or None


class Transcript:
    """What happened in a sample.

    Attributes:
        steps: the solvers, agents and tools that it went through.
        calls: of models, but for those that score.
        tool_runs: of tools.
        scoring: how many calls were left out because they score.
        strange: names of the events that have no place.
        unreadable: what is wrong with the events that could not be read.
    """

    def __init__(self, identity: str, sample: dict[str, Any]) -> None:
        """Go through the events of a sample, in either of Inspect's shapes."""
        self.steps: list[Step] = []
        self.calls: list[Call] = []
        self.tool_runs: list[ToolRun] = []
        self.scoring = 0
        self.strange: list[str] = []
        self.unreadable: list[str] = []
        self.started = self.ended = 0.0
        self._id = identity
        self._pool = sample.get("message_pool") or within(sample, "events_data", "messages") or []
        self._spans: dict[str, int] = {}
        self._scorers: set[int] = set()
        self._open: list[int] = []
        events = sample.get("events") or within(sample, "transcript", "events") or []
        self._take(events, None)

    def _take(self, events: Any, caller: int | None) -> None:
        """Older logs hold the events inside of a tool in the event of the tool; `caller` is the call that asked for that."""
        for at, event in enumerate(events if isinstance(events, list) else []):
            try:
                self._event(an_object(event, "An event"), caller)
            except Unreadable as error:
                self.unreadable.append(f"event {at + 1}: {error.reason}: {error.detail}")

    def _event(self, event: dict[str, Any], caller: int | None) -> None:
        kind = event.get("event")
        at = a_time(event.get("timestamp"))
        self.started = self.started or at
        self.ended = max(self.ended, at)
        if kind == "step":
            self._step(event, at)
        elif kind == "span_begin":
            self._begin(event, at, self._spans.get(str(event.get("parent_id"))))
            self._spans[str(event.get("id"))] = len(self.steps) - 1
        elif kind == "span_end":
            self._end(self._spans.get(str(event.get("id"))), at)
        elif kind == "model":
            self._model(event, at, caller)
        elif kind == "tool":
            self._tool(event, at)
        elif kind not in ELSEWHERE:
            self.strange.append(str(kind)[:40])

    def _step(self, event: dict[str, Any], at: float) -> None:
        """What spans were called before Inspect had them: a begin and an end around what lies between."""
        if event.get("action") == "begin":
            self._begin(event, at, self._open[-1] if self._open else None)
            self._open.append(len(self.steps) - 1)
        elif self._open:
            self._end(self._open.pop(), at)

    def _begin(self, event: dict[str, Any], at: float, parent: int | None) -> None:
        name = a_text(event.get("name")) or a_text(event.get("type")) or "step"
        path = f"{self.steps[parent].path}/{name}" if parent is not None else name
        agent = name if event.get("type") == "agent" else None
        if event.get("type") in SCORING or parent in self._scorers:
            self._scorers.add(len(self.steps))
        self.steps.append(Step(name=name, path=path, parent=parent, agent=agent, started=at, ended=at))

    def _end(self, step: int | None, at: float) -> None:
        if step is not None:
            self.steps[step] = self.steps[step].model_copy(update={"ended": at})

    def _where(self, event: dict[str, Any]) -> int | None:
        inner = self._spans.get(str(event.get("span_id")))
        return inner if inner is not None else self._open[-1] if self._open else None

    def _model(self, event: dict[str, Any], at: float, caller: int | None) -> None:
        step = self._where(event)
        if step in self._scorers or event.get("role") == GRADER:
            self.scoring += 1
            return
        output = event.get("output")
        replies = [_reply(choice) for choice in a_list(within(output, "choices") or [], "choices")]
        model = a_text(event.get("model"))
        self.calls.append(
            Call(
                id=a_text(event.get("uuid")) or f"{self._id}-{len(self.calls)}",
                step=step,
                parent=caller,
                path=self.steps[step].path if step is not None else "",
                node=self.steps[step].name if step is not None else None,
                cached=event.get("cache") == "read",
                model=model,
                provider=model.partition("/")[0] if model and "/" in model else None,
                params=_params(event),
                tools=[_schema(tool) for tool in a_list(event.get("tools") or [], "tools")],
                prompt=self._prompt(event),
                replies=replies,
                usage=usage_of(within(output, "usage")),
                started=at,
                ended=a_time(event.get("completed")) or at,
                error=_failure(event, replies),
            )
        )

    def _prompt(self, event: dict[str, Any]) -> list[Message]:
        """The input, or the stretches of the sample's pool of messages that it refers to."""
        said = a_list(event.get("input") or [], "input")
        for stretch in a_list(event.get("input_refs") or [], "input_refs"):
            ends = stretch if isinstance(stretch, list) and len(stretch) == 2 else [None, None]
            pool = a_list(self._pool, "message_pool")
            start, end = (end if isinstance(end, int) and 0 <= end <= len(pool) else None for end in ends)
            if start is None or end is None:
                raise Unreadable("no-message", f"{str(stretch)[:40]} refers to no stretch of {len(pool)} messages.")
            said = [*said, *pool[start:end]]
        return read_inspect_chat(said) if said else []

    def _tool(self, event: dict[str, Any], at: float) -> None:
        name = a_text(event.get("function"))
        if name is None:
            raise Unreadable("no-tool-name", "A tool event names no function.")
        asked = a_text(event.get("id"))
        caller = self._asker(asked)
        step = self._where(event)
        if step in self._scorers:
            self.scoring += 1
            return
        self.tool_runs.append(
            ToolRun(
                id=a_text(event.get("uuid")) or f"{self._id}-tool-{len(self.tool_runs)}",
                name=name,
                step=step,
                call=caller,
                tool_call_id=asked,
                path=self.steps[step].path if step is not None else "",
                arguments=event.get("arguments"),
                output=event.get("result"),
                started=at,
                ended=a_time(event.get("completed")) or at,
                error=tool_error(event.get("error")) or ("failed" if event.get("failed") is True else None),
            )
        )
        self._take(event.get("events"), caller)

    def _asker(self, asked: str | None) -> int | None:
        """Index of the last call that has a tool call of this id."""
        for at in range(len(self.calls) - 1, -1, -1):
            for reply in self.calls[at].replies:
                if any(call["id"] == asked for call in reply.message.get("tool_calls", [])):
                    return at
        return None


def _reply(raw: Any) -> Reply:
    choice = an_object(raw, "A choice")
    [message] = read_inspect_chat([choice.get("message")])
    logprobs = within(choice, "logprobs", "content")
    return Reply(
        message=message,
        finish_reason=a_text(choice.get("stop_reason")),
        logprobs=logprobs if isinstance(logprobs, list) else None,
    )


def _params(event: dict[str, Any]) -> dict[str, Any]:
    config = event.get("config")
    params = {key: config[key] for key in filled(config)} if isinstance(config, dict) else {}
    chosen = event.get("tool_choice")
    retries = a_count(event.get("retries"))
    return params | ({"tool_choice": chosen} if chosen else {}) | ({"retries": retries} if retries else {})


def _schema(raw: Any) -> dict[str, Any]:
    tool = an_object(raw, "A tool")
    return {
        "type": "function",
        "function": {key: tool[key] for key in ("name", "description", "parameters") if key in tool},
    }


def _failure(event: dict[str, Any], replies: list[Reply]) -> str | None:
    told = a_text(event.get("error")) or a_text(within(event, "output", "error"))
    if told:
        return "cancelled" if told.startswith("Cancelled by") else told
    return "cancelled" if event.get("pending") is True and not replies else None
