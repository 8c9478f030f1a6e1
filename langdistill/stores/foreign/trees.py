"""Spans of one trace as flat lists of steps, calls and runs of tools, each with the index of what it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langdistill.records import Call, Step, ToolRun
from langdistill.stores.foreign.losses import Losses, is_empty
from langdistill.stores.foreign.values import parsed

LONGEST_PATH = 1000
"""Characters of a path; deeper steps have the path of the one that they are in."""

Kind = TypeVar("Kind", Step, Call, ToolRun)


@dataclass
class Span:
    """One span, run or observation, read, with its place in the tree not yet found."""

    id: str
    parent: str | None
    losses: Losses
    name: str
    record: Step | Call | ToolRun
    input: Any = None
    """What it was given, where it is a step."""
    output: Any = None


@dataclass
class Tree:
    """The spans of one trace, and who is below whom."""

    losses: Losses
    spans: dict[str, Span] = field(default_factory=dict[str, Span])
    rootless: bool = False
    """Whether the root is not among them, as where only the model's runs were exported."""

    def add(self, span: Span) -> None:
        """Take in a span; of two with one id, the first stays."""
        if span.id in self.spans:
            span.losses.tell("doubled", f"There is another of the id {span.id!r} before it, which stays.")
        else:
            self.spans[span.id] = span

    def free(self) -> None:
        """Let spans stand at the top whose parent is missing, or that are below themselves."""
        orphans = [span for span in self.spans.values() if span.parent and span.parent not in self.spans]
        self.rootless = len(orphans) > 0 and all(span.parent for span in self.spans.values())
        if self.rootless:
            self.losses.tell("no-root", f"The root is not in the file; spans stand at the top: {len(orphans)}.")
        for span in orphans:
            if not self.rootless:
                span.losses.tell("no-parent", f"Its parent {span.parent!r} is not in the file; it stands at the top.")
            span.parent = None
        self._break_circles()

    def _break_circles(self) -> None:
        safe: set[str] = set()
        for span in self.spans.values():
            way: set[str] = set()
            one: Span | None = span
            while one and one.id not in safe:
                if one.id in way:
                    one.losses.tell("circle", f"{one.id!r} is below itself; it stands at the top.")
                    one.parent = None
                    break
                way.add(one.id)
                one = self.spans.get(one.parent or "")
            safe |= way

    @property
    def tops(self) -> list[Span]:
        """The spans without a parent, by time."""
        return sorted((one for one in self.spans.values() if one.parent is None), key=lambda one: one.record.started)

    @property
    def root(self) -> Span | None:
        """The span that all the others are below; `None` where there is none, or several stand at the top."""
        tops = self.tops
        return tops[0] if len(tops) == 1 and not self.rootless else None

    def downwards(self) -> list[Span]:
        """All spans, each after the one that it is in."""
        below: dict[str, list[Span]] = {}
        for span in self.spans.values():
            if span.parent:
                below.setdefault(span.parent, []).append(span)
        found = self.tops
        for span in found:  # grows while it is walked
            found += below.get(span.id, [])
        return found


@dataclass
class Places:
    """Where in the lists of a trace each span is. A root that is a step is in none of them: it is the trace itself."""

    steps: list[Step] = field(default_factory=list[Step])
    calls: list[Call] = field(default_factory=list[Call])
    tools: list[ToolRun] = field(default_factory=list[ToolRun])
    index: dict[str, int] = field(default_factory=dict[str, int])
    step_of: dict[str, int | None] = field(default_factory=dict[str, "int | None"])
    """The nearest step that a span is in; the other two likewise."""
    call_of: dict[str, int | None] = field(default_factory=dict[str, "int | None"])
    tool_of: dict[str, int | None] = field(default_factory=dict[str, "int | None"])


def flat(tree: Tree) -> Places:
    """The spans of a tree by time, each with what it is in: its step, and the call that asked for it."""
    places = _placed(tree)
    places.steps = _with_paths(places, tree)
    asked = Asked(places.calls)
    ids = {places.index[span.id]: span.id for span in tree.spans.values() if isinstance(span.record, ToolRun)}
    for at, tool in enumerate(places.tools):
        step = places.step_of[ids[at]]
        call, id = asked.by(tool, places.call_of[ids[at]])
        told = {"step": step, "call": call, "tool_call_id": id, "path": tool.path or _path(places.steps, step)}
        places.tools[at] = tool.model_copy(update=told)
    ids = {places.index[span.id]: span.id for span in tree.spans.values() if isinstance(span.record, Call)}
    for at, call in enumerate(places.calls):
        step, tool = places.step_of[ids[at]], places.tool_of[ids[at]]
        told = {"step": step, "parent": None if tool is None else places.tools[tool].call}
        places.calls[at] = call.model_copy(update=told | {"path": call.path or _path(places.steps, step)})
    return places


def _path(steps: Sequence[Step], step: int | None) -> str:
    return "" if step is None else steps[step].path


def _placed(tree: Tree) -> Places:
    """Every span in its list, and the nearest of each kind that it is in."""
    top = tree.root
    root = top if top and isinstance(top.record, Step) else None
    ordered = sorted((one for one in tree.spans.values() if one is not root), key=lambda one: one.record.started)
    places = Places()
    for span in ordered:
        kept = (
            places.steps
            if isinstance(span.record, Step)
            else places.calls
            if isinstance(span.record, Call)
            else places.tools
        )
        places.index[span.id] = len(kept)
        kept.append(span.record)  # type: ignore[arg-type]
    for span in tree.downwards():
        above = tree.spans.get(span.parent or "")
        for kind, nearest in ((Step, places.step_of), (Call, places.call_of), (ToolRun, places.tool_of)):
            if above is None:
                nearest[span.id] = None
            else:
                nearest[span.id] = places.index.get(above.id) if type(above.record) is kind else nearest[above.id]
    return places


def _with_paths(places: Places, tree: Tree) -> list[Step]:
    steps = list(places.steps)
    for span in tree.downwards():
        if isinstance(span.record, Step) and span.id in places.index:
            parent = places.step_of[span.id]
            before = _path(steps, parent)
            named = f"{before}/{span.record.name}" if before else span.record.name
            path = span.record.path or (named if len(named) <= LONGEST_PATH else before)
            steps[places.index[span.id]] = span.record.model_copy(update={"parent": parent, "path": path})
    return steps


class Asked:
    """Which call asked for the run of a tool."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self._by_id: dict[str, int] = {}
        self._by_name: dict[str, list[tuple[int, float, Any, str]]] = {}
        for at, call in enumerate(calls):
            for asked in (asked for reply in call.replies for asked in reply.message.get("tool_calls", [])):
                self._by_id.setdefault(asked["id"], at)
                arguments = parsed(asked["function"]["arguments"])
                self._by_name.setdefault(asked["function"]["name"], []).append(
                    (at, call.started, arguments, asked["id"])
                )

    def by(self, tool: ToolRun, within: int | None) -> tuple[int | None, str | None]:
        """Index of the call, and the id of the tool call: by that id, else by name and arguments, else the call it ran in."""
        if tool.tool_call_id:
            return self._by_id.get(tool.tool_call_id, within), tool.tool_call_id
        waiting = self._by_name.get(tool.name, [])
        for at, (call, started, arguments, id) in enumerate(waiting):
            if started <= tool.started and _same(arguments, tool.arguments):
                del waiting[at]
                return call, id or None
        return within, None


def _same(asked: Any, given: Any) -> bool:
    """Whether a tool ran with what was asked for, be it wrapped once more or not."""
    return (
        given == asked
        or (isinstance(given, Mapping) and list(given.values()) == [asked])
        or (asked == {} and is_empty(given))
    )
