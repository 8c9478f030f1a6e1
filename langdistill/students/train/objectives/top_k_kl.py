"""Learn what the teacher thought of each token: the divergence from its likeliest tokens, in place of its choice alone.

Source: Fu et al., 2301.12726: the five likeliest tokens, not renormalised; the end is taught as a token alone, and so is every token
that the teacher's tokenizer cuts otherwise (`align_top_k`), and all of an answer without reasoning, of which nothing was told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from langdistill.errors import DatasetError, StudentError
from langdistill.students.libraries import imported
from langdistill.students.train.alignment.vocabulary import Vocabulary
from langdistill.students.train.losses.top_k_kl import IGNORED, head_top_k_kl
from langdistill.students.train.losses.top_k_kl import top_k_kl as loss_of_logits
from langdistill.students.train.materials import Materials
from langdistill.students.train.objective import Objective, Row
from langdistill.students.train.rows.masked import masked_rows
from langdistill.students.train.rows.taught import Teaching
from langdistill.students.train.trainers.hidden import has_linear_head, last_hidden


@dataclass(frozen=True)
class TopKKl(Objective):
    """See `top_k_kl`."""

    formats: ClassVar[tuple[str, ...]] = ("top_k_logprobs",)
    k: int
    renormalise: bool
    least_copied: float

    def prepared(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        """The rows as tokens and labels, with what is taught at each label."""
        masked = masked_rows(rows, tokenizer, max_length)
        return Teaching(Vocabulary(tokenizer), self.k, self.renormalise, self.least_copied).rows(rows, masked)

    def trainer(self, materials: Materials) -> Any:
        """TRL's `SFTTrainer` with this loss."""
        if materials.recipe.packing:
            raise StudentError(
                "What a teacher told is taught row by row: top_k_kl cannot pack. Train with packing=False."
            )
        config, collator = imported("trl.trainer.sft_config").SFTConfig, Collator.of(materials.tokenizer.pad_token_id)
        arguments = materials.arguments(
            max_length=None, remove_unused_columns=False, dataset_kwargs={"skip_prepare_dataset": True}
        )
        return _trainer()(
            model=materials.model(),
            args=config(**arguments),
            data_collator=collator,
            train_dataset=materials.dataset(materials.rows),
            eval_dataset=materials.dataset(materials.held_out),
            processing_class=materials.tokenizer,
            peft_config=materials.adapter(),
        )


def top_k_kl(*, k: int = 5, renormalise: bool = False, least_copied: float = 0.25) -> TopKKl:
    """Learn the teacher's distributions of rows in the format `top_k_logprobs`; rows without them are learnt as by `sft`.

    Args:
        k: how many of the teacher's alternatives at each token, likeliest first (5 in the paper); at least 1.
        renormalise: make their mass 1. In the paper it is left as it is: what is missing is the teacher's doubt.
        least_copied: share of the tokens at which the teacher's distribution must be copied, over all rows that have one. A teacher
            with another tokenizer cuts a text otherwise in places; where it does nearly everywhere, nothing of it is learnt.

    Raises:
        DatasetError: `k` is below 1, or the share is not from 0 to 1.
    """
    if k < 1 or not 0 <= least_copied <= 1:
        raise DatasetError(
            f"top_k_kl(k={k}, least_copied={least_copied}): k must be 1 or more, and least_copied a share from 0 to 1."
        )
    return TopKKl(k, renormalise, least_copied)


@dataclass(frozen=True)
class Collator:
    """Prepared rows as a batch."""

    tokens: Any
    """TRL's, for tokens and labels."""

    @classmethod
    def of(cls, pad: int) -> Collator:
        """With a padding token."""
        return cls(imported("trl.trainer.sft_trainer").DataCollatorForLanguageModeling(pad_token_id=pad))

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Tokens and labels, [b, t]; `teacher_ids` and `teacher_probs`, [b, t, k], padded by 0; `weights`, [b, t]."""
        torch = imported("torch")
        batch = self.tokens([{name: row[name] for name in ("input_ids", "labels")} for row in rows])
        labels = batch["labels"]
        k = max((len(ids) for row in rows for ids in row["teacher_ids"]), default=0) or 1
        ids, probs = (torch.zeros(*labels.shape, k, dtype=dtype) for dtype in (torch.long, torch.float32))
        learnt = labels != -100
        ids[learnt] = torch.tensor([_padded(one, k) for row in rows for one in row["teacher_ids"]])
        probs[learnt] = torch.tensor([_padded(one, k) for row in rows for one in row["teacher_probs"]])
        weights = torch.tensor([row["weight"] for row in rows])[:, None].expand(labels.shape)
        return {**batch, "teacher_ids": ids, "teacher_probs": probs, "weights": weights}


def _padded(values: Sequence[float], k: int) -> list[float]:
    return [*values, *[0] * (k - len(values))]


TAUGHT = ("labels", "teacher_ids", "teacher_probs", "weights")


@cache
def _trainer() -> Any:
    sft_trainer = imported("trl.trainer.sft_trainer").SFTTrainer

    class TopKTrainer(sft_trainer):  # type: ignore[misc, valid-type]
        def __init__(self, model: Any, **settings: Any) -> None:
            self.linear = has_linear_head(model)
            super().__init__(model=model, **settings)

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            """The mean over the tokens that carry loss, of all devices and accumulated batches, each times its row's weight."""
            labels, ids, probs, weights = (inputs[name][:, 1:] for name in TAUGHT)
            asked = {name: value for name, value in inputs.items() if name not in TAUGHT} | {"use_cache": False}
            tokens = (labels != IGNORED).sum().clamp(min=1) if num_items_in_batch is None else num_items_in_batch
            if self.args.average_tokens_across_devices and num_items_in_batch is not None:
                tokens = (
                    tokens / self.accelerator.num_processes
                )  # gradients are averaged over devices, whose tokens were counted
            with self.accelerator.autocast():
                loss = self.total(model, asked, [labels, ids, probs, weights / tokens])
            return (loss, {"loss": loss}) if return_outputs else loss

        def total(self, model: Any, asked: dict[str, Any], taught: list[Any]) -> Any:
            """The sum over a batch; from the last hidden states, unless the output layer is in parts or more than a product."""
            if not self.linear or self.is_fsdp_enabled or self.is_deepspeed_enabled:
                return loss_of_logits(model(**asked).logits[:, :-1], *taught)
            plain = self.accelerator.unwrap_model(model)
            hidden, _ = last_hidden(model, plain, asked)
            head = plain.get_output_embeddings()
            return head_top_k_kl(hidden[:, :-1], head.weight, *taught, bias=head.bias)

    return TopKTrainer
