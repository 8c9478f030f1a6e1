"""Lion, for `langgraph dev`: instructions in, the run's report out. What was mined lies in the run's folder."""

from dataclasses import dataclass
from typing import Any

from langgraph.graph import START, StateGraph
from langgraph.runtime import get_runtime
from typing_extensions import TypedDict

from langdistill.lab import WEIGHTS
from langdistill.mining.discriminating import Judging
from langdistill.mining.generating import Writing
from langdistill.mining.miner import create_instruction_miner
from langdistill.mining.pools import InstructionPools

LAB = f"local:{WEIGHTS}"


@dataclass
class Knobs:
    """What a run may choose."""

    teacher: str = LAB
    """Any string that LangChain knows, such as "openai:gpt-4.1"; the embedded model shows the wiring and no more."""
    student: str = LAB
    folder: str = "runs/mine"
    rounds: int = 1
    per_round: int = 6
    sample: int | None = None
    max_tokens: int = 64


class Run(TypedDict, total=False):
    """Instructions in, the reports of the rounds and why the run stopped out."""

    instructions: list[str]
    rounds: list[dict[str, Any]]
    stopped: str | None


def run(state: Run) -> Run:
    """Mine in the folder of the run; the same run again goes on where it stopped."""
    knobs = get_runtime(Knobs).context or Knobs()
    answering = {"temperature": 0.7, "max_tokens": knobs.max_tokens}
    with InstructionPools(knobs.folder) as pools:
        miner = create_instruction_miner(
            knobs.teacher, knobs.student, pools=pools, rounds=knobs.rounds, judging=Judging(sample=knobs.sample),
            writing=Writing(per_round=knobs.per_round), answering=answering, refereeing=answering,
        )  # fmt: skip
        found = miner.invoke({"seeds": pools.add(state.get("instructions", []))})
    return {"rounds": found["rounds"], "stopped": found.get("stopped")}


graph: Any = StateGraph(Run, context_schema=Knobs)
mine = graph.add_node("mine", run).add_edge(START, "mine").compile(name="mine")
