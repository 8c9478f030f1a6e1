"""What a written chat becomes: one trace, or, where it has a better and a worse ending, two of one problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from langdistill.records import Feedback, Trace
from langdistill.stores.foreign.chats import calls_of, read_chat, split, tool_runs_of, without_place
from langdistill.stores.foreign.expected import Unreadable, a_list, a_number, kind
from langdistill.stores.foreign.made import left_out, not_linked, trace_of
from langdistill.stores.importing import Unmapped

KEPT_OUT = ("info", "answer", "target", "gold", "label", "ground_truth", "expected", "reference", "solution")
"""Keys that may hold the right answer, which no trace may."""
ENDINGS = ("chosen", "rejected")
RATED = (*ENDINGS, "kto_tag", "id")
"""Keys of a row that `rated_traces` reads; of a `label`, it reads a boolean."""


def chat_trace(
    where: str,
    identity: str,
    source: str,
    spoken: list[Any],
    *,
    start: int = 0,
    asked_with: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Iterator[Trace | Unmapped]:
    """The trace of one chat, then what of it found no place.

    Args:
        where: the row.
        identity: id of the trace.
        source: the format.
        spoken: the messages as they were parsed, in the shape of OpenAI.
        start: index of the first message that may be a call; those of the model before it were given.
        asked_with: tools, params and model of every call.
        **fields: further fields of the trace, which win.

    Raises:
        Unreadable: it is no chat, or the model says nothing in it.
    """
    messages = read_chat(spoken)
    made = calls_of(messages, identity, start, **(asked_with or {}))
    if not made:
        raise Unreadable("no-reply", f"{len(messages)} messages, and none of the model.")
    for at, call in made.items():
        weight = a_number(spoken[at].get("weight"))
        made[at] = call if weight is None else call.model_copy(update={"params": {**call.params, "weight": weight}})
    runs, unasked = tool_runs_of(messages, identity, list(made))
    given, earlier, output, unanswered = split(messages)
    yield trace_of(
        where,
        **{"id": identity, "source": source, "name": source, "input": given, "earlier": earlier, "output": output}
        | fields,
        calls=list(made.values()),
        tool_runs=runs,
    )
    yield from left_out(where, "no-place", without_place(spoken, "weight"))
    yield from not_linked(where, unasked, len(unanswered))


def pair_traces(
    where: str,
    identity: str,
    source: str,
    prompt: list[Any],
    endings: Mapping[str, Any],
    read: Callable[[Any, str], list[Any]] = a_list,
    **fields: Any,
) -> Iterator[Trace | Unmapped]:
    """Two traces of one problem, with the feedback `preferred` 1 and 0; an ending that is none is told.

    Args:
        where: the row.
        identity: stem of the ids; the key of the ending follows.
        source: the format.
        prompt: the messages before the endings.
        endings: the better ending by its key, then the worse.
        read: makes the list of its messages of an ending, given its key, too.
        **fields: as of `chat_trace`.
    """
    for (key, ending), score in zip(endings.items(), (1.0, 0.0), strict=True):
        try:
            yield from chat_trace(
                where,
                f"{identity}-{key.removesuffix('_output')}",
                source,
                [*prompt, *read(ending, key)],
                start=len(prompt),
                metadata={"problem": identity},
                feedback=[Feedback(name="preferred", score=score)],
                **fields,
            )
        except Unreadable as error:
            yield Unmapped(where=where, reason=error.reason, detail=f"{key}: {error.detail}")


def gold_keys(raw: Mapping[str, Any]) -> set[str]:
    """Keys of a row that may hold the right answer; a boolean label says whether the reply is desirable, and is none."""
    return {key for key in KEPT_OUT if key != "label" or not isinstance(raw.get(key), bool)}


def rated_traces(
    where: str,
    identity: str,
    source: str,
    spoken: list[Any],
    raw: dict[str, Any],
    read: Callable[[Any, str], list[Any]],
    **fields: Any,
) -> Iterator[Trace | Unmapped]:
    """What a row of LLaMA-Factory becomes: two traces where it has two endings, or else one, with its label as feedback.

    Args:
        where: the row.
        identity: id of the trace, or the stem of both ids.
        source: the format.
        spoken: its messages.
        raw: the row, of which `chosen` and `rejected`, `kto_tag` or `label`, and `id` are read here.
        read: as of `pair_traces`.
        **fields: as of `chat_trace`.
    """
    if not raw.keys().isdisjoint(ENDINGS):
        endings = {key: raw.get(key) for key in ENDINGS}
        yield from pair_traces(where, identity, source, spoken, endings, read, **fields)
        return
    label = raw.get("label")
    mark = raw.get("kto_tag", label if isinstance(label, bool) else None)
    score = a_number(mark)
    feedback = [] if score is None else [Feedback(name="desirable", score=score)]
    metadata = {"conversation": raw.get("id")}
    yield from chat_trace(where, identity, source, spoken, feedback=feedback, metadata=metadata, **fields)
    if mark is not None and score is None:
        yield Unmapped(where=where, reason="no-score", detail=f"kto_tag is {kind(mark)}, and a boolean was expected.")
