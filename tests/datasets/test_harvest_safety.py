from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from langdistill.datasets.harvest import harvest
from langdistill.datasets.reading import read_dataset
from langdistill.datasets.targets.one_sample import one_sample
from langdistill.errors import DatasetError, StoreError, UnknownName
from langdistill.filters.agreement import agreement
from langdistill.filters.correct import correct
from langdistill.filters.novel import novel
from langdistill.filters.stable_under import stable_under
from langdistill.groups import Group, Rows, candidates
from langdistill.perturbations.perturbing import Perturbation
from langdistill.recording.recorder import TraceRecorder
from langdistill.records import Call, Example, Reply, Trace
from langdistill.strategies.branch_solve_merge import create_branch_solve_merge
from langdistill.strategies.self_consistency import create_self_consistency
from langdistill.testing.memory import MemoryStore
from langdistill.testing.models import ScriptedChatModel

CANARY = "zq-canary-81723"
SWAPPED = Perturbation("swapped", lambda q, r: q, lambda a, *_: {"A": "B", "B": "A"}.get(a, a))


def sampled(problem: str, *answers: str | None, id: str = "", **fields: Any) -> Trace:
    """A run that sampled these answers, each in its own call."""
    replies = [
        Reply(message={"role": "assistant", "content": f"hm\nhm\nAnswer: {one}" if one else "hm\nhm"})
        for one in answers
    ]
    calls = [Call(id=f"{id}{problem}{at}", candidate=True, replies=[one]) for at, one in enumerate(replies)]
    question = fields.pop("input", [{"role": "user", "content": f"What is {problem}?"}])
    return Trace(id=id + problem, name="g", input=question, calls=calls, metadata={"problem": problem}, **fields)


def store_of(*traces: Trace) -> MemoryStore:
    store = MemoryStore()
    store.add(traces)
    return store


def test_nothing_of_the_thinking_is_written(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    graph = create_self_consistency(ScriptedChatModel(script=lambda m, at: f"{CANARY}\nAnswer: 42"), samples=3)
    for at in range(10):
        asked: Any = {"messages": [HumanMessage(f"Q{at}")]}
        graph.invoke(asked, {"callbacks": [recorder], "metadata": {"problem": f"p{at}"}})
    recorder.close()
    written = harvest(tmp_path / "t.db").filter(agreement(min_n=3)).write(tmp_path / "data", validation=0.5)
    files = list((tmp_path / "data").iterdir())
    assert len(files) == 6
    assert not [file for file in files if CANARY.encode() in file.read_bytes()]
    assert read_dataset(tmp_path / "data").hash == written.hash
    (tmp_path / "data" / "train.jsonl").write_bytes(b"")
    with pytest.raises(DatasetError):
        read_dataset(tmp_path / "data")


def test_thinking_of_earlier_turns_is_not_written(tmp_path: Path) -> None:
    turns: Any = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello", "reasoning_content": CANARY},
        {"role": "user", "content": "What?"},
    ]
    harvest(store_of(sampled("p", "1", input=turns))).write(tmp_path / "data")
    assert not [file for file in (tmp_path / "data").iterdir() if CANARY.encode() in file.read_bytes()]


@pytest.mark.parametrize(("biased", "kept"), [(True, 0), (False, 4)])
def test_a_judge_that_looks_at_the_order_teaches_nothing(biased: bool, kept: int) -> None:
    store = MemoryStore()
    recorder = TraceRecorder(store)

    def judge(messages: Any, at: int) -> str:
        text = messages[-1].text
        if biased:
            return "Answer: A"
        return "Answer: A" if text.index("good") < text.index("bad") else "Answer: B"

    graph = create_self_consistency(ScriptedChatModel(script=judge), samples=3)
    for at in range(4):
        for marks, text in (({}, "good bad"), ({"perturbation": "swapped"}, "bad good")):
            asked: Any = {"messages": [HumanMessage(f"{at}: {text}")]}
            graph.invoke(asked, {"callbacks": [recorder], "metadata": {"problem": f"p{at}"} | marks})
    recorder.close()
    plan = harvest(store).filter(stable_under(SWAPPED))
    if kept:
        assert len(plan.run().examples) == kept
    else:
        with pytest.raises(DatasetError, match=r"'stable_under'.*4"):
            plan.run()


def test_a_judging_graph_gives_its_verdict() -> None:
    store = MemoryStore()
    recorder = TraceRecorder(store)
    graph = create_branch_solve_merge(ScriptedChatModel(script=lambda m, at: "1. tone" if at == 0 else "no scores"))
    asked: Any = {"messages": [HumanMessage("Request: r\nResponse A: a\nResponse B: b")]}
    graph.invoke(asked, {"callbacks": [recorder], "metadata": {"problem": "p"}})
    recorder.close()
    with pytest.raises(DatasetError):
        harvest(store).run()


def test_the_hash_is_of_the_content_alone(tmp_path: Path) -> None:
    spelt = [sampled("a", "1,000", "1000", "3"), sampled("b", "2")]
    other = [sampled("b", "2", id="x", started=9.0), sampled("a", "3", "1000", "1,000", id="x", started=5.0)]
    one = harvest(store_of(*spelt)).write(tmp_path / "one")
    two = harvest(store_of(*other)).write(tmp_path / "two")
    assert one.hash == two.hash


def test_an_unnamed_problem_hashes_by_content(tmp_path: Path) -> None:
    question: Any = [{"role": "user", "content": "Q"}]
    runs = [Trace(id=name, input=question, answer="1") for name in ("run1", "run2")]
    one, two = (harvest(store_of(run)).write(tmp_path / run.id) for run in runs)
    assert one.hash == two.hash


def test_a_tie_is_rejected_with_its_votes() -> None:
    store = store_of(sampled("a", *["1"] * 4, *["2"] * 4), sampled("b", "2"))
    found = harvest(store).run()
    assert [one.problem for one in found.examples] == ["b"]
    [reject] = found.rejects
    assert (reject["stage"], reject["reason"], reject["votes"]) == ("target", "tied", {"1": 4, "2": 4})


def test_one_sample_is_the_first_with_an_answer() -> None:
    found = harvest(store_of(sampled("a", None, "2"))).target(one_sample).run()
    assert found.examples[0].target == [{"role": "assistant", "content": "2"}]


def test_existing_folders_are_safe(tmp_path: Path) -> None:
    plan, out = harvest(store_of(sampled("a", "1"))), tmp_path / "data"
    plan.write(out)
    with pytest.raises(DatasetError, match="overwrite"):
        plan.write(out)
    plan.write(out, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    with pytest.raises(UnknownName, match="trl"):
        plan.write(tmp_path / "other", format="nothing")
    assert not (tmp_path / "other").exists()


def test_an_empty_harvest_names_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="g"):
        harvest(store_of(sampled("a", "1")), graph="nothing").run()
    with pytest.raises(StoreError):
        harvest(tmp_path / "none.db").run()
    assert not (tmp_path / "none.db").exists()


def each_sample(group: Group) -> Rows:
    """A row of every sample, also of those without an answer."""
    found = [one for trace in group.originals for one in candidates(trace, group.extract)]
    return Rows(tuple(
        Example(
            messages=group.question, target=[one.reply.message], answer=one.answer, problem=group.problem,
            trace=one.trace.id, traces=[one.trace.id],
        )
        for one in found if one.reply
    ))  # fmt: skip


@pytest.mark.parametrize(("unjudged", "left"), [("drop", ["4"]), ("keep", ["4", None])])
def test_a_row_that_could_not_be_judged_goes_by_the_policy_beside_others_too(
    unjudged: Any, left: list[str | None]
) -> None:
    plan = harvest(store_of(sampled("p", "4", None, "5"))).target(each_sample)
    found = plan.filter(correct({"p": "4"}), unjudged=unjudged).run()
    assert sorted((one.answer for one in found.examples), key=str) == left
    assert list(found.examples[0].verdicts[-1].unjudged.values()) == ["no-answer"] * left.count(None)


def test_so_it_is_for_a_filter_over_all_problems() -> None:
    plan = harvest(store_of(sampled("p", "4", None))).target(each_sample)
    only_answers = novel(text=lambda row: (row.answer and "the answer is four") or "")
    assert [one.answer for one in plan.filter(only_answers).run().examples] == ["4"]
    assert len(plan.filter(only_answers, unjudged="keep").run().examples) == 2
