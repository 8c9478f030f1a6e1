from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.importers.conftest import Came
from tests.stores.importers.shapes import INSTRUCTED

FORMAT = "alpaca"
Write = Callable[..., Came]


def test_a_row_with_a_history(came: Write) -> None:
    found = came(FORMAT, INSTRUCTED)
    said = [
        {"role": "system", "content": "Be exact."},
        {"role": "user", "content": "Are you there?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Add.\n1+1"},
        {"role": "assistant", "content": "2"},
    ]
    assert found.trace == {
        "id": "ID",
        "source": FORMAT,
        "name": FORMAT,
        "input": said[:4],
        "earlier": 3,
        "output": said[4:],
        "calls": [
            {"id": "ID-2", "prompt": said[:2], "replies": [{"message": said[2]}]},
            {"id": "ID-4", "prompt": said[:4], "replies": [{"message": said[4]}]},
        ],
        "metadata": {"where": "f.json"},
    }
    assert not found.unmapped


def test_two_endings_and_a_label(came: Write) -> None:
    pair = came(FORMAT, {"instruction": "Greet.", "chosen": "Hello!", "rejected": "What."})
    assert [(trace.output[0]["content"], trace.feedback[0].score) for trace in pair.traces] == [
        ("Hello!", 1),
        ("What.", 0),
    ]
    assert len({trace.problem for trace in pair.traces}) == 1
    [labelled] = came(FORMAT, {"instruction": "Greet.", "output": "Hello!", "kto_tag": True}).traces
    assert [(one.name, one.score) for one in labelled.feedback] == [("desirable", 1.0)]


def test_gold_moves_nothing_and_other_keys_are_told(came: Write) -> None:
    plain = came(FORMAT, INSTRUCTED).traces
    found = came(FORMAT, {**INSTRUCTED, "answer": "GOLD", "note": "mine"})
    assert [(one.reason, one.detail) for one in found.unmapped] == [("no-place", "note"), ("gold", "answer")]
    assert came(FORMAT, {**INSTRUCTED, "answer": "GOLD"}).traces == plain


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "no-instruction"),
        ({"instruction": 5, "output": "2"}, "no-instruction"),
        ({"instruction": "Add.", "output": ""}, "no-reply"),
        ({"instruction": "Add."}, "no-reply"),
        ({"instruction": "Add.", "output": "2", "history": [["a"]]}, "wrong-type"),
        ({"instruction": "Add.", "output": "2", "history": 5}, "wrong-type"),
    ],
)
def test_a_row_that_cannot_be_read_is_told(came: Write, row: Any, reason: str) -> None:
    found = came(FORMAT, INSTRUCTED, row)
    assert len(found.traces) == 1
    assert [(one.where, one.reason) for one in found.unmapped] == [("f.json, row 2", reason)]


def test_real_rows(data: Path) -> None:
    found = Came(FORMAT, data / "fireact/alpaca_format")
    assert found.counts == (500, 500, 0, 0)  # its own importer takes the steps apart
    assert not found.unmapped
