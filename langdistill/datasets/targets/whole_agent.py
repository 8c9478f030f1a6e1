"""A whole run of an agent as one row of several turns (FireAct, 2310.05915; Agent Distillation, 2505.17612)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from langdistill.answers.thinking import thought_and_said
from langdistill.datasets.calls import thinking_in
from langdistill.datasets.conversations import Conversation, conversation_of, conversations_of_agent, not_whole
from langdistill.datasets.rows import in_order, row_of, without_thinking
from langdistill.datasets.taking import Taking, commonest
from langdistill.errors import DatasetError
from langdistill.groups import Group, Rows
from langdistill.records import Example, Message, Trace, text_of

FirstThought = Callable[[list[Message]], str | None]
"""From a prompt to a reasoned answer to it; `None` where there is none."""
Reasoning = Literal["keep", "strip"]


@dataclass(frozen=True)
class WholeAgent(Taking):
    """See `whole_agent`."""

    agent: str | None = None
    learn_earlier: bool = False
    reasoning: Reasoning = "keep"
    first_thought: FirstThought | None = None

    def __call__(self, group: Group) -> Rows:
        """A row for each run, or for each time that another agent spoke before the one that is learnt."""
        rows: list[Example] = []
        reasons: list[str] = []
        for trace in group.originals:
            for told in self._conversations(trace):
                if isinstance(told, str):
                    reasons.append(told)
                else:
                    rows.append(self._row(group, trace, told))
        return Rows(in_order(rows)) if rows else Rows(reason=commonest(reasons))

    def _conversations(self, trace: Trace) -> list[Conversation | str]:
        if self.agent is None:
            return [conversation_of(trace, learn_earlier=self.learn_earlier)]
        if reason := not_whole(trace):
            return [reason]
        return [*conversations_of_agent(trace, self.agent)] or ["no-such-agent"]

    def _row(self, group: Group, trace: Trace, told: Conversation) -> Example:
        kept = told.target if self.reasoning == "keep" else without_thinking(told.target)
        target = [_learnt(one) for one in kept]
        if self.first_thought and (thought := self.first_thought(told.prompt)):
            target = _prefixed(target, thought)
        last = told.calls[-1] if told.calls else None
        return row_of(
            group,
            told.prompt,
            target,
            [trace],
            tools=told.tools,
            reasoning=thinking_in(target),
            answer=self._answer(group, trace, target),
            model=last.model if last else None,
            call=last.id if last and len(told.calls) == 1 else None,
        )

    def _answer(self, group: Group, trace: Trace, target: list[Message]) -> str | None:
        if self.agent is None and trace.answer is not None:
            return trace.answer
        said = text_of(target[-1]) if target[-1]["role"] == "assistant" else None
        return group.extract(thought_and_said(said)[1]) if said and "tool_calls" not in target[-1] else None


def whole_agent(
    *,
    agent: str | None = None,
    learn_earlier: bool = False,
    reasoning: Reasoning = "keep",
    first_thought: FirstThought | None = None,
) -> WholeAgent:
    """The student learns to do what the agent did: a row for each run, from the question to the final answer.

    The prompt is what the first call of the run was sent: its system prompt (that of the first where they differ), earlier turns,
    the question. The target is everything that followed: the assistant's messages with their tool calls and, as context, the
    results of tools, failed ones that the agent recovered from included, and what users said in between; nothing after the
    last reply or result. The tools are all that were on offer at some time, called or not. Where the graph's output lacks calls
    of tools, as that of a graph with an agent in a node does, they come from the prompt of the last call.

    A run that goes on after a human was asked is told whole, from the user's last message on. Runs that failed, were cancelled or
    died give none, nor those that events were lost of ("failed-runs", "cancelled-runs", "lost-runs", "incomplete-runs").

    Each turn of a thread is a run. To learn a conversation once and whole, select its last turn and set `learn_earlier`.

    Args:
        agent: name of one agent of several: a row, with its own prompt and tools, for each time that another spoke before it.
            `None` takes the conversation of the root, in which an agent that is a tool is a tool.
        learn_earlier: the assistant's messages of earlier turns are learnt, too, and are no context.
        reasoning: whether the target keeps the agent's thinking ("keep", "strip"). Prompts never hold any.
        first_thought: gives a reasoned answer to a prompt. Its first paragraph becomes the beginning of the agent's first
            message (first-thought prefix, 2505.17612). There it was put before the agent went on; here it is put before what
            was said without it.

    Raises:
        DatasetError: `reasoning` is neither, or `learn_earlier` is set for one agent of several.
    """
    if reasoning not in get_args(Reasoning):
        raise DatasetError(f'whole_agent(reasoning={reasoning!r}) is unknown; give "keep" or "strip".')
    if agent is not None and learn_earlier:
        raise DatasetError(
            "whole_agent(learn_earlier=True) is for the conversation of a thread; an agent of several has none of its own. "
            "Leave one of them out."
        )
    return WholeAgent(agent, learn_earlier, reasoning, first_thought)


def _learnt(message: Message) -> Message:
    """A message without the name that a graph gave to who said it: a model says none."""
    if message["role"] != "assistant":
        return message
    return cast("Message", {key: value for key, value in message.items() if key != "name"})


def _prefixed(target: list[Message], thought: str) -> list[Message]:
    """The target with the first paragraph of a text at its beginning."""
    paragraph = thought_and_said(thought)[1].strip().split("\n\n")[0].strip()
    at = next(at for at, one in enumerate(target) if one["role"] == "assistant")
    content = target[at]["content"]
    said: Any = f"{paragraph}\n\n{content}" if content else paragraph
    if isinstance(content, list):
        said = [{"type": "text", "text": f"{paragraph}\n\n"}, *content]
    return [*target[:at], {**target[at], "content": said}, *target[at + 1 :]]
