"""Kahneman-Tversky optimisation: answers that are labelled good or bad, each by itself and not in pairs.

Source: Ethayarajh et al. (2402.01306), equations 7 and 8, by TRL's `KTOTrainer`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from langdistill.errors import DatasetError, StudentError
from langdistill.students.causal import context_of
from langdistill.students.libraries import imported
from langdistill.students.train.materials import Materials
from langdistill.students.train.objective import Objective, Row
from langdistill.students.train.recipe import Recipe
from langdistill.students.train.rows.answers import answer_rows
from langdistill.students.train.rows.refusals import Refused
from langdistill.students.train.trainers.preferring import of_tokens, refuse_packing


@dataclass(frozen=True)
class Kto(Objective):
    """See `kto`."""

    beta: float
    desirable_weight: float | None
    undesirable_weight: float | None
    formats: ClassVar[tuple[str, ...]] = ("trl_unpaired",)

    def check(self, rows: Sequence[Row], recipe: Recipe) -> None:
        """Both labels must occur, and a pass needs two rows."""
        refuse_packing(recipe, self.name)
        good, bad = _counts(rows)
        if not good or not bad:
            raise DatasetError(
                f"kto learns from good and from bad answers; of {len(rows)} rows {good} are good and {bad} bad. "
                "Harvest both, or train on the good ones with sft."
            )
        if recipe.batch_size < 2:
            raise StudentError(
                "kto takes its reference point from the other rows of a pass, and this recipe has batch_size=1. "
                "Train with batch_size=2 or more, and accumulate less."
            )

    def remarks(self, rows: Sequence[Row]) -> list[str]:
        """How many answers are good, and the weights that make up for it."""
        good, bad = _counts(rows)
        weights = self.weights(good, bad)
        return [f"{good} answers are good and {bad} bad; they weigh {weights[0]:.3g} and {weights[1]:.3g}."]

    def weights(self, good: int, bad: int) -> tuple[float, float]:
        """Of a good and of a bad answer: those given; else both kinds weigh alike together, and neither kind below 1."""
        good, bad = max(good, 1), max(bad, 1)
        given = self.desirable_weight, self.undesirable_weight
        if given[0] is not None:
            return given[0], given[1] if given[1] is not None else given[0] * good / bad
        if given[1] is not None:
            return given[1] * bad / good, given[1]
        return max(1.0, bad / good), max(1.0, good / bad)

    def prepared(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        """The rows as `prompt_ids`, `completion_ids` and `label`."""
        return answer_rows(rows, tokenizer, max_length, ("completion",), _label)

    def sizes(self, row: Row) -> tuple[int, int]:
        """Tokens of a row, and of its answer."""
        return len(row["prompt_ids"]) + len(row["completion_ids"]), len(row["completion_ids"])

    def trainer(self, materials: Materials) -> Any:
        """TRL's `KTOTrainer`; it runs four passes a row, two of them on an answer to another prompt, for the reference point."""
        config, kind = imported("trl.trainer.kto_config").KTOConfig, imported("trl.trainer.kto_trainer").KTOTrainer
        size = materials.recipe.batch_size
        good, bad = self.weights(*_counts(materials.rows))
        # Only an answer that was moved to another prompt can be longer than this, and none of those is learnt.
        longest = min(materials.recipe.max_length, context_of(materials.base) or materials.recipe.max_length)
        arguments = materials.arguments(
            beta=self.beta,
            desirable_weight=good,
            undesirable_weight=bad,
            max_length=longest,
            disable_dropout=not materials.recipe.dropout,
        )
        return of_tokens(kind)(
            model=materials.model(),
            args=config(**arguments),
            train_dataset=materials.dataset(mismatched(shuffled(materials.rows, materials.seed), size)),
            eval_dataset=materials.dataset(mismatched(materials.held_out, size)),
            processing_class=materials.tokenizer,
            peft_config=materials.adapter(),
        )


def kto(*, beta: float = 0.1, desirable_weight: float | None = None, undesirable_weight: float | None = None) -> Kto:
    """Learn from labelled answers in the format `trl_unpaired`.

    The reference is the model that the training starts from: the base, or the student that it goes on with.

    Args:
        beta: how dear it is to leave the reference; above 0.
        desirable_weight: of good answers; `None`: so that good and bad ones weigh alike together (the paper's section 4.2: the
            products of weight and number should be about equal).
        undesirable_weight: of bad answers.

    Raises:
        StudentError: a setting is out of its range.
    """
    if beta <= 0 or any(weight is not None and weight <= 0 for weight in (desirable_weight, undesirable_weight)):
        raise StudentError(
            f"kto got beta={beta} and weights {desirable_weight} and {undesirable_weight}; all must be above 0."
        )
    return Kto(beta, desirable_weight, undesirable_weight)


def shuffled(rows: Sequence[Row], seed: int) -> list[Row]:
    """The rows in the order that they are trained in: TRL takes them as they come, and a pair's two answers come together."""
    order = list(rows)
    random.Random(seed).shuffle(order)
    return order


def mismatched(rows: Sequence[Row], size: int) -> list[Row]:
    """The rows, each with the answer of the row before it in its pass, which tells how far the model is from the reference.

    Args:
        rows: in the order that they are trained in.
        size: of a pass; one row alone at the end has the answer of the row before it.
    """
    found: list[Row] = []
    for start in range(0, len(rows), size):
        batch = rows[start : start + size]
        before = [batch[-1] if len(batch) > 1 else rows[start - 1], *batch[:-1]]
        found += [
            one | {"KL_completion_ids": other["completion_ids"]} for one, other in zip(batch, before, strict=True)
        ]
    return found


def _counts(rows: Sequence[Row]) -> tuple[int, int]:
    """How many are good, and how many bad."""
    found = Counter(row.get("label") for row in rows)
    return found[True], found[False]


def _label(row: Row) -> Row:
    if not isinstance(row.get("label"), bool):
        raise Refused("have no label: true or false was expected")
    return {"label": row["label"]}
