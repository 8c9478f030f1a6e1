"""Chats in the shape of OpenAI: fine-tuning rows, preference pairs, batches of requests and responses, rewarded runs.

| row | trace |
|---|---|
| `{"messages": [...], "tools": [...]}` | one; each message of the model is a call whose prompt is what stood before it |
| `{"prompt": ..., "completion": ...}` | one |
| `{"input": {...}, "preferred_output": [...], "non_preferred_output": [...]}` | two of one problem, with feedback 1 and 0 |
| `{"custom_id", "body"}` and `{"custom_id", "response"}`, or `{"request", "response"}` | one for both, with all choices |
| `{"traj": [...], "reward": ..., "task_id": ...}` (tau-bench) | one, with the reward as feedback; what was to be done is gold and stays out |
| `{"messages_display": "user: ..."}` (tau-bench) | one, which says how many tool calls are lost: only their results were printed |
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from langdistill.records import Call, Feedback, Reply, Trace, digest
from langdistill.stores.foreign.chat_traces import KEPT_OUT, chat_trace, pair_traces
from langdistill.stores.foreign.chats import apart, read_chat, read_message, read_tools, tool_runs_of, without_place
from langdistill.stores.foreign.displays import read_display
from langdistill.stores.foreign.documents import Document, documents, read_rows, rows
from langdistill.stores.foreign.expected import Unreadable, a_list, a_number, a_text, an_object, kind, within
from langdistill.stores.foreign.made import Ids, filled, left_out, trace_of
from langdistill.stores.foreign.parts import tools_in
from langdistill.stores.foreign.values import a_time, usage_of
from langdistill.stores.importing import Unmapped

SOURCE = "openai_chat"
OFFERED = ("tools", "functions")
ASKED = ("messages", "model", *OFFERED)
"""Keys of a request that have a field of their own; the others are its parameters."""
PARAMS = ("parallel_tool_calls", "temperature", "top_p", "max_tokens", "max_completion_tokens", "tool_choice",
          "response_format", "seed", "stop", "n", "reasoning_effort")  # fmt: skip


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The traces of a file of JSON lines, of a JSON list, or of such files in a folder."""
    ids, batch = Ids(SOURCE), Batch()
    yield from read_rows(documents(path), rows, partial(_row, ids=ids, batch=batch))
    yield from batch.unpaired()


def _row(row: Document, ids: Ids, batch: Batch) -> Iterator[Trace | Unmapped]:
    raw = an_object(row.value, "The row")
    seen = {key: value for key, value in raw.items() if key not in KEPT_OUT}  # nor may the id tell what is gold
    if "request" in raw and "response" in raw:
        yield from _completion(row.where, ids.of(seen), raw["request"], raw["response"], raw.get("error"))
    elif "custom_id" in raw and ("body" in raw or "response" in raw):
        yield from batch.take(row, raw)
    elif "preferred_output" in raw:
        yield from _pair(row.where, ids.of(seen), raw)
    elif "messages_display" in raw:
        yield from _displayed(row.where, ids.of(seen), raw)
    elif "traj" in raw:
        yield from _rewarded(row.where, ids.of(seen), raw)
    elif "messages" in raw or "completion" in raw:
        yield from _chat(row.where, ids.of(seen), raw, apart(_spoken(raw)))
        yield from left_out(row.where, "no-place", filled(raw, *ASKED, *PARAMS, "prompt", "completion", *KEPT_OUT))
        yield from left_out(row.where, "gold", filled(raw, *set(raw) - set(KEPT_OUT)))
    else:
        keys = ", ".join(sorted(raw))[:200]
        raise Unreadable("no-messages", f"A row with the keys {keys or 'of an empty object'}; expected is `messages`.")


def _spoken(raw: dict[str, Any]) -> list[Any]:
    if "messages" in raw:
        return a_list(raw["messages"], "messages")
    return [*_said(raw.get("prompt"), "user"), *_said(raw["completion"], "assistant")]


def _said(raw: Any, role: str) -> list[Any]:
    return [{"role": role, "content": raw}] if isinstance(raw, str) else a_list(raw, f"What the {role} said")


def _chat(
    where: str, identity: str, raw: dict[str, Any], spoken: list[Any], **fields: Any
) -> Iterator[Trace | Unmapped]:
    return chat_trace(where, identity, SOURCE, spoken, asked_with=_asked_with(raw), **fields)


def _asked_with(raw: dict[str, Any]) -> dict[str, Any]:
    tools = [tool for key in OFFERED for tool in tools_in(read_tools(raw.get(key)))]
    params = {key: raw[key] for key in PARAMS if raw.get(key) is not None}
    return {"tools": tools, "params": params, "model": a_text(raw.get("model"))}


def _pair(where: str, identity: str, raw: dict[str, Any]) -> Iterator[Trace | Unmapped]:
    asked = an_object(raw.get("input"), "The input")
    prompt = a_list(asked.get("messages"), "The messages of the input")
    endings = {key: raw.get(key) for key in ("preferred_output", "non_preferred_output")}
    yield from pair_traces(where, identity, SOURCE, prompt, endings, asked_with=_asked_with(asked))
    yield from left_out(where, "no-place", filled(raw, "input", "preferred_output", "non_preferred_output"))
    yield from left_out(where, "no-place", filled(asked, *ASKED, *PARAMS))


def _rewarded(where: str, identity: str, raw: dict[str, Any]) -> Iterator[Trace | Unmapped]:
    task = a_text(within(raw, "info", "task", "instruction"))
    problem = digest(task)[:16] if task else str(raw.get("task_id") or identity)
    reward = a_number(raw.get("reward"))
    feedback = [] if reward is None else [Feedback(name="reward", score=reward)]
    metadata = {"problem": problem, "task": raw.get("task_id"), "trial": raw.get("trial")}
    spoken = a_list(raw["traj"], "traj")
    yield from _chat(where, identity, raw, spoken, metadata=metadata, feedback=feedback)
    yield from left_out(where, "gold", filled(raw, *set(raw) - {"info"}))
    yield from left_out(where, "no-place", filled(raw, "traj", "reward", "info", "task_id", "trial", *ASKED, *PARAMS))


def _displayed(where: str, identity: str, raw: dict[str, Any]) -> Iterator[Trace | Unmapped]:
    """A trace that says how much of it is lost: the display shows what the tools gave, and not how they were called."""
    spoken = read_display(raw["messages_display"])
    results = {at for at, message in enumerate(spoken) if message["role"] == "tool"}
    for found in _chat(where, identity, raw, spoken, lost=len(results)):
        yield found if isinstance(found, Unmapped) else _without_calling(found, results)
    yield from left_out(where, "gold", filled(raw, *set(raw) - set(KEPT_OUT)))
    yield from left_out(where, "no-place", filled(raw, "messages_display", *ASKED, *PARAMS, *KEPT_OUT))


def _without_calling(trace: Trace, results: set[int]) -> Trace:
    """The same without the replies that called a tool, of which a part is unknown: nobody may learn them."""
    calls = [
        call.model_copy(update={"replies": []}) if len(call.prompt) + 1 in results else call for call in trace.calls
    ]
    return trace.model_copy(update={"calls": calls})


def _completion(where: str, identity: str, asked: Any, answer: Any, error: Any) -> Iterator[Trace | Unmapped]:
    """One request and what came back: all choices, or the error."""
    request = an_object(asked, "The request")
    request = an_object(request["body"], "The body of the request") if "body" in request else request
    body = within(answer, "body") if isinstance(answer, dict) and "body" in answer else answer
    spoken = request.get("messages")
    messages = read_chat(spoken)
    replies = [_reply(choice) for choice in a_list(within(body, "choices") or [], "choices")]
    failed = _error(answer, body, error)
    if not replies and failed is None:
        raise Unreadable("no-reply", f"The response is {kind(answer)} without choices and without an error.")
    started = a_time(within(body, "created"))
    asked_with = _asked_with(request)
    call = Call(
        id=f"{identity}-0",
        model=a_text(within(body, "model")) or asked_with["model"],
        tools=asked_with["tools"],
        params={key: request[key] for key in filled(request, *ASKED)},
        prompt=messages,
        replies=replies,
        usage=usage_of(within(body, "usage")),
        started=started,
        ended=started,
        error=failed,
    )
    runs, unasked = tool_runs_of(messages, identity, [])
    yield trace_of(
        where,
        id=identity,
        source=SOURCE,
        name=SOURCE,
        input=messages,
        output=[replies[0].message] if replies else [],
        calls=[call],
        tool_runs=runs,
        started=started,
        ended=started,
        outcome="ended" if replies else "failed",
        error=None if replies else failed,
    )
    yield from left_out(where, "no-place", without_place(a_list(spoken, "messages")))
    if unasked:
        yield Unmapped(where=where, reason="no-tool-call", detail=f"{unasked} results of tools that no message called.")


def _reply(raw: Any) -> Reply:
    choice = an_object(raw, "A choice")
    logprobs = within(choice, "logprobs", "content")
    return Reply(
        message=read_message({"role": "assistant"} | an_object(choice.get("message"), "The message of a choice")),
        finish_reason=a_text(choice.get("finish_reason")),
        logprobs=logprobs if isinstance(logprobs, list) else None,
    )


def _error(answer: Any, body: Any, error: Any) -> str | None:
    told = error or within(answer, "error") or within(body, "error")
    if told:
        return a_text(told) or a_text(within(told, "message")) or str(told)[:1000]
    status = within(answer, "status_code")
    return f"status {status}" if isinstance(status, int) and status >= 400 else None


class Batch:
    """Requests and responses of OpenAI's batches, which lie in two files and share a `custom_id`."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, Document]] = {"body": {}, "response": {}}

    def take(self, row: Document, raw: dict[str, Any]) -> Iterator[Trace | Unmapped]:
        """The trace, if the other half came before; nothing, where it is still to come."""
        name = str(raw["custom_id"])
        side, other = ("body", "response") if "body" in raw else ("response", "body")
        if name in self._waiting[side]:
            raise Unreadable("doubled-id", f"An earlier row has the custom_id {name[:80]!r} too.")
        self._waiting[side][name] = row
        if name not in self._waiting[other]:
            return
        request, response = (self._waiting[half].pop(name) for half in ("body", "response"))
        body, answer = request.value["body"], response.value["response"]
        where = f"{request.where} and {response.where}"
        try:
            identity = Ids(SOURCE).of([name, body, answer])
            yield from _completion(where, identity, body, answer, response.value.get("error"))
        except Unreadable as error:
            yield error.at(where)

    def unpaired(self) -> Iterator[Unmapped]:
        """The halves that stayed alone."""
        for side, reason in (("body", "no-response"), ("response", "no-request")):
            for name, row in self._waiting[side].items():
                yield Unmapped(where=row.where, reason=reason, detail=f"custom_id {name[:80]!r}")
