"""Whatever a file holds: no importer raises, every row is told or becomes a trace, and every trace can be stored.

LANGDISTILL_FUZZ is the number of inputs for each test and format: 600 are over ten thousand in all.
"""

from __future__ import annotations

import copy
import io
import json
import os
import random
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langdistill.records import Trace, canonical
from langdistill.stores.body import decode, encode
from langdistill.stores.importing import Unmapped, find_importer
from tests.stores.importers.shapes import LOG, SHAPES

EXAMPLES = int(os.environ.get("LANGDISTILL_FUZZ", "25"))
NAME = "f.json"
SMALL = 30_000
"""Bytes of the largest real row that is changed; larger ones make no other errors, only slower."""
REAL = {
    "openai_chat": ["fireact/gpt_format/*", "llamafactory_demo/reason*", "tau_bench/few_shot/*"],
    "swe_agent": ["swe_agent/mini/*", "swe_agent/trajectories/demonstrations/*.traj"],
    "fireact": ["fireact/alpaca_format/*"],
    "toolbench": ["toolbench/answer/*/10_*", "toolbench/instruction/*"],
    "inspect_ai": ["inspect_ai/log/*/*.json"],
    "sharegpt": ["llamafactory_demo/*"],
    "alpaca": ["fireact/alpaca_format/*"],
    "react": ["s1_react/*"],
    "managed_agents": ["langsmith/js_test_data/anthropic_managed*"],
}


def deep(levels: int) -> Any:
    value: Any = 1
    for at in range(levels):
        value = [value] if at % 2 else {"a": value}
    return value


ODD = [None, True, 0, -1, 1.5, float("nan"), float("-inf"), 2**70, "", "\ud800", "\x00", "a" * 500, "assistant", "tool",
       [], {}, [[]], [None], {"": None}, deep(90), deep(120), deep(500)]  # fmt: skip


def real_rows(format: str) -> Iterator[Any]:
    folder = os.environ.get("LANGDISTILL_DATA")
    for pattern in REAL.get(format, []) if folder else []:
        for path in sorted(Path(folder or "").glob(pattern)):
            text = path.read_text()
            entries = (
                [json.loads(line) for line in text.split("\n")[:20] if line]
                if path.suffix == ".jsonl"
                else json.loads(text)
            )
            whole = not isinstance(entries, list) or format == "swe_agent"
            yield from [entries] if whole else entries[:20]


SEEDS = {format: [*shapes, *real_rows(format)] for format, shapes in SHAPES.items()}
SEEDS = {format: [seed for seed in seeds if len(json.dumps(seed)) < SMALL] for format, seeds in SEEDS.items()}


def places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        inside = waiting.pop()
        if isinstance(inside, (dict, list)):
            keys = list(inside) if isinstance(inside, dict) else range(len(inside))
            found += [(inside, key) for key in keys]
            waiting += [inside[key] for key in keys]
    return found


def changed(value: Any, chance: random.Random) -> Any:
    """The value with some of its keys and entries deleted, replaced, doubled or exchanged."""
    root = [copy.deepcopy(value)]
    for _ in range(chance.choice([1, 1, 2, 4, 8])):
        inside, key = chance.choice(places(root))
        how = chance.choice(["delete", "replace", "double", "exchange", "wrap", "text"])
        if how == "delete" and inside is not root:
            del inside[key]
        elif how == "replace":
            inside[key] = copy.deepcopy(chance.choice(ODD))
        elif how == "double" and isinstance(inside, list):
            inside.insert(key, copy.deepcopy(inside[key]))
        elif how == "exchange":
            inside[key] = copy.deepcopy(chance.choice(places(root))[0])
        elif how == "wrap":
            inside[key] = [inside[key]] if chance.random() < 0.5 else {"value": inside[key]}
        elif not isinstance(inside[key], (dict, list)):
            inside[key] = str(inside[key])
        if not places(root):
            root.append(None)
    return root[0]


def damaged(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice([1, 1, 3, 10])):
        at = chance.randrange(len(data) + 1)
        more = chance.choice(
            [b"", b"\x00", b"\xff", b"\n", b'"', b"}", b"\\ud800", b"\xef\xbb\xbf", chance.randbytes(3)]
        )
        data = data[:at] + more + data[at + chance.choice([0, 0, 1, 5, len(data)]) :]
    return data


def read(format: str, data: bytes, folder: Path, name: str = NAME) -> list[Trace | Unmapped]:
    path = folder / name
    path.write_bytes(data)
    items = list(find_importer(format)(path))
    for item in items:
        if isinstance(item, Trace):
            assert decode(encode(item)).id == item.id
            if format != "langdistill":  # which brings back exactly what a store held, and that may be no UTF-8
                assert Trace.model_validate_json(item.model_dump_json(exclude_defaults=True)).id == item.id
                canonical(item.model_dump())
        else:
            assert re.fullmatch(r"[a-z]+(-[a-z]+)*", item.reason), item
            item.model_dump_json()
    return items


def check_accounted(format: str, items: list[Trace | Unmapped], rows: int) -> None:
    """Each line has a trace or is told; where the lines could not be told apart, the file is."""
    told = [item.where if isinstance(item, Unmapped) else str(item.metadata.get("where")) for item in items]
    if rows == 1 or NAME in told:
        assert items
    elif format == "langdistill":  # its traces stay as they were, without their place
        assert len(items) >= rows
    else:
        missing = [
            at for at in range(1, rows + 1) if not any(re.search(rf"f\.json, row {at}\b", place) for place in told)
        ]
        assert not missing, f"nothing was told of the rows {missing}"


fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
every_format = pytest.mark.parametrize("format", SHAPES)
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["user", "assistant", "tool", "model", "Thought", "Action", "Action Input"])
)  # fmt: skip
keys = st.sampled_from([
    "messages", "role", "content", "tool_calls", "function", "name", "arguments", "id", "history", "trajectory", "traj",
    "instruction", "output", "tree", "children", "node_type", "description", "answer", "answer_details", "next", "message",
    "eval", "samples", "events", "event", "input", "custom_id", "body", "response", "choices", "version", "calls", "query",
    "conversations", "from", "value", "chosen", "label", "thought", "action", "observation", "type", "data", "processed_at",
]) | st.text(max_size=5)  # fmt: skip
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5), max_leaves=25
)


@every_format
@fuzzed
@given(seed=st.integers(0, 2**32))
def test_real_rows_with_changes(format: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    rows = [changed(chance.choice(SEEDS[format]), chance) for _ in range(chance.choice([1, 2, 5]))]
    lines = [json.dumps(row) for row in rows]
    items = read(format, "\n".join(lines).encode(), tmp_path)
    check_accounted(format, items, len(rows))


@every_format
@fuzzed
@given(rows=st.lists(anything, min_size=1, max_size=4))
def test_any_json(format: str, rows: list[Any], tmp_path: Path) -> None:
    items = read(format, "\n".join(json.dumps(row) for row in rows).encode(), tmp_path)
    check_accounted(format, items, len(rows))


@every_format
@fuzzed
@given(seed=st.integers(0, 2**32))
def test_damaged_bytes(format: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    rows = [json.dumps(chance.choice(SEEDS[format])).encode() for _ in range(chance.choice([1, 2, 5]))]
    assert read(format, damaged(b"\n".join(rows), chance), tmp_path)
    assert read(format, chance.randbytes(chance.choice([0, 1, 20])), tmp_path)


@fuzzed
@given(seed=st.integers(0, 2**32))
def test_damaged_archives(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        archive.writestr("header.json", json.dumps(LOG))
        for at, sample in enumerate([changed(LOG["samples"][0], chance), LOG["samples"][0]]):
            archive.writestr(f"samples/{at}.json", json.dumps(sample))
    whole = read("inspect_ai", written.getvalue(), tmp_path, "f.eval")
    told = {item.where if isinstance(item, Unmapped) else item.metadata["where"] for item in whole}
    assert told == {"f.eval, sample 1", "f.eval, sample 2"}
    assert read("inspect_ai", damaged(written.getvalue(), chance), tmp_path, "f.eval")


def test_the_seeds_are_read_without_fault(tmp_path: Path) -> None:
    for format, seeds in SEEDS.items():
        items = [item for seed in seeds for item in read(format, json.dumps(seed).encode(), tmp_path)]
        assert sum(isinstance(item, Trace) for item in items) >= len(SHAPES[format]) - 2  # two are halves of a batch
