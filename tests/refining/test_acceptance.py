"""What an ART must do to be one (Shridhar et al., 2311.07961): each point of the method with its own tests."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from langdistill import TraceRecorder
from langdistill.answers import decision
from langdistill.datasets.harvest import harvest
from langdistill.datasets.judging import by_gold
from langdistill.datasets.reading import lines_of
from langdistill.datasets.targets.doubt import doubt
from langdistill.datasets.targets.trust import trust
from langdistill.evaluation.refining import cases, try_refining
from langdistill.evaluation.sweep import sweep
from langdistill.records import Problem
from langdistill.refining.ask_refine_trust import create_ask_refine_trust
from langdistill.refining.askers.always import always
from langdistill.refining.askers.never import never
from langdistill.refining.askers.zero_shot import zero_shot
from langdistill.refining.trusters.judge import judge
from langdistill.refining.trusters.most_recent import most_recent
from langdistill.refining.trusters.ranker import ranker
from langdistill.strategies.self_consistency import create_self_consistency
from langdistill.testing.models import OneReplyChatModel
from tests.refining.test_ask_refine_trust import asked, model, scored, sure

K = 4
SUMS = {f"sum-{a}": (f"What is {a} + 1?", str(a + 1)) for a in range(40)}
GOLD = {name: answer for name, (_, answer) in SUMS.items()}
STEPS = {name: [f"What comes after {name[4:]}?"] for name in SUMS}


def samples(messages: list[BaseMessage], number: int) -> str:
    """Right in about half of the samples, by the question and the number of the request."""
    a = int(messages[-1].text.split("What is ")[1].split()[0])
    return f"{a} and 1.\nAnswer: {a + 1 + (a * 7 + number) % 2}"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """K predictions of each problem, recorded."""
    recorder = TraceRecorder(tmp_path / "traces.db")
    graph = create_self_consistency(OneReplyChatModel(script=samples), samples=K)
    for name, (question, _) in SUMS.items():
        told: Any = {"callbacks": [recorder], "metadata": {"problem": name}}
        graph.invoke({"messages": [("user", question)]}, told)
    recorder.close()
    return tmp_path / "traces.db"


def test_1_the_askers_data_set(store: Path, tmp_path: Path) -> None:
    made = harvest(store).target(doubt(by_gold(GOLD), STEPS)).write(tmp_path / "asker", validation=0.3)
    sides: dict[str, set[str]] = {}
    for split in ("train", "validation"):
        for row in lines_of(tmp_path / "asker" / f"{split}.jsonl"):
            prompt, said = row["prompt"][0]["content"], row["completion"][0]["content"]
            found = decision(said)
            assert found
            right = prompt.splitlines()[2] == f"Answer: {GOLD[row['problem']]}"
            assert found[0] is not right, "the decision is that of the answer"
            assert said.startswith(STEPS[row["problem"]][0]), "the sub-questions come before it"
            sides.setdefault(split, set()).add(row["problem"])
    assert made.manifest["rows_per_problem"] == {str(K): 40}, "k is recorded"
    assert sum(sum(counts.values()) for counts in made.manifest["classes"].values()) == K * 40, "so is the balance"
    assert sides["train"]
    assert sides["validation"]
    assert not sides["train"] & sides["validation"], "split by question"


def test_2_pairs_are_of_one_question(store: Path, tmp_path: Path) -> None:
    """That equal scores lose ln 2 is tested with the trainer: tests/students/train/objectives/test_pairwise_ranker.py."""
    harvest(store).target(trust(by_gold(GOLD))).write(tmp_path / "truster", format="trl_preference", validation=0.3)
    rows = [row for split in ("train", "validation") for row in lines_of(tmp_path / "truster" / f"{split}.jsonl")]
    assert len(rows) == 40
    for row in rows:
        question, answer = SUMS[row["problem"]]
        assert row["prompt"] == [{"role": "user", "content": question}]
        chosen, rejected = (row[side][0]["content"] for side in ("chosen", "rejected"))
        start = f"{question.split()[2]} and 1.\nAnswer: "
        assert chosen == start + answer
        assert rejected.startswith(start)
        assert rejected != chosen


def test_2_scores_know_no_order() -> None:
    one, other = AIMessage("Answer: 4"), AIMessage("Answer: 5")
    truster = scored(**{"4": 0.3, "5": 0.8})

    def scores(first: AIMessage, second: AIMessage) -> tuple[float, ...]:
        body = truster(asking(), first, second)
        try:
            next(body)
        except StopIteration as ended:
            return tuple(ended.value)
        raise AssertionError("a ranker asks no model")

    assert scores(one, other) == (0.3, 0.8)
    assert scores(other, one) == (0.8, 0.3)


def asking() -> dict[str, Any]:
    return {"messages": [HumanMessage("What is 2 + 2?")]}


def test_3_what_is_not_doubted_is_not_refined() -> None:
    said = model("Answer: 4", "Is it 4?\nRefine: no")
    assert asked(create_ask_refine_trust(said))["answer"] == "4"
    assert len(said.prompts) == 2


def test_3_an_asker_without_a_decision_keeps_the_first_answer() -> None:
    said = model("Answer: 4", "Hm. Is it?")
    assert asked(create_ask_refine_trust(said, threshold=0.0))["answer"] == "4"
    assert len(said.prompts) == 2


def test_3_always_and_most_recent_is_plain_self_refinement() -> None:
    said = model("Answer: 4", "Answer: 5")
    assert asked(create_ask_refine_trust(said, asker=always(), truster=most_recent()))["answer"] == "5"
    assert len(said.prompts) == 2
    assert "A first answer:\nAnswer: 4" in said.prompts[1][-1].text


def test_4_never_gives_the_first_answer() -> None:
    said = model("Answer: 4")
    assert asked(create_ask_refine_trust(said, asker=never(), truster=most_recent(), threshold=0.0))["answer"] == "4"


@pytest.mark.parametrize(("first", "refined", "answer"), [(0.1, 0.2, "5"), (0.2, 0.1, "4"), (0.2, 0.2, "4")])
def test_4_the_higher_score_is_trusted_and_of_equal_ones_the_first(first: float, refined: float, answer: str) -> None:
    said = model("Answer: 4", "Answer: 5")
    truster = scored(**{"4": first, "5": refined})
    assert asked(create_ask_refine_trust(said, asker=always(), truster=truster))["answer"] == answer


@pytest.mark.parametrize(
    ("verdicts", "answer"),
    [(("A", "B"), "4"), (("B", "A"), "5"), (("A", "A"), "4"), (("B", "B"), "4"), (("?", "A"), "5"), (("?", "?"), "4")],
)
def test_4_the_judge_must_prefer_it_whatever_is_shown_first(verdicts: tuple[str, str], answer: str) -> None:
    def says(messages: list[BaseMessage], number: int) -> str:
        text = messages[-1].text
        if "Verdict:" in text:
            return "Verdict: " + verdicts["Answer A:\nAnswer: 5" in text]
        return "Answer: 5" if "may be wrong" in text else "Answer: 4"

    said = OneReplyChatModel(script=says)
    assert asked(create_ask_refine_trust(said, asker=always(), truster=judge(said)))["answer"] == answer
    assert len(said.prompts) == 4


@pytest.mark.parametrize(("threshold", "answer"), [(0.0, "5"), (0.29, "5"), (0.31, "4"), (1.0, "4")])
def test_5_the_threshold_is_on_a_probability(threshold: float, answer: str) -> None:
    said = model("Answer: 4", sure("Is it 4?\nRefine: no", 0.3), "Answer: 5")
    graph = create_ask_refine_trust(said, truster=most_recent(), threshold=threshold)
    assert asked(graph)["answer"] == answer


def says(messages: list[BaseMessage], number: int) -> str:
    """First answers are right up to 5; refinements from 4 on; the asker knows, and so does the judge."""
    text = messages[-1].text
    a = int(text.split("What is ")[1].split()[0])
    if "Verdict:" in text:
        right = text.index(f"Answer: {a + 1}\n") < text.index(f"Answer: {a}\n")
        return f"Verdict: {'A' if right else 'B'}"
    if "Refine:" in text:
        return f"Refine: {'no' if f'Answer: {a + 1}' in text else 'yes'}"
    good = a >= 4 if "A first answer:" in text else a <= 5
    return f"Answer: {a + good}"


ASKERS = {"never": never(), "always": always(), "zero_shot": zero_shot(OneReplyChatModel(script=says))}
TRUSTERS = {
    "most_recent": most_recent(),
    "self": judge(OneReplyChatModel(script=says)),
    "ranker": ranker(lambda one: float(one["reply"] == f"Answer: {int(one['question'].split()[2]) + 1}")),
}


@pytest.mark.parametrize(
    ("asker", "truster", "right", "refined", "mended", "spoilt"),
    [
        ("never", "ranker", 6, 0, 0, 0),
        ("always", "most_recent", 6, 10, 4, 4),
        ("always", "self", 10, 10, 4, 0),
        ("always", "ranker", 10, 10, 4, 0),
        ("zero_shot", "most_recent", 10, 4, 4, 0),
        ("zero_shot", "self", 10, 4, 4, 0),
        ("zero_shot", "ranker", 10, 4, 4, 0),
    ],
)
def test_4_every_mode_with_its_rate_and_its_flips(
    asker: str, truster: str, right: int, refined: int, mended: int, spoilt: int
) -> None:
    said = OneReplyChatModel(script=says)
    graph = create_ask_refine_trust(said, asker=ASKERS[asker], truster=TRUSTERS[truster], threshold=0)
    problems = [Problem(id=name, question=SUMS[name][0]) for name in list(SUMS)[:10]]
    point = sweep(cases(try_refining(graph, problems), GOLD)).at(0.5)
    assert (point.right, point.refined) == (right, refined)
    assert (point.wrong_to_right, point.right_to_wrong) == (mended, spoilt)


def test_6_gold_answers_have_no_way_in() -> None:
    """Neither the graph nor an asker or a truster takes any; tests/evaluation/test_refining.py looks into every prompt."""
    taken = {
        name
        for made in (create_ask_refine_trust, always, never, zero_shot, judge, most_recent, ranker)
        for name in inspect.signature(made).parameters
    }
    assert not {name for name in taken if "gold" in name or "answer" in name or "label" in name}
