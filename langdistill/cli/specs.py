"""Filters, targets and renderings on the command line, written as in Python: ``agreement(min_share=0.75)``."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import typer

Find = Callable[[str], Any]
"""What a name stands for: a function that makes it; raises `UnknownName`."""


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
        return made(*given, **named)
    except TypeError as error:
        raise typer.BadParameter(f"{text!r} does not fit: {error}.") from error


def _unreadable(text: str) -> typer.BadParameter:
    return typer.BadParameter(
        f"{text!r} is no name and no call of one. Write it as in Python, in quotes: 'agreement(min_share=0.75)'."
    )
