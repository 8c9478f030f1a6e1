"""Run an ask-refine-trust graph on problems with gold answers, so that one run tells what every threshold would come to.

The graph refines whatever has a decision; `sweep` then reads off what it would have left alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.pregel import Pregel
from pydantic import Field

from langdistill.answers import same
from langdistill.errors import EvaluationError, ModelError
from langdistill.evaluation.kept import Kept
from langdistill.evaluation.measuring import CONCURRENT, Equal, Progress
from langdistill.evaluation.metering import Meter, node_in
from langdistill.evaluation.results import Account
from langdistill.evaluation.subject import subject_of
from langdistill.evaluation.sweep import Case
from langdistill.evaluation.together import together
from langdistill.records import Problem, Record, digest

ANSWER, DOUBT, TRUST = "answer", "doubt", "trust"
"""Nodes of the graph: the first two run for every problem, the others for what is refined."""
TOLD = ("first", "doubt", "refined", "scores")
"""What is read of the graph's state."""


class Tried(Record):
    """What became of a problem."""

    doubt: float | None = None
    first: str | None = None
    """The first answer."""
    refined: str | None = None
    scores: tuple[float, float] | None = None
    """Of both answers; `None` where there was nothing to choose."""
    spent: dict[str, Account] = Field(default_factory=dict)
    """Node of the graph to what its calls took."""
    error: str | None = None


def try_refining(
    graph: Pregel[Any, Any, Any, Any],
    problems: Sequence[Problem],
    *,
    folder: str | Path | None = None,
    max_concurrency: int = CONCURRENT,
    on_progress: Progress = lambda done, of: None,
) -> dict[str, Tried]:
    """First and refined answer of each problem, by its id.

    Args:
        graph: as `create_ask_refine_trust` makes it, with ``threshold=0``.
        problems: what to ask; each as one user message.
        folder: where the run is kept; one that was killed goes on with what is missing, and what failed is asked again.
        max_concurrency: problems under way at once.
        on_progress: told of every problem that is done.

    Raises:
        EvaluationError: the graph has another threshold, a problem is there twice, or the folder holds another run.
        ModelError: every problem ended in an error; the first is told.
    """
    params = _params(graph)
    if params.get("threshold") != 0:
        raise EvaluationError(
            f"The graph refines from the threshold {params.get('threshold')!r} on, and what it leaves alone would stay unknown. "
            "Make it with create_ask_refine_trust(..., threshold=0)."
        )
    asked = {problem.id: problem for problem in problems}
    if len(asked) < len(problems):
        raise EvaluationError("Two problems have one id. Give every problem an id of its own.")
    stateless: Any = subject_of(graph).runnable
    tried = _tried_in(folder, {"graph": graph.name, **params, "problems": _digest(problems)}, stateless, asked,
                      max_concurrency, on_progress)  # fmt: skip
    errors = [one.error for one in tried.values() if one.error]
    if errors and len(errors) == len(tried):
        raise ModelError(f"Every problem ended in an error; the first: {errors[0]}")
    return {id: tried[id] for id in asked}


def cases(
    tried: Mapping[str, Tried],
    gold: Mapping[str, str],
    *,
    equal: Equal = same,
    asked: bool = True,
    most_recent: bool = False,
) -> list[Case]:
    """What `sweep` reads. A problem that ended in an error is wrong and was not refined.

    Args:
        tried: by problem.
        gold: problem to the right answer; more may be there.
        equal: when an answer means the right one.
        asked: count what the asker took; a baseline without one does not.
        most_recent: as if every refinement were trusted, and no truster asked.

    Raises:
        EvaluationError: a problem has no gold answer.
    """
    if missing := sorted(tried.keys() - gold.keys()):
        raise EvaluationError(
            f"{len(missing)} problems have no gold answer: {', '.join(missing[:5])}. Give it, or leave them out."
        )
    return [_case(id, one, gold[id], equal, asked, most_recent) for id, one in tried.items()]


def _case(id: str, one: Tried, gold: str, equal: Equal, asked: bool, most_recent: bool) -> Case:
    def right(answer: str | None) -> bool:
        return answer is not None and equal(answer, gold)

    left_out = (*([] if asked else [DOUBT]), *([TRUST] if most_recent else []))
    spent = {node: some for node, some in one.spent.items() if node not in left_out}
    return Case(
        id,
        one.doubt,
        first=right(one.first),
        refined=right(one.refined) if one.scores else None,
        scores=None if most_recent else one.scores,
        asking=sum((some for node, some in spent.items() if node in (ANSWER, DOUBT)), Account()),
        refining=sum((some for node, some in spent.items() if node not in (ANSWER, DOUBT)), Account()),
    )


def _tried_in(
    folder: str | Path | None,
    fingerprint: dict[str, Any],
    graph: Any,
    asked: Mapping[str, Problem],
    at_once: int,
    on_progress: Progress,
) -> dict[str, Tried]:
    if folder is None:
        return _tried(graph, asked, {}, at_once, on_progress)
    with closing(Kept(Path(folder), fingerprint, Tried)) as kept:
        return _tried(graph, asked, dict(kept.known), at_once, on_progress, kept)


def _tried(
    graph: Any,
    asked: Mapping[str, Problem],
    known: dict[str, Tried],
    at_once: int,
    on_progress: Progress,
    kept: Kept[Tried] | None = None,
) -> dict[str, Tried]:
    began = time.monotonic()
    left = [problem for id, problem in asked.items() if id not in known]
    for problem, one in together(lambda problem: _try(graph, problem), left, at_once):
        known[problem.id] = one
        if kept:
            kept.add(problem.id, one, time.monotonic() - began)
        on_progress(len(known), len(asked))
    return known


def _try(graph: Any, problem: Problem) -> Tried:
    meter = Meter(by=node_in)
    given = {"messages": [HumanMessage(problem.question)]}
    try:
        state = graph.invoke(given, {"callbacks": [meter], "metadata": problem.metadata}, output_keys=list(TOLD))
    except Exception as error:
        return Tried(spent=meter.accounts, error=f"{type(error).__name__}: {error}")
    refined, scores = state.get("refined"), state.get("scores")
    return Tried(
        doubt=state.get("doubt"),
        first=state["first"]["answer"],
        refined=refined["answer"] if refined else None,
        scores=tuple(scores) if scores else None,
        spent=meter.accounts,
    )


def _params(graph: Pregel[Any, Any, Any, Any]) -> dict[str, Any]:
    """The knobs that the graph was made with."""
    return dict(((graph.config or {}).get("metadata") or {}).get("params") or {})


def _digest(problems: Sequence[Problem]) -> str:
    return digest([[one.id, one.question] for one in problems])
