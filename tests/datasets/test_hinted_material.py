"""From strategies that are told the gold answer to a data set that tells nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill.datasets.harvest import Harvest, harvest
from langdistill.datasets.renderings.four_formats import four_formats
from langdistill.datasets.targets.with_reasoning import with_reasoning
from langdistill.filters.correct import correct
from langdistill.filters.no_hint import no_hint
from langdistill.recording.recorder import TraceRecorder
from langdistill.strategies.answer_hint import create_answer_hint
from langdistill.strategies.rationalization import create_rationalization
from langdistill.testing.memory import MemoryStore
from langdistill.testing.models import ScriptedChatModel

CANARY = "zq-canary-50417"
HINT = f"({CANARY} says that it is {{answer}}.)"
GOLD = {f"p{at:02}": str(at * 7) for at in range(100)}
ANSWERS = {f"What is {at} times 7?": str(at * 7) for at in range(100)}


def teacher(messages: list[BaseMessage], number: int) -> str:
    """Right without a hint in 60 of 100; of the other 40, told the answer, it explains 30, gets 5 wrong, and tells of 5."""
    text = messages[-1].text
    at = int(text.split()[2])
    if CANARY not in text:
        return f"I count {at} sevens.\nAnswer: {at * 7 if at % 10 < 6 else at}"
    if at % 10 > 6:
        return f"Now I count {at} sevens.\nAnswer: {at * 7}"
    return f"{CANARY} says that it is so.\nAnswer: {at * 7}" if at % 20 > 9 else f"I still guess.\nAnswer: {at + 1}"


def recorded(create: Any) -> MemoryStore:
    store = MemoryStore()
    graph = create(ScriptedChatModel(script=teacher), answer_of=ANSWERS.get, hint=HINT)
    with TraceRecorder(store) as recorder:
        for at, question in enumerate(ANSWERS):
            config: Any = {"callbacks": [recorder], "metadata": {"problem": f"p{at:02}"}}
            graph.invoke({"messages": [("user", question)]}, config)
        recorder.flush()
    return store


@pytest.fixture(scope="module")
def rationalised() -> MemoryStore:
    return recorded(create_rationalization)


def right_only(store: MemoryStore) -> Harvest:
    return harvest(store).target(with_reasoning).filter(correct(GOLD))


def canaries(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if CANARY.encode() in file.read_bytes()]


def test_sixty_are_right_at_once_and_thirty_five_are_rationalised(rationalised: MemoryStore) -> None:
    traces = list(rationalised.traces())
    assert sum(len(trace.calls) for trace in traces) == 140
    assert sum(call.hint is not None for trace in traces for call in trace.calls) == 40
    found = right_only(rationalised).run()
    assert found.funnel[-1]["reasons"] == {"wrong": 5}
    assert len(found.examples) == 95
    assert sum(row.hint_used for row in found.examples) == 35
    assert all(row.messages[0]["content"] in ANSWERS and len(row.messages) == 1 for row in found.examples)


def test_five_tell_of_the_hint_and_go(rationalised: MemoryStore) -> None:
    found = right_only(rationalised).filter(no_hint()).run()
    assert found.funnel[-1]["reasons"] == {"hint-in-reasoning": 5}
    assert [sum(row.hint_used is used for row in found.examples) for used in (False, True)] == [60, 30]


def test_the_hint_is_in_no_byte_of_the_data_set(rationalised: MemoryStore, tmp_path: Path) -> None:
    assert sum(CANARY in trace.model_dump_json() for trace in rationalised.traces()) == 40
    plan = right_only(rationalised).filter(no_hint()).render(four_formats(shots=2))
    dataset = plan.write(tmp_path / "d")
    assert len(dataset.rows()) == 360
    assert not canaries(tmp_path / "d")
    assert len([one for one in (tmp_path / "d").iterdir() if one.is_file()]) == 6


def test_without_the_filter_the_canary_is_found_and_the_card_says_so(rationalised: MemoryStore, tmp_path: Path) -> None:
    right_only(rationalised).write(tmp_path / "d", validation=0)
    assert canaries(tmp_path / "d") == ["train.jsonl"]
    assert "of 35 rows the teacher had been told the gold answer" in (tmp_path / "d" / "README.md").read_text()
    assert "was not checked" in (tmp_path / "d" / "README.md").read_text()


def test_the_folder_tells_which_rows_had_a_hint(rationalised: MemoryStore, tmp_path: Path) -> None:
    dataset = right_only(rationalised).filter(no_hint()).write(tmp_path / "d")
    assert dataset.manifest["hint_used"] == 30
    assert dataset.manifest["supervised"] == ["correct"]
    kept = [one for one in dataset.sources() if one["file"] != "rejects.jsonl"]
    assert [one["problem"] for one in kept if one.get("hint_used")] == sorted(
        f"p{at:02}" for at in range(100) if at % 10 > 6
    )
    card = (tmp_path / "d" / "README.md").read_text()
    assert "The filter `no_hint` found no row that tells it. Gold answers were read by `correct`, too." in card
    assert "tags: [langdistill, supervised]" in card


def test_answer_hint_from_end_to_end(tmp_path: Path) -> None:
    store = recorded(create_answer_hint)
    dataset = right_only(store).filter(no_hint()).write(tmp_path / "d")
    assert dataset.funnel[-2]["reasons"] == {"wrong": 35}
    assert dataset.funnel[-1]["reasons"] == {"hint-in-reasoning": 35}
    assert len(dataset.rows()) == dataset.manifest["hint_used"] == 30
    assert not canaries(tmp_path / "d")
