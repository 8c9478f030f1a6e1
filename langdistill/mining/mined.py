"""What a run has mined, for whoever goes on with it: instructions with the teacher's answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from langdistill.folders import write_whole
from langdistill.mining.instructions import Instruction
from langdistill.mining.pools import InstructionPools
from langdistill.records import Call, Message, Reply, Trace, digest


def answered(pools: InstructionPools, found: Mapping[str, Any], *, seeds: bool = False) -> list[dict[str, Any]]:
    """The instructions that a run wrote, with the teacher's answers, as rows of Alpaca's shape.

    Written by `write_lines`, `langdistill harvest FILE --from alpaca` reads them.

    Args:
        pools: of the run.
        found: the graph's output.
        seeds: whether the seeds are among them.

    Returns:
        `instruction`, `input`, `output`; beside them `id`, `source` ("hard", "easy" or "seed"), `round`, `parent` and `root`.
    """
    return [
        {
            "instruction": one.text, "input": one.input, "output": answer,
            **one.model_dump(include={"id", "source", "round", "parent", "root"}),
        }
        for one, answer in _mined(pools, found, seeds=seeds)
    ]  # fmt: skip


def traces(pools: InstructionPools, found: Mapping[str, Any], *, seeds: bool = False) -> list[Trace]:
    """The same as recorded runs, which `harvest` makes a data set of with the target `node("teacher")`.

    Each names the seed that it goes back to, so that no split parts them.
    """
    return [trace_of(one, answer, found["taught"]) for one, answer in _mined(pools, found, seeds=seeds)]


def _mined(pools: InstructionPools, found: Mapping[str, Any], *, seeds: bool) -> list[tuple[Instruction, str]]:
    """The instructions that the teacher has answered, with its answers."""
    known = pools.answers(found["cache"], found["taught"])
    asked = pools.instructions(found["cache"])
    return [(one, known[one.id]) for one in asked if one.id in known and (seeds or one.source != "seed")]


def write_lines(rows: Iterable[Mapping[str, Any]], out: Path) -> None:
    """Write rows as JSON lines, whole or not at all."""
    write_whole(out, "".join(f"{orjson.dumps(row).decode()}\n" for row in rows))


def trace_of(one: Instruction, answer: str, teacher: str) -> Trace:
    """The answer as a recorded run would have it."""
    prompt: list[Message] = [{"role": "user", "content": one.request}]
    reply: Message = {"role": "assistant", "content": answer}
    id = digest(one.id, teacher, answer)[:32]
    call = Call(id=f"{id}-call", node="teacher", model=teacher, prompt=prompt, replies=[Reply(message=reply)])
    metadata = {"problem": one.id, "mined": one.source, "round": one.round} | (
        {"seed_problem": one.root} if one.root else {}
    )
    return Trace(id=id, name="teacher", strategy="mine", input=prompt, output=[reply], calls=[call], metadata=metadata)
