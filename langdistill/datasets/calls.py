"""Rows of single model calls: what a call was asked, and what it replied."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from langdistill.answers.thinking import thought_and_said
from langdistill.datasets.rows import in_order, row_of
from langdistill.groups import Group, Rows
from langdistill.recording.delivery.steps import stands
from langdistill.records import Call, Example, Message, Reply, Trace, text_of


def rows_of_calls(group: Group, matches: Callable[[Call], bool]) -> Rows:
    """A row for each reply of each matching call of the original question.

    What failed, was cancelled or cut gives none, nor what was said in a node that failed: of retries there is the last one
    alone. A reply that came from LangChain's cache is told once.
    """
    matching = [(trace, call) for trace in group.originals for call in trace.calls if matches(call)]
    if not matching:
        return Rows(reason="no-call")
    rows = [(call.cached, _row(group, trace, call, reply)) for trace, call in matching for reply in spoken(trace, call)]
    if not rows:
        return Rows(reason="failed-calls")
    said = {row.content for cached, row in rows if not cached}
    from_cache = {row.content: row for cached, row in rows if cached and row.content not in said}
    return Rows(in_order([*(row for cached, row in rows if not cached), *from_cache.values()]))


def spoken(trace: Trace, call: Call) -> list[Reply]:
    """The replies of a call that the graph has heard, and that say anything."""
    if call.error is not None or not stands(trace.steps, call.step):
        return []
    return [reply for reply in call.replies if not reply.partial and says_something(reply.message)]


def says_something(message: Message) -> bool:
    """Whether there is anything in it to learn."""
    return bool(message["content"] or message.get("tool_calls"))


def thinking_in(messages: Sequence[Message]) -> str | None:
    """The thinking that messages of the assistant hold, in a field of its own or between tags, joined by empty lines."""
    found = (
        message.get("reasoning_content") or thought_and_said(text_of(message) or "")[0]
        for message in messages
        if message["role"] == "assistant"
    )
    return "\n\n".join(filter(None, found)) or None


def _row(group: Group, trace: Trace, call: Call, reply: Reply) -> Example:
    said = text_of(reply.message)
    answer = None if said is None or "tool_calls" in reply.message else group.extract(thought_and_said(said)[1])
    row = row_of(
        group,
        call.prompt,
        [reply.message],
        [trace],
        tools=call.tools,
        reasoning=thinking_in([reply.message]),
        answer=answer,
        logprobs=reply.logprobs,
        call=call.id,
        model=call.model,
    )
    return row.model_copy(update={"at": call.started})
