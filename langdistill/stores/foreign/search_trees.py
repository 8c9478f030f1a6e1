"""A search over replies of a model, as a trace: the tree in its steps, a call for every reply, the way to the answer as the output."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from langdistill.records import Call, Message, Reply, Step, ToolRun
from langdistill.stores.foreign.chats import arguments_of


@dataclass
class Turn:
    """A reply of the model in the tree: what it thought, the tool it called, and what that gave."""

    parent: int | None
    thought: str | None = None
    tool: str | None = None
    arguments: str = ""
    observation: Any = None
    error: str | None = None
    stopped: str | None = None
    """Why the search did not go on from here."""
    answers: bool = False
    branch: int = 0
    cut: bool = False
    """Whether the file holds only the beginning of what its tool did."""
    strange: set[str] = field(default_factory=set)


def fields_of(
    identity: str,
    given: list[Message],
    turns: list[Turn],
    trained: list[list[Message]],
    asked: dict[str, Any],
    *,
    won: bool,
) -> dict[str, Any]:
    """Fields of the trace: its steps are the tree, in the order of the search.

    Args:
        identity: id of the trace.
        given: the prompt at the root.
        turns: the tree; a parent stands before its children.
        trained: chats that end with the replies on the way to the answer, with the prompts that were really sent.
        asked: what all calls have in common.
        won: whether the last reply that answers is the answer.
    """
    said = [_messages(at, turn) for at, turn in enumerate(turns)]
    paths = [_path(turns, at) for at in range(len(turns))]
    end = max((at for at, turn in enumerate(turns) if turn.answers), default=None) if won else None
    way = [] if end is None else paths[end]
    prompts = [[*given, *(message for one in path[:-1] for message in said[one])] for path in paths]
    sent = _as_trained(said, way, trained)
    return {
        "input": given,
        "output": [message for at in way for message in said[at]],
        "steps": [_step(turn, path, turns) for turn, path in zip(turns, paths, strict=True)],
        "calls": [
            Call(
                id=f"{identity}-{at}",
                step=at,
                branch=turn.branch,
                path=_written(paths[at], turns),
                prompt=sent.get(at, prompts[at]),
                replies=[Reply(message=said[at][0])],
                **asked,
            )
            for at, turn in enumerate(turns)
        ],
        "tool_runs": [
            _tool_run(identity, at, turn, said[at][0]) for at, turn in enumerate(turns) if turn.tool is not None
        ],
        "outcome": "ended" if way else "failed",
    }


def _messages(at: int, turn: Turn) -> list[Message]:
    """The reply, and the result of its tool."""
    if turn.tool is None:
        return [{"role": "assistant", "content": turn.thought}]
    identity = f"call-{at}"
    call = {"id": identity, "type": "function", "function": {"name": turn.tool, "arguments": turn.arguments}}
    seen = turn.observation
    seen = seen if seen is None or isinstance(seen, str) else json.dumps(seen)
    return [
        {"role": "assistant", "content": turn.thought, "tool_calls": [call]},
        {"role": "tool", "name": turn.tool, "content": seen, "tool_call_id": identity},
    ]


def _path(turns: list[Turn], at: int | None) -> list[int]:
    path: list[int] = []
    while at is not None:
        path.append(at)
        at = turns[at].parent
    return path[::-1]


def _written(path: list[int], turns: list[Turn]) -> str:
    """Which branch was taken on each level, from the root: "0/0/1"."""
    return "/".join(str(turns[at].branch) for at in path)


def _as_trained(said: list[list[Message]], way: list[int], trained: list[list[Message]]) -> dict[int, list[Message]]:
    """On the way to the answer the prompts as they were sent, which show the model what it had tried before."""
    return {
        at: chat[:-1]
        for at, chat in zip(way, trained, strict=False)
        if (chat[-1]["content"], _spoken(chat[-1])) == (said[at][0]["content"], _spoken(said[at][0]))
    }


def _spoken(message: Message) -> list[Any]:
    return [(call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls", [])]


def _step(turn: Turn, path: list[int], turns: list[Turn]) -> Step:
    return Step(
        name=turn.tool or "thought",
        path=_written(path, turns),
        parent=turn.parent,
        branch=turn.branch,
        outcome="failed" if turn.stopped else "ended",
        error=turn.stopped,
    )


def _tool_run(identity: str, at: int, turn: Turn, reply: Message) -> ToolRun:
    [call] = reply.get("tool_calls", [])
    return ToolRun(
        id=f"{identity}-tool-{at}",
        name=turn.tool or "",
        step=at,
        call=at,
        tool_call_id=call["id"],
        arguments=arguments_of(call),
        output=turn.observation,
        error=turn.error,
    )
