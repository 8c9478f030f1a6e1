"""Events of sessions of Anthropic's Managed Agents, as the API lists or streams them, or as its client was recorded.

A file is a session, and a trace. A request of the model (`span.model_request_start` to `_end`) is a call; its reply is what the
agent thought, said and called meanwhile. Where no such spans are told, whatever it does until a tool or a user comes is one. What
was recorded of a client stands in lists of a method and what it was given or gave.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from langdistill.records import Trace
from langdistill.stores.foreign.documents import JSON, documents_of, files
from langdistill.stores.foreign.expected import Unreadable, within
from langdistill.stores.foreign.losses import Losses
from langdistill.stores.foreign.made import Ids, left_out, not_linked, trace_of
from langdistill.stores.foreign.sessions import Session
from langdistill.stores.foreign.values import mapping, sequence, text_of
from langdistill.stores.importing import Unmapped

SOURCE = "managed_agents"


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The session of a file, or of each JSON file of a folder."""
    ids = Ids(SOURCE)
    for file in files(path, JSON):
        if isinstance(file, Unmapped):
            yield file
            continue
        losses = Losses(file[1])
        session, told = Session(), list[Any]()
        for document in documents_of(*file):
            if isinstance(document, Unmapped):
                yield document
                continue
            told.append(document.value)
            here = Losses(document.where, losses.told)
            for event in _sent(document.value):
                session.send(event, here)
            for event in _events(document.value):
                session.take(event, here)
        if told:
            yield from _trace(file[1], session, ids.of(told))
        yield from losses.all()


def _method(value: Any) -> tuple[bool, Any]:
    """Whether it is a method of the client, and what it was given (a list) or gave."""
    named = isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
    return named, value[1] if named else value


def _sent(value: Any) -> Iterator[Any]:
    named, given = _method(value)
    for one in given if named and isinstance(given, list) else []:
        yield from sequence(within(one, "events"))


def _events(value: Any) -> Iterator[Any]:
    """The events of a JSON value: one, a list or a page of them, or what a method of the client gave."""
    named, gave = _method(value)
    if isinstance(gave, list):
        yield from [] if named else gave
    elif isinstance(gave, dict) and "type" not in gave and isinstance(gave.get("data"), list):
        yield from gave["data"]
    else:
        yield gave


def _trace(where: str, session: Session, identity: str) -> Iterator[Trace | Unmapped]:
    about, agent = session.about, mapping(session.about.get("agent"))
    given, earlier, output, unanswered = session.turns
    named = text_of(about.get("id"))
    try:
        calls = session.calls(named or identity)
    except Unreadable as error:
        yield error.at(where)
        return
    runs, unasked = session.tool_runs(named or identity)
    yield trace_of(
        where,
        id=named or identity,
        source=SOURCE,
        name=text_of(agent.get("name")) or SOURCE,
        thread=named,
        input=given,
        earlier=earlier,
        output=output,
        calls=calls,
        tool_runs=runs,
        metadata={"title": text_of(about.get("title"))},
        started=min(session.times, default=0.0),
        ended=max(session.times, default=0.0),
        outcome=session.outcome,
        error=session.error,
    )
    yield from left_out(where, "no-place", session.without_place)
    yield from not_linked(where, unasked, len(unanswered))
