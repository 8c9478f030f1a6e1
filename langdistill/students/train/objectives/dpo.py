"""Direct preference optimisation: the chosen answer more likely than the rejected one, measured from where the training began.

Source: Rafailov et al. (2305.18290), equation 7. The other losses are those of TRL's `DPOTrainer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from langdistill.errors import StudentError, UnknownName
from langdistill.students.libraries import imported
from langdistill.students.train.materials import Materials
from langdistill.students.train.objective import Objective, Row
from langdistill.students.train.recipe import Recipe
from langdistill.students.train.rows.answers import answer_rows
from langdistill.students.train.trainers.preferring import of_tokens, refuse_packing

LOSSES = (
    "sigmoid",
    "sigmoid_norm",
    "hinge",
    "ipo",
    "robust",
    "exo_pair",
    "nca_pair",
    "apo_zero",
    "apo_down",
    "discopop",
)


@dataclass(frozen=True)
class Dpo(Objective):
    """See `dpo`."""

    beta: float
    loss: str
    label_smoothing: float
    formats: ClassVar[tuple[str, ...]] = ("trl_preference",)

    def check(self, rows: Sequence[Row], recipe: Recipe) -> None:
        """Rows are paired, so none are packed."""
        refuse_packing(recipe, self.name)

    def prepared(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        """The rows as `prompt_ids`, `chosen_ids` and `rejected_ids`."""
        return answer_rows(rows, tokenizer, max_length, ("chosen", "rejected"))

    def sizes(self, row: Row) -> tuple[int, int]:
        """Tokens of the prompt with each answer, and of the answers."""
        answers = len(row["chosen_ids"]) + len(row["rejected_ids"])
        return 2 * len(row["prompt_ids"]) + answers, answers

    def trainer(self, materials: Materials) -> Any:
        """TRL's `DPOTrainer`; it runs four passes a pair, the reference's two without gradients."""
        config, kind = imported("trl.trainer.dpo_config").DPOConfig, imported("trl.trainer.dpo_trainer").DPOTrainer
        settings = {"beta": self.beta, "loss_type": [self.loss], "label_smoothing": self.label_smoothing}
        arguments = materials.arguments(max_length=None, disable_dropout=not materials.recipe.dropout, **settings)
        return of_tokens(kind)(
            model=materials.model(),
            args=config(**arguments),
            train_dataset=materials.dataset(materials.rows),
            eval_dataset=materials.dataset(materials.held_out),
            processing_class=materials.tokenizer,
            peft_config=materials.adapter(),
        )


def dpo(*, beta: float = 0.1, loss: str = "sigmoid", label_smoothing: float = 0.0) -> Dpo:
    """Learn from pairs in the format `trl_preference`.

    The reference is the model that the training starts from: the base, or the student that it goes on with. Train on the chosen
    answers with `sft` first where the base would not say them.

    Args:
        beta: how dear it is to leave the reference; above 0. Rafailov et al. use 0.1, and 0.5 for summaries.
        loss: one of `LOSSES`; "sigmoid" is the paper's.
        label_smoothing: share of pairs that are thought to be the wrong way round; "robust" and "exo_pair" are made for it.

    Raises:
        UnknownName: there is no such loss.
        StudentError: a setting is out of its range.
    """
    if loss not in LOSSES:
        raise UnknownName("loss of dpo", loss, LOSSES)
    if beta <= 0 or not 0 <= label_smoothing < 0.5 or (loss == "exo_pair" and not label_smoothing):
        raise StudentError(
            f"dpo got beta={beta}, label_smoothing={label_smoothing} and loss={loss!r}; beta must be above 0 and the smoothing from 0 "
            "up to but not 0.5, above 0 for exo_pair (1e-3 is usual)."
        )
    return Dpo(beta, loss, label_smoothing)
