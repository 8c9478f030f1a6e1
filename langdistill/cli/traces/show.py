"""`langdistill traces show`."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from langdistill.cli.options import (
    Format,
    FormatOption,
    StoreArgument,
    opened,
    print_json,
    shortened,
    trace_of,
    visible,
)
from langdistill.cli.traces.ls import at

if TYPE_CHECKING:
    from langdistill.records import Call, Message, Step, ToolRun, Trace


def show(
    store: StoreArgument,
    id: Annotated[str, typer.Argument(help="The trace's id, or how it begins.", show_default=False)],
    whole: Annotated[bool, typer.Option("--whole", help="Texts in full length, and every prompt.")] = False,
    format: FormatOption = Format.text,
) -> None:
    """Show one trace: its steps, calls, tools and what was said of it."""
    with opened(store) as held:
        trace = trace_of(held, store, id)
    if format is Format.json:
        print_json(trace.model_dump())
        return
    console = Console()
    console = console if console.is_terminal else Console(width=120)
    console.print(_Drawing(trace, whole).tree())


class _Drawing:
    """A trace as a tree: calls and tools hang on the step that they happened in."""

    def __init__(self, trace: Trace, whole: bool) -> None:
        self._trace = trace
        self._whole = whole
        self._parts: dict[int | None, list[tuple[float, int, int, Any]]] = defaultdict(list)
        """By step: what happened in it, with its time and its kind (step, call, tool)."""
        for kind, some in enumerate((trace.steps, trace.calls, trace.tool_runs)):
            for number, one in enumerate(some):
                around = getattr(one, "step" if kind else "parent")
                self._parts[around].append((one.started, kind, number, one))
        for parts in self._parts.values():
            parts.sort(key=lambda part: part[:3])

    def tree(self) -> Tree:
        trace = self._trace
        facts = {
            "strategy": trace.strategy, "thread": trace.thread, "user": trace.user, "source": trace.source,
            "continues": trace.continues, "consent": trace.consent, "licence": trace.licence,
            "tags": ", ".join(trace.tags), "metadata": trace.metadata and json.dumps(trace.metadata),
        }  # fmt: skip
        root = Tree(
            f"[bold]{_plain(trace.name or 'trace')}[/] {_plain(trace.id)} {self._stop(trace.outcome, trace.error)}"
        )
        root.add(
            _plain(f"{at(trace.started)}, {max(0.0, trace.ended - trace.started):.1f} s, {len(trace.calls)} calls")
        )
        if told := [f"{name} {value}" for name, value in facts.items() if value]:
            root.add(_plain("; ".join(told)))
        self._messages(root, "input", trace.input[trace.earlier :])
        self._inside(root, None)
        self._messages(root, "output", trace.output)
        for one in trace.interrupts:
            root.add(f"[yellow]asked a human[/] {self._text(one.value)}")
        for one in trace.handoffs:
            root.add(f"[yellow]handed over[/] {_plain(one.source)} to {_plain(one.target)}")
        if trace.resume is not None:
            root.add(f"[yellow]was answered[/] {self._text(trace.resume)}")
        for one in trace.feedback:
            score = "" if one.score is None else f" {one.score:g}"
            root.add(f"[magenta]feedback[/]{score} {_plain(one.name or '')} {self._text(one.comment or '')}".rstrip())
        return root

    def _inside(self, tree: Tree, at: int | None) -> None:
        """What happened in a step, or outside of all, in the order of time."""
        for _, kind, number, one in self._parts[at]:
            if kind == 0:
                self._inside(tree.add(self._step(one)), number)
            elif kind == 1:
                self._call(tree, one)
            else:
                self._tool(tree, one)

    def _step(self, step: Step) -> str:
        branch = "" if step.branch is None else f" branch {step.branch}"
        attempt = f" attempt {step.attempt}" if step.attempt > 1 else ""
        return f"[bold cyan]{_plain(step.name)}[/]{branch}{attempt} {self._stop(step.outcome, step.error)}"

    def _call(self, tree: Tree, call: Call) -> None:
        used = f"{call.usage.input_tokens}+{call.usage.output_tokens} tokens"
        cached = " from the cache" if call.cached else ""
        error = f" [red]{self._text(call.error)}[/]" if call.error else ""
        branch = tree.add(f"[green]call[/] {_plain(call.model or '')} {used}{cached}{error}")
        if self._whole:
            self._messages(branch, "prompt", call.prompt)
        self._messages(branch, None, [reply.message for reply in call.replies])

    def _tool(self, tree: Tree, run: ToolRun) -> None:
        error = f" [red]{self._text(run.error)}[/]" if run.error else ""
        branch = tree.add(f"[blue]tool[/] {_plain(run.name)}({self._text(run.arguments)}){error}")
        output: Any = run.output
        if output is not None:
            branch.add(self._text(output["content"] if isinstance(output, dict) and "content" in output else output))

    def _messages(self, tree: Tree, title: str | None, messages: list[Message]) -> None:
        branch = tree.add(f"[dim]{title}[/]") if title and messages else tree
        for one in messages:
            branch.add(f"[dim]{one['role']}[/] {self._said(one)}")

    def _said(self, message: Message) -> str:
        parts = [self._text(message["content"])] if message["content"] else []
        if thought := message.get("reasoning_content"):
            parts.insert(0, f"[italic dim]{self._text(thought)}[/]")
        for call in message.get("tool_calls", []):
            asked = call.get("function") or {}
            parts.append(f"[blue]calls[/] {_plain(str(asked.get('name')))}({self._text(asked.get('arguments'))})")
        return " ".join(parts)

    def _stop(self, outcome: str, error: str | None) -> str:
        said = f"[red]{self._text(error)}[/]" if error else ""
        return said if outcome == "ended" else f"[yellow]{outcome}[/] {said}".rstrip()

    def _text(self, value: Any) -> str:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        return escape(shortened(text, whole=self._whole))


def _plain(text: str) -> str:
    return escape(visible(text))
