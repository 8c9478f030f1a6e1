"""From what a callback hears to events in the journal. All of it happens inside the callback, so all of it is short."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.outputs import LLMResult

from langdistill.recording.capture import facts
from langdistill.recording.capture.cleaning import Cleaning
from langdistill.recording.capture.conversation import conversation_of, ended_with, given_in
from langdistill.recording.capture.encoding import encode
from langdistill.recording.capture.events import Kind
from langdistill.recording.capture.runs import Lose, Root, Run
from langdistill.recording.privacy.redaction import Redactor
from langdistill.usage import tokens_of


class Writing:
    """Turns what happens in open runs into events. One callback at a time: the caller holds the lock."""

    def __init__(
        self,
        append: Callable[[Kind, int, bytes], str | None],
        redactors: Sequence[Redactor],
        defaults: Mapping[str, Any],
        lose: Lose,
        largest: int,
    ) -> None:
        """Write with `append`, which tells why it could not, events of at most `largest` bytes."""
        self._append = append
        self._cleaning = Cleaning(redactors, lose, largest // 2)
        self._defaults = defaults
        self._lose = lose
        self._runs: dict[UUID | None, Run] = {}
        self._roots = 0

    # beginnings

    def around(self, parent: UUID | None, metadata: Mapping[str, Any] | None) -> Run | None:
        """The run that encloses one that begins; `None` for a root.

        Callbacks that are given inside a node replace those of the graph, and so do those of a model with fallbacks: LangChain
        tells no parent then, but it is still in the context, and the namespace of the node in the metadata.
        """
        if run := self._runs.get(parent) or self._runs.get(facts.parent_in_context()):
            return run
        namespace = metadata.get("langgraph_checkpoint_ns") if metadata else None
        if not namespace:
            return None
        return next((run for run in self._runs.values() if run.kind == "step" and run.namespace == namespace), None)

    def begin_root(
        self,
        run_id: UUID,
        name: str,
        kind: str,
        tags: Sequence[str] | None,
        metadata: Mapping[str, Any],
        inputs: Any,
        *,
        silent: bool,
    ) -> Run:
        """A root begins; nothing of a silent one is written."""
        self._roots += 1
        root = Root(self._roots, run_id, self._cleaning.json, self._cleaning.message, silent=silent)
        run = Run(root, run_id, kind, 0, 0, 0)
        self._keep(run)
        if silent:
            return run
        given, resume = given_in(inputs)
        known = {key: self._cleaning.label(root, metadata.get(key) or value) for key, value in self._defaults.items()}
        about = {
            "id": run_id,
            "name": self._cleaning.label(root, name),
            "kind": kind,
            "tags": self._cleaning.value(root, facts.own_tags(tags)),
            "thread": self._cleaning.identifier(root, metadata.get("thread_id")),
            "user": self._cleaning.identifier(root, facts.user_of(metadata)),
            "strategy": self._cleaning.label(root, metadata.get("strategy")),
            "metadata": self._cleaning.value(root, facts.own_metadata(metadata)),
            **known,
        }
        root.given = bool(given)
        numbers = [root.told.tell(one) for one in given]
        self._write(root, [Kind.ROOT, root.now, about, root.told.new(), numbers, self._cleaning.value(root, resume)])
        return run

    def begin_chain(
        self, around: Run, run_id: UUID, name: str, tags: Sequence[str] | None, metadata: Mapping[str, Any], inputs: Any
    ) -> None:
        """A node, or a Runnable, which is told by the events inside of it."""
        root = around.root
        if root.silent or not facts.is_node(tags, name):
            root.members.add(run_id)
            self._runs[run_id] = around
            return
        number = root.number_of_next()
        namespace = metadata.get("langgraph_checkpoint_ns") or ""
        run = Run(root, run_id, "step", number, number, around.tool, namespace)
        self._keep(run)
        agent, branch = metadata.get("lc_agent_name"), facts.branch_of(metadata)
        # the first one knows the conversation that the run goes on with
        state = [root.told.tell(one) for one in conversation_of(inputs)] if number == 1 else []
        self._write(
            root,
            [Kind.STEP, root.now, number, around.step, name, namespace, agent, branch, root.told.new(), state],
        )

    def begin_call(
        self,
        around: Run,
        run_id: UUID,
        name: str,
        tags: Sequence[str] | None,
        metadata: Mapping[str, Any],
        prompt: list[BaseMessage],
        invocation: Mapping[str, Any],
    ) -> None:
        """A model call."""
        root = around.root
        run = self._within(around, run_id, "call")
        if root.silent:
            return
        like, keep, more = root.told.prompt(run.number, prompt)
        tools = root.told.once(invocation["tools"]) if invocation.get("tools") else None
        params = facts.params_of(invocation)
        marks, name = facts.marks_of(metadata, tags), self._cleaning.label(root, name)
        if "strategy" in marks:
            marks["strategy"] = self._cleaning.label(root, marks["strategy"])
        if "hint" in marks:
            marks["hint"] = self._cleaning.value(root, str(marks["hint"]))
        self._write(
            root,
            [Kind.CALL, root.now, run.number, run.step, run.tool, run_id, name, run.namespace, marks,
             root.told.once(params) if params else None, tools, root.told.new(), like, keep, more],
        )  # fmt: skip

    def begin_tool(self, around: Run, run_id: UUID, name: str, tool_call_id: str | None, arguments: Any) -> None:
        """A tool, with the arguments it really gets."""
        root = around.root
        run = self._within(around, run_id, "tool")
        if root.silent:
            return
        given = self._cleaning.value(root, arguments)
        self._write(root, [Kind.TOOL, root.now, run.number, run.step, run_id, name, run.namespace, tool_call_id, given])

    # endings

    def heard(self, run_id: UUID, token: Any, reasoning: str | None = None, *, of_event: bool = False) -> None:
        """A part of a reply was streamed."""
        if (run := self._runs.get(run_id)) and run.id == run_id:
            run.heard(token, reasoning, of_event=of_event)

    def end_call(self, run_id: UUID, response: LLMResult | None, error: BaseException | None) -> None:
        """A model call ends with its replies, its error, or both."""
        if (run := self._ending(run_id)) is None:
            return
        self._write_end_of_call(run, response, error)
        if run.root.id == run_id:
            first = (
                response.generations[0][0] if response and response.generations and response.generations[0] else None
            )
            message = getattr(first, "message", None) or getattr(first, "text", None)
            self._end_root(run.root, message if error is None else None, error)

    def end_tool(self, run_id: UUID, output: Any, error: BaseException | None) -> None:
        """A tool ends."""
        if (run := self._ending(run_id)) is None:
            return
        root = run.root
        number, value = None, None
        if isinstance(output, BaseMessage):
            number = root.told.tell(output)
        elif output is not None:
            value = self._cleaning.value(root, output)
        told = "error" if isinstance(output, ToolMessage) and output.status == "error" else None
        if error is not None and facts.outcome_of(error) in ("failed", "cancelled"):
            told = self._cleaning.error(root, error)
        self._write(root, [Kind.TOOL_END, root.now, run.number, root.told.new(), number, value, told])
        if root.id == run_id:
            self._end_root(root, output if isinstance(output, BaseMessage) else None, error)

    def end_chain(self, run_id: UUID, output: Any, error: BaseException | None, inputs: Any = None) -> None:
        """A graph, a node or a Runnable ends, fails, asks a human or hands over."""
        if (run := self._ending(run_id)) is None or run.id != run_id:
            return
        root = run.root
        if root.id == run_id:
            self._end_root(root, output, error, inputs)
            return
        if (searched := facts.searched_in(output)) is not None:
            self._write(root, [Kind.SEARCHED, root.now, run.number, self._cleaning.value(root, searched)])
        outcome = facts.outcome_of(error)
        told = self._cleaning.error(root, error) if error is not None and outcome == "failed" else None
        # the runs around it raise the same one
        bubbles = error is not None and error is not root.bubbled and outcome in ("interrupted", "handed-off")
        root.bubbled = error if bubbles else root.bubbled
        asked = self._cleaning.asked(root, facts.interrupts_of(error)) if bubbles else None
        targets = facts.handed_to(error) if bubbles else None
        self._write(root, [Kind.STEP_END, root.now, run.number, outcome, told, asked, targets])

    def stopped(self, run_id: UUID | None) -> None:
        """A graph stops to ask a human, or where it was told to; that it then ends is told apart."""
        if run := self._runs.get(run_id):
            run.root.stopped = True

    def feedback(self, trace_id: str, name: str | None, score: float | None, comment: str | None, at: float) -> None:
        """What a user said of a run."""
        said = [Kind.FEEDBACK, at, trace_id, self._cleaning.comment(name), score, self._cleaning.comment(comment)]
        if why := self._append(Kind.FEEDBACK, 0, encode(said)):
            self._lose(1, f"feedback, since {why}")

    def forget_runs(self) -> None:
        """Nothing more is written of the runs that are open."""
        self._runs.clear()

    # what is written

    def _write_end_of_call(self, run: Run, response: LLMResult | None, error: BaseException | None) -> None:
        root = run.root
        replies = facts.cut_replies_of(response) if error else facts.replies_of(response)
        if error is not None and not replies and (streamed := run.streamed):
            replies = [(streamed, {})]
        told = [[root.told.tell(said), self._cleaning.told(root, said, about)] for said, about in replies]
        failed = self._cleaning.error(root, error, facts.answer_of_server(response)) if error else None
        tokens, cached = tokens_of(response), facts.is_cached(replies)
        self._write(
            root,
            [Kind.CALL_END, root.now, run.number, root.told.new(), told, tokens, cached, run.first_token, failed],
        )

    def _end_root(self, root: Root, output: Any, error: BaseException | None, inputs: Any = None) -> None:
        self._cut_open_calls(root)
        self._forget(root)
        messages, whole = ended_with(output)
        if root.stopped and not whole:
            messages = []  # a state that is no conversation is no answer before the end
        # a chain that streams knows its input only now
        late = [root.told.tell(one) for one in given_in(inputs)[0]] if inputs is not None and not root.given else []
        numbers = [root.told.tell(one) for one in messages]
        answer = output.get("answer") if isinstance(output, dict) else None
        outcome = "interrupted" if root.stopped and error is None else facts.outcome_of(error)
        told = self._cleaning.error(root, error) if error is not None and outcome in ("failed", "cancelled") else None
        self._write(
            root,
            [Kind.END, root.now, outcome, told, root.told.new(), numbers, whole,
             self._cleaning.value(root, answer) if isinstance(answer, str) else None,
             self._cleaning.asked(root, facts.interrupts_in(output)), root.lost, late],
        )  # fmt: skip

    def _cut_open_calls(self, root: Root) -> None:
        """A cancelled call gets no end of its own; what was streamed of it is here alone."""
        for member in root.members:
            run = self._runs.get(member)
            if run and run.id == member and run.kind == "call" and run.streamed:
                self._write_end_of_call(run, None, facts.CancelledError())

    def _write(self, root: Root, event: list[Any]) -> None:
        if why := self._append(event[0], root.number, encode(event)):
            root.lost += 1
            root.told.forget()
            self._lose(1, f"an event, since {why}")

    # open runs

    def _keep(self, run: Run) -> None:
        run.root.members.add(run.id)
        self._runs[run.id] = run

    def _within(self, around: Run, run_id: UUID, kind: str) -> Run:
        """A model call or a tool; one that is its own root takes the root's place."""
        root = around.root
        number = root.number_of_next()
        run = Run(root, run_id, kind, number, around.step, number if kind == "tool" else around.tool, around.namespace)
        self._keep(run)
        return run

    def _ending(self, run_id: UUID) -> Run | None:
        """The run that ends, where something is to be written of it."""
        run = self._runs.pop(run_id, None)
        if run is None:
            return None
        run.root.members.discard(run_id)
        if not run.root.silent:
            return run
        if run.root.id == run_id:
            self._forget(run.root)
        return None

    def _forget(self, root: Root) -> None:
        root.forget_task()
        for member in root.members:
            self._runs.pop(member, None)
