"""General on-policy logit distillation: a teacher's distributions for a student with another tokenizer.

Spans that the two tokenizers cut at the same places are compared: probabilities of tokens that both vocabularies have directly, those
of the others by rank (universal logit distillation, Boizard et al., 2402.12030). By TRL's `GOLDTrainer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from langdistill.errors import StudentError
from langdistill.students.card import Student
from langdistill.students.libraries import hushed, imported
from langdistill.students.train.materials import Materials
from langdistill.students.train.objective import Objective, Row
from langdistill.students.train.recipe import Recipe
from langdistill.students.train.rows.crossing import crossed_rows, crossing, is_byte_level
from langdistill.students.train.trainers.on_samples import check_sampling, check_shares, hushed_steps, on_samples
from langdistill.students.train.trainers.teacher import Teacher, teacher_of, vocabulary_of


@dataclass(frozen=True)
class Gold(Objective):
    """See `gold`."""

    teacher: Teacher
    lmbda: float
    beta: float
    temperature: float
    max_tokens: int
    by_rank_alone: bool
    cross_entropy: float
    formats: ClassVar[tuple[str, ...]] = ("trl", "privileged_context", "top_k_logprobs")

    @property
    def params(self) -> dict[str, Any]:
        """Its settings; of the teacher, where it is and the digest of its weights."""
        return super().params | {"teacher": self.teacher.told}

    def check(self, rows: Sequence[Row], recipe: Recipe) -> None:
        """Neither packing nor dropout, and as many rows as an update takes."""
        check_sampling(recipe, self.name)
        if len(rows) < (update := recipe.batch_size * recipe.accumulate):
            raise StudentError(
                f"gold takes whole updates of {update} rows, and there are {len(rows)}. Train with a smaller batch_size or accumulate."
            )

    def remarks(self, rows: Sequence[Row]) -> list[str]:
        """That a teacher takes memory, too, and that the last rows of a pass may wait."""
        return [
            self.teacher.remark,
            "Rows that do not fill an update at the end of a pass wait for another pass; each has its own order.",
        ]

    def passes(self, rows: Sequence[Row], recipe: Recipe) -> int:
        """Batches in an epoch, on one device: those that fill an update."""
        return len(rows) // (recipe.batch_size * recipe.accumulate) * recipe.accumulate

    def prepared(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        """The rows as tokens of the student, their places in the text, and the texts that the teacher reads.

        Raises:
            DatasetError: as `crossed_rows`.
            StudentError: a tokenizer that is not byte-level, or the student's own.
        """
        other = self.teacher.tokenizer()
        for whose, one in (("student", tokenizer), ("teacher", other)):
            if not is_byte_level(one):
                raise StudentError(
                    f"The {whose}'s tokenizer ({one.name_or_path}) is not byte-level, and gold can only align those that are (those of "
                    "Llama 3, Qwen, SmolLM, Phi). Align top-k log-probabilities instead."
                )
        if vocabulary_of(other) == vocabulary_of(tokenizer):
            raise StudentError("The teacher has the student's tokenizer, so nothing has to be aligned. Use gkd.")
        return crossed_rows(rows, tokenizer, other, max_length, self.max_tokens if self.lmbda else 0)

    def sizes(self, row: Row) -> tuple[int, int]:
        """Tokens of a row in the student's vocabulary, and how many of them carry loss."""
        return len(row["input_ids"]), sum(row["completion_mask"])

    def trainer(self, materials: Materials) -> Any:
        """TRL's `GOLDTrainer`."""
        with hushed():
            package = "trl.experimental.gold"
            config = imported(f"{package}.gold_config").GOLDConfig
            kind = hushed_steps(crossing(imported(f"{package}.gold_trainer").GOLDTrainer))
            args = config(**materials.arguments(**self._settings()))
            tokenizer = materials.tokenizer
            trainer = kind(
                model=materials.model(),
                teacher_model=self.teacher.load(bf16=args.bf16),
                args=args,
                train_dataset=materials.dataset(materials.rows),
                eval_dataset=materials.dataset(materials.held_out),
                processing_class=tokenizer,
                peft_config=materials.adapter(),
            )
        return on_samples(trainer, tokenizer)

    def _settings(self) -> dict[str, Any]:
        return {
            "max_length": None,
            "lmbda": self.lmbda,
            "beta": self.beta,
            "temperature": self.temperature,
            "max_completion_length": self.max_tokens,
            "teacher_tokenizer_name_or_path": str(self.teacher.model),
            "use_uld_loss": True,
            "uld_use_hybrid_loss": not self.by_rank_alone,
            # The other strategy of TRL takes each token's distribution from the place after it.
            "uld_token_merge_strategy": "bayesian",
            "uld_crossentropy_weight": self.cross_entropy,
        }


def gold(
    teacher: str | Path | Student | None = None,
    *,
    lmbda: float = 0.5,
    beta: float = 0.5,
    temperature: float = 0.9,
    max_tokens: int = 128,
    by_rank_alone: bool = False,
    cross_entropy: float = 0.0,
) -> Gold:
    """Learn the distributions of a teacher whose tokenizer is another one, on the rows' answers and on sampled ones.

    The teacher reads the prompt by its own chat template. How an answer ends is not compared, for tokenizers end differently: where
    the student does not know it yet, train it with `sft` first or give a `cross_entropy`. Learning rates are far lower than for `sft`
    (TRL's is 1e-7 for all weights).

    Args:
        teacher: folder of a model, its name on the hub, or a student.
        lmbda: share of the passes on answers that the student samples.
        beta: of the divergence between tokens that both have: 0 forward, 1 reverse.
        temperature: of the sampling.
        max_tokens: of a sampled answer.
        by_rank_alone: compare all tokens by rank, as in universal logit distillation, and none directly.
        cross_entropy: weight of the ordinary loss on the answers, which teaches their ends.

    Raises:
        StudentError: no teacher, none there, or a setting out of its range.
    """
    check_shares("gold", lmbda, beta, temperature, max_tokens)
    if cross_entropy < 0:
        raise StudentError(f"gold got cross_entropy={cross_entropy}; it must be 0 or more.")
    return Gold(teacher_of(teacher, "gold"), lmbda, beta, temperature, max_tokens, by_rank_alone, cross_entropy)
