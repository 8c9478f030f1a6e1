"""Data sets of a few rows, a teacher, and sums in double precision, for the tests of objectives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langdistill.lab import WEIGHTS
from langdistill.students.card import Student
from langdistill.students.libraries import quiet
from langdistill.students.train.job import Job, planned
from langdistill.students.train.objective import Objective
from langdistill.students.train.recipe import MINIATURE, Recipe
from langdistill.students.train.training import train
from tests.trained import FEW, write

QUESTIONS = [f"What is the capital of {name}?" for name in "ABCDEFGHIJKL"]
ANSWERS = ["Yes", "No", "7"] * 4
SHORT = MINIATURE.model_copy(update={"steps": 40, "batch_size": 6})


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def says(text: str | list[dict[str, str]]) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": text}]


ANSWERED = [
    {"prompt": user(question), "completion": says(answer)} for question, answer in zip(QUESTIONS, ANSWERS, strict=True)
]
PAIRS = [
    {"prompt": user(question), "chosen": says(answer), "rejected": says("No" if answer != "No" else "Yes or No")}
    for question, answer in zip(QUESTIONS, ANSWERS, strict=True)
]
LABELLED = [one | {"label": answer != "No"} for one, answer in zip(ANSWERED, ANSWERS, strict=True)]


def job(
    folder: Path,
    rows: Sequence[dict[str, Any]],
    objective: Objective,
    *,
    recipe: Recipe = FEW,
    base: Any = WEIGHTS,
    seed: int = 0,
) -> Job:
    """A training of these rows; the data set is written below the folder."""
    data = folder / "rows"
    if not data.exists():
        write(data, rows)
    return planned(data, base, folder / "student", objective=objective, recipe=recipe, seed=seed)


def trainer_of(job: Job, folder: Path) -> Any:
    """Its trainer, before the first step."""
    with quiet():
        return job.objective.trainer(job.materials(folder))


def learnt(
    folder: Path, rows: Sequence[dict[str, Any]], objective: Objective, recipe: Recipe, **more: Any
) -> tuple[Student, list[float]]:
    """The student, and the loss of each step but the first."""
    losses: list[float | None] = []
    student = train(
        write(folder / "rows", rows),
        more.pop("base", WEIGHTS),
        folder / "student",
        objective=objective,
        recipe=recipe,
        on_progress=lambda now: losses.append(now.loss),
        **more,
    )
    return student, [loss for loss in losses if loss is not None]


class Killed(Exception):
    pass


def killed_at(step: int) -> Callable[[Any], None]:
    def tell(now: Any) -> None:
        if now.step == step:
            raise Killed

    return tell


def disturb(model: Any) -> None:
    """Move the adapter that is trained away from where it starts, as some steps would."""
    import torch

    torch.manual_seed(7)
    for name, weights in model.named_parameters():
        if weights.requires_grad and ".ref." not in name:
            weights.data += 0.05 * torch.randn_like(weights)


def loss_of(trainer: Any) -> float:
    """The loss of all rows in one pass, in the order that the trainer has them."""
    import torch

    batch = trainer.data_collator([trainer.train_dataset[at] for at in range(len(trainer.train_dataset))])
    with torch.no_grad():
        return float(trainer.compute_loss(trainer.model, batch))


def log_probability(model: Any, prompt: list[int], answer: list[int]) -> float:
    """Of the answer after the prompt, in double precision."""
    import torch

    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([prompt + answer])).logits[0].double().log_softmax(-1)
    return sum(float(logits[len(prompt) - 1 + at, token]) for at, token in enumerate(answer))


def precise(adapter: Path | None = None, *, model: Path = WEIGHTS, numbers: int | None = None) -> Any:
    """A model in double precision, with an adapter."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    from langdistill.students.libraries import hushed

    with hushed():
        if numbers is None:
            loaded: Any = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float64)
        else:
            loaded = AutoModelForSequenceClassification.from_pretrained(model, num_labels=numbers, dtype=torch.float64)
        if adapter:
            loaded = PeftModel.from_pretrained(loaded, adapter)
    return loaded.eval()
