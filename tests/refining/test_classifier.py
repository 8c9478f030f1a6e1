from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

from langdistill.errors import ModelError
from langdistill.prompts import DOUBT, fill
from langdistill.refining.ask_refine_trust import create_ask_refine_trust
from langdistill.refining.askers.classifier import classifier
from langdistill.refining.trusters.most_recent import most_recent
from langdistill.students.train.objectives.classifier import classifier as labelling
from langdistill.testing.models import OneReplyChatModel
from tests.students.train.objectives.material import FEW, learnt

QUESTION = "What is 2 + 2?"


def model() -> OneReplyChatModel:
    replies = ["Answer: 4", "Answer: 5"]
    return OneReplyChatModel(script=lambda messages, number: replies[number])


def answer(asker: Any, threshold: float = 0.5) -> tuple[str, int]:
    """The graph's answer, and how many completions it took."""
    said = model()
    graph = create_ask_refine_trust(said, asker=asker, truster=most_recent(), threshold=threshold)
    return graph.invoke({"messages": [("user", QUESTION)]})["answer"], len(said.prompts)


@pytest.mark.parametrize(
    ("told", "threshold", "wanted"),
    [(0.6, 0.5, "5"), (0.5, 0.5, "5"), (0.49, 0.5, "4"), (0, 0.0, "5"), (1, 1.0, "5"), (0.99, 1.0, "4")],
)
def test_its_probability_is_the_doubt(told: float, threshold: float, wanted: str) -> None:
    assert answer(classifier(lambda one: told), threshold) == (wanted, 2 if wanted == "5" else 1)


def test_it_reads_the_question_and_the_first_answer() -> None:
    read: list[Any] = []
    assert answer(classifier(RunnableLambda(lambda one: read.append(one) or 0.0))) == ("4", 1)
    assert read == [{"question": QUESTION, "reply": "Answer: 4"}]


@pytest.mark.parametrize(("wrong", "wanted"), [("wrong", "5"), ("right", "4")])
def test_of_labels_the_one_that_means_wrong_is_read(wrong: str, wanted: str) -> None:
    told = {"label": "wrong", "probabilities": {"wrong": 0.8, "right": 0.2}}
    assert answer(classifier(lambda one: told, wrong=wrong))[0] == wanted


@pytest.mark.parametrize(
    "told", [math.nan, -0.1, 1.1, math.inf, None, "wrong", True, {"probabilities": {"wrong": math.nan}}]
)
def test_what_is_no_probability_is_an_error(told: Any) -> None:
    with pytest.raises(ModelError, match="must give the probability that the answer is wrong"):
        answer(classifier(lambda one: told))


@pytest.mark.parametrize("told", [{"label": "yes", "probabilities": {"yes": 0.7, "no": 0.3}}, {"label": "yes"}])
def test_a_label_that_it_does_not_know_is_an_error(told: Any) -> None:
    with pytest.raises(ModelError, match=r"none is 'wrong'. Name the one of wrong answers"):
        answer(classifier(lambda one: told))


@pytest.mark.slow
@pytest.mark.xdist_group("lab_model")
def test_a_student_that_labels_is_an_asker(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "prompt": [{"role": "user", "content": fill(DOUBT, question=QUESTION, reply=f"Answer: {said}")}],
            "completion": [{"role": "assistant", "content": "Yes" if said != 4 else "No"}],
        }
        for said in range(12)
    ]
    student, _ = learnt(tmp_path, rows, labelling(), FEW)
    reader = student.classifier()
    asker = classifier(RunnableLambda(lambda one: fill(DOUBT, **one)) | reader, wrong="Yes")
    doubt = reader.invoke(fill(DOUBT, question=QUESTION, reply="Answer: 4"))["probabilities"]["Yes"]
    assert answer(asker, doubt) == ("5", 2)
    assert answer(asker, min(1.0, doubt + 1e-6)) == ("4", 1)
    graph = create_ask_refine_trust(model(), asker=asker, truster=most_recent(), threshold=doubt)
    assert asyncio.run(graph.ainvoke({"messages": [("user", QUESTION)]}))["answer"] == "5"
