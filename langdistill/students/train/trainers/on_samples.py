"""What trainers that sample from the model they train have in common."""

from __future__ import annotations

from typing import Any

from langdistill.errors import StudentError
from langdistill.students.libraries import hushed
from langdistill.students.train.recipe import Recipe
from langdistill.students.train.trainers.preferring import refuse_packing


def check_sampling(recipe: Recipe, name: str) -> None:
    """What distillation on sampled answers cannot do.

    Raises:
        StudentError: the recipe asks for packing, or for dropout, through which answers would be sampled, too.
    """
    refuse_packing(recipe, name)
    if recipe.dropout:
        raise StudentError(
            f"{name} samples from the model as it is trained, and with dropout={recipe.dropout} it would be another one at each token. "
            "Train with dropout=0."
        )


def check_shares(name: str, lmbda: float, beta: float, temperature: float, max_tokens: int) -> None:
    """Whether settings of the sampling are in their ranges.

    Raises:
        StudentError: they are not.
    """
    if not (0 <= lmbda <= 1 and 0 <= beta <= 1 and temperature > 0 and max_tokens >= 1):
        raise StudentError(
            f"{name} got lmbda={lmbda}, beta={beta}, temperature={temperature} and max_tokens={max_tokens}; lmbda and beta must be from "
            "0 to 1, the temperature above 0 and max_tokens 1 or more."
        )


def on_samples(trainer: Any, tokenizer: Any) -> Any:
    """The trainer, for answers that it samples: they end where the model's own do, and its loss is the mean over what it read."""
    trainer.generation_config.eos_token_id = ends_of(trainer.model, tokenizer)
    # Transformers counts the tokens of the rows as they were written; the mean must be over those that were sampled instead, and
    # passes of an update are averaged.
    trainer.model_accepts_loss_kwargs = False
    return trainer


def ends_of(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end an answer: the model's own, and the tokenizer's, which chat templates end a turn with."""
    told = model.generation_config.eos_token_id
    found = {*(told if isinstance(told, list) else [told]), tokenizer.eos_token_id}
    return sorted(found - {None})


def hushed_steps(trainer: Any) -> Any:
    """The trainer of that class, whose steps do not tell at each sampling which of its settings goes before which."""

    class Hushed(trainer):  # type: ignore[misc, valid-type]
        def training_step(self, *args: Any, **kwargs: Any) -> Any:
            with hushed():
                return super().training_step(*args, **kwargs)

    return Hushed
