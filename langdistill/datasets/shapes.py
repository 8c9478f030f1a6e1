"""The shape of a data set's rows: a column is nested where all of its values are alike, and JSON text where they are not.

Tool schemas and arguments differ from row to row. A struct column would give each of them the keys of all others, with null
in them; so what differs is kept as JSON, which Hugging Face `datasets` reads back as the values (its feature `Json`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import orjson

Scalar = Literal["string", "bool", "int64", "float64"]
SCALARS: dict[type, Scalar] = {str: "string", bool: "bool", int: "int64", float: "float64"}


@dataclass(frozen=True)
class ListOf:
    """A list whose items are alike."""

    item: Shape


@dataclass(frozen=True)
class Struct:
    """An object whose keys are always the same, in the same order."""

    fields: tuple[tuple[str, Shape], ...]


Shape = Scalar | Literal["null", "json"] | ListOf | Struct
Columns = dict[str, Shape]


def columns_of(rows: Iterable[Mapping[str, Any]]) -> Columns:
    """The shape of each column, in the order in which they first appear."""
    found: Columns = {}
    for row in rows:
        for name, value in row.items():
            found[name] = _joined(found.get(name, "null"), _shape(value))
    return {name: _settled(shape) for name, shape in found.items()}


def packed(shape: Shape) -> Callable[[Any], Any]:
    """What turns a value into one of a column of this shape."""
    return _walk(shape, lambda value: orjson.dumps(value).decode())


def unpacked(shape: Shape) -> Callable[[Any], Any]:
    """What turns a value of a column of this shape into the original."""
    return _walk(shape, orjson.loads)


def arrow_type(arrow: Any, shape: Shape, *, marked: bool = True) -> Any:
    """The type in Arrow.

    Args:
        arrow: the module.
        shape: of the values.
        marked: whether JSON is marked as such, as DuckDB and Hugging Face `datasets` know it, or plain text.
    """
    if isinstance(shape, ListOf):
        return arrow.list_(arrow_type(arrow, shape.item, marked=marked))
    if isinstance(shape, Struct):
        return arrow.struct([(name, arrow_type(arrow, inner, marked=marked)) for name, inner in shape.fields])
    kinds = {"string": arrow.string, "bool": arrow.bool_, "int64": arrow.int64, "float64": arrow.float64}
    return kinds.get(shape, arrow.json_ if marked else arrow.string)()


def feature(shape: Shape) -> Any:
    """The feature of Hugging Face `datasets`, as JSON."""
    if isinstance(shape, ListOf):
        return {"feature": feature(shape.item), "_type": "List"}
    if isinstance(shape, Struct):
        return {name: feature(inner) for name, inner in shape.fields}
    return {"_type": "Json"} if shape == "json" else {"dtype": shape, "_type": "Value"}


def told(shape: Shape) -> Any:
    """A shape as a manifest tells it."""
    if isinstance(shape, ListOf):
        return [told(shape.item)]
    if isinstance(shape, Struct):
        return {name: told(inner) for name, inner in shape.fields}
    return shape


def untold(said: Any) -> Shape:
    """The shape that a manifest tells."""
    if isinstance(said, list):
        return ListOf(untold(said[0]))
    if isinstance(said, dict):
        return Struct(tuple((name, untold(inner)) for name, inner in said.items()))
    return cast("Shape", said)


def _shape(value: Any) -> Shape:
    if value is None:
        return "null"
    if isinstance(value, list):
        item: Shape = "null"
        for one in cast("list[Any]", value):
            item = _joined(item, _shape(one))
        return ListOf(item)
    if isinstance(value, dict):
        return Struct(tuple((name, _shape(inner)) for name, inner in value.items())) if value else "json"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "json"
    return SCALARS[type(value)]


def _joined(one: Shape, other: Shape) -> Shape:
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    if isinstance(one, ListOf) and isinstance(other, ListOf):
        return ListOf(_joined(one.item, other.item))
    if isinstance(one, Struct) and isinstance(other, Struct) and _keys(one) == _keys(other):
        pairs = zip(one.fields, other.fields, strict=True)
        return Struct(tuple((name, _joined(inner, more)) for (name, inner), (_, more) in pairs))
    return "json"


def _keys(struct: Struct) -> list[str]:
    return [name for name, _ in struct.fields]


def _settled(shape: Shape) -> Shape:
    """Of what was never seen nothing is known."""
    if isinstance(shape, ListOf):
        return ListOf(_settled(shape.item))
    if isinstance(shape, Struct):
        return Struct(tuple((name, _settled(inner)) for name, inner in shape.fields))
    return "json" if shape == "null" else shape


def _walk(shape: Shape, leaf: Callable[[Any], Any]) -> Callable[[Any], Any]:
    if shape == "json":
        return lambda value: None if value is None else leaf(value)
    if isinstance(shape, ListOf):
        item = _walk(shape.item, leaf)
        return lambda values: None if values is None else [item(one) for one in values]
    if isinstance(shape, Struct):
        fields = [(name, _walk(inner, leaf)) for name, inner in shape.fields]
        return lambda value: None if value is None else {name: walk(value[name]) for name, walk in fields}
    return lambda value: value
