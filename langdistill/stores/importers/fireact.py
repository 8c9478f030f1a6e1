"""Runs of FireAct: `trajs/*.json` (an object of runs, each with its scores) and its fine-tuning rows, in
the shapes of Alpaca and of OpenAI.

A run is one text of thoughts, actions and observations, or a list of chat messages. Every stretch of thought and action is a
call of the model; the observation after it is the result of the tool that the action names. What `finish[...]` was given is
the answer. The right answer (`gt`) is gold and stays out; whether the answer was right is feedback.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from langdistill.records import Call, Feedback, Message, Reply, ToolRun, Trace
from langdistill.stores.foreign.actions import ARGUMENT, NAMED, finished
from langdistill.stores.foreign.chats import read_chat, without_place
from langdistill.stores.foreign.documents import Document, documents, read_rows, rows_by_key
from langdistill.stores.foreign.expected import Unreadable, a_list, a_number, a_text, an_object, kind
from langdistill.stores.foreign.made import Ids, filled, left_out, trace_of
from langdistill.stores.importing import Unmapped

SOURCE = "fireact"
INSTRUCTION = re.compile(r"### Instruction:\n(.*?)\n+(?:### Input:\n(.*?)\n+)?### Response:\n?", re.DOTALL)
OBSERVATION = re.compile(r"^Observation:[ \t]*", re.MULTILINE)
NEXT = re.compile(r"^(?=Thought:|Action:)", re.MULTILINE)
ACTION = re.compile(rf"^Action:[ \t]*{NAMED}[ \t]*$", re.MULTILINE)
SPOKEN = ("traj", "output", "messages")
"""Keys of a run of which each holds what was said."""
GOLD = "gt"
SCORES = ("reward", "em", "f1")
RUN = (*SCORES, "traj", "messages", GOLD, "pred", "prompt", "traj_by_line")


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The runs of a JSON file, or of such files in a folder."""
    runs = partial(rows_by_key, called="run", row_keys=SPOKEN)
    return read_rows(documents(path), runs, partial(_row, ids=Ids(SOURCE)))


def _row(row: Document, ids: Ids) -> Iterator[Trace | Unmapped]:
    raw = an_object(row.value, "A run")
    seen = {key: value for key, value in raw.items() if key != GOLD}  # nor may the id tell what is gold
    if "messages" in raw:
        yield from _run(row.where, ids.of(seen), raw | {"traj": raw["messages"]})
    elif "traj" in raw:
        yield from _run(row.where, ids.of(seen), raw)
    elif "output" in raw and "instruction" in raw:
        asked = "\n\n".join(text for key in ("instruction", "input") if (text := a_text(raw.get(key))))
        written = a_text(raw["output"])
        if not asked or not written:
            raise Unreadable(
                "no-reply", f"The instruction is {kind(raw['instruction'])}, the output {kind(raw['output'])}."
            )
        yield _trace(row.where, ids.of(seen), [_user(asked), *_turns(written)])
        yield from left_out(row.where, "no-place", filled(raw, "instruction", "input", "output"))
    else:
        keys = ", ".join(sorted(raw))[:200]
        raise Unreadable(
            "no-run", f"A row with the keys {keys or 'of an empty object'}; expected is `traj` or `output`."
        )


def _run(where: str, identity: str, raw: dict[str, Any]) -> Iterator[Trace | Unmapped]:
    feedback = [Feedback(name=name, score=score) for name in SCORES if (score := a_number(raw.get(name))) is not None]
    yield _trace(where, identity, _messages(raw), feedback=feedback, pred=a_text(raw.get("pred")))
    yield from left_out(where, "gold", filled(raw, *set(raw) - {GOLD}))
    lost = filled(raw, *RUN) | ({"prompt"} if raw.get("prompt") else set())
    spoken = raw["traj"] if isinstance(raw["traj"], list) else []
    yield from left_out(where, "no-place", lost | without_place(spoken))


def _messages(raw: dict[str, Any]) -> list[Message]:
    spoken = raw["traj"]
    if not isinstance(spoken, str):
        return read_chat(a_list(spoken, "traj"), "traj")
    found = INSTRUCTION.search(spoken)
    if found is None:
        raise Unreadable("no-instruction", "The text has no part between `### Instruction:` and `### Response:`.")
    question = "\n\n".join(part for part in found.groups() if part)
    return [_user(question), *_turns(spoken[found.end() :])]


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _reply(text: str) -> Message:
    return {"role": "assistant", "content": text.strip("\n")}


def _turns(text: str) -> list[Message]:
    """The model's words and the observations in turn, the latter as the user's."""
    first, *rest = OBSERVATION.split(text)
    turns = [_reply(first)] if first.strip() else []
    for part in rest:
        seen, *said = NEXT.split(part, maxsplit=1)
        turns.append(_user("Observation: " + seen.strip("\n")))
        turns += [_reply(words) for words in said]
    return turns


def _trace(
    where: str, identity: str, messages: list[Message], *, pred: str | None = None, **fields: Any
) -> Trace | Unmapped:
    said = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    if not said:
        raise Unreadable("no-reply", f"{len(messages)} messages, and none of the model.")
    calls = [Call(id=f"{identity}-{at}", prompt=messages[:at], replies=[Reply(message=messages[at])]) for at in said]
    runs = [run for index, at in enumerate(said) for run in _tool_runs(identity, index, messages[at : at + 2])]
    return trace_of(
        where,
        id=identity,
        source=SOURCE,
        name=SOURCE,
        input=messages[: said[0]],
        output=messages[said[0] :],
        calls=calls,
        tool_runs=runs,
        answer=finished((run.name, run.arguments[ARGUMENT]) for run in runs) or pred,
        **fields,
    )


def _tool_runs(identity: str, call: int, said: list[Message]) -> Iterator[ToolRun]:
    """The action of a reply, with the observation in the message after it."""
    text = said[0]["content"]
    actions = ACTION.findall(text) if isinstance(text, str) else []
    seen = said[1]["content"] if len(said) > 1 and said[1]["role"] != "assistant" else None
    output = OBSERVATION.sub("", seen, count=1) if isinstance(seen, str) else seen
    for at, (name, argument) in enumerate(actions):
        last = at == len(actions) - 1
        yield ToolRun(
            id=f"{identity}-tool-{call}-{at}",
            name=name,
            call=call,
            arguments={ARGUMENT: argument},
            output=output if last else None,
        )
