"""Whom an evaluation asks: a model or its string, a graph, a student or its folder."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

from langchain_core.runnables import Runnable
from langgraph.pregel import Pregel

from langdistill.asking import ask, chat_model
from langdistill.errors import StudentError
from langdistill.records import digest
from langdistill.replies import settings_of
from langdistill.students.card import Student, read_student
from langdistill.students.local import LocalChatModel
from langdistill.students.versioned import CARD

Model = str | Path | Student | Runnable[Any, Any]
"""A chat model or its string ("openai:gpt-4.1"), a compiled graph, a student, or the folder of a student or of a model."""


@dataclass(frozen=True)
class Subject:
    """A model or graph under its name."""

    runnable: Runnable[Any, Any]
    name: str
    settings: str | None
    """What tells it from every other one; `None` where nothing does."""


def subject_of(model: Model, name: str | None = None) -> Subject:
    """What is asked, and what it is called.

    Args:
        model: see `Model`.
        name: what to call it; of a graph, which cannot be told apart from another, a name that is its own.

    Raises:
        StudentError: a folder holds neither a student nor a model, or a text is neither a folder nor a model's name.
        MissingExtra: a model's string was given, and langchain is not installed.
    """
    if isinstance(model, (str, Path)):
        model = _named(model)
    if isinstance(model, Student):
        return Subject(model.local(), name or model.served_name, digest(model.weights, model.base_digest))
    if isinstance(model, Pregel):
        stateless: Runnable[Any, Any] = model.copy(update={"checkpointer": False})  # every problem is a run of its own
        return Subject(stateless, name or str(model.name), name)
    return Subject(model, name or ask(model, "").model_name, settings_of(model) or name)


def _named(model: str | Path) -> Student | Runnable[Any, Any]:
    folder = Path(model)
    if (folder / "config.json").is_file() and not (folder / CARD).is_file():
        return LocalChatModel(model=str(folder))
    if folder.exists() or isinstance(model, Path) or ":" not in model:
        try:
            return read_student(folder)
        except StudentError as error:
            raise StudentError(f"{error} A model is named with its provider: openai:gpt-4.1.") from error
    return chat_model(model)


def told(function: Any) -> str:
    """A function as a fingerprint tells it: by where it is from, and what is bound to it."""
    if isinstance(function, partial):
        return f"{told(function.func)}{function.args!r}{sorted(function.keywords.items())!r}"
    named = getattr(function, "__qualname__", None) or type(function).__qualname__
    place = f"{getattr(function, '__module__', '')}.{named}"
    code = getattr(function, "__code__", None)
    if code is None or place.startswith("langdistill."):
        return place
    closed = [
        told(one) if callable(one) else repr(one) for one in (inspect.getclosurevars(function).nonlocals.values())
    ]
    return f"{place}@{digest(_body(code), repr(function.__defaults__), closed)[:12]}"


def _body(code: CodeType) -> str:
    """What a function does: two lambdas have one name."""
    inner = [_body(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return digest(code.co_code.hex(), repr(code.co_names), inner)
