"""A measurement under way: what is asked about each problem, what came of it, and how it is graded and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, merge_configs
from langgraph.pregel import Pregel

from langdistill.answers import Extract, final_answer, same
from langdistill.asking import Ask, ask
from langdistill.budgets import BudgetSpent, Price, current_budget
from langdistill.errors import EvaluationError, ModelError
from langdistill.evaluation.kept import REPLIES, Kept
from langdistill.evaluation.metering import Meter
from langdistill.evaluation.results import Account, Evaluation, Graded, asked_digest
from langdistill.evaluation.subject import Model, Subject, subject_of, told
from langdistill.fetching import Request, afetch, fetch
from langdistill.jobs import ANSWER
from langdistill.prompts import check, fill
from langdistill.records import Problem, digest
from langdistill.replies import caching, overhearing

CONCURRENT = 256
"""Problems under way at once; an in-process model runs them as one batch."""

VERSION = 1
"""Of what is kept of a run; raised when an older one cannot be gone on with."""

Equal = Callable[["str | None", str], bool]
"""Whether an answer, or none, means the right one."""

Progress = Callable[[int, int], None]
"""Told how many problems are done, and of how many."""


@dataclass(frozen=True)
class Heard:
    """What came of one problem."""

    replies: dict[int, AIMessage]
    """By sample index, without those that failed."""
    errors: list[Exception]
    accounts: dict[str, Account]


@dataclass
class Measurement:
    """Asks, grades and keeps; the arguments are those of `evaluate`."""

    model: Model
    problems: Sequence[Problem]
    gold: Mapping[str, str]
    extract: Extract = final_answer
    equal: Equal = same
    max_concurrency: int = CONCURRENT
    config: RunnableConfig | None = None
    samples: int = 1
    params: Mapping[str, Any] | None = None
    prompt: str = "{question}"
    categories: Mapping[str, str] | None = None
    prices: Mapping[str, Price] | None = None
    name: str | None = None
    folder: str | Path | None = None
    cache: str | Path | None = None
    on_progress: Progress = lambda done, of: None
    _results: dict[str, Graded] = field(default_factory=dict[str, Graded], init=False)
    _first_error: Exception | None = field(default=None, init=False)
    _seconds: float = field(default=0.0, init=False)
    _kept: Kept[Graded] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.subject: Subject = subject_of(self.model, self.name)
        check(self.prompt, "question")
        ids = [problem.id for problem in self.problems]
        missing = [id for id in ids if id not in self.gold]
        if not ids or missing:
            raise EvaluationError(
                f"Evaluation needs problems with gold answers; got {len(ids)}, without gold: {missing[:3]}."
            )
        if twice := sorted({id for id in ids if ids.count(id) > 1}) if len(set(ids)) < len(ids) else []:
            raise EvaluationError(
                f"{len(twice)} ids stand for more than one problem, such as {twice[:3]}. Give each its own; "
                "pairs for a judge in both orders are for `evaluate_judge`."
            )
        if self.params and self._of_graph:
            raise EvaluationError("A graph takes no sampling parameters. Make the graph with a model that has them.")
        if "n" in (self.params or {}):
            raise EvaluationError("params has an n. How many answers a problem gets is said by samples=.")
        ask(self.subject.runnable, "", n=self.samples)  # fails here and not in every thread

    @property
    def at_once(self) -> int:
        """Problems under way at a time; where every sample is a request of its own, fewer."""
        together = self.samples == 1 or self._ask(self.problems[0]).n_in_one_request
        return self.max_concurrency if together else max(1, self.max_concurrency // self.samples)

    @contextmanager
    def under_way(self) -> Generator[Sequence[Problem]]:
        """What is left to ask; replies and results are kept while it is, where they are to be."""
        with ExitStack() as opened:
            if self.folder is not None:
                self._kept = Kept(Path(self.folder), self.fingerprint, Graded)
                opened.callback(self._kept.close)
                self._results = {id: one for id, one in self._kept.known.items() if id in self.gold}
            if place := self.cache or (Path(self.folder) / REPLIES if self.folder is not None else None):
                opened.enter_context(caching(place))
            self._started = time.perf_counter()
            yield [problem for problem in self.problems if problem.id not in self._results]
            self._seconds = self._kept.seconds if self._kept else time.perf_counter() - self._started

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """What decides the results, by name.

        Raises:
            EvaluationError: the model cannot be told apart from another.
        """
        if self.subject.settings is None:
            raise EvaluationError(
                f"Nothing tells {self.subject.name!r} apart from another graph or model of that name, so a run of it could "
                'be gone on with by mistake. Give it a name of its own: name="two-step, gpt-4.1".'
            )
        return {
            "version": VERSION,
            "model": digest(self.subject.settings),
            "problems": digest([[one.id, one.question] for one in self.problems]),
            "right answers": digest([[one.id, self.gold[one.id]] for one in self.problems]),
            "categories": digest(dict(self.categories or {})),
            "prompt": self.prompt,
            "samples": self.samples,
            "params": {key: str(value) for key, value in (self.params or {}).items()},
            "extract": told(self.extract),
            "equal": told(self.equal),
        }

    def hear(self, problem: Problem) -> Heard:
        """Ask about one problem."""
        meter, request = Meter(), Request(self._ask(problem))
        config = self._config(problem, meter)
        with overhearing(meter.overhear):
            while jobs := request.jobs():
                request.settle(jobs, fetch(jobs, config, keep=False))
        return self._heard(request, meter)

    async def ahear(self, problem: Problem) -> Heard:
        """The same on the event loop."""
        meter, request = Meter(), Request(self._ask(problem))
        config = self._config(problem, meter)
        with overhearing(meter.overhear):
            while jobs := request.jobs():
                request.settle(jobs, await afetch(jobs, config, keep=False))
        return self._heard(request, meter)

    def take(self, problem: Problem, heard: Heard) -> None:
        """Grade what came of a problem, and keep it."""
        answers = [self._answer(heard.replies.get(at)) for at in range(self.samples)]
        error = heard.errors[0] if heard.errors else None
        gold = self.gold[problem.id]
        graded = Graded(
            asked=asked_digest(problem.question, gold),
            answers=answers,
            right=[bool(self.equal(answer, gold)) for answer in answers],
            error=None if error is None else repr(error),
            failed=self.samples - len(heard.replies),
            category=(self.categories or {}).get(problem.id),
            accounts=heard.accounts,
        )
        self._first_error = self._first_error or error
        self._results[problem.id] = graded
        if self._kept:
            self._kept.add(problem.id, graded, time.perf_counter() - self._started)
        self.on_progress(len(self._results), len(self.problems))

    def evaluation(self) -> Evaluation:
        """What was found.

        Raises:
            ModelError: every problem ended in an error; the first one is its cause.
        """
        if all(one.failed == self.samples for one in self._results.values()):
            raise ModelError(
                f"All {len(self.problems)} problems ended in an error. The first: {self._first_error!r}"
            ) from self._first_error
        return Evaluation(
            name=self.subject.name,
            samples=self.samples,
            results={problem.id: self._results[problem.id] for problem in self.problems},
            seconds=self._seconds,
            prices={model: Price(*price) for model, price in (self.prices or {}).items()},
        )

    @property
    def _of_graph(self) -> bool:
        return isinstance(self.subject.runnable, Pregel)

    def _ask(self, problem: Problem) -> Ask:
        text = fill(self.prompt, question=problem.question)
        return ask(self.subject.runnable, text, n=self.samples, **(self.params or {}))

    def _config(self, problem: Problem, meter: Meter) -> RunnableConfig:
        own: RunnableConfig = {"callbacks": [meter], "metadata": dict(problem.metadata)}
        return merge_configs(ensure_config(self.config), own, {"max_concurrency": self.max_concurrency})

    def _heard(self, request: Request, meter: Meter) -> Heard:
        """What came of it.

        Raises:
            BudgetSpent: a budget around the evaluation is spent. Half a measurement is none.
        """
        if request.cut and (reached := current_budget().reached()):
            raise BudgetSpent(
                f"The budget is spent ({reached}) and the evaluation had more to ask. Raise the cap and run it again: with "
                "folder=..., what has been answered is not asked again."
            )
        return Heard(request.found[0], request.errors, meter.accounts)

    def _answer(self, reply: AIMessage | None) -> str | None:
        if reply is None:
            return None
        if self._of_graph and ANSWER in reply.response_metadata:
            answer = reply.response_metadata[ANSWER]
            return None if answer is None else str(answer)
        return self.extract(reply.text)
