"""Answers of ToolBench: search trees (`*_DFS_*.json`) and the records that its evaluation reads.

A tree is one trace. Every reply of the model in it, on the way to the answer or not, is a call whose prompt is the path to it,
and a step whose `parent` is the reply before it, so that the steps are the tree. `Finish` is a tool like any other. The
steps that were given up or cut off are failed, with the reason as their error, and so are the tools that told one. The path to
the answer is the output; a search without one is a failed trace.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from langdistill.records import Message, Trace
from langdistill.stores.foreign.chats import read_chat, read_message, read_tools
from langdistill.stores.foreign.documents import Document, documents, read_rows, rows_by_key
from langdistill.stores.foreign.expected import Unreadable, a_list, a_text, an_object, kind, within
from langdistill.stores.foreign.made import Ids, filled, left_out, trace_of
from langdistill.stores.foreign.plain import loads, made_plain
from langdistill.stores.foreign.search_trees import Turn, fields_of
from langdistill.stores.importing import Unmapped

SOURCE = "toolbench"
DEEP = 400
"""Levels of nesting of a file: a tree takes two of them for each of its nodes."""
FINISH = "Finish"
RECORD = ("tree", "answer", "query")
"""Keys of which every record has one."""
CUT = re.compile(r"\{'name': '([^']+)(?:', 'arguments': (.*))?", re.DOTALL)
ANSWERED, GAVE_UP = 3, 4
"""ToolBench's codes of an observation; 0 is a success, all others are errors."""
NODE = ("node_type", "description", "observation", "observation_code", "children", "pruned",
        "is_terminal", "finished", "depth", "child_count")  # fmt: skip
"""What becomes part of the trace, and what follows from the shape of the tree."""
GENERATED = ("final_answer", "function", "query", "train_messages", "finish_type", "valid_data", "query_count",
             "total_tokens", "chain")  # fmt: skip


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The answers of a JSON file, or of such files in a folder."""
    found = documents(path, read=partial(loads, deepest=DEEP))
    return read_rows(found, partial(rows_by_key, called="query", row_keys=RECORD), partial(_row, ids=Ids(SOURCE)))


def _row(row: Document, ids: Ids) -> Iterator[Trace | Unmapped]:
    raw = an_object(row.value, "A record")
    if "tree" in raw:
        yield from _search(row.where, ids.of(raw), raw)
    elif isinstance(raw.get("answer"), dict):
        yield from _record(row.where, ids.of(raw), raw, raw["answer"])
    elif "query" in raw:
        raise Unreadable("no-answer", "A query that nobody has answered yet.")
    else:
        keys = ", ".join(sorted(raw))[:200]
        raise Unreadable("no-tree", f"A record with the keys {keys or 'of an empty object'}; expected is `tree`.")


def _search(where: str, identity: str, raw: dict[str, Any]) -> Iterator[Trace | Unmapped]:
    made = an_object(raw.get("answer_generation") or {}, "answer_generation")
    turns = _turns_of_tree(an_object(within(raw, "tree", "tree"), "The tree"))
    trains = [made_plain(one) for one in a_list(made.get("train_messages") or [], "train_messages")]
    trained = [read_chat(one, "train_messages") for one in trains]
    given = _given(trained, made.get("query"))
    yield _trace(
        where, identity, given, turns, made, won=raw.get("win") is True, trained=trained, params=raw.get("forward_args")
    )
    lost = filled(raw, "win", "tree", "answer_generation", "forward_args", "compare_candidates")
    lost |= {f"{key} of answer_generation" for key in filled(made, *GENERATED)}
    lost |= {f"{key} of a node" for turn in turns for key in turn.strange}
    yield from left_out(where, "no-place", lost)


def _given(trained: list[list[Message]], query: Any) -> list[Message]:
    """The prompt at the root: that of the first training row, or the query alone where the search left none."""
    for chat in trained:
        said = next((at for at, message in enumerate(chat) if message["role"] == "assistant"), 0)
        if said:
            return chat[:said]
    if not a_text(query):
        raise Unreadable("no-query", f"The query is {kind(query)}, and a text was expected.")
    return [{"role": "user", "content": str(query)}]


def _turns_of_tree(root: dict[str, Any]) -> list[Turn]:
    """The replies in the order of the search. A thought is a reply with the action below it, unless it was asked alone."""
    turns: list[Turn] = []
    waiting: list[tuple[dict[str, Any], int | None, bool, int]] = [(root, None, False, 0)]
    while waiting:
        node, at, whole, branch = waiting.pop()
        if node is not root:
            at, whole = _placed(node, turns, at, whole, branch)
        children = [an_object(child, "A node") for child in a_list(node.get("children") or [], "children")]
        waiting += [(child, at, whole, index) for index, child in reversed(list(enumerate(children)))]
    return turns


def _placed(node: dict[str, Any], turns: list[Turn], at: int | None, whole: bool, branch: int) -> tuple[int, bool]:
    """Put a node into the reply above it, where that is not whole yet, or into one of its own.

    Returns: index of its reply, and whether that is whole.
    """
    sort, text = node.get("node_type"), node.get("description")
    if sort not in ("Thought", "Action", "Action Input") or not isinstance(text, str):
        raise Unreadable("unknown-node", f"A node of the type {str(sort)[:80]!r}, its description {kind(text)}.")
    if at is None or whole or sort == "Thought" or branch or not _fits(turns[at], sort):
        turns.append(Turn(parent=at if at is None or whole else turns[at].parent if branch else at, branch=branch))
        at = len(turns) - 1
    turn = turns[at]
    turn.strange |= filled(node, *NODE, "expand_num", "Elo", "matching_time", "io_state")
    if sort == "Thought":
        turn.thought = text
    elif sort == "Action":
        turn.tool = text
    else:
        _ran(turn, text, node)
    turn.stopped = turn.stopped or ("pruned" if node.get("pruned") is True else None)
    return at, sort == "Action Input" or bool(node.get("expand_num"))


def _fits(turn: Turn, sort: str) -> bool:
    return turn.tool is None if sort == "Action" else turn.tool is not None


def _ran(turn: Turn, arguments: str, node: dict[str, Any]) -> None:
    code = node.get("observation_code")
    turn.arguments, turn.observation = arguments, node.get("observation")
    turn.answers = code == ANSWERED
    if code == GAVE_UP:
        turn.error = turn.stopped = "gave up"
    elif code not in (0, ANSWERED, None):
        turn.error = _told(turn.observation) or f"observation code {str(code)[:20]}"
    else:
        turn.error = _told(turn.observation)


def _told(observation: Any) -> str | None:
    """The error that a tool's observation tells."""
    try:
        return a_text(within(loads(observation), "error")) if isinstance(observation, str) else None
    except Unreadable:
        return None


def _record(where: str, identity: str, raw: dict[str, Any], answer: dict[str, Any]) -> Iterator[Trace | Unmapped]:
    """A record of the evaluation: nested messages, each with its `next`."""
    given, turns = _turns_of_details(a_list(answer.get("answer_details"), "answer_details"))
    query = a_text(raw.get("query"))
    given = [said for said in given if said["role"] == "system" or not _begins(query, said["content"])]
    if query or not any(message["role"] == "user" for message in given):
        given += _given([], query)
    final = a_text(answer.get("final_answer"))
    for turn in turns:
        turn.arguments = final if turn.answers and turn.cut and final else turn.arguments
    made = {"function": raw.get("available_tools"), "final_answer": final}
    won = any(turn.answers for turn in turns)
    yield _trace(where, identity, given, turns, made, won=won, method=a_text(answer.get("method")))
    lost = filled(raw, "query", "available_tools", "answer")
    lost |= {
        f"{key} of the answer" for key in filled(answer, "method", "total_steps", "final_answer", "answer_details")
    }
    yield from left_out(where, "no-place", lost | {key for turn in turns for key in turn.strange})
    if cut := sum(turn.cut for turn in turns):
        yield Unmapped(
            where=where, reason="cut-text", detail=f"The file holds only the beginning of {cut} runs of tools."
        )


def _begins(query: str | None, text: Any) -> bool:
    """Whether the text is the query, or the beginning of it that records keep."""
    return bool(query) and isinstance(text, str) and str(query).startswith(text)


def _turns_of_details(details: list[Any]) -> tuple[list[Message], list[Turn]]:
    given: list[Message] = []
    turns: list[Turn] = []
    waiting: list[tuple[Any, int | None, int]] = [(one, None, at) for at, one in reversed(list(enumerate(details)))]
    while waiting:
        raw, at, branch = waiting.pop()
        node = an_object(raw, "A message")
        role, text = node.get("role"), node.get("message")
        if not isinstance(text, str):
            raise Unreadable("wrong-type", f"The text of a message is {kind(text)}.")
        if role in ("system", "user"):
            given += [read_message({"role": role, "content": text})] if text else []
        elif role in ("assistant", "tool"):
            turns.append(_tool_of(text, at, branch) if role == "tool" else Turn(at, thought=text, branch=branch))
            at = len(turns) - 1
            turns[at].strange |= {f"{key} of a message" for key in filled(node, "role", "message", "next")}
        else:
            raise Unreadable(
                "unknown-role", f"The role is {str(role)[:80]!r}; known are system, user, assistant, tool."
            )
        following = a_list(node.get("next") or [], "next")
        waiting += [(one, at, index) for index, one in reversed(list(enumerate(following)))]
    return given, turns


def _tool_of(text: str, parent: int | None, branch: int) -> Turn:
    """What a record writes of a tool: Python's spelling of a dict, often cut off after 100 characters."""
    try:
        said = an_object(loads(json.dumps(ast.literal_eval(text))), "What a tool did")
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        found = CUT.match(text)
        if found is None:
            raise Unreadable("no-tool", f"The text of a tool's message names no tool: {text[:80]!r}.") from error
        said = {"name": found[1], "arguments": found[2] or "", "cut": True}
    name = a_text(said.get("name"))
    if name is None:
        raise Unreadable("no-tool-name", f"A tool's message names no tool: {text[:80]!r}.")
    arguments, seen = said.get("arguments"), said.get("response")
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    answers = name == FINISH and "give_answer" in written
    stopped = "gave up" if name == FINISH and not answers else None
    cut = "cut" in said
    return Turn(parent, None, name, written, seen, stopped or _told(seen), stopped, answers, branch, cut=cut)


def _trace(
    where: str,
    identity: str,
    given: list[Message],
    turns: list[Turn],
    made: dict[str, Any],
    *,
    won: bool,
    trained: list[list[Message]] | None = None,
    params: Any = None,
    method: str | None = None,
) -> Trace | Unmapped:
    if not turns:
        raise Unreadable("no-reply", "The tree has a root and nothing below.")
    tools = made_plain(read_tools(made.get("function")))
    asked = {"tools": tools, "params": made_plain(params) if isinstance(params, dict) else {}, "strategy": method}
    fields = fields_of(identity, given, turns, trained or [], asked, won=won)
    found = fields["outcome"] == "ended"
    return trace_of(
        where,
        id=identity,
        source=SOURCE,
        name=SOURCE,
        strategy=method,
        answer=_answer(made.get("final_answer")) if found else None,
        error=None if found else f"no answer: {a_text(made.get('finish_type')) or 'the search found none'}",
        metadata={
            key: made_plain(made.get(key)) for key in ("query_count", "total_tokens", "valid_data", "finish_type")
        },
        **fields,
    )


def _answer(final: Any) -> str | None:
    """What the model gave to `Finish`, without its wrapping."""
    if not isinstance(final, str):
        return None
    try:
        return a_text(within(loads(final), "final_answer")) or a_text(final)
    except Unreadable:
        return a_text(final)
