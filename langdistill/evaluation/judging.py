"""How good a judge of two responses is: whether it agrees with people, and whether it says the same in either order.

Every pair is judged twice, the second time with the responses in the other order. The judge's verdict is A or B where it is so in
both orders, else a tie (Saha et al., 2310.15123, section 4; Zheng et al., 2306.05685, section 3.4). Agreement and inconsistency are
thus two figures: a judge that always prefers the first place has no pair consistent, and says tie to all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from langdistill.answers import swapped as other_side
from langdistill.answers import verdict
from langdistill.errors import EvaluationError
from langdistill.evaluation.evaluate import evaluate
from langdistill.evaluation.kept import REPLIES
from langdistill.evaluation.results import Evaluation, Graded, merged
from langdistill.evaluation.subject import Model
from langdistill.intervals import Estimate, wilson
from langdistill.perturbations.perturbing import Perturbation
from langdistill.perturbations.swapped import swapped
from langdistill.records import Problem, Record

Said = Literal["A", "B", "tie"]
VERDICTS = ("A", "B", "tie")


class Judged(Record):
    """What people and a judge said of one pair. Of the original order, all three."""

    human: Said
    shown: Said | None
    """The judge, shown the pair in its order; `None` where nothing could be read."""
    turned: Said | None
    """The judge, shown it in the other order."""
    category: str | None = None

    @property
    def is_read(self) -> bool:
        """Whether there is a verdict in either order. Of a pair that has but one, nothing is counted."""
        return self.shown is not None and self.turned is not None

    @property
    def is_consistent(self) -> bool:
        """Whether the order changes nothing."""
        return self.is_read and self.shown == self.turned

    @property
    def verdict(self) -> Said | None:
        """A or B where both orders say so, else a tie; `None` where one could not be read."""
        if not self.is_read:
            return None
        return self.shown if self.is_consistent else "tie"

    @property
    def agrees(self) -> bool:
        """Whether the verdict is what most people say; a tie agrees with a tie only."""
        return self.verdict == self.human


class JudgeEvaluation(Record):
    """A judge on a set of pairs. All shares are of the pairs that were read in both orders."""

    pairs: dict[str, Judged]
    """By problem id."""
    shown: Evaluation
    """The run in the order of the problems; its accuracy is the agreement that one order alone would show."""
    turned: Evaluation
    """The run in the other order."""

    @property
    def name(self) -> str:
        """Who judged."""
        return self.shown.name

    @property
    def read(self) -> list[Judged]:
        """The pairs that were read in both orders."""
        return [one for one in self.pairs.values() if one.is_read]

    @property
    def unread(self) -> list[str]:
        """Ids of the others."""
        return [id for id, one in self.pairs.items() if not one.is_read]

    @property
    def agreement(self) -> Estimate:
        """Share on which the verdict (A, B or tie) is that of most people: the papers' Ag."""
        return _share([one.agrees for one in self.read])

    @property
    def agreement_without_ties(self) -> Estimate:
        """The same of the pairs on which neither the judge nor people say tie (Zheng et al., setup S2)."""
        return _share([one.agrees for one in self.read if "tie" not in (one.verdict, one.human)])

    @property
    def inconsistent(self) -> Estimate:
        """Share on which the order changes the verdict: the papers' PB."""
        return _share([not one.is_consistent for one in self.read])

    @property
    def prefers_first(self) -> Estimate:
        """Share on which it prefers what it is shown first, in both orders."""
        return _share([one.shown == "A" and one.turned == "B" for one in self.read])

    @property
    def prefers_second(self) -> Estimate:
        """Share on which it prefers what it is shown second, in both orders."""
        return _share([one.shown == "B" and one.turned == "A" for one in self.read])

    @property
    def categories(self) -> dict[str, JudgeEvaluation]:
        """The same by category."""
        names = sorted({one.category for one in self.pairs.values() if one.category is not None})
        return {name: self._of(name) for name in names}

    @property
    def evaluation(self) -> Evaluation:
        """Each pair as a problem that is right where the judge agrees with people, so that two judges can be compared.

        A pair that could not be read is not right.
        """
        results = {id: self._graded(id, one) for id, one in self.pairs.items()}
        both = self.shown.seconds + self.turned.seconds
        return Evaluation(name=self.name, results=results, seconds=both, prices=self.shown.prices)

    def _graded(self, id: str, one: Judged) -> Graded:
        orders = self.shown.results[id], self.turned.results[id]
        return Graded(
            asked=orders[0].asked,
            answers=[one.verdict],
            right=[one.agrees],
            error=orders[0].error or orders[1].error,
            failed=int(any(order.failed for order in orders)),
            category=one.category,
            accounts=merged(order.accounts for order in orders),
        )

    def _of(self, category: str) -> JudgeEvaluation:
        pairs = {id: one for id, one in self.pairs.items() if one.category == category}
        orders = {
            which: run.model_copy(update={"results": {id: run.results[id] for id in pairs}})
            for which, run in (("shown", self.shown), ("turned", self.turned))
        }
        return JudgeEvaluation(pairs=pairs, **orders)


def evaluate_judge(
    model: Model,
    problems: Sequence[Problem],
    human: Mapping[str, str | Sequence[str]],
    *,
    turn: Perturbation | None = None,
    folder: str | Path | None = None,
    cache: str | Path | None = None,
    **knobs: Any,
) -> JudgeEvaluation:
    """Let a judge compare pairs in both orders, and compare it with people.

    Args:
        model: the judge: a model, a graph such as Branch-Solve-Merge, or a student, as for `evaluate`.
        problems: questions that show two responses. Where twins of the same ids are among them (with a `perturbation`), these are the
            other order; else it is made.
        human: problem id to what people say of the original order, "A", "B" or "tie", or to the votes of several.
        turn: shows the responses in the other order, and maps an answer back; by default `perturbations.swapped`.
        folder: where both runs are kept; `cache` as for `evaluate`.
        cache: file of replies to remember.
        knobs: as for `evaluate`. By default `extract` reads a verdict.

    Raises:
        AnswerError: two responses cannot be found in a question.
        EvaluationError: a pair has no human verdict, or it is none; and what `evaluate` raises.
    """
    turn, place = turn or swapped(), None if folder is None else Path(folder)
    shown = [one for one in problems if one.perturbation is None]
    twins = {one.id: one for one in problems if one.perturbation is not None}
    turned = [twins.get(one.id) or turn.problem(one) for one in shown]
    people: dict[str, Said] = {one.id: human_verdict(human.get(one.id), one.id) for one in shown}
    knobs = {"extract": verdict, "cache": cache or (place and place / REPLIES), **knobs}
    if place and knobs["cache"]:
        place.mkdir(parents=True, exist_ok=True)
    runs = [
        evaluate(model, asked, gold, folder=place and place / order, **knobs)
        for order, asked, gold in (
            ("shown", shown, people),
            ("turned", turned, {id: str(other_side(said)) for id, said in people.items()}),
        )
    ]
    categories = knobs.get("categories") or {}
    pairs = {
        one.id: Judged(
            human=people[one.id],
            shown=_said(runs[0].answers[one.id]),
            turned=_said(_back(turn, runs[1].answers[one.id], one, other)),
            category=categories.get(one.id),
        )
        for one, other in zip(shown, turned, strict=True)
    }
    return JudgeEvaluation(pairs=pairs, shown=runs[0], turned=runs[1])


def human_verdict(votes: str | Sequence[str] | None, id: str) -> Said:
    """What most people say; where no verdict has more votes than every other, a tie.

    Raises:
        EvaluationError: there is no vote, or one is no verdict.
    """
    cast = [votes] if isinstance(votes, str) else list(votes or [])
    if not cast or not set(cast) <= set(VERDICTS):
        raise EvaluationError(f"People's verdict on {id!r} is {votes!r}. Give A, B or tie, or a list of such votes.")
    leading = [said for said in VERDICTS if cast.count(said) == max(map(cast.count, VERDICTS))]
    return leading[0] if len(leading) == 1 else "tie"  # type: ignore[return-value]


def _back(turn: Perturbation, answer: str | None, original: Problem, changed: Problem) -> str | None:
    return None if answer is None else turn.invert(answer, original.question, changed.question)


def _said(answer: str | None) -> Said | None:
    """A verdict, where it is one."""
    told = verdict(answer) if answer else None
    return told if told in VERDICTS else None  # type: ignore[return-value]


def _share(which: Sequence[bool]) -> Estimate:
    """0 of an interval that says nothing, where there is nothing to take a share of."""
    return Estimate(sum(which) / len(which) if which else 0.0, *wilson(sum(which), len(which)))
