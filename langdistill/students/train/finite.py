"""A training whose loss is no number any more is stopped, before a checkpoint of it is written."""

from __future__ import annotations

from math import isfinite
from typing import Any

from langdistill.errors import StudentError
from langdistill.students.libraries import imported
from langdistill.students.train.recipe import Recipe


def finite_callback(recipe: Recipe) -> Any:
    """A callback of `transformers` trainers that stops one whose loss or gradient is not finite.

    What is logged before a checkpoint covers every update up to it: the loss of each, and the gradient of the last, so weights that
    are no numbers never become a checkpoint. Trainers must not leave such losses out (`logging_nan_inf_filter`).
    """
    callback = imported("transformers").TrainerCallback

    class Stop(callback):  # type: ignore[misc, valid-type]
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_log |= control.should_save

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **kwargs: Any) -> None:
            wrong = {name: logs[name] for name in ("loss", "grad_norm") if not isfinite(logs.get(name, 0.0))}
            if wrong:
                raise StudentError(_told(wrong, state.global_step, recipe))

    return Stop()


def _told(wrong: dict[str, float], step: int, recipe: Recipe) -> str:
    name, value = next(iter(wrong.items()))
    precise = "" if recipe.precision == "fp32" else ", precision='fp32'"
    return (
        f"The {'loss' if name == 'loss' else 'gradient'} is {value} after step {step}, so nothing more is learnt. The same training "
        f"would come here again: train with a lower learning_rate (it was {recipe.learning_rate:g}), a longer warmup (it was "
        f"{recipe.warmup:g}){precise}, or another seed; and look whether the base's own weights are finite."
    )
