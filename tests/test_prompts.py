from __future__ import annotations

import importlib
import itertools
import pkgutil
from difflib import SequenceMatcher

import pytest

import langdistill.strategies
from langdistill.errors import PromptError
from langdistill.prompts import fill, places


def test_braces_in_a_value_are_harmless() -> None:
    assert fill("{question} {rest}", question="{rest} {{x}} {", rest="\\1") == "{rest} {{x}} { \\1"


@pytest.mark.parametrize("values", [{}, {"question": "x", "other": "y"}, {"other": "y"}])
def test_places_and_values_must_match(values: dict[str, str]) -> None:
    with pytest.raises(PromptError, match=r"has the places \['question'\]"):
        fill("{question}", **values)


def prompts() -> dict[str, str]:
    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(langdistill.strategies.__path__, "langdistill.strategies."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if name.isupper() and isinstance(value, str) and places(value):
                found[f"{module.name}.{name}"] = value
    return found


def test_no_two_prompts_are_nearly_the_same() -> None:
    texts = sorted(set(prompts().values()))
    assert len(texts) >= 6
    near = [(a, b) for a, b in itertools.combinations(texts, 2) if SequenceMatcher(None, a, b).ratio() > 0.9]
    assert not near
