"""Sessions of an agent that are told event by event, as those of Anthropic's Managed Agents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from langdistill.records import Call, Message, Outcome, Reply, ToolRun, Usage
from langdistill.stores.foreign.chats import split, tool_runs_of
from langdistill.stores.foreign.expected import Unreadable, a_text, kind, within
from langdistill.stores.foreign.losses import Losses
from langdistill.stores.foreign.messages import read_messages
from langdistill.stores.foreign.parts import Said, said_by, tool_call, tool_result, tools_in
from langdistill.stores.foreign.values import mapping, seconds, text_of, usage_of

RESULTS = {
    "agent.tool_result": "tool_use_id",
    "agent.mcp_tool_result": "mcp_tool_use_id",
    "user.custom_tool_result": "custom_tool_use_id",
}
"""Events that hold what a tool gave, and their key for the event that called it."""
CALLS = ("agent.tool_use", "agent.mcp_tool_use", "agent.custom_tool_use")
SAID = (*CALLS, "agent.message", "agent.thinking")
STATUS = "session.status_"
QUIET = ("session.thread_", "session.updated", "session.deleted")
"""Beginnings of the types of events that only tell how the session is."""
STOPPED: dict[str, Outcome] = {"requires_action": "interrupted", "terminated": "failed", "running": "lost"}
"""How a session stopped, by its last status or the reason of that; it ended, where it is any other."""


@dataclass
class Request:
    """One request of the model."""

    began: int
    """How many messages there were."""
    started: float
    ended: float
    at: int | None = None
    """Index of its reply among the messages, once there is one."""
    usage: Usage = field(default_factory=Usage)
    error: str | None = None


class Session:
    """What is known of a session.

    Attributes:
        about: the session itself, with its agent, where that was told.
        times: of the events, in seconds.
        error: what failed.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        self.about: dict[str, Any] = {}
        self.times: list[float] = []
        self.error: str | None = None
        self._messages: list[Message] = []
        self._requests: list[Request] = []
        self._open: Request | None = None
        self._seen: set[str] = set()
        self._sent = 0
        """How many messages of the user were sent that have not come back."""
        self._failed: dict[str, str] = {}
        self._status = ""

    def take(self, event: Any, losses: Losses) -> None:
        """One event, or the session itself; what is neither is told."""
        name = event.get("type") if isinstance(event, dict) else None
        if not isinstance(name, str):
            losses.tell("wrong-type", f"An event is {kind(event)}; expected is an object with a text as `type`.")
            return
        identity = text_of(event.get("id"))
        if identity in self._seen:
            losses.tell("doubled", f"An earlier event has the id {identity!r}, too.")
            return
        self._seen |= {identity} if identity else set()
        at = seconds(event.get("processed_at"), losses, "processed_at")
        self.times += [at] if at else []
        self._told(name, event, at or 0.0, losses)

    def _told(self, name: str, event: dict[str, Any], at: float, losses: Losses) -> None:
        if name == "session":
            self.about = event
        elif name == "span.model_request_start":
            self._begin(at)
        elif name == "span.model_request_end":
            self._end(event, at)
        elif name in SAID:
            self._reply(name, event, at)
        elif name in RESULTS:
            self._result(event, event.get(RESULTS[name]))
        elif name == "user.message":
            self._asked(event, losses)
        elif name == "session.error":
            self.error = (
                text_of(within(event, "error", "message")) or text_of(within(event, "error", "type")) or "error"
            )
        elif name.startswith(STATUS):
            self._status = text_of(within(event, "stop_reason", "type")) or name.removeprefix(STATUS)
        elif not name.startswith(QUIET):
            losses.tell("unknown-kind", f"A trace has no place for an event of the type {name[:80]!r}.")

    def _begin(self, at: float) -> Request:
        self._open = Request(len(self._messages), at, at)
        self._requests.append(self._open)
        return self._open

    def _end(self, event: dict[str, Any], at: float) -> None:
        request = self._open or (self._requests[-1] if self._requests else self._begin(at))
        request.ended = at
        request.usage = usage_of(event.get("model_usage"))
        request.error = "failed" if event.get("is_error") is True else None
        self._open = None

    def _reply(self, name: str, event: dict[str, Any], at: float) -> None:
        """Add to the reply of the request that runs, or of one that nobody told of."""
        request = self._open or self._begin(at)
        if request.at is None:
            request.at = len(self._messages)
            self._messages.append({"role": "assistant", "content": None})
        reply = self._messages[request.at]
        if name in CALLS:
            call = tool_call(event.get("id"), event.get("name"), event.get("input"))
            reply["tool_calls"] = [*reply.get("tool_calls", []), call]
            return
        said = said_by(event.get("content"))
        if name == "agent.message":
            reply["content"] = Said([*said_by(reply["content"]).parts, *said.parts]).content
        texts = [part["text"] for part in said.parts if name == "agent.thinking" and a_text(part.get("text"))]
        if thoughts := [*said.reasoning, *texts]:
            reply["reasoning_content"] = "\n\n".join([*filter(None, [reply.get("reasoning_content")]), *thoughts])

    def _result(self, event: dict[str, Any], called: Any) -> None:
        self._open = None
        message = tool_result(called, None, event.get("content"))
        self._messages.append(message)
        if event.get("is_error") is True:
            content = message["content"]
            self._failed[text_of(called) or ""] = content if isinstance(content, str) and content else "failed"

    def _asked(self, event: dict[str, Any], losses: Losses) -> None:
        if self._sent:  # it comes back
            self._sent -= 1
            return
        self._open = None
        self._messages += read_messages({"role": "user", "content": event.get("content")}, losses)

    def send(self, event: Any, losses: Losses) -> None:
        """What the client sent, of which a user's message counts at once; all of it comes back as events."""
        if within(event, "type") == "user.message":
            self._sent, sent = 0, self._sent
            self._asked(event, losses)
            self._sent = sent + 1

    @property
    def messages(self) -> list[Message]:
        """All of them, what the system says first."""
        return [*self._system, *self._messages]

    @property
    def _system(self) -> list[Message]:
        said = a_text(within(self.about, "agent", "system"))
        return [{"role": "system", "content": said}] if said else []

    @property
    def turns(self) -> tuple[list[Message], int, list[Message], list[Message]]:
        """The input, how much of that is earlier turns, the output up to the last reply, and what nobody answered."""
        return split(self.messages)

    @property
    def outcome(self) -> Outcome:
        """How it stopped; one that still ran was lost."""
        return "failed" if self.error else STOPPED.get(self._status, "ended")

    @property
    def without_place(self) -> set[str]:
        """Tools that the agent has without a schema, as whole sets of them."""
        offered = within(self.about, "agent", "tools")
        return {str(tool["type"])[:80] for tool in tools_in(offered) if "type" in tool and "function" not in tool}

    def calls(self, trace: str) -> list[Call]:
        """The requests as calls.

        Raises:
            Unreadable: there is none.
        """
        if not self._requests:
            raise Unreadable("no-reply", f"{len(self._messages)} messages, and no request of the model.")
        agent = mapping(self.about.get("agent"))
        fixed = {
            "model": text_of(within(agent, "model", "id")) or text_of(agent.get("model")),
            "tools": [tool for tool in tools_in(agent.get("tools")) if "function" in tool],
        }
        return [self._call(f"{trace}-{at}", request, fixed) for at, request in enumerate(self._requests)]

    def _call(self, identity: str, request: Request, fixed: dict[str, Any]) -> Call:
        stood = request.began if request.at is None else request.at
        return Call(
            id=identity,
            prompt=[*self._system, *self._messages[:stood]],
            replies=[] if request.at is None else [Reply(message=self._messages[request.at])],
            usage=request.usage,
            started=request.started,
            ended=request.ended,
            error=request.error,
            **fixed,
        )

    def tool_runs(self, trace: str) -> tuple[list[ToolRun], int]:
        """The tools that ran, by the calls that asked for them; and how many results nobody asked for."""
        replied = {at: request.at for at, request in enumerate(self._requests) if request.at is not None}
        runs, unasked = tool_runs_of(self._messages, trace, list(replied.values()))
        numbers = list(replied)
        return [
            run.model_copy(
                update={
                    "call": None if run.call is None else numbers[run.call],
                    "error": self._failed.get(run.tool_call_id or ""),
                }
            )
            for run in runs
        ], unasked
