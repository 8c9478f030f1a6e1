"""How far a training is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langdistill.students.libraries import imported


@dataclass(frozen=True)
class Progress:
    """After a step."""

    step: int
    """Updates made, those of an earlier process included."""
    steps: int
    """Of the whole run."""
    tokens: int
    """Of the rows that this process has trained on; padding left out."""
    seconds: float
    """Since this process began to train."""
    resumed: int
    """Updates that an earlier process had made."""
    loss: float | None
    """Mean over the latest few steps; `None` where nothing was logged yet."""

    @property
    def tokens_per_second(self) -> float:
        """Of this process."""
        return self.tokens / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float:
        """Seconds that remain, at the speed so far."""
        made = self.step - self.resumed
        return (self.steps - self.step) * self.seconds / made if made > 0 else float("inf")


OnProgress = Callable[[Progress], None]
"""Told after every step."""


def progress_callback(tell: OnProgress, tokens: int) -> Any:
    """A callback of `transformers` trainers that tells after every step.

    Args:
        tell: is told.
        tokens: of all rows.
    """
    callback = imported("transformers").TrainerCallback

    class Tell(callback):  # type: ignore[misc, valid-type]
        began = 0.0
        resumed = 0
        tokens_per_step = 0.0

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.began, self.resumed = time.monotonic(), state.global_step
            self.tokens_per_step = tokens / len(kwargs["train_dataloader"]) * args.gradient_accumulation_steps

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            made = state.global_step - self.resumed
            trained, seconds = round(made * self.tokens_per_step), time.monotonic() - self.began
            tell(Progress(state.global_step, state.max_steps, trained, seconds, self.resumed, last_loss(state)))

    return Tell()


def last_loss(state: Any) -> float | None:
    """The loss that a trainer logged last."""
    return next((float(entry["loss"]) for entry in reversed(state.log_history) if "loss" in entry), None)
