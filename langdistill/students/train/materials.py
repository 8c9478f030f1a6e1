"""What an objective makes its trainer of: the rows, the base with its adapter, and the arguments that all trainers share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from langdistill.errors import StudentError
from langdistill.students.libraries import imported
from langdistill.students.train.ranks import ranks
from langdistill.students.train.recipe import Recipe

CHECKPOINTS = 10
"""In a run whose recipe does not say how often."""


@dataclass(frozen=True)
class Materials:
    """Of one training."""

    base: Path
    """Folder of the base model."""
    start: Path | None
    """Folder of the adapter, or of the whole model, that is trained on; `None`: the base as it is."""
    rows: list[dict[str, Any]]
    """To train on, prepared."""
    held_out: list[dict[str, Any]]
    """To take a loss on and not to train on, prepared; may be empty."""
    tokenizer: Any
    recipe: Recipe
    seed: int
    folder: Path
    """For checkpoints."""
    passes: int
    """Batches in an epoch, on one device."""

    @property
    def steps(self) -> int:
        """Updates of the whole run, on as many devices as there are."""
        return self.recipe.updates(self.passes, devices=ranks().size)

    @property
    def earlier_adapter(self) -> Path | None:
        """The folder of the adapter that is trained on; `None` where none is."""
        return self.start if self.start and (self.start / "adapter_config.json").is_file() else None

    @property
    def bf16(self) -> bool:
        """Whether it computes in two bytes."""
        return _device(self.recipe)[1]

    def arguments(self, **more: Any) -> dict[str, Any]:
        """Arguments of `transformers.TrainingArguments`, which every trainer's own configuration extends.

        Args:
            more: of the trainer's own, or instead of those here.
        """
        recipe, (cuda, bf16) = self.recipe, _device(self.recipe)
        return {
            "output_dir": str(self.folder),
            "num_train_epochs": recipe.epochs,
            "max_steps": recipe.steps or -1,
            "per_device_train_batch_size": recipe.batch_size,
            "gradient_accumulation_steps": recipe.accumulate,
            "learning_rate": recipe.learning_rate,
            "lr_scheduler_type": recipe.schedule,
            "warmup_steps": recipe.warmup,
            "weight_decay": recipe.weight_decay,
            "gradient_checkpointing": recipe.gradient_checkpointing,
            "use_cpu": not cuda,
            "bf16": bf16,
            "seed": self.seed,
            "data_seed": self.seed,
            "report_to": [],
            "save_strategy": "steps",
            "save_steps": recipe.save_every or max(1, ceil(self.steps / CHECKPOINTS)),
            "save_total_limit": 2,
            "logging_strategy": "steps",
            "logging_steps": max(1, self.steps // 50),
            "disable_tqdm": True,
            "dataloader_pin_memory": cuda,
        } | more

    def model(self, *, labels: int | None = None) -> Any:
        """The base with whatever is trained on of an earlier stage, ready for a trainer.

        Args:
            labels: how many numbers the model gives for a text, in place of the next token; `None`: it gives text.

        Raises:
            MissingExtra: torch, transformers or peft is not installed; for QLoRA, bitsandbytes.
            StudentError: the base cannot be loaded so.
        """
        transformers = imported("transformers")
        kind = transformers.AutoModelForCausalLM if labels is None else transformers.AutoModelForSequenceClassification
        adapter = self.earlier_adapter
        whole = self.start if self.start and not adapter else self.base
        settings = self._quantised() | ({} if labels is None else {"num_labels": labels})
        try:
            model = kind.from_pretrained(str(whole), dtype=self._dtype(), local_files_only=True, **settings)
        except (OSError, ValueError, RuntimeError) as error:
            raise StudentError(
                f"The base {str(whole)!r} cannot be trained: {str(error).splitlines()[0]} Give a causal language model."
            ) from error
        return imported("peft").PeftModel.from_pretrained(model, str(adapter), is_trainable=True) if adapter else model

    def adapter(self, task: str = "CAUSAL_LM", **more: Any) -> Any:
        """The LoRA to begin with; `None` where an earlier stage's goes on, or all weights are trained.

        Args:
            task: PEFT's task type.
            more: of `peft.LoraConfig`.
        """
        if self.recipe.adapter == "full" or self.earlier_adapter:
            return None
        recipe = self.recipe
        return imported("peft").LoraConfig(
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            lora_dropout=recipe.dropout,
            target_modules="all-linear",
            task_type=task,
            **more,
        )

    def dataset(self, rows: list[dict[str, Any]]) -> Any:
        """Rows as trainers read them: a Hugging Face `Dataset`; `None` for none."""
        return imported("datasets").Dataset.from_list(rows) if rows else None

    def _dtype(self) -> Any:
        torch = imported("torch")
        return torch.bfloat16 if self.recipe.adapter == "qlora" else torch.float32

    def _quantised(self) -> dict[str, Any]:
        if self.recipe.adapter != "qlora":
            return {}
        torch, transformers = imported("torch"), imported("transformers")
        if not torch.cuda.is_available():
            raise StudentError("QLoRA needs a CUDA device, and there is none here. Train with adapter='lora'.")
        imported("bitsandbytes")
        return {
            "quantization_config": transformers.BitsAndBytesConfig(
                load_in_4bit=True,
                bnb_4bit_quant_type="nf4",
                bnb_4bit_use_double_quant=True,
                bnb_4bit_compute_dtype=torch.bfloat16,
            )
        }


def _device(recipe: Recipe) -> tuple[bool, bool]:
    """Whether there is an accelerator, and whether to compute in bf16."""
    torch = imported("torch")
    cuda = bool(torch.cuda.is_available()) and os.environ.get("ACCELERATE_USE_CPU", "").lower() not in ("1", "true")
    if recipe.precision == "auto":
        return cuda, cuda and bool(torch.cuda.is_bf16_supported())
    return cuda, recipe.precision == "bf16"
