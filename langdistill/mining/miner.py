"""Lion: imitate, discriminate, generate, and again.

Source: Jiang et al., 2305.12870. The train pool is replaced by what a round wrote and the cache pool grows by it; three rounds of
3,000 hard and 3,000 easy instructions are the paper's. After the last round what it wrote is imitated, which ends the run.

    pools = InstructionPools("runs/mine")
    miner = create_instruction_miner("openai:gpt-4.1", "local:students/concierge", pools=pools)
    miner.invoke({"seeds": pools.add(instructions)})

A run that was interrupted goes on with the same lines: no reply that had come is paid again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired

from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import TypedDict

from langdistill.asking import chat_model
from langdistill.errors import MiningError
from langdistill.mining.discriminating import Judging, discrimination
from langdistill.mining.generating import Writing, generation
from langdistill.mining.imitating import imitation
from langdistill.mining.pools import InstructionPools
from langdistill.mining.referee import DECODING
from langdistill.mining.stages import ANSWERING, Model
from langdistill.mining.stopping import Stop, never
from langdistill.mining.training import Trainer, trained
from langdistill.questions import labelled


class Seeded(TypedDict):
    """Input of the graph: ids of instructions in the pools, as `InstructionPools.add` gives them."""

    seeds: list[str]


class Mined(TypedDict):
    """Output of the graph."""

    train: list[str]
    """Ids of what was written last."""
    cache: list[str]
    """Ids of all instructions."""
    rounds: list[dict[str, Any]]
    """A report of each round."""
    student: NotRequired[str | None]
    """Name of the last student that was trained."""
    taught: NotRequired[str]
    """Who taught; `mined.answered` finds the answers by it."""
    stopped: NotRequired[str | None]
    """Why the run ended before its last round; `None` where it did not."""


class Mining(Seeded, Mined):
    """State: ids and figures, no texts."""

    round: int
    hard: list[str]
    easy: list[str]
    ended: bool
    """Whether the run is at its end, whatever is left to be done."""


def create_instruction_miner(
    teacher: Model,
    student: Model,
    referee: Model | None = None,
    generator: Model | None = None,
    *,
    pools: InstructionPools,
    rounds: int = 3,
    judging: Judging = Judging(),  # noqa: B008  frozen
    writing: Writing = Writing(),  # noqa: B008  frozen
    trainer: Trainer | None = None,
    stop: Stop = never,
    answering: Mapping[str, Any] = ANSWERING,
    refereeing: Mapping[str, Any] = DECODING,
    name: str = "mine",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that mines the instructions at which a student is behind its teacher, and trains it on new ones like them.

    Args:
        teacher: a chat model or its string, or a graph such as a strategy of System 2.
        student: the student that the run begins with; the same.
        referee: grades both; by default the teacher under another prompt, as in the paper.
        generator: writes instructions; by default the teacher under another prompt, as in the paper.
        pools: folder of the run.
        rounds: how many at most.
        judging: tau, both orders, and what may be saved.
        writing: how many new instructions, how they are written, and what is taken.
        trainer: trains the student after each imitation; `HandedOver()` waits for one of your own. Without one the student stays as it is.
        stop: ends the run before its last round: a rule of `langdistill.mining.stopping`.
        answering: sampling parameters of teacher and student; the authors' by default.
        refereeing: sampling parameters of the referee; the authors' by default.
        name: name of the graph.
        checkpointer: LangGraph's; needed by `HandedOver`, and `None` inherits a parent's.

    Returns:
        A compiled graph from `Seeded` to `Mined`. Its nodes are the stages `imitation`, `trained`, `discrimination` and `generation`,
        which serve in other graphs, too.

    Raises:
        MiningError: `rounds` is below 1. In a run: there are no seeds, or an id is not in the pools.
        ModelError: in a run, a role gave not one reply of a batch.
    """
    if rounds < 1:
        raise MiningError(f"rounds={rounds} mines nothing. Give at least 1; the paper's are 3.")
    teacher = chat_model(teacher)  # once for all its roles

    def begin(state: Seeded) -> dict[str, Any]:
        seeds = list(dict.fromkeys(state["seeds"]))
        if not seeds:
            raise MiningError(
                "There is no instruction to start from: `seeds` is empty. Give the ids that `InstructionPools.add` gave."
            )
        pools.instructions(seeds)
        fresh = {"round": 1, "rounds": [], "student": None, "stopped": None, "ended": False}
        return {"train": seeds, "cache": seeds, **fresh}

    def learner(state: Mapping[str, Any]) -> Model:
        name = state.get("student")
        return trainer.student(name) if trainer and name else student

    def decide(state: Mining) -> dict[str, Any]:
        reason = _nothing_hard(state) or stop(state["rounds"])
        return {"stopped": reason, "ended": True} if reason else {}

    def goes_on(state: Mining, to: str) -> str:
        return END if state["ended"] else to

    def after_training(state: Mining) -> str:
        return END if state.get("stopped") or state["round"] > rounds else "discriminate"

    graph: Any = StateGraph(Mining, input_schema=Seeded, output_schema=Mined)
    graph.add_node("begin", begin)
    graph.add_node("imitate", imitation(teacher, pools=pools, decoding=answering))
    graph.add_node("train", trained(trainer, pools=pools) if trainer else RunnableLambda(_untrained, name="train"))
    graph.add_node(
        "discriminate",
        discrimination(
            teacher,
            learner,
            referee or teacher,
            pools=pools,
            judging=judging,
            decoding=answering,
            refereeing=refereeing,
        ),
    )
    graph.add_node("decide", decide)
    graph.add_node("generate", generation(generator or teacher, pools=pools, writing=writing))
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "imitate")
    graph.add_conditional_edges("imitate", lambda state: goes_on(state, "train"), ["train", END])
    graph.add_conditional_edges("train", after_training, ["discriminate", END])
    graph.add_conditional_edges("discriminate", lambda state: goes_on(state, "decide"), ["decide", END])
    graph.add_conditional_edges("decide", lambda state: goes_on(state, "generate"), ["generate", END])
    graph.add_conditional_edges(
        "generate", lambda state: goes_on(state, "imitate") if state["train"] else END, ["imitate", END]
    )
    params = {"rounds": rounds, "tau": judging.tau, "per_round": writing.per_round}
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, **params)


def _untrained(state: Mapping[str, Any]) -> dict[str, Any]:
    """The student stays as it is."""
    return {}


def _nothing_hard(state: Mining) -> str | None:
    """The end of the game: the referee no longer tells the student from its teacher, or never could."""
    if state["hard"]:
        return None
    last = state["rounds"][-1]
    told = f"no instruction of {last['judged']} that were judged is hard"
    leaning = last["first_preferred_by"] or 0.0
    if abs(leaning) >= 1:
        which = "first" if leaning > 0 else "second"
        told += f"; the referee graded whatever it was shown {which} {abs(leaning):.1f} better, and may see nothing but the order"
    if not last["judged"]:
        told += f" ({last['unanswered']} unanswered, {last['unread']} not understood)"
    return told
