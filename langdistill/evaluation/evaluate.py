"""Ask a model or graph every problem and grade its answers: the only station that reads gold.

    measured = evaluate("openai:gpt-4.1", problems, gold, samples=8, folder="runs/gpt-4.1")
    print(measured.accuracy, measured.interval, measured.majority(5), measured.money)

In a folder, a run that was killed goes on and asks only for what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig

from langdistill.answers import Extract, final_answer, same
from langdistill.budgets import Price
from langdistill.evaluation.measuring import CONCURRENT, Equal, Measurement, Progress
from langdistill.evaluation.results import Evaluation
from langdistill.evaluation.subject import Model
from langdistill.evaluation.together import atogether, together
from langdistill.records import Problem

__all__ = ["Evaluation", "aevaluate", "evaluate"]


def evaluate(
    model: Model,
    problems: Sequence[Problem],
    gold: Mapping[str, str],
    *,
    extract: Extract = final_answer,
    equal: Equal = same,
    max_concurrency: int = CONCURRENT,
    config: RunnableConfig | None = None,
    samples: int = 1,
    params: Mapping[str, Any] | None = None,
    prompt: str = "{question}",
    categories: Mapping[str, str] | None = None,
    prices: Mapping[str, Price] | None = None,
    name: str | None = None,
    folder: str | Path | None = None,
    cache: str | Path | None = None,
    on_progress: Progress = lambda done, of: None,
) -> Evaluation:
    """Accuracy, completions, tokens, money and seconds of a chat model, a graph or a student.

    Args:
        model: a chat model or its string, a graph that takes `messages` and gives `messages` and, maybe, `answer`, a student,
            or the folder of one. A graph runs without its checkpointer: every problem is a run of its own.
        problems: what to ask; each as one user message.
        gold: problem id to the right answer.
        extract: reads the answer out of a reply that comes without an `answer`.
        equal: when an answer means the right one.
        max_concurrency: problems under way at once.
        config: LangChain's, merged under the evaluation's own callback.
        samples: answers per problem, of which the majority's counts (`Evaluation`); a model needs a temperature for them to differ.
        params: sampling parameters of every request, such as ``{"temperature": 0.7}``; not for a graph.
        prompt: template with ``{question}``.
        categories: problem id to its category; may leave some out.
        prices: model to its price per million tokens; without one, `money` is `None`.
        name: what to call the model; of a graph that is evaluated in a folder, a name that is its own.
        folder: where the run is kept; one that holds the beginning of the same run is gone on with. What ended in an error is
            asked again.
        cache: file of replies to remember (`langdistill.caching`); where there is a folder, by default one inside of it.
        on_progress: told of every problem that is done.

    Raises:
        ModelError: every problem ended in an error; the first one is its cause.
        BudgetSpent: a budget kept something from being asked; what was answered stays in the folder.
        EvaluationError: there is no problem, one has no gold answer or an id that another has; or the folder holds another run.
        PromptError: the template has other places.
        StudentError: there is no such student.
    """
    measurement = Measurement(
        model,
        problems,
        gold,
        extract=extract,
        equal=equal,
        max_concurrency=max_concurrency,
        config=config,
        samples=samples,
        params=params,
        prompt=prompt,
        categories=categories,
        prices=prices,
        name=name,
        folder=folder,
        cache=cache,
        on_progress=on_progress,
    )
    with measurement.under_way() as left, closing(together(measurement.hear, left, measurement.at_once)) as coming:
        for problem, heard in coming:
            measurement.take(problem, heard)
    return measurement.evaluation()


async def aevaluate(model: Model, problems: Sequence[Problem], gold: Mapping[str, str], **knobs: Any) -> Evaluation:
    """`evaluate` on the event loop, for graphs whose tools or models are asynchronous only. Takes and raises the same."""
    measurement = Measurement(model, problems, gold, **knobs)
    with measurement.under_way() as left:
        async with aclosing(atogether(measurement.ahear, left, measurement.at_once)) as coming:
            async for problem, heard in coming:
                measurement.take(problem, heard)
    return measurement.evaluation()
