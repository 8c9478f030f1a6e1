"""A pairwise ranker, or reward model: one number for an answer, higher for the chosen one of each pair.

Sources: Bradley-Terry loss as in Ouyang et al. (2203.02155), section 3.5; with a margin as in Touvron et al. (2307.09288), section
3.2.2; it is the Truster of ART (Shridhar et al., 2311.07961, section 3.3). By TRL's `RewardTrainer`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from langdistill.errors import StudentError
from langdistill.students.libraries import imported
from langdistill.students.train.materials import Materials
from langdistill.students.train.objective import Objective, Row
from langdistill.students.train.recipe import Recipe
from langdistill.students.train.rows.answers import answer_rows
from langdistill.students.train.rows.refusals import Refused
from langdistill.students.train.trainers.headed import headed
from langdistill.students.train.trainers.preferring import refuse_packing


@dataclass(frozen=True)
class PairwiseRanker(Objective):
    """See `pairwise_ranker`."""

    centre: float | None
    formats: ClassVar[tuple[str, ...]] = ("trl_preference",)
    head: ClassVar[Literal["text", "score", "classes"]] = "score"

    def check(self, rows: Sequence[Row], recipe: Recipe) -> None:
        """Rows are paired, so none are packed."""
        refuse_packing(recipe, self.name)

    def remarks(self, rows: Sequence[Row]) -> list[str]:
        """How many pairs have a margin."""
        having = sum(row.get("margin") is not None for row in rows)
        return [f"{having} of {len(rows)} pairs have a margin; the others have 0."] if having else []

    def prepared(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        """The rows as `chosen_ids` and `rejected_ids`, each with the prompt; and `margin` where any row has one."""
        found = answer_rows(rows, tokenizer, max_length, ("chosen", "rejected"), _margin)
        with_margins = any(row.get("margin") is not None for row in rows)
        return [_whole(row) | ({"margin": row["margin"]} if with_margins else {}) for row in found]

    def sizes(self, row: Row) -> tuple[int, int]:
        """Tokens of both texts, and the two that numbers are read at."""
        return len(row["chosen_ids"]) + len(row["rejected_ids"]), 2

    def trainer(self, materials: Materials) -> Any:
        """TRL's `RewardTrainer`."""
        config = imported("trl.trainer.reward_config").RewardConfig
        kind = imported("trl.trainer.reward_trainer").RewardTrainer
        settings = {"max_length": None, "center_rewards_coefficient": self.centre}
        model, adapter = headed(materials, labels=1)
        return kind(
            model=model,
            args=config(**materials.arguments(disable_dropout=not materials.recipe.dropout, **settings)),
            train_dataset=materials.dataset(materials.rows),
            eval_dataset=materials.dataset(materials.held_out),
            processing_class=materials.tokenizer,
            peft_config=adapter,
        )


def pairwise_ranker(*, centre: float | None = None) -> PairwiseRanker:
    """Learn to score answers from pairs in the format `trl_preference`; `Student.scorer()` then scores any.

    A row's `margin` is by how much the chosen answer must score higher.

    Args:
        centre: weight of a term that keeps scores around 0 (Eisenstein et al., 2312.09244: 0.01); `None`: scores of different
            prompts cannot be compared.

    Raises:
        StudentError: the weight is below 0.
    """
    if centre is not None and centre < 0:
        raise StudentError(f"pairwise_ranker got centre={centre}; it must be 0 or more.")
    return PairwiseRanker(centre)


def _margin(row: Row) -> Row:
    margin = row.get("margin")
    if margin is None:
        return {"margin": 0.0}
    if isinstance(margin, bool) or not isinstance(margin, int | float) or not math.isfinite(margin):
        raise Refused("have a margin that is no number")
    return {"margin": float(margin)}


def _whole(row: Row) -> Row:
    return {name: row["prompt_ids"] + row[name] for name in ("chosen_ids", "rejected_ids")}
