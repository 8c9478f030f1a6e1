"""How far a training is: a bar on a terminal, otherwise a line now and then."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from langdistill.students.train.progress import OnProgress, Progress

LINES = 20
"""In a whole run, where the output is no terminal."""
SECONDS = 60
"""After which there is a line all the same."""


@contextmanager
def shown(*, quiet: bool) -> Generator[OnProgress | None]:
    """What a training is to tell after every step; `None` where nobody wants to know. It goes to stderr."""
    console = Console(stderr=True, highlight=False)
    if quiet:
        yield None
    elif console.is_terminal:
        with Bar(TextColumn("step"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"), console=console) as bar:  # fmt: skip
            task = bar.add_task("", total=None)
            yield lambda now: bar.update(task, completed=now.step, total=now.steps, description=figures(now))
    else:
        yield _Lines(console)


def figures(now: Progress) -> str:
    """Loss, speed and what remains: "loss 0.1234, 5,678 tokens/s, 0:01:23 left"."""
    loss = "" if now.loss is None else f"loss {now.loss:.4f}, "
    left = f"{timedelta(seconds=round(now.left))} left" if now.left != float("inf") else "time left unknown"
    return f"{loss}{now.tokens_per_second:,.0f} tokens/s, {left}"


class _Lines:
    """A line at each twentieth of the run, and at least one a minute."""

    def __init__(self, console: Console) -> None:
        self.console, self.part, self.at = console, -1, time.monotonic()

    def __call__(self, now: Progress) -> None:
        part = now.step * LINES // now.steps
        if part == self.part and time.monotonic() - self.at < SECONDS:
            return
        self.part, self.at = part, time.monotonic()
        self.console.print(f"step {now.step} of {now.steps}: {figures(now)}", soft_wrap=True)
