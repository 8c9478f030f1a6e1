"""From the events of one root to its trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from langdistill.recording.capture.events import Kind
from langdistill.recording.capture.facts import VERSIONS
from langdistill.recording.delivery.steps import closed, path_of, stands
from langdistill.recording.delivery.turns import Turns
from langdistill.records import Call, Handoff, Interrupt, Message, Outcome, Reply, Search, Step, ToolRun, Trace, Usage

MESSAGE = TypeAdapter(Message)
UNREADABLE: Message = {"role": "user", "content": "<lost>"}
"""Stands for a message whose event is damaged."""


@dataclass
class _Open:
    """A step, call or tool run as far as it is known."""

    began: list[Any]
    ended: list[Any] | None = None


@dataclass
class Assembly:
    """Takes the events of a root in their order, and gives the trace.

    Raises, as `trace` does, only for events that were not written by this version.
    """

    root: list[Any] | None = None
    end: list[Any] | None = None
    missing: int = 0
    """Events that refer to something that is not there."""
    told: dict[int, Any] = field(default_factory=dict)
    values: dict[int, Any] = field(default_factory=dict)
    """Parameters and tools, which many calls have in common."""
    steps: dict[int, _Open] = field(default_factory=dict)
    calls: dict[int, _Open] = field(default_factory=dict)
    tool_runs: dict[int, _Open] = field(default_factory=dict)
    searched: list[list[Any]] = field(default_factory=list)
    messages: dict[int, Message] = field(default_factory=dict)
    """The same as messages, each looked at once: a prompt of a hundred is told a hundred times."""
    fresh: set[int] = field(default_factory=set)
    """Numbers of the messages that this run has made."""

    def take(self, event: list[Any]) -> None:
        """One event more."""
        match event[0]:
            case Kind.ROOT:
                self.root = event
                self.told.update(event[3])
            case Kind.STEP:
                self.steps[event[2]] = _Open(event)
                self.told.update(event[8])
            case Kind.CALL:
                self.calls[event[2]] = _Open(event)
                self.told.update(event[11])
                for told in (event[9], event[10]):
                    if told and told[1] is not None:
                        self.values[told[0]] = told[1]
            case Kind.TOOL:
                self.tool_runs[event[2]] = _Open(event)
            case Kind.STEP_END:
                self._close(self.steps, event)
            case Kind.CALL_END:
                self.told.update(event[3])
                self.fresh.update(number for number, _ in event[4])
                self._close(self.calls, event)
            case Kind.TOOL_END:
                self.told.update(event[3])
                self.fresh.update([event[4]] if event[4] is not None else [])
                self._close(self.tool_runs, event)
            case Kind.SEARCHED:
                self.searched.append(event)
            case Kind.END:
                self.end = event
                self.told.update(event[4])
            case _:
                self.missing += 1

    def _close(self, among: dict[int, _Open], event: list[Any]) -> None:
        if event[2] in among:
            among[event[2]].ended = event
        else:
            self.missing += 1

    def trace(self) -> Trace | None:
        """The trace; `None` where its beginning is not there. What has not ended was cancelled with its root, or died with it."""
        if self.root is None:
            return None
        about = self.root[2]
        steps = self._steps()
        calls = self._calls(steps)
        tool_runs = self._tool_runs(steps, calls)
        calls = self._with_parents(calls, tool_runs)
        turns = self._turns
        given, output = turns.split()
        said = {"input": self._messages(given), "output": self._messages(output)}
        interrupts = self._interrupts()
        end = self.end or [
            Kind.END, self._last, "lost", "the process ended before the run did", [], [], False, None, [], 0, [],
        ]  # fmt: skip
        stopped = any(step.outcome == "interrupted" for step in steps if step.parent is None)
        interrupted = end[2] == "ended" and (stopped or bool(end[8]))
        return Trace(
            id=about["id"],
            name=about["name"] or "",
            strategy=about["strategy"] or next((call.strategy for call in calls if call.strategy), None),
            thread=about["thread"],
            user=about["user"],
            resume=self.root[5],
            earlier=len(given) - len(turns.given),
            answer=end[7],
            steps=steps,
            calls=calls,
            tool_runs=tool_runs,
            interrupts=interrupts,
            handoffs=self._handoffs(),
            searches=list(self._searches()),
            tags=about["tags"],
            metadata=about["metadata"],
            versions=VERSIONS,
            consent=about["consent"],
            licence=about["licence"],
            started=self.root[1],
            ended=end[1],
            outcome="interrupted" if interrupted else end[2],
            error=end[3],
            lost=end[9] + self.missing,
        ).model_copy(update=said)

    @property
    def _stop(self) -> tuple[float, Outcome]:
        """When and how what has no end of its own stopped."""
        return (self.end[1], "cancelled") if self.end else (self._last, "lost")

    @property
    def _last(self) -> float:
        every = [*self.steps.values(), *self.calls.values(), *self.tool_runs.values()]
        assert self.root
        return max([self.root[1], *(one.began[1] for one in every), *(one.ended[1] for one in every if one.ended)])

    def _steps(self) -> list[Step]:
        index = {number: at for at, number in enumerate(self.steps)}
        attempts: dict[str, int] = {}
        found: list[Step] = []
        for one in self.steps.values():
            _, started, _, parent, name, namespace, agent, branch, _, _ = one.began
            attempts[namespace] = attempts.get(namespace, 0) + 1
            ended, outcome, error = (one.ended[1], one.ended[3], one.ended[4]) if one.ended else (*self._stop, None)
            ended = closed(found, index.get(parent), ended, outcome)
            found.append(
                Step(name=name or "", path=path_of(namespace), parent=index.get(parent), agent=agent, branch=branch,
                     attempt=attempts[namespace], started=started, ended=ended, outcome=outcome, error=error)
            )  # fmt: skip
        return found

    def _calls(self, steps: list[Step]) -> list[Call]:
        index = {number: at for at, number in enumerate(self.steps)}
        prompts: dict[int, list[int]] = {}
        found: list[Call] = []
        for number, one in self.calls.items():
            (_, started, _, step, _, run_id, name, namespace, marks, params, tools, _, like, keep, more) = one.began
            prompts[number] = [*prompts.get(like, [])[:keep], *more]
            at = index.get(step)
            _, ended, _, _, replies, tokens, cached, first_token, error = one.ended or self._cut()
            ended = closed(steps, at, ended, error)
            found.append(
                Call(
                    id=run_id,
                    step=at,
                    path=path_of(namespace),
                    node=marks.get("node"),
                    branch=marks.get("branch"),
                    strategy=marks.get("strategy"),
                    candidate=bool(marks.get("candidate")) and error is None and stands(steps, at),
                    refinement=bool(marks.get("refinement")),
                    hint=marks.get("hint"),
                    retries=self._retried(number, prompts),
                    cached=cached,
                    model=marks.get("model") or name or None,
                    provider=marks.get("provider"),
                    params=self.values.get(params[0], {}) if params else {},
                    tools=self.values.get(tools[0], []) if tools else [],
                    replies=[self._reply(said, told, error) for said, told in replies],
                    usage=Usage(**tokens),
                    started=started,
                    first_token=first_token,
                    ended=ended,
                    error=error,
                ).model_copy(update={"prompt": self._messages(prompts[number])})
            )
        return found

    def _cut(self) -> list[Any]:
        stopped, outcome = self._stop
        return [Kind.CALL_END, stopped, 0, [], [], {}, False, None, outcome]

    def _retried(self, number: int, prompts: dict[int, list[int]]) -> int | None:
        """The failed call before this one that asked the same in the same place; the samples of one node are no retries."""
        this = self.calls[number].began
        for at, before, other in self._failed:
            if before == number:
                continue
            assert other.ended
            same = other.began[7] == this[7] and prompts.get(before) == prompts[number]
            sample = this[8].get("candidate") and other.began[3] == this[3] and not this[8].get("retry")
            if same and not sample and other.ended[1] <= this[1]:
                return at
        return None

    @cached_property
    def _failed(self) -> list[tuple[int, int, _Open]]:
        """Calls that failed by themselves, the last one first: index, number, events."""
        failed = [
            (at, number, one)
            for at, (number, one) in enumerate(self.calls.items())
            if one.ended is not None and one.ended[8] not in (None, "cancelled")
        ]
        return failed[::-1]

    def _reply(self, number: int, told: dict[str, Any], error: str | None) -> Reply:
        reply = Reply(message=UNREADABLE, partial=error is not None, **told)
        return reply.model_copy(update={"message": self._message(number)})

    def _tool_runs(self, steps: list[Step], calls: list[Call]) -> list[ToolRun]:
        index = {number: at for at, number in enumerate(self.steps)}
        asked = [
            (asking.get("id"), call.started, at)
            for at, call in enumerate(calls)
            for reply in call.replies
            for asking in reply.message.get("tool_calls", [])
        ]
        found: list[ToolRun] = []
        for one in self.tool_runs.values():
            _, started, _, step, run_id, name, namespace, tool_call_id, arguments = one.began
            stopped, outcome = self._stop
            ended = one.ended or [Kind.TOOL_END, stopped, 0, [], None, None, outcome]
            output = self._message(ended[4]) if ended[4] is not None else ended[5]
            at = index.get(step)
            found.append(
                ToolRun(id=run_id, name=name, step=at, call=_asked_by(asked, tool_call_id, started),
                        tool_call_id=tool_call_id, path=path_of(namespace), arguments=arguments, output=output,
                        started=started, ended=closed(steps, at, ended[1], ended[6]), error=ended[6])
            )  # fmt: skip
        return found

    def _with_parents(self, calls: list[Call], tool_runs: list[ToolRun]) -> list[Call]:
        """A call inside of a tool belongs to the call that asked for the tool."""
        asking = {number: run.call for number, run in zip(self.tool_runs, tool_runs, strict=True)}
        inside = [one.began[4] for one in self.calls.values()]
        return [
            call if (parent := asking.get(tool)) is None else call.model_copy(update={"parent": parent})
            for call, tool in zip(calls, inside, strict=True)
        ]

    def _interrupts(self) -> list[Interrupt]:
        found: dict[str, Interrupt] = {}
        for one in self.steps.values():
            for asked in (one.ended[5] if one.ended else None) or ():
                found[asked["id"]] = Interrupt(id=asked["id"], value=asked["value"], path=path_of(one.began[5]))
        for asked in self.end[8] if self.end else ():
            found.setdefault(asked["id"], Interrupt(id=asked["id"], value=asked["value"]))
        return list(found.values())

    def _handoffs(self) -> list[Handoff]:
        return [
            Handoff(source=path_of(one.began[5]), target=target)
            for one in self.steps.values()
            for target in (one.ended[6] if one.ended else None) or ()
        ]

    def _searches(self) -> Iterator[Search]:
        index = {number: at for at, number in enumerate(self.steps)}
        for _, _, number, told in self.searched:
            try:
                yield Search.model_validate({**told, "step": index.get(number)})
            except (TypeError, ValidationError):
                continue  # too large to be kept, which is counted; or of a node of somebody's own, that means another thing by the key

    @property
    def _turns(self) -> Turns:
        assert self.root
        state: list[int] = next((one.began[9] for one in self.steps.values()), [])
        if self.end is None:
            return Turns(self.root[4], state, [])
        output: list[int] = self.end[5]
        own = {self._original(number) for number in self.fresh}
        fresh = [self._original(number) in own for number in output]
        last = self.told.get(self._original(output[-1])) if output else None
        wrote = bool(self.steps) and last is not None and last["role"] == "assistant"
        return Turns(self.root[4] or self.end[10], state, output, self.end[6], fresh, wrote)

    def _original(self, number: int) -> int:
        said = self.told.get(number)
        return said["as"] if isinstance(said, dict) and "as" in said else number

    def _messages(self, numbers: Iterable[int]) -> list[Message]:
        return [self._message(number) for number in numbers]

    def _message(self, number: int) -> Message:
        if (message := self.messages.get(number)) is None:
            message = self.messages[number] = self._read(number)
        return message

    def _read(self, number: int) -> Message:
        said = self.told.get(number)
        if said is None:
            self.missing += 1
            return UNREADABLE
        if "as" in said:
            return {**self._message(said["as"]), "name": said["name"]}
        return MESSAGE.validate_python(said)


def _asked_by(asked: list[tuple[Any, float, int]], tool_call_id: str | None, started: float) -> int | None:
    """The last call before a tool run that asked for it: some models give the same id again and again."""
    before = [at for id, when, at in asked if tool_call_id and id == tool_call_id and when <= started]
    return before[-1] if before else None
