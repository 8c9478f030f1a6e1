"""What a measurement found: an answer or several per problem, graded, and what they took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from pydantic import Field

from langdistill.budgets import Price, Spent
from langdistill.evaluation import curves
from langdistill.intervals import Estimate, mean_share, wilson
from langdistill.records import Record, Usage, digest
from langdistill.votes import leader


class Account(Usage):
    """What the replies of one model took, whether they were asked for or came from a cache."""

    completions: int = 0

    def __add__(self, other: Account) -> Account:
        both = zip(self.model_dump().items(), other.model_dump().values(), strict=True)
        return Account(**{name: one + two for (name, one), two in both})

    def cost(self, price: Price) -> float:
        """In the price's currency."""
        return Spent(self.completions, self.input_tokens, self.output_tokens).cost(price)


class Graded(Record):
    """What became of one problem."""

    asked: str
    """Digest of the question and its right answer: two runs are compared only where it is the same."""
    answers: list[str | None]
    """One per sample, in their order; `None` where there was none."""
    right: list[bool]
    """Whether each is."""
    error: str | None = None
    """The first error among the samples; one that failed has no answer."""
    failed: int = 0
    """Samples that ended in an error."""
    category: str | None = None
    accounts: dict[str, Account] = Field(default_factory=dict)
    """Model to what its replies took, those inside a graph and its thinking included."""

    @property
    def answer(self) -> str | None:
        """The answer of most samples; of several that share the lead, the one sampled first."""
        return None if (at := leader(self.answers)) is None else self.answers[at]

    @property
    def is_right(self) -> bool:
        """Whether that answer is."""
        return (at := leader(self.answers)) is not None and self.right[at]


class Share(NamedTuple):
    """How one category was done."""

    n: int
    right: int
    output_tokens: int

    @property
    def accuracy(self) -> float:
        """Share of its problems answered right."""
        return self.right / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        return wilson(self.right, self.n)


class Evaluation(Record):
    """What a model or graph did on a set of problems. The answer to a problem is that of most of its samples."""

    name: str = ""
    """Who was asked."""
    samples: int = 1
    """Answers per problem."""
    results: dict[str, Graded]
    """By problem id, in the order of the problems."""
    seconds: float
    """Wall time of the whole concurrent run; of a run that went on after an interruption, of its parts together."""
    prices: dict[str, Price] = Field(default_factory=dict)
    """Model to its price."""

    @property
    def n(self) -> int:
        """Problems."""
        return len(self.results)

    @cached_property
    def right(self) -> int:
        """Problems answered right."""
        return sum(one.is_right for one in self.results.values())

    @property
    def accuracy(self) -> float:
        """Share of the problems answered right."""
        return self.right / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        return wilson(self.right, self.n)

    @property
    def answers(self) -> dict[str, str | None]:
        """Problem id to its answer, `None` where there was none."""
        return {id: one.answer for id, one in self.results.items()}

    @property
    def errors(self) -> dict[str, str]:
        """Problem id to the first error among its samples; a sample that failed has no answer, and is not right."""
        return {id: one.error for id, one in self.results.items() if one.error is not None}

    @cached_property
    def accounts(self) -> dict[str, Account]:
        """Model to what all its replies took."""
        return merged(one.accounts for one in self.results.values())

    @property
    def spent(self) -> Account:
        """What the replies of all models took."""
        return sum(self.accounts.values(), Account())

    @property
    def completions(self) -> int:
        """Replies, of every step of a graph."""
        return self.spent.completions

    @property
    def output_tokens(self) -> int:
        """Generated tokens of all calls, thinking included."""
        return self.spent.output_tokens

    @property
    def tokens_per_answer(self) -> float:
        """Generated tokens per problem."""
        return self.output_tokens / self.n

    @property
    def seconds_per_answer(self) -> float:
        """Wall time of the concurrent run per problem: throughput, not the latency of one request."""
        return self.seconds / self.n

    @property
    def money(self) -> float | None:
        """What the replies cost, those from a cache included; `None` where a model has no price."""
        if not self.accounts or not self.accounts.keys() <= self.prices.keys():
            return None
        return sum(account.cost(self.prices[model]) for model, account in self.accounts.items())

    @property
    def categories(self) -> dict[str, Share]:
        """How each category was done, by name; empty where no problem has one."""
        members: dict[str, list[Graded]] = {}
        for one in self.results.values():
            if one.category is not None:
                members.setdefault(one.category, []).append(one)
        return {name: _share(members[name]) for name in sorted(members)}

    def majority(self, k: int) -> Estimate:
        """The accuracy of the majority of k samples, expected over all draws of k of those that there are.

        For k = 1 that is the accuracy of one sample. For all samples it is `accuracy`, but that answers which share the lead
        share the chance.
        """
        shares = [curves.majority(one.answers, one.right, k) for one in self.results.values()]
        return mean_share(shares, most=self.samples // k)

    def passed(self, k: int) -> Estimate:
        """pass@k: the share of the problems that at least one of k samples gets right, in expectation."""
        shares = [curves.passed(sum(one.right), len(one.right), k) for one in self.results.values()]
        return mean_share(shares, most=self.samples // k)


def asked_digest(question: str, gold: str) -> str:
    """What tells a question with its right answer from another: `Graded.asked`."""
    return digest(question, gold)[:16]


def merged(accounts: Iterable[Mapping[str, Account]]) -> dict[str, Account]:
    """Model to what it took in all of them."""
    total: dict[str, Account] = {}
    for one in accounts:
        for model, account in one.items():
            total[model] = total.get(model, Account()) + account
    return total


def _share(members: list[Graded]) -> Share:
    tokens = sum(account.output_tokens for one in members for account in one.accounts.values())
    return Share(len(members), sum(one.is_right for one in members), tokens)
