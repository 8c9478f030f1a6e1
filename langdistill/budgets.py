"""How much may be asked: completions and generated tokens, counted where every request passes.

    with budget(completions=100) as spent:
        graph.invoke(...)
    print(spent.tokens)

A budget holds for everything asked inside the block, nested graphs and parallel branches included. What is asked beyond
it is cut short: a group of samples comes back smaller, and a request of which nothing is left raises.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import TypeVar

from langdistill.errors import ModelError

Item = TypeVar("Item")


class BudgetSpent(ModelError):
    """Nothing may be asked any more."""


class Budget:
    """A cap and what has been spent of it; without a cap it only counts. Thread-safe."""

    def __init__(self, completions: int | None = None, tokens: int | None = None) -> None:
        self.most_completions, self.most_tokens = completions, tokens
        self.admitted = 0
        self.completions = 0
        """Replies received."""
        self.tokens = 0
        """Tokens generated for them, as far as the models told."""
        self._lock = Lock()

    def admit(self, wanted: Sequence[Item]) -> Sequence[Item]:
        """As many of the wanted replies as may still be asked for, from the front."""
        with self._lock:
            left = len(wanted)
            if self.most_completions is not None:
                left = min(left, self.most_completions - self.admitted)
            if self.most_tokens is not None and self.tokens >= self.most_tokens:
                left = 0
            self.admitted += max(left, 0)
            return wanted[: max(left, 0)]

    def spend(self, completions: int, tokens: int) -> None:
        """Count replies that came, and their tokens."""
        with self._lock:
            self.completions += completions
            self.tokens += tokens

    def exhausted(self) -> BudgetSpent:
        """The error that says which cap was reached."""
        return BudgetSpent(
            f"The budget is spent: {self.completions} of {self.most_completions or 'any number of'} completions, "
            f"{self.tokens} of {self.most_tokens or 'any number of'} tokens. Raise it in `budget(...)`, or ask for less."
        )


_current: ContextVar[Budget] = ContextVar("langdistill_budget", default=Budget())  # noqa: B039 - counts, never caps


def current_budget() -> Budget:
    """The budget of the enclosing `with budget(...)`, or one without a cap."""
    return _current.get()


@contextmanager
def budget(*, completions: int | None = None, tokens: int | None = None) -> Generator[Budget]:
    """Cap what is asked inside the block.

    Args:
        completions: most replies to ask for; each of n samples is one.
        tokens: stop asking once this many tokens have been generated; what is under way is finished.
    """
    spent = Budget(completions, tokens)
    token = _current.set(spent)
    try:
        yield spent
    finally:
        _current.reset(token)
