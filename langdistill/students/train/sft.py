"""Supervised fine-tuning of a LoRA adapter with the loss on the completion only, by TRL and PEFT."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from langdistill.datasets.containers import rows_in
from langdistill.errors import DatasetError, MissingExtra, StudentError
from langdistill.folders import check_place, written_beside
from langdistill.students.card import CARD, Student
from langdistill.students.train.recipe import ORDINARY, Recipe
from langdistill.versions import installed

OnProgress = Callable[[int, int], None]
"""Told how many steps of how many are done."""

MADE_BY = ("langdistill", "torch", "transformers", "peft", "trl")
CHECKED_ROWS = 8
"""Rows whose loss mask is decoded back before training."""


def sft(
    dataset: str | Path,
    base: str | Path,
    out: str | Path,
    *,
    recipe: Recipe = ORDINARY,
    seed: int = 0,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> Student:
    """Train an adapter on a data set's training rows.

    The same data set, base, recipe and seed give the same bytes on the same machine.

    Args:
        dataset: folder with `train.jsonl` or `train.parquet`, and `manifest.json`.
        base: folder of the base model.
        out: folder of the student; written beside and renamed, so it is there whole or not at all.
        recipe: rank, learning rate, epochs and so on.
        seed: of the adapter's start and the order of rows.
        overwrite: replace `out`.
        on_progress: told after every step.

    Raises:
        MissingExtra: torch, trl or peft is not installed.
        DatasetError: no data set, no rows, or a row longer than the recipe allows.
        StudentError: `out` exists, the base cannot be trained, or the loss mask is not the completion.
    """
    target = Path(out)
    check_place(target, overwrite=overwrite, mark=CARD, error=StudentError)
    if not (Path(base) / "config.json").is_file():
        raise StudentError(
            f"There is no model in {str(base)!r}: it holds no config.json. Give the folder of a Hugging Face model."
        )
    rows, told = _read(Path(dataset))
    with written_beside(target) as beside:
        trainer = _trainer(rows, str(base), beside, recipe, seed, on_progress)
        _check(trainer, rows, recipe)
        trainer.train()
        trainer.save_model(str(beside))
        student = Student(
            base=str(base), recipe=recipe, dataset_hash=told, seed=seed, rows=len(rows), versions=installed(*MADE_BY)
        )
        (beside / "training_args.bin").unlink(missing_ok=True)
        (beside / CARD).write_text(student.model_dump_json(indent=2))
    return student


def _read(folder: Path) -> tuple[list[dict[str, Any]], str]:
    try:
        read = list(rows_in(folder, "train"))
        rows = [{key: row[key] for key in ("prompt", "completion")} for row in read]
        told = orjson.loads((folder / "manifest.json").read_bytes())["hash"]
    except (OSError, KeyError, orjson.JSONDecodeError) as error:
        raise DatasetError(
            f"{str(folder)!r} is no data set to train on: {error}. Write one with `langdistill harvest`."
        ) from error
    if not rows:
        raise DatasetError(f"The data set {str(folder)!r} has no rows to train on.")
    _refuse(folder, read)
    return rows, told


def _refuse(folder: Path, rows: list[dict[str, Any]]) -> None:
    """What this training would leave out, or learn though it must not, is told and not done."""
    found = {
        "tools": sum(row.get("tools") is not None for row in rows),
        "a weight": sum(row.get("weight") is not None for row in rows),
        "more than one reply": sum(len(row["completion"]) > 1 for row in rows),
    }
    if told := [f"{count} have {what}" for what, count in found.items() if count]:
        raise DatasetError(
            f"Of the {len(rows)} rows of {str(folder)!r} {', '.join(told)}; this training would not heed it. "
            "Train on them with TRL itself, or harvest another target."
        )


def _trainer(
    rows: list[dict[str, Any]], base: str, out: Path, recipe: Recipe, seed: int, on_progress: OnProgress | None
) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside the libraries, at import
            import torch
            from datasets import Dataset, disable_progress_bars
            from peft import LoraConfig
            from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, ProgressCallback, set_seed
            from transformers.utils import logging
            from trl.trainer.sft_config import SFTConfig
            from trl.trainer.sft_trainer import SFTTrainer
    except ImportError as missing:
        raise MissingExtra(missing.name or "trl", "train") from missing
    disable_progress_bars()
    logging.disable_progress_bar()
    set_seed(seed)
    cuda = torch.cuda.is_available()
    settings = SFTConfig(
        output_dir=str(out),
        num_train_epochs=recipe.epochs,
        max_steps=recipe.steps or -1,
        per_device_train_batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=recipe.warmup_ratio,
        max_length=None,
        completion_only_loss=True,
        gradient_checkpointing=False,
        use_cpu=not cuda,
        bf16=cuda,
        seed=seed,
        data_seed=seed,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=cuda,
    )
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, local_files_only=True)
    trainer = SFTTrainer(
        model=model,
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(base, local_files_only=True),
        peft_config=LoraConfig(
            r=recipe.rank, lora_alpha=recipe.alpha, target_modules="all-linear", task_type="CAUSAL_LM"
        ),
    )
    for printing in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(printing)
    if on_progress:
        trainer.add_callback(_progress(on_progress))
    return trainer


def _progress(tell: OnProgress) -> Any:
    from transformers import TrainerCallback

    class Tell(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            tell(state.global_step, state.max_steps)

    return Tell()


def _check(trainer: Any, rows: list[dict[str, Any]], recipe: Recipe) -> None:
    """Decode the loss mask back: trained is the completion with its end, and nothing else."""
    lengths = [len(ids) for ids in trainer.train_dataset["input_ids"]]
    if long := sum(length > recipe.max_length for length in lengths):
        raise DatasetError(
            f"{long} of {len(lengths)} rows are longer than {recipe.max_length} tokens (the longest: {max(lengths)}). Raise max_length or drop them."
        )
    tokenizer = trainer.processing_class
    checked = [trainer.train_dataset[at] for at in range(min(CHECKED_ROWS, len(rows)))]
    batch = trainer.data_collator(checked)
    for row, labels in zip(rows, batch["labels"].tolist(), strict=False):
        trained = tokenizer.decode([label for label in labels if label != -100])
        said = str(row["completion"][-1]["content"])
        if not trained.startswith(said) or said == trained or len(trained) > len(said) + 40:
            raise StudentError(
                f"The loss would be on {trained!r}; it must be on the completion {said!r} and its end. Check the chat template."
            )
