"""How much may be asked: completions, tokens, seconds and money, counted where every request passes.

    with budget(completions=100, seconds=30) as spent:
        graph.invoke(...)
    print(spent.tokens, spent.ledger())

A budget holds for everything asked inside the block, nested graphs and parallel branches included. What is asked beyond
it is cut short: a group of samples comes back smaller, and of a request of which nothing is left the strategy makes the
best of what it has. What is under way when a cap is reached is finished and counted.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, NamedTuple, TypeVar

from langdistill.errors import ModelError

Item = TypeVar("Item")


class BudgetSpent(ModelError):
    """Nothing may be asked any more, and nothing has been answered yet."""


class Price(NamedTuple):
    """What a model costs, in any one currency per million tokens."""

    input: float
    output: float


@dataclass(frozen=True)
class Spent:
    """What was asked of one model by one strategy."""

    completions: int = 0
    """Replies received."""
    input_tokens: int = 0
    """Tokens read for them, as far as the models told."""
    tokens: int = 0
    """Tokens generated for them, as far as the models told."""

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.completions + other.completions, self.input_tokens + other.input_tokens, self.tokens + other.tokens
        )

    def cost(self, price: Price) -> float:
        """In the price's currency."""
        return (self.input_tokens * price.input + self.tokens * price.output) / 1e6


@dataclass(frozen=True)
class Caps:
    """The most that may be spent; `None` is no cap."""

    completions: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    money: float | None = None


class Budget:
    """Caps and what has been spent of them; without caps it only counts. Thread-safe."""

    def __init__(
        self, caps: Caps | None = None, prices: Mapping[str, Price] | None = None, outer: Budget | None = None
    ) -> None:
        self.caps = caps or Caps()
        self.outer = outer
        self.prices = {name: Price(*price) for name, price in (prices or {}).items()}
        self._admitted = 0
        self._started = time.monotonic()
        self._accounts: dict[tuple[str, str], Spent] = {}
        self._lock = Lock()

    def admit(self, wanted: Sequence[Item]) -> Sequence[Item]:
        """As many of the wanted replies as may still be asked for, from the front."""
        with self._lock:
            left = len(wanted)
            if self.caps.completions is not None:
                left = min(left, max(0, self.caps.completions - self._admitted))
            if self._beyond():
                left = 0
            self._admitted += left
        admitted = wanted[:left]
        if self.outer:
            admitted = self.outer.admit(admitted)
            with self._lock:
                self._admitted -= left - len(admitted)
        return admitted

    def release(self, replies: int) -> None:
        """Give back what was admitted and not delivered."""
        with self._lock:
            self._admitted -= replies
        if self.outer:
            self.outer.release(replies)

    def check_price(self, model: str) -> None:
        """Refuse a model whose replies could not be counted against a cap on money.

        Raises:
            ModelError: there is such a cap, and no price for this model.
        """
        if self.caps.money is not None and model not in self.prices:
            raise ModelError(
                f"The budget caps money and has no price for the model {model!r}; it has prices for {sorted(self.prices)}. "
                f"Add it: budget(money=..., prices={{{model!r}: Price(input, output)}}), per million tokens."
            )
        if self.outer:
            self.outer.check_price(model)

    def spend(self, strategy: str, model: str, spent: Spent) -> None:
        """Count replies that came, and their tokens."""
        with self._lock:
            self._accounts[strategy, model] = self._accounts.get((strategy, model), Spent()) + spent
        if self.outer:
            self.outer.spend(strategy, model, spent)

    def ledger(self) -> list[dict[str, Any]]:
        """A row per strategy and model: completions, tokens read, tokens generated, cost (`None` without a price)."""
        with self._lock:
            accounts = sorted(self._accounts.items())
        return [
            {"strategy": strategy, "model": model, **asdict(spent), "cost": self._cost(model, spent)}
            for (strategy, model), spent in accounts
        ]

    @property
    def completions(self) -> int:
        """Replies received."""
        return self._total().completions

    @property
    def tokens(self) -> int:
        """Tokens generated, as far as the models told."""
        return self._total().tokens

    @property
    def seconds(self) -> float:
        """Since the block was entered."""
        return time.monotonic() - self._started

    @property
    def money(self) -> float:
        """What the replies cost of models that have a price."""
        return sum(self._cost(model, spent) or 0.0 for (_, model), spent in list(self._accounts.items()))

    def reached(self) -> str:
        """Which caps have been reached, as a user reads it: "completions 5 of 5". Empty while none is."""
        told = {"completions": self._admitted, "tokens": self.tokens, "seconds": self.seconds, "money": self.money}
        caps = asdict(self.caps)
        own = [
            f"{name} {_shown(told[name])} of {_shown(cap)}"
            for name, cap in caps.items()
            if cap is not None and told[name] >= cap
        ]
        return ", ".join(own) or (self.outer.reached() if self.outer else "")

    def exhausted(self) -> BudgetSpent:
        """The error that says which cap was reached."""
        return BudgetSpent(
            f"The budget is spent before anything was answered: {self.reached()}. "
            "Raise the cap in `budget(...)`, or ask for less."
        )

    def _beyond(self) -> bool:
        """Whether a cap other than that on completions is reached; the lock is held."""
        caps = self.caps
        return (
            (caps.tokens is not None and self.tokens >= caps.tokens)
            or (caps.seconds is not None and self.seconds >= caps.seconds)
            or (caps.money is not None and self.money >= caps.money)
        )

    def _total(self) -> Spent:
        return sum(list(self._accounts.values()), Spent())

    def _cost(self, model: str, spent: Spent) -> float | None:
        price = self.prices.get(model)
        return spent.cost(price) if price else None


def _shown(amount: float) -> str:
    return str(amount) if isinstance(amount, int) else f"{amount:.3g}"


_current: ContextVar[Budget] = ContextVar("langdistill_budget", default=Budget())  # noqa: B039 - counts, never caps


def current_budget() -> Budget:
    """The budget of the enclosing `with budget(...)`, or one without a cap."""
    return _current.get()


@contextmanager
def budget(
    *,
    completions: int | None = None,
    tokens: int | None = None,
    seconds: float | None = None,
    money: float | None = None,
    prices: Mapping[str, Price] | None = None,
) -> Generator[Budget]:
    """Cap what is asked inside the block.

    A strategy that a cap cuts short answers with the best it has and says so: its output has the key `stopped`, and its
    message the same in `response_metadata`. One that has no answer yet raises `BudgetSpent`.

    Args:
        completions: most replies to ask for; each of n samples is one.
        tokens: stop asking once this many tokens have been generated.
        seconds: stop asking this long after the block was entered.
        money: stop asking once the replies have cost this much.
        prices: model name to `Price` (or a pair) per million input and output tokens.

    Raises:
        ModelError: money is capped, and a model is asked that has no price.
    """
    spent = Budget(Caps(completions, tokens, seconds, money), prices, outer=_current.get())
    token = _current.set(spent)
    try:
        yield spent
    finally:
        _current.reset(token)
