"""Filters, targets and renderings on the command line, written as in Python: ``agreement(min_share=0.75)``."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import typer

from langdistill.errors import LangdistillError

Find = Callable[[str], Any]
"""What a name stands for: a function that makes it; raises `UnknownName`."""

UNCHECKED = (object, Any)
"""What anything is."""


def spelt(text: str, find: Find, *, inner: Find | None = None) -> Any:
    """What a text like ``name``, ``name(1, key="value")`` or ``name(other)`` makes; a name alone is called without arguments.

    Nothing is evaluated but literals and calls of what `find` knows.

    Args:
        text: as the user wrote it.
        find: gives what the outermost name stands for.
        inner: gives what a name among the arguments stands for; without it, names there are refused.

    Raises:
        UnknownName: of a name.
        BadParameter: the text is something else, or the arguments do not fit.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise _unreadable(text) from None
    if not isinstance(tree, (ast.Name, ast.Call)):
        raise _unreadable(text)
    return _value(tree, text, find, inner)


def _value(tree: ast.expr, text: str, find: Find | None, inner: Find | None) -> Any:
    if isinstance(tree, ast.Name) and find:
        return _called(find(tree.id), ast.Call(tree, [], []), text, inner)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and find:
        return _called(find(tree.func.id), tree, text, inner)
    if isinstance(tree, (ast.List, ast.Tuple)):
        return [_value(one, text, inner, inner) for one in tree.elts]
    try:
        return ast.literal_eval(tree)
    except (ValueError, SyntaxError):
        raise _unreadable(text) from None


def _called(made: Any, tree: ast.Call, text: str, inner: Find | None) -> Any:
    if any(keyword.arg is None for keyword in tree.keywords):
        raise _unreadable(text)
    given = [_value(one, text, inner, inner) for one in tree.args]
    named = {str(keyword.arg): _value(keyword.value, text, inner, inner) for keyword in tree.keywords}
    try:
        _check(made, given, named)
        return made(*given, **named)
    except LangdistillError:
        raise
    except Exception as error:  # of a model: LangChain knows no such provider, or lacks its package or credentials
        raise typer.BadParameter(f"{text!r} does not fit: {str(error).rstrip('.')}.") from error


def _check(made: Any, given: list[Any], named: dict[str, Any]) -> None:
    """Refuse a value of a kind that is not asked for, before any trace is read: ``agreement(min_n="3")``.

    Raises:
        TypeError: says which.
    """
    owner = type(made.args[0]) if isinstance(made, partial) and made.func is replace else made
    try:
        hints = get_type_hints(owner)
        asked = inspect.signature(owner).bind(*given, **named).arguments
    except (NameError, TypeError):
        return  # hints for the type checker alone, or none; or arguments that the call itself refuses in its own words
    for name, value in asked.items():
        if name in hints and not _fits(value, hints[name]):
            expected = hints[name].__name__ if isinstance(hints[name], type) else hints[name]
            raise TypeError(f"{name}={value!r} is not {expected}")


def _fits(value: Any, hint: Any) -> bool:
    """Whether a literal can be what a parameter says it takes; anything else is for the parameter's owner to judge."""
    kind = get_origin(hint) or hint
    if kind in (Union, UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if not isinstance(value, (str, int, float, type(None))) or not isinstance(kind, type) or kind in UNCHECKED:
        return True
    if isinstance(value, (bool, str)):
        return isinstance(value, kind) and kind not in (int, Sequence, Iterable)  # a text is no list of its letters
    return isinstance(value, (int, float) if kind is float else kind)


def _unreadable(text: str) -> typer.BadParameter:
    return typer.BadParameter(
        f"{text!r} is no name and no call of one. Write it as in Python, in quotes: 'agreement(min_share=0.75)'."
    )
