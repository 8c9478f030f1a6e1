"""General questions that a training shall not make a model worse at: the regression set.

Fine-tuning for one task takes from others: on BIG-Bench Hard a student falls steadily as it rises on GSM8K, so a checkpoint is
chosen on both (Fu et al., 2301.12726). A set is asked before and after, and the fall raises an alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from langchain_core.language_models import BaseChatModel

from langdistill.errors import DatasetError
from langdistill.evaluation.evaluate import evaluate
from langdistill.evaluation.results import Evaluation
from langdistill.records import Problem, digest


@dataclass(frozen=True)
class RegressionSet:
    """What to ask. Where the right answer is not known, the base's own greedy answer is the reference."""

    problems: tuple[Problem, ...]
    gold: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Problem id to the right answer, of those problems that have one."""

    @property
    def digest(self) -> str:
        """Of what is asked and of the right answers."""
        return digest([problem.model_dump() for problem in self.problems], dict(self.gold))

    def settled(self, model: BaseChatModel) -> RegressionSet:
        """The same with a reference for every problem: where none is known, what the model says that is to be trained.

        A problem without one is left out.

        Raises:
            DatasetError: none is left.
        """
        unknown = [problem for problem in self.problems if problem.id not in self.gold]
        said = evaluate(model, unknown, {problem.id: "" for problem in unknown}).answers if unknown else {}
        gold = {**self.gold, **{key: answer for key, answer in said.items() if answer}}
        if not gold:
            raise DatasetError(
                "The model gives no short answer to any question of the regression set, and none has a right answer beside it. "
                "Give questions with an `answer`, or such that a short answer is asked for."
            )
        return self.with_gold(gold)

    def with_gold(self, gold: Mapping[str, str]) -> RegressionSet:
        """The problems that have a reference."""
        return RegressionSet(tuple(problem for problem in self.problems if problem.id in gold), gold)

    def measured(self, model: BaseChatModel) -> Evaluation:
        """How a model does on a set that is settled."""
        return evaluate(model, self.problems, self.gold)


def read_regression_set(path: str | Path) -> RegressionSet:
    """A regression set from JSON lines with `question`, and with `answer` where the right one is known.

    Raises:
        DatasetError: the file is missing, holds no question, or a line is something else.
    """
    try:
        lines = [line for line in Path(path).read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise DatasetError(f"The regression set {str(path)!r} cannot be read: {error.strerror}.") from error
    found = [_problem(path, at, line) for at, line in enumerate(lines, 1)]
    if not found:
        raise DatasetError(f"The regression set {str(path)!r} holds no question. {_SHAPE}")
    gold = {problem.id: answer for problem, answer in found if answer is not None}
    return RegressionSet(tuple({problem.id: problem for problem, _ in found}.values()), gold)


_SHAPE = 'Write one JSON object a line: {"question": "...", "answer": "..."}, without the answer where it is not known.'


def _problem(path: str | Path, at: int, line: bytes) -> tuple[Problem, str | None]:
    try:
        row = orjson.loads(line)
        question, answer = row["question"], row.get("answer")
        if not (isinstance(question, str) and question and isinstance(answer, (str, int, float, type(None)))):
            raise TypeError("the question is no text, or the answer is neither a text nor a number")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"Line {at} of the regression set {str(path)!r} is no question: {error}. {_SHAPE}"
        ) from error
    return Problem(id=str(row.get("id") or digest(question)[:16]), question=question), None if answer is None else str(
        answer
    )
