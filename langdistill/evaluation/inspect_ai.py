"""Inspect: students as its models, and its logs as our evaluations."""

# Where Inspect is not installed, what is of it has no types.
# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langdistill.errors import EvaluationError, MissingExtra
from langdistill.evaluation.results import Account, Evaluation, Graded
from langdistill.evaluation.subject import Model as Asked
from langdistill.evaluation.subject import subject_of
from langdistill.records import digest

if TYPE_CHECKING:
    from inspect_ai.model import Model

PROVIDER = "langdistill/"
"""How Inspect's names of our models begin."""
SCORERS = ("scorer", "scorers")
"""Types of the spans that scoring happens in."""
GRADER = "grader"
"""The role of a model that Inspect's own scorers ask."""


def as_inspect_model(model: Asked, name: str | None = None, **config: Any) -> Model:
    """A chat model, a graph or a student as a model of Inspect: ``inspect_ai.eval(task, model=as_inspect_model(student))``.

    Args:
        model: whom `evaluate` takes, too: a chat model or its string, a graph, a student, or the folder of one.
        name: how logs call it; by default as `evaluate` does.
        config: Inspect's settings of every request: ``temperature=0.7``, ``max_connections=64``.

    Raises:
        MissingExtra: inspect-ai is not installed.
        StudentError: there is no such student or model.
    """
    try:
        from inspect_ai.model import GenerateConfig, Model
    except ImportError as missing:
        raise MissingExtra("inspect-ai", "inspect") from missing
    from langdistill.evaluation.inspect_provider import langdistill

    settings, subject = GenerateConfig(**config), subject_of(model, name)
    provider: Any = langdistill  # what is in Inspect's registry takes what the class takes
    api = provider(subject.name, config=settings, model=subject.runnable)
    api.qualified_model_name = f"{PROVIDER}{subject.name}"
    return Model(api, settings)


def read_inspect_log(path: str | Path, scorer: str | None = None) -> Evaluation:
    """What a log of Inspect's, `.eval` or `.json`, says in the terms of `evaluate`, so that the two can be compared.

    A sample is a problem, by its id, and its epochs are the samples of the problem. Right is what the scorer gave its full mark, 1
    or "C"; partial credit is not right. What no scorer judged counts as failed. Completions and tokens are those of the models
    that were evaluated, without those that scored.

    Args:
        path: of the log.
        scorer: whose scores to take, where there are several.

    Raises:
        MissingExtra: inspect-ai is not installed.
        EvaluationError: there is no such log, it cannot be read or has no samples, or it has several scorers and none was named.
    """
    log = _log(Path(path))
    samples: list[Any] = log.samples or []
    if not samples:
        raise EvaluationError(
            f"The log {str(path)!r} holds no samples; its status is {log.status!r}. Give one with samples."
        )
    name = _scorer(path, samples, scorer)
    epochs = max(int(sample.epoch) for sample in samples)
    problems: dict[str, list[Any]] = {}
    for sample in sorted(samples, key=lambda one: int(one.epoch)):
        problems.setdefault(str(sample.id), []).append(sample)
    return Evaluation(
        name=str(log.eval.model).removeprefix(PROVIDER),
        samples=epochs,
        results={id: _graded(of_one, name, epochs) for id, of_one in problems.items()},
        seconds=_seconds(log.stats),
    )


def _graded(samples: Sequence[Any], scorer: str, epochs: int) -> Graded:
    """One problem, from its samples; an epoch that there is no sample of failed."""
    answers: list[str | None] = [None] * epochs
    right, errors = [False] * epochs, ["not run"] * epochs
    accounts: dict[str, Account] = {}
    for sample in samples:
        at = int(sample.epoch) - 1
        score: Any = (sample.scores or {}).get(scorer)
        for event in _generated(sample.events):
            model = str(event.model).removeprefix(PROVIDER)
            accounts[model] = accounts.get(model, Account()) + _account(event.output)
        errors[at] = str(sample.error.message) if sample.error else "" if score else "not scored"
        if not errors[at]:
            right[at] = _full(score.value)
            # Scorers that compare nothing, as judges do, tell no answer: the reply stands for it.
            answers[at] = score.answer if score.answer or not right[at] else sample.output.completion
    gold = samples[0].target if isinstance(samples[0].target, str) else "\n".join(samples[0].target)
    return Graded(
        asked=digest(_question(samples[0].input), gold)[:16],
        answers=answers,
        right=right,
        error=next(filter(None, errors), None),
        failed=sum(map(bool, errors)),
        accounts=accounts,
    )


def _question(asked: Any) -> str:
    """What a user asked last."""
    return asked if isinstance(asked, str) else next((one.text for one in reversed(asked) if one.role == "user"), "")


def _account(output: Any) -> Account:
    usage = output.usage
    if usage is None:
        return Account(completions=len(output.choices))
    return Account(
        completions=len(output.choices),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.input_tokens_cache_read or 0,
        reasoning_tokens=usage.reasoning_tokens or 0,
    )


def _log(path: Path) -> Any:
    try:
        from inspect_ai.log import read_eval_log
    except ImportError as missing:
        raise MissingExtra("inspect-ai", "inspect") from missing
    try:
        return read_eval_log(path)
    except Exception as error:  # of the file, the archive, its JSON or its schema: each has its own
        raise EvaluationError(f"{str(path)!r} cannot be read as a log of Inspect: {str(error)[:300]}") from error


def _scorer(path: str | Path, samples: Iterable[Any], wanted: str | None) -> str:
    """The one to take; an empty name where nothing was scored at all."""
    names = sorted({name for sample in samples for name in sample.scores or ()})
    if wanted in names or (wanted is None and len(names) < 2):
        return wanted or "".join(names)
    known = ", ".join(names) or "none"
    asked = "none was named" if wanted is None else f"{wanted!r} was asked for"
    raise EvaluationError(f"The log {str(path)!r} has the scorers: {known}; {asked}. Name one of them.")


def _full(value: Any) -> bool:
    """Whether a scorer's value is its full mark."""
    from inspect_ai.scorer import value_to_float

    return not isinstance(value, (list, dict)) and value_to_float()(value) == 1.0


def _generated(events: Iterable[Any]) -> Iterable[Any]:
    """What the evaluated models generated, in order."""
    scoring: set[str] = set()
    for event in events:
        if event.event == "span_begin" and (event.type in SCORERS or event.parent_id in scoring):
            scoring.add(event.id)
        if event.event == "model" and event.role != GRADER and event.span_id not in scoring:
            yield event


def _seconds(stats: Any) -> float:
    """Wall time of the run; 0 where it was never completed."""
    try:
        began, ended = (datetime.fromisoformat(str(at)) for at in (stats.started_at, stats.completed_at))
    except ValueError:
        return 0.0
    return (ended - began).total_seconds()
