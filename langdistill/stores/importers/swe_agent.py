"""Trajectories of SWE-agent and mini-swe-agent: `.traj` files, one run each.

Four shapes: a history with actions in the text, one with function calls, one with actions in XML (all three with a `trajectory`
of steps beside it), and the plain list of messages of mini-swe-agent, which newer versions wrap in an object. An action in the
text is a run of the tool "bash", which is what the environment does with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from langdistill.records import Call, Message, Reply, ToolRun, Trace
from langdistill.stores.foreign.chats import arguments_of, read_chat, without_place
from langdistill.stores.foreign.documents import Document, documents, read_rows
from langdistill.stores.foreign.expected import Unreadable, a_list, a_text, an_object, within
from langdistill.stores.foreign.made import Ids, filled, left_out, trace_of
from langdistill.stores.importing import Unmapped

SOURCE = "swe_agent"
SHELL = "bash"
PLACED = ("thought", "action", "agent", "message_type", "tool_call_ids", "is_demo")
STEP = ("action", "observation", "response", "thought", "messages", "query")
COMMAND = re.compile(r"```(?:mswea_bash_command|bash|sh)\n(.*?)\n?```", re.DOTALL)


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The run of a file, or of every `.traj` and JSON file of a folder."""
    found = documents(path, (".traj", ".json", ".jsonl"))
    return read_rows(found, lambda document: [document], partial(_run, ids=Ids(SOURCE)))  # a list is one run, too


@dataclass(frozen=True)
class Turn:
    """One reply of the model. SWE-agent's two lists agree but for steps that are missing in the history."""

    at: int
    """Index in the history of the reply, or of what came after it."""
    kept: bool
    """Whether it is in the history."""
    step: dict[str, Any]
    """What `trajectory` says of it."""


def _run(document: Document, ids: Ids) -> Iterator[Trace | Unmapped]:
    raw = {"messages": document.value} if isinstance(document.value, list) else an_object(document.value, "The file")
    history = _history(raw)
    messages = read_chat([_with_id(entry) for entry in history], "history")
    steps = [an_object(step, "A step") for step in a_list(raw.get("trajectory") or [], "trajectory")]
    said = [at for at, message in enumerate(messages) if message["role"] == "assistant" and not _shown(history[at])]
    turns = _turns(messages, said, steps)
    if not turns:
        raise Unreadable("no-reply", f"{len(messages)} messages, and none of the model.")
    identity = ids.of(document.value)
    calls = [_call(f"{identity}-{index}", turn, messages, raw) for index, turn in enumerate(turns)]
    start = said[0] if said else len(messages)
    yield trace_of(
        document.where,
        id=identity,
        source=SOURCE,
        name=SOURCE,
        input=messages[:start],
        output=[
            *messages[start:],
            *(call.replies[0].message for call, turn in zip(calls, turns, strict=True) if turn.at == len(messages)),
        ],
        calls=calls,
        tool_runs=[
            run for index, turn in enumerate(turns) for run in _tool_runs(identity, index, turn, messages, history)
        ],
        **_ending(raw),
    )
    yield from _left_out(document.where, raw, history, steps)


def _shown(entry: dict[str, Any]) -> bool:
    """Whether it is part of a demonstration, which the model saw and did not write."""
    return entry.get("is_demo") is True


def _turns(messages: Sequence[Message], said: list[int], steps: list[dict[str, Any]]) -> list[Turn]:
    if len(said) == len(steps) or not steps:
        return [Turn(at, True, step) for at, step in zip(said, steps or [{}] * len(said), strict=True)]
    turns: list[Turn] = []
    rest = said
    for step in steps:
        same = next((at for at in rest if _text(messages[at]["content"]) == _text(step.get("response"))), None)
        if same is None:
            turns.append(Turn(rest[0] if rest else len(messages), False, step))
            continue
        turns += [Turn(at, True, step if at == same else {}) for at in rest if at <= same]
        rest = [at for at in rest if at > same]
    return turns + [Turn(at, True, {}) for at in rest]


def _text(content: Any) -> Any:
    return content.strip() if isinstance(content, str) else content


def _history(raw: dict[str, Any]) -> list[dict[str, Any]]:
    said = next((raw[key] for key in ("history", "messages") if key in raw), None)
    if said is None:
        keys = ", ".join(sorted(raw))[:200]
        raise Unreadable("no-history", f"A file with the keys {keys or 'of an empty object'}; expected is `history`.")
    return [an_object(entry, "A message") for entry in a_list(said, "history")]


def _with_id(entry: dict[str, Any]) -> dict[str, Any]:
    """SWE-agent names the calls that a result answers in a list of its own."""
    answers = entry.get("tool_call_ids")
    one = answers[0] if isinstance(answers, list) and answers else None
    return {**entry, "tool_call_id": entry.get("tool_call_id") or one}


def _asked_with(raw: dict[str, Any]) -> dict[str, Any]:
    model = within(raw, "replay_config", "agent", "model") or within(raw, "info", "config", "model")
    params = {key: held for key in ("temperature", "top_p") if (held := within(model, key)) is not None}
    kwargs = within(model, "model_kwargs") or within(model, "completion_kwargs")
    params |= {key: kwargs[key] for key in filled(kwargs) - {"api_key"}} if isinstance(kwargs, dict) else {}
    return {"model": a_text(within(model, "name")) or a_text(within(model, "model_name")), "params": params}


def _call(identity: str, turn: Turn, messages: Sequence[Message], raw: dict[str, Any]) -> Call:
    said = messages[turn.at] if turn.kept else _response(turn.step)
    prompt = _sent(turn.step, said) or list(messages[: turn.at])
    return Call(id=identity, prompt=prompt, replies=[Reply(message=said)], **_asked_with(raw))


def _response(step: dict[str, Any]) -> Message:
    return {"role": "assistant", "content": a_text(step.get("response"))}


def _sent(step: dict[str, Any], said: Message) -> list[Message] | None:
    """The prompt that was really sent, where the step keeps it: old observations may be cut short in it."""
    sent = step.get("query") or step.get("messages")
    if not isinstance(sent, list):
        return None
    try:
        prompt = read_chat([_with_id(an_object(entry, "A message")) for entry in sent], "query")
    except Unreadable:
        return None
    replied = [at for at, message in enumerate(prompt) if message == said]
    return prompt[: replied[-1]] if replied else prompt


def _tool_runs(
    identity: str, index: int, turn: Turn, messages: Sequence[Message], history: list[dict[str, Any]]
) -> Iterator[ToolRun]:
    """What a reply led to; the observation comes from the step, or else from the message after the reply."""
    later = messages[turn.at + 1 :] if turn.kept else []
    after = later[0]["content"] if later and later[0]["role"] != "assistant" else None
    seen = "observation" in turn.step
    output = turn.step["observation"] if seen else after
    asked = messages[turn.at].get("tool_calls", []) if turn.kept else []
    for at, call in enumerate(asked):
        yield ToolRun(
            id=f"{identity}-tool-{index}-{at}",
            name=call["function"]["name"],
            call=index,
            tool_call_id=call["id"],
            arguments=arguments_of(call),
            output=output if seen and len(asked) == 1 else _result(later, call, output),
        )
    if not asked and (action := _action(history[turn.at] if turn.kept else {}, turn.step)):
        arguments = {"command": action}
        yield ToolRun(id=f"{identity}-tool-{index}", name=SHELL, call=index, arguments=arguments, output=output)


def _result(later: Sequence[Message], call: dict[str, Any], otherwise: Any) -> Any:
    found = (message["content"] for message in later if message.get("tool_call_id") == call["id"])
    return next(found, otherwise)


def _action(entry: dict[str, Any], step: dict[str, Any]) -> str | None:
    written = COMMAND.search(entry["content"]) if isinstance(entry.get("content"), str) else None
    return a_text(entry.get("action")) or a_text(step.get("action")) or (written and written[1])


def _ending(raw: dict[str, Any]) -> dict[str, Any]:
    """How the run stopped, and what it handed in."""
    info = raw.get("info")
    status = a_text(within(info, "exit_status"))
    done = status is None or status.lower().startswith("submitted")
    metadata = {
        "problem": a_text(within(raw, "replay_config", "problem_statement", "id")) or a_text(raw.get("instance_id")),
        "environment": raw.get("environment"),
        "exit_status": status,
        "model_stats": within(info, "model_stats"),
    }
    return {
        "answer": a_text(within(info, "submission")),
        "outcome": "ended" if done else "failed",
        "error": None if done else status,
        "metadata": metadata,
    }


def _left_out(
    where: str, raw: dict[str, Any], history: list[dict[str, Any]], steps: list[dict[str, Any]]
) -> Iterator[Unmapped]:
    lost = filled(raw, "history", "messages", "trajectory", "info", "environment", "instance_id", "trajectory_format")
    info = raw.get("info")
    if isinstance(info, dict):
        lost |= {f"{key} of info" for key in filled(info, "exit_status", "submission", "model_stats")}
    lost |= {f"{key} of a step" for step in steps for key in filled(step, *STEP)}
    lost |= without_place(history, *PLACED)
    yield from left_out(where, "no-place", lost)
