from __future__ import annotations

import math
from collections import OrderedDict, UserDict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from langdistill.recording.capture.encoding import DEEPEST, encode
from langdistill.recording.capture.messages import plain


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: int


class Amount(float):
    pass


class Ticket(BaseModel):
    number: int


@dataclass
class Place:
    name: str


class Unbound:
    """As a proxy of a web framework outside of a request: it raises whatever it is asked."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("outside of a request")

    def __str__(self) -> str:
        raise RuntimeError("outside of a request")


class Refusing(BaseModel):
    def model_dump(self, **_: Any) -> Any:
        raise ValueError("no")

    def __str__(self) -> str:
        return "refusing"


class Broken(UserDict):
    def items(self) -> Any:
        raise KeyError("gone")

    def keys(self) -> Any:
        raise KeyError("gone")

    def __str__(self) -> str:
        return "broken"


def coded(value: Any) -> Any:
    return orjson.loads(encode(value))


PLAIN = [
    (math.nan, None),
    ([math.inf, -math.inf], [None, None]),
    (2**63, 2**63),
    ({1: "a", None: "b"}, {"1": "a", "null": "b"}),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
    (Colour.RED, "red"),
    (Level.HIGH, 3),
    (Point(1, 2), [1, 2]),
    ({3}, [3]),
    (Decimal("1.5"), "1.5"),
    (Path("a/b"), "a/b"),
    (b"raw", "b'raw'"),
    (Amount(1.5), 1.5),
    (Ticket(number=1), {"number": 1}),
    (Place("here"), {"name": "here"}),
    (OrderedDict(a=1), {"a": 1}),
    (HumanMessage("hello"), {"role": "user", "content": "hello"}),
]


@pytest.mark.parametrize(("value", "expected"), PLAIN, ids=lambda one: type(one).__name__)
def test_values_keep_their_form_alone_and_beside_what_has_none(value: Any, expected: Any) -> None:
    if not isinstance(value, Amount):  # the encoder knows no own floats
        assert coded(value) == expected
    beside = coded([value, "lone \ud800 surrogate", 2**70])
    assert beside[1:] == ["lone \\ud800 surrogate", str(2**70)]
    if not (isinstance(value, dict) and None in value):
        assert beside[0] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(Unbound(), "<Unbound>"), (Refusing(), "refusing"), (Broken(), "broken"), ("\udcff", "\\udcff")],
    ids=["proxy", "model", "mapping", "surrogate"],
)
def test_what_raises_becomes_its_text(value: Any, expected: str) -> None:
    assert coded({"before": 1, "it": [value], "after": 2}) == {"before": 1, "it": [expected], "after": 2}


def test_circles_end_at_once() -> None:
    circle: dict[str, Any] = {"n": 1}
    circle |= {"left": circle, "right": [circle, circle]}
    assert coded(circle) == {"n": 1, "left": "<dict>", "right": ["<dict>", "<dict>"]}
    twice = [1]
    assert coded([twice, twice, "\ud800"])[:2] == [[1], [1]], "what is there twice is no circle"


def test_deep_nesting_is_cut() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    assert encode(deep) == b"[" * (DEEPEST + 1) + b'"<list>"' + b"]" * (DEEPEST + 1)


def test_keys_that_are_no_text() -> None:
    assert coded({(1, 2): "a", "\ud800": "b"}) == {"(1, 2)": "a", "\\ud800": "b"}


def test_tool_calls_with_arguments_that_json_does_not_know() -> None:
    asked = {"name": "power", "args": {"n": 2**70, "why": "\ud800", "x": math.nan}, "id": "c1"}
    [call] = plain(AIMessage("", tool_calls=[asked])).get("tool_calls", [])
    assert orjson.loads(call["function"]["arguments"]) == {"n": str(2**70), "why": "\\ud800", "x": None}


TEXTS = st.text(st.characters(exclude_categories=[]))  # lone surrogates, too
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.binary() | st.datetimes()
    | st.decimals() | st.uuids() | st.builds(Unbound) | st.just(Colour.RED),
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS | st.integers() | st.tuples(st.integers()), inner)
    | st.tuples(inner) | st.builds(Place, inner),
    max_leaves=20,
)  # fmt: skip


@given(anything)
def test_anything_becomes_json(value: Any) -> None:
    made = orjson.loads(encode(value))
    assert orjson.loads(encode(made)) == made
