"""Ask a model or graph every problem and grade its answers: the only station that reads gold."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage
from langchain_core.outputs import LLMResult
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.pregel import Pregel

from langdistill.answers import Extract, final_answer, same
from langdistill.errors import ModelError
from langdistill.evaluation.metrics import wilson
from langdistill.records import Problem, Record

CONCURRENT = 256
"""Problems under way at once; an in-process model runs them as one batch."""


class Evaluation(Record):
    """What a model or graph did on a set of problems."""

    n: int
    right: int
    answers: dict[str, str | None]
    """Problem id to the answer that was read, `None` where there was none."""
    errors: dict[str, str]
    """Problem id to the error that it ended in; counted as not right."""
    completions: int
    output_tokens: int
    """Generated tokens of all calls, thinking included."""
    seconds: float
    """Wall time of the whole batched run."""

    @property
    def accuracy(self) -> float:
        """Share of the problems answered right."""
        return self.right / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        return wilson(self.right, self.n)

    @property
    def tokens_per_answer(self) -> float:
        """Generated tokens per problem."""
        return self.output_tokens / self.n

    @property
    def seconds_per_answer(self) -> float:
        """Wall time of the batched run per problem: throughput, not the latency of one request."""
        return self.seconds / self.n


class Meter(BaseCallbackHandler):
    """Counts replies and generated tokens of every model call below it."""

    run_inline = True

    def __init__(self) -> None:
        self.completions = 0
        self.tokens = 0
        self._lock = Lock()

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        """Count one call, all its replies together."""
        messages = [getattr(generation, "message", None) for replies in response.generations for generation in replies]
        told = (response.llm_output or {}).get("token_usage") or {}
        each = sum((getattr(message, "usage_metadata", None) or {}).get("output_tokens", 0) for message in messages)
        with self._lock:
            self.completions += len(messages)
            self.tokens += int(told.get("completion_tokens", each))


def evaluate(
    model: Runnable[Any, Any],
    problems: Sequence[Problem],
    gold: Mapping[str, str],
    *,
    extract: Extract = final_answer,
    equal: Callable[[str | None, str | None], bool] = same,
    max_concurrency: int = CONCURRENT,
    config: RunnableConfig | None = None,
) -> Evaluation:
    """Accuracy, completions, tokens and seconds of a chat model or a compiled graph.

    Args:
        model: a chat model, or a graph that takes `messages` and gives `messages` and, maybe, `answer`.
        problems: what to ask; each as one user message.
        gold: problem id to the right answer.
        extract: reads the answer out of a reply that comes without an `answer`.
        equal: when two answers mean the same.
        max_concurrency: problems under way at once.
        config: LangChain's, merged under the evaluation's own callback.

    Raises:
        ModelError: every problem ended in an error; the first one is its cause.
        ValueError: there is no problem, or one has no gold answer.
    """
    missing = [problem.id for problem in problems if problem.id not in gold]
    if not problems or missing:
        raise ValueError(
            f"Evaluation needs problems with gold answers; got {len(problems)}, without gold: {missing[:3]}."
        )
    meter, started = Meter(), time.perf_counter()
    outputs = _run(model, problems, meter, max_concurrency, config or {})
    seconds = time.perf_counter() - started
    failed = {
        problem.id: output for problem, output in zip(problems, outputs, strict=True) if isinstance(output, Exception)
    }
    if len(failed) == len(problems):
        raise ModelError(f"All {len(problems)} problems ended in an error. The first: {outputs[0]!r}") from outputs[0]
    answers = {
        p.id: None if p.id in failed else _answer(output, extract) for p, output in zip(problems, outputs, strict=True)
    }
    return Evaluation(
        n=len(problems),
        right=sum(equal(answers[problem.id], gold[problem.id]) for problem in problems),
        answers=answers,
        errors={key: repr(error) for key, error in failed.items()},
        completions=meter.completions,
        output_tokens=meter.tokens,
        seconds=seconds,
    )


def _run(
    model: Runnable[Any, Any], problems: Sequence[Problem], meter: Meter, most: int, config: RunnableConfig
) -> list[Any]:
    asked = [[HumanMessage(problem.question)] for problem in problems]
    inputs: list[Any] = [{"messages": messages} for messages in asked] if isinstance(model, Pregel) else list(asked)
    callbacks = [*(config.get("callbacks") or []), meter]  # type: ignore[misc]
    configs: list[Any] = [
        {
            **config,
            "callbacks": callbacks,
            "max_concurrency": most,
            "metadata": {**config.get("metadata", {}), **problem.metadata},
        }
        for problem in problems
    ]
    return model.batch(inputs, configs, return_exceptions=True)


def _answer(output: Any, extract: Extract) -> str | None:
    if isinstance(output, Mapping):
        return output["answer"] if "answer" in output else extract(output["messages"][-1].text)
    return extract(output.text)
