"""What ART's asker and truster are trained on (2311.07961, sections 3.2 and 3.3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from langchain_core.messages import AIMessage

from langdistill.answers import decision
from langdistill.datasets.harvest import harvest
from langdistill.datasets.judging import by_gold, liked, with_the_vote
from langdistill.datasets.reading import lines_of
from langdistill.datasets.sub_questions import sub_questions_of
from langdistill.datasets.targets.doubt import doubt
from langdistill.datasets.targets.trust import trust
from langdistill.errors import DatasetError, PromptError
from langdistill.groups import Group
from langdistill.records import Feedback, Trace
from langdistill.refining.ask_refine_trust import create_ask_refine_trust
from langdistill.refining.askers.always import always
from langdistill.refining.doubting import doubt_in
from langdistill.refining.trusters.most_recent import most_recent
from langdistill.strategies.self_refine import create_self_refine
from langdistill.testing.models import OneReplyChatModel
from tests.datasets.targets.conftest import Recorded
from tests.datasets.targets.test_attempts import group, sampled

GOLD = by_gold({"p": "4"})
QUESTIONS = {"p": ["What is 2?", "What is 2 + 2?"]}


def said(row: Any) -> str:
    [message] = row.target
    return str(message["content"])


def test_sub_questions_stand_before_the_decision_which_is_that_of_the_answer() -> None:
    rows = doubt(GOLD, QUESTIONS)(group(sampled("So.\nAnswer: 4", "Answer: 5", "I cannot tell"))).examples
    told = {row.messages[0]["content"]: said(row) for row in rows}
    asked = "Question: 2+2?\nAnswer: {}\nWhich sub-questions must be answered, and is the answer to be refined?"
    assert told == {
        asked.format("So.\nAnswer: 4"): "What is 2?\nWhat is 2 + 2?\nRefine: no",
        asked.format("Answer: 5"): "What is 2?\nWhat is 2 + 2?\nRefine: yes",
        asked.format("I cannot tell"): "What is 2?\nWhat is 2 + 2?\nRefine: yes",
    }
    for text in told.values():
        found = decision(text)
        assert found
        assert all(text.index(question) < found[1] for question in QUESTIONS["p"])
        assert doubt_in(AIMessage(text)).questions == QUESTIONS["p"]


def test_the_decision_hangs_on_nothing_but_the_answer() -> None:
    """However different two solutions are, the same answer gives the same decision."""
    texts = [f"{'word ' * count}\nAnswer: {answer}" for count in (0, 3, 40) for answer in ("4", "4.0", "5")]
    rows = doubt(GOLD)(group(sampled(*texts))).examples
    assert sorted(said(row) for row in rows) == ["Refine: no"] * 6 + ["Refine: yes"] * 3
    assert all((row.answer == "no") == ("Answer: 4" in str(row.messages[0]["content"])) for row in rows)


def test_earlier_turns_stay() -> None:
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "2+2?"},
    ]
    [row] = doubt(GOLD)(group(sampled("Answer: 4", input=turns))).examples
    assert row.messages[:3] == turns[:3]
    assert str(row.messages[3]["content"]).startswith("Question: 2+2?\nAnswer: Answer: 4")


def test_who_has_no_sub_questions_and_who_cannot_be_judged() -> None:
    some = group(sampled("Answer: 4", "Answer: 5"))
    assert doubt(GOLD, {"q": ["What?"]})(some).reason == "no-sub-questions"
    assert doubt(GOLD, {"p": []})(some).reason == "no-sub-questions"
    assert doubt(by_gold({"q": "1"}))(some).reason == "unjudged"
    assert doubt(liked)(some).reason == "unjudged"
    assert doubt(GOLD)(Group("p")).reason == "no-question"
    with pytest.raises(PromptError):
        doubt(GOLD, template="{question}")


def test_pairs_are_each_right_answer_beside_each_wrong_one() -> None:
    some = group(sampled("a\nAnswer: 4", "b\nAnswer: 4", "Answer: 5", "Answer: 6", "none"))
    rows = trust(GOLD)(some).examples
    pairs = {(said(row), row.rejected[0]["content"]) for row in rows}
    assert pairs == {
        (right, wrong) for right in ("a\nAnswer: 4", "b\nAnswer: 4") for wrong in ("Answer: 5", "Answer: 6", "none")
    }
    assert len(rows) == 6
    assert all(row.margin is None and row.messages == [{"role": "user", "content": "2+2?"}] for row in rows)
    most = trust(GOLD, most=3)(some).examples
    assert len({row.rejected[0]["content"] for row in most}) == 3, "they take turns"


@pytest.mark.parametrize("right", range(1, 5))
@pytest.mark.parametrize("wrong", range(1, 5))
def test_any_numbers_of_answers_pair_completely(right: int, wrong: int) -> None:
    texts = [f"{at}\nAnswer: 4" for at in range(right)] + [f"{at}\nAnswer: 5" for at in range(wrong)]
    assert len(trust(GOLD)(group(sampled(*texts))).examples) == right * wrong


def test_what_gives_no_pair() -> None:
    assert trust(GOLD)(group(sampled("Answer: 4", "Answer: 4.0"))).reason == "no-pair"
    assert trust(GOLD)(group(sampled("Answer: 5"))).reason == "no-pair"
    assert trust(by_gold({"q": "1"}))(group(sampled("Answer: 5"))).reason == "unjudged"
    assert trust(with_the_vote)(group(sampled("Answer: 4", "Answer: 5"))).reason == "unjudged"
    twice = trust(GOLD)(group(sampled("Answer: 4", "Answer: 4", "Answer: 5"))).examples
    assert len(twice) == 1
    with pytest.raises(DatasetError, match="most=0"):
        trust(GOLD, most=0)


def refining(first: str, refined: str) -> Any:
    """A graph that refines everything and trusts the refinement."""
    script = [first, refined]
    model = OneReplyChatModel(script=lambda messages, number: script[number])
    return create_ask_refine_trust(model, asker=always(), truster=most_recent())


def test_refinements_are_neither_doubted_nor_paired(recorded: Recorded) -> None:
    recorded.run(refining("Answer: 5", "Better.\nAnswer: 4"), problem="p")
    recorded.run(refining("Answer: 4", "Worse.\nAnswer: 6"), problem="p")
    rows = recorded.rows(doubt(GOLD)).examples
    told = sorted((str(row.messages[0]["content"]).splitlines()[1], said(row)) for row in rows)
    assert told == [("Answer: Answer: 4", "Refine: no"), ("Answer: Answer: 5", "Refine: yes")]
    [pair] = recorded.rows(trust(GOLD)).examples
    assert (said(pair), pair.rejected) == ("Answer: 4", [{"role": "assistant", "content": "Answer: 5"}])


def test_a_run_that_refined_votes_once_for_what_it_trusted(recorded: Recorded) -> None:
    recorded.run(refining("Answer: 5", "Answer: 4"), problem="p")
    [group] = recorded.groups()
    assert group.answers == ["4"]


def test_a_draft_of_self_refine_is_a_first_answer(recorded: Recorded) -> None:
    script = ["Answer: 5", "It is four.", "Answer: 4", "There is nothing to improve."]
    model = OneReplyChatModel(script=lambda messages, number: script[number])
    recorded.run(create_self_refine(model, rounds=2), problem="p")
    [row] = recorded.rows(doubt(GOLD)).examples
    assert (str(row.messages[0]["content"]).splitlines()[1], said(row)) == ("Answer: Answer: 5", "Refine: yes")
    [group] = recorded.groups()
    assert group.answers == ["4"]


def test_thumbs_train_an_asker_without_any_gold_answer(recorded: Recorded, tmp_path: Path) -> None:
    """A thumb speaks of the answer that was shown: where that was the refined one it says nothing of the first."""
    for at, (first, refined) in enumerate(
        [("Answer: 1", "Answer: 1"), ("Answer: 2", "Answer: 2"), ("Answer: 3", "Answer: 9")]
    ):
        recorded.run(refining(first, refined), f"Question {at}?", problem=f"p{at}")
    for trace, score in zip(recorded.traces, (1.0, 0.0, 1.0), strict=True):
        recorded.store.add_feedback(trace.id, Feedback(score=score))
    made = harvest(recorded.store).target(doubt(liked)).write(tmp_path / "asker", validation=0.0)
    rows = [*lines_of(tmp_path / "asker" / "train.jsonl")]
    assert sorted(row["completion"][0]["content"] for row in rows) == ["Refine: no", "Refine: yes"]
    assert made.manifest["classes"] == {"train": {"keep": 1, "refine": 1}, "validation": {}}
    assert "supervised" not in made.manifest
    assert made.manifest["funnel"][1]["reasons"] == {"unjudged": 1}


def test_a_manifest_tells_k_the_balance_and_that_gold_was_read(tmp_path: Path) -> None:
    traces = [
        Trace.model_validate(sampled(*texts, id=f"r{at}").model_dump() | {"metadata": {"problem": f"p{at}"}})
        for at, texts in enumerate([("Answer: 1", "Answer: 2")] * 30 + [("Answer: 1",)] * 10)
    ]
    gold = {f"p{at}": "1" for at in range(40)}
    made = harvest(traces).target(doubt(by_gold(gold))).write(tmp_path / "asker", validation=0.25)
    counts = made.manifest["classes"]
    assert sum(counts[split]["keep"] for split in counts) == 40
    assert sum(counts[split].get("refine", 0) for split in counts) == 30
    assert made.manifest["rows_per_problem"] == {"1": 10, "2": 30}
    assert made.manifest["supervised"] == ["doubt"]
    assert made.manifest["target_params"]["judge"].startswith("by_gold(40 answers, sha256 ")
    card = (tmp_path / "asker" / "README.md").read_text()
    assert "*Supervised*: gold answers were read by `doubt`." in card
    assert "Rows a problem: 1 (10 problems), 2 (30 problems)." in card
    sides = {split: {row["problem"] for row in lines_of(tmp_path / "asker" / f"{split}.jsonl")} for split in counts}
    assert all(sides.values())
    assert not sides["train"] & sides["validation"], "split by question"


def test_sub_questions_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(orjson.dumps({"problem": "p", "questions": QUESTIONS["p"]}) + b"\n\n")
    assert sub_questions_of(file) == sub_questions_of(QUESTIONS)
    file.write_text('{"problem": "p", "questions": "What?"}\n')
    with pytest.raises(DatasetError, match="line 1 holds no sub-questions"):
        doubt(GOLD, file)
    with pytest.raises(DatasetError, match="cannot be read"):
        doubt(GOLD, tmp_path / "none")
