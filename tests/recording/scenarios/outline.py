"""A whole trace as an outline that can be written down in a test.

Traces are #0, #1, ..., calls c0, c1, ..., tool runs t0, t1, ..., interrupts i0, i1, ...; times are checked for their order, and left out like all that has its default.
What runs in parallel is sorted by its branch, or by its name.

    graph error='...'                         the root: every field of `Trace` that is told
      earlier user: hello                     `input`: earlier turns, then what this run was given
      in user: 2+2?
      step model agent='graph'                a step; its path is told where it is not its place in the outline
        call c0 tools=['add'] -> t0           a call, and the tool runs that it asked for
          < user: 2+2?                        its prompt
          > assistant: 4 finish_reason='stop' its replies
        tool t0 add {'a': 1} -> 3             a tool run
      interrupt 'sure?' at ask
      handoff from sales/leave to support
      out assistant: 4
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from langdistill.records import Call, Message, Record, Reply, Step, ToolRun, Trace
from tests.recording.scenarios.models import NAME

Inside = tuple[float, int, str, Any]
"""When it began, its index, its kind, its record."""
LATE = 0.001
"""Seconds by which rounding may shift a time."""


def outline(traces: Sequence[Trace]) -> str:
    """The outline of these traces."""
    lines: list[str] = []
    for trace in traces:
        assert Trace.model_validate_json(trace.model_dump_json()) == trace
        _check_times(trace)
        lines += _Outline(trace).lines()
    text = "\n".join(lines)
    for at, trace in enumerate(traces):
        text = text.replace(trace.id, f"#{at}")
    asked = dict.fromkeys(
        one.id for trace in traces for one in sorted(trace.interrupts, key=lambda one: str(one.value))
    )
    for at, id in enumerate(asked):
        text = text.replace(id, f"i{at}")
    return text


class _Outline:
    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.order = [*self._within(None)]
        calls = [one for kind, one in self.order if kind == "call"]
        tools = [one for kind, one in self.order if kind == "tool"]
        assert len(calls) == len(trace.calls)
        assert len(tools) == len(trace.tool_runs)
        self.calls = {at: f"c{number}" for number, at in enumerate(calls)}
        self.tools = {at: f"t{number}" for number, at in enumerate(tools)}

    def lines(self) -> Iterator[str]:
        trace = self.trace
        yield " ".join([trace.name or "(no name)", *self._root()])
        for at, message in enumerate(trace.input):
            yield f"  {'earlier' if at < trace.earlier else 'in'} {_said(message)}"
        for kind, at in self.order:
            yield from {"step": self._step, "call": self._call, "tool": self._tool}[kind](at)
        for one in sorted(trace.interrupts, key=lambda one: (one.path, str(one.value))):
            yield f"  interrupt {one.value!r} at {one.path or '(root)'}"
        for one in trace.handoffs:
            yield f"  handoff from {one.source} to {one.target}"
        for message in trace.output:
            yield f"  out {_said(message)}"

    def _root(self) -> list[str]:
        shown = {"name", "id", "version", "versions", "input", "earlier", "steps", "calls", "tool_runs", "interrupts", "handoffs",
                 "output", "continues"}  # fmt: skip
        fields = _fields(self.trace, shown)
        return [*fields, f"continues={self.trace.continues}"] if self.trace.continues else fields

    def _within(self, parent: int | None) -> Iterator[tuple[str, int]]:
        """What happened in a step, in its order: what is parallel is sorted."""
        trace = self.trace
        inside: list[Inside] = [
            *((one.started, at, "step", one) for at, one in enumerate(trace.steps) if one.parent == parent),
            *((one.started, at, "call", one) for at, one in enumerate(trace.calls) if one.step == parent),
            *((one.started, at, "tool", one) for at, one in enumerate(trace.tool_runs) if one.step == parent),
        ]
        for _, at, kind, _ in _sorted_where_parallel(sorted(inside, key=lambda one: one[:2])):
            yield kind, at
            if kind == "step":
                yield from self._within(at)

    def _step(self, at: int) -> Iterator[str]:
        step = self.trace.steps[at]
        enclosing = self.trace.steps[step.parent].path if step.parent is not None else ""
        place = f"{enclosing}/{step.name}" if enclosing else step.name
        shown = {"name", "parent", *(["path"] if step.path == place else [])}
        yield " ".join([f"{self._indent(step)}step {step.name}", *_fields(step, shown)])

    def _call(self, at: int) -> Iterator[str]:
        call = self.trace.calls[at]
        step = self.trace.steps[call.step] if call.step is not None else None
        shown = {"id", "step", "parent", "retries", "prompt", "replies", "usage", "tools"}
        shown |= {"path"} if call.path == (step.path if step else "") else set()
        shown |= {"node"} if call.node == (step.name if step else None) else set()
        shown |= {"branch"} if call.branch == (step.branch if step else None) else set()
        shown |= {"model"} if call.model == NAME else set()
        shown |= {"provider"} if call.provider == NAME else set()
        words = [f"{self._indent(call)}call {self.calls[at]}", *_fields(call, shown)]
        words += [f"within={self.calls[call.parent]}"] if call.parent is not None else []
        words += [f"retries={self.calls[call.retries]}"] if call.retries is not None else []
        words += [f"offered={[one['function']['name'] for one in call.tools]}"] if call.tools else []
        words += [f"usage={call.usage.model_dump(exclude_defaults=True)}"] if call.usage.model_fields_set else []
        words += ["streamed"] if call.first_token else []
        yield " ".join(words)
        yield from (f"{self._indent(call)}  < {_said(message)}" for message in call.prompt)
        yield from (f"{self._indent(call)}  > {_replied(reply)}" for reply in call.replies)

    def _tool(self, at: int) -> Iterator[str]:
        run = self.trace.tool_runs[at]
        step = self.trace.steps[run.step] if run.step is not None else None
        shown = {"id", "name", "step", "call", "arguments", "output"} | (
            {"path"} if run.path == (step.path if step else "") else set()
        )
        words = [f"{self._indent(run)}tool {self.tools[at]} {run.name} {run.arguments!r}", *_fields(run, shown)]
        words += [f"asked_by={self.calls[run.call]}"] if run.call is not None else []
        output = run.output
        is_message = isinstance(output, dict) and "role" in output
        yield " ".join([*words, f"-> {_said(output) if is_message else repr(output)}"])  # type: ignore[arg-type]

    def _indent(self, one: Step | Call | ToolRun) -> str:
        depth, at = 1, one.parent if isinstance(one, Step) else one.step
        while at is not None:
            depth, at = depth + 1, self.trace.steps[at].parent
        return "  " * depth


def _sorted_where_parallel(inside: Sequence[Inside]) -> list[Inside]:
    """Threads begin in any order: what overlaps with others of its kind is sorted by branch, name and prompt."""
    places: dict[tuple[str, int], tuple[Any, ...]] = {}
    groups: dict[str, tuple[float, float]] = {}
    sent = None
    for started, at, kind, record in inside:
        first, until = groups.get(kind, (0.0, 0.0))
        together = started < until or (sent is not None and sent == _sent(record))
        groups[kind] = (first if together else started, max(until, record.ended))
        sent = _sent(record) if kind == "step" else sent
        places[kind, at] = (groups[kind][0], *_place(at, kind, record))
    return sorted(inside, key=lambda one: places[one[2], one[1]])


def _sent(record: Any) -> str | None:
    """The name of a step that was sent: neighbours of one name were sent together."""
    return record.name if isinstance(record, Step) and record.branch is not None else None


def _place(at: int, kind: str, record: Any) -> tuple[Any, ...]:
    if kind == "step":
        return (kind, -1 if record.branch is None else record.branch, record.name, record.attempt)
    if kind == "call":
        return (kind, 0, str(record.prompt), str(record.replies), at)
    return (kind, 0, str(record.tool_call_id), at)


def _fields(record: Record, shown: set[str]) -> list[str]:
    """Every other field that has not its default."""
    times = {"started", "ended", "first_token"}
    words: list[str] = []
    for name, field in type(record).model_fields.items():
        value = getattr(record, name)
        if name not in shown | times and value != field.get_default(call_default_factory=True):
            words.append(f"{name}={value!r}")
    return words


def _said(message: Message) -> str:
    more = {key: value for key, value in message.items() if key not in ("role", "content", "tool_calls")}
    words = [f"{message['role']}: {_text(message['content'])}"]
    for call in message.get("tool_calls", []):
        words.append(f"{call['function']['name']}({call['function']['arguments']})#{call['id']}")
    return " ".join([*words, *(f"{key}={value!r}" for key, value in more.items())])


def _text(content: Any) -> str:
    return content if isinstance(content, str) and content and "\n" not in content else repr(content)


def _replied(reply: Reply) -> str:
    return " ".join([_said(reply.message), *_fields(reply, {"message"})])


def _check_times(trace: Trace) -> None:
    assert 0 < trace.started <= trace.ended
    for one in (*trace.steps, *trace.calls, *trace.tool_runs):
        at = one.parent if isinstance(one, Step) else one.step
        around = trace.steps[at] if at is not None else trace
        assert around.started - LATE <= one.started <= one.ended <= around.ended + LATE, one
    for call in trace.calls:
        assert call.first_token is None or call.started <= call.first_token <= call.ended
    for at, step in enumerate(trace.steps):
        assert step.parent is None or step.parent < at
