"""Inspect: students as its models, and its logs as our evaluations."""

# Where Inspect is not installed, what is of it has no types.
# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import Runnable

from langdistill.asking import chat_model
from langdistill.errors import MissingExtra, StoreError
from langdistill.evaluation.evaluate import Evaluation

if TYPE_CHECKING:
    from inspect_ai.model import Model

SCORERS = ("scorer", "scorers")
"""Types of the spans that scoring happens in."""
GRADER = "grader"
"""The role of a model that Inspect's own scorers ask."""


def as_inspect_model(model: str | Runnable[Any, Any], name: str | None = None, **config: Any) -> Model:
    """A chat model, a graph or a student as a model of Inspect: ``inspect_ai.eval(task, model=as_inspect_model(student))``.

    Args:
        model: a chat model, a graph that takes and gives `messages`, the path of a student, or a string such as "vllm:PATH".
        name: how logs call it; by default the path, or what the model calls itself.
        config: Inspect's settings of every request: ``temperature=0.7``, ``max_connections=64``.

    Raises:
        MissingExtra: inspect-ai is not installed.
        StudentError: there is no model at the path.
    """
    try:
        from inspect_ai.model import GenerateConfig, Model
    except ImportError as missing:
        raise MissingExtra("inspect-ai", "inspect") from missing
    from langdistill.evaluation.inspect_provider import langdistill

    settings = GenerateConfig(**config)
    found = chat_model(model if ":" in model else f"local:{model}") if isinstance(model, str) else model
    called = name or (model if isinstance(model, str) else model.get_name())
    provider: Any = langdistill  # what is in Inspect's registry takes what the class takes
    api = provider(called, config=settings, model=found)
    api.qualified_model_name = f"langdistill/{called}"
    return Model(api, settings)


def read_inspect_log(path: str | Path, scorer: str | None = None) -> Evaluation:
    """What a log of Inspect's, `.eval` or `.json`, says in the terms of `evaluate`.

    A sample is a problem, by its id; one of a later epoch by ``id#epoch``. Right is what the scorer gave its full mark, 1 or
    "C"; partial credit is not right. A sample that no scorer judged is told among the errors. Completions and tokens are those
    of the models that were evaluated, without those that scored.

    Args:
        path: of the log.
        scorer: whose scores to take, where there are several.

    Raises:
        MissingExtra: inspect-ai is not installed.
        StoreError: there is no such log, it cannot be read or has no samples, or it has several scorers and none was named.
    """
    log = _log(Path(path))
    samples: list[Any] = log.samples or []
    if not samples:
        raise StoreError(
            f"The log {str(path)!r} holds no samples; its status is {log.status!r}. Give one with samples."
        )
    name = _scorer(path, samples, scorer)
    judged = {_key(sample): (sample.scores or {}).get(name) for sample in samples}
    errors = {_key(sample): _error(sample) for sample in samples if sample.error or judged[_key(sample)] is None}
    made = [event for sample in samples for event in _generated(sample.events)]
    return Evaluation(
        n=len(samples),
        right=sum(score is not None and key not in errors and _full(score.value) for key, score in judged.items()),
        answers={key: None if score is None or key in errors else score.answer for key, score in judged.items()},
        errors=errors,
        completions=sum(len(event.output.choices) for event in made),
        output_tokens=sum(event.output.usage.output_tokens for event in made if event.output.usage),
        seconds=_seconds(log.stats),
    )


def _log(path: Path) -> Any:
    try:
        from inspect_ai.log import read_eval_log
    except ImportError as missing:
        raise MissingExtra("inspect-ai", "inspect") from missing
    try:
        return read_eval_log(path)
    except Exception as error:  # of the file, the archive, its JSON or its schema: each has its own
        raise StoreError(f"{str(path)!r} cannot be read as a log of Inspect: {str(error)[:300]}") from error


def _key(sample: Any) -> str:
    return str(sample.id) if sample.epoch == 1 else f"{sample.id}#{sample.epoch}"


def _scorer(path: str | Path, samples: Iterable[Any], wanted: str | None) -> str:
    """The one to take; an empty name where nothing was scored at all."""
    names = sorted({name for sample in samples for name in sample.scores or ()})
    if wanted in names or (wanted is None and len(names) < 2):
        return wanted or "".join(names)
    known = ", ".join(names) or "none"
    asked = "none was named" if wanted is None else f"{wanted!r} was asked for"
    raise StoreError(f"The log {str(path)!r} has the scorers: {known}; {asked}. Name one of them.")


def _error(sample: Any) -> str:
    return str(sample.error.message) if sample.error else "not scored"


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
