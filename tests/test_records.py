from __future__ import annotations

from typing import Any

import pytest

from langdistill.records import Trace, canonical, digest
from langdistill.testing.memory import MemoryStore
from langdistill.testing.store_conformance import ODD


@pytest.mark.parametrize("odd", [ODD, "\ud800", 2**70, {"\udc00": [2**64]}])
def test_whatever_was_recorded_has_a_digest(odd: Any) -> None:
    assert canonical({"b": odd, "a": 1}) == canonical({"a": 1, "b": odd})
    assert digest({"a": odd}) != digest({"a": [odd]})
    assert digest(ODD) != digest(ODD + "\ud800")


def test_a_run_that_names_no_problem_goes_by_any_question() -> None:
    traces = [Trace(id=name, input=[{"role": "user", "content": "half \ud83d"}]) for name in "ab"]
    store = MemoryStore()
    store.add(traces)
    assert len(list(store.problems())) == 1


def test_a_digest_is_that_of_earlier_releases() -> None:
    assert digest("a", {"b": [1, "é"]}) == "89c105b9f3c41b282f60b7619ae37429ddce6e0a801e0dae0aea9f776acc5cd2"
