"""Generalised knowledge distillation: the student's whole next-token distributions towards a teacher's, partly on its own answers.

Source: Agarwal et al. (2306.13649), equation 1 and algorithm 1, by TRL's `GKDTrainer`.
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
from langdistill.students.train.rows.sampled import SFT_FORMATS, collator, sampled_rows
from langdistill.students.train.trainers.on_samples import check_sampling, check_shares, hushed_steps, on_samples
from langdistill.students.train.trainers.teacher import Teacher, teacher_of, vocabulary_of


@dataclass(frozen=True)
class Gkd(Objective):
    """See `gkd`."""

    teacher: Teacher
    lmbda: float
    beta: float
    temperature: float
    max_tokens: int
    seq_kd: bool
    formats: ClassVar[tuple[str, ...]] = SFT_FORMATS

    @property
    def params(self) -> dict[str, Any]:
        """Its settings; of the teacher, where it is and the digest of its weights."""
        return super().params | {"teacher": self.teacher.told}

    def check(self, rows: Sequence[Row], recipe: Recipe) -> None:
        """Neither packing nor dropout."""
        check_sampling(recipe, self.name)

    def remarks(self, rows: Sequence[Row]) -> list[str]:
        """That a teacher takes memory, too."""
        return [self.teacher.remark]

    def prepared(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        """The rows as `input_ids`, `labels` and `prompt_length`.

        Raises:
            DatasetError: as `sampled_rows`.
            StudentError: the teacher has another tokenizer than the student.
        """
        if vocabulary_of(self.teacher.tokenizer()) != vocabulary_of(tokenizer):
            raise StudentError(
                f"The teacher {self.teacher.told['teacher']!r} has another tokenizer than the student, and {self.name} compares their "
                "distributions token by token. Use gold."
            )
        return sampled_rows(rows, tokenizer, max_length, self.max_tokens if self.lmbda or self.seq_kd else 0)

    def trainer(self, materials: Materials) -> Any:
        """TRL's `GKDTrainer`; distributions are whole: rows x tokens x vocabulary numbers, several times over."""
        config, kind = _gkd()
        settings = {key: value for key, value in self.params.items() if key not in ("teacher", "max_tokens")}
        args = config(**materials.arguments(max_length=None, max_new_tokens=self.max_tokens, **settings))
        model, tokenizer = materials.model(), materials.tokenizer
        with hushed():  # TRL recommends another trainer of its own for some settings
            trainer = kind(
                model=model,
                teacher_model=self._teacher(args, model.config.vocab_size, len(tokenizer)),
                args=args,
                data_collator=collator(tokenizer.pad_token_id),
                train_dataset=materials.dataset(materials.rows),
                eval_dataset=materials.dataset(materials.held_out),
                processing_class=tokenizer,
                peft_config=materials.adapter(),
            )
        return on_samples(trainer, tokenizer)

    def _teacher(self, args: Any, size: int, tokens: int) -> Any:
        """The teacher with as many numbers a token as the student has.

        Args:
            args: of the trainer.
            size: of the student's last layer, which may be larger than its vocabulary.
            tokens: of the vocabulary.
        """
        model = self.teacher.load(bf16=args.bf16)
        found = model.config.vocab_size
        if found < size:
            raise StudentError(
                f"The teacher's last layer has {found} numbers and the student's {size} for a vocabulary of {tokens}; what the teacher "
                "thinks of the others cannot be known. Use gold."
            )
        if found > size:  # the larger models of a family have more rows that no token uses
            model.resize_token_embeddings(size)
        return model


def gkd(
    teacher: str | Path | Student | None = None,
    *,
    lmbda: float = 0.5,
    beta: float = 0.5,
    temperature: float = 0.9,
    max_tokens: int = 128,
    seq_kd: bool = False,
) -> Gkd:
    """Learn a teacher's distributions, on the rows' answers and on answers that the student samples while it learns.

    Args:
        teacher: folder of a model with the student's tokenizer, its name on the hub, or a student.
        lmbda: share of the passes on sampled answers: 0 is supervised distillation, 1 wholly on-policy.
        beta: 0 is the forward divergence KL(teacher, student), 1 the reverse one; between them the generalised Jensen-Shannon
            divergence.
        temperature: of the sampling.
        max_tokens: of a sampled answer.
        seq_kd: the passes that are not on-policy learn on answers of the teacher in place of the rows' own.

    Raises:
        StudentError: no teacher, none there, or a setting out of its range.
    """
    check_shares("gkd", lmbda, beta, temperature, max_tokens)
    return Gkd(teacher_of(teacher, "gkd"), lmbda, beta, temperature, max_tokens, seq_kd)


def _gkd() -> tuple[Any, Any]:
    with hushed():
        package = "trl.experimental.gkd"
        return imported(f"{package}.gkd_config").GKDConfig, hushed_steps(imported(f"{package}.gkd_trainer").GKDTrainer)
