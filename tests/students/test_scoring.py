from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage

from langdistill.errors import StudentError
from langdistill.lab import WEIGHTS
from langdistill.strategies.best_of_n import create_best_of_n
from langdistill.students.card import Student, read_student
from langdistill.students.train.objectives.classifier import classifier
from langdistill.students.train.objectives.pairwise_ranker import pairwise_ranker
from langdistill.testing.models import ScriptedChatModel
from tests.students.train.objectives.material import ANSWERED, FEW, PAIRS, QUESTIONS, learnt

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Student:
    return learnt(tmp_path_factory.mktemp("ranker"), PAIRS, pairwise_ranker(), FEW)[0]


@pytest.fixture(scope="module")
def labeller(tmp_path_factory: pytest.TempPathFactory) -> Student:
    return learnt(tmp_path_factory.mktemp("labeller"), ANSWERED, classifier(), FEW)[0]


def test_a_score_is_that_of_the_text_however_it_is_written_and_whatever_it_comes_with(ranker: Student) -> None:
    scorer = ranker.scorer()
    question, reply = QUESTIONS[0], "Yes"
    alike: list[dict[str, Any]] = [
        {"question": question, "reply": reply},
        {"question": [HumanMessage(question)], "reply": [AIMessage(reply)]},
        {"question": [("user", question)], "reply": [{"role": "assistant", "content": reply}]},
    ]
    others = [{"question": one, "reply": "a much longer reply " * 9} for one in QUESTIONS] * 3
    found = scorer.batch([*others, *alike])
    assert len(set(found[-3:])) == 1
    assert found[-1] == pytest.approx(scorer.invoke(alike[0]), abs=1e-5)
    assert found[:12] == found[12:24] == found[24:36]
    assert len(set(found)) == 13
    assert scorer.batch([]) == []


async def test_beside_the_event_loop_scores_and_labels_are_the_same(ranker: Student, labeller: Student) -> None:
    asked: list[Any] = [{"question": one, "reply": "No"} for one in QUESTIONS]
    scorer, reader = ranker.scorer(), labeller.classifier()
    assert await scorer.abatch(asked) == scorer.batch(asked)
    assert await scorer.ainvoke(asked[0]) == scorer.invoke(asked[0])
    assert await reader.abatch(QUESTIONS) == reader.batch(QUESTIONS)


def test_a_ranker_chooses_the_best_of_several_samples_in_one_reading(ranker: Student) -> None:
    replies = ["Yes", "No", "7", "Yes or No"]
    scores = ranker.scorer().batch([{"question": QUESTIONS[0], "reply": reply} for reply in replies])
    graph = create_best_of_n(
        ScriptedChatModel(script=lambda messages, at: replies[at]), ranker.scorer(), samples=4, prompt="{question}"
    )
    said = graph.invoke({"messages": [("user", QUESTIONS[0])]})["messages"][-1].text
    assert said == replies[scores.index(max(scores))]


def test_each_text_is_told_to_callbacks(ranker: Student) -> None:
    class Told(BaseCallbackHandler):
        def __init__(self) -> None:
            self.ended: list[Any] = []

        def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
            self.ended.append(outputs)

    told = Told()
    asked: list[Any] = [{"question": one, "reply": "No"} for one in QUESTIONS[:3]]
    assert ranker.scorer().batch(asked, {"callbacks": [told]}) == told.ended


def test_probabilities_are_of_all_labels_and_the_label_is_the_likeliest(labeller: Student) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from langdistill.students.libraries import hushed

    with hushed():
        base = AutoModelForSequenceClassification.from_pretrained(WEIGHTS, num_labels=3, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, labeller.folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    found = labeller.classifier().batch(QUESTIONS)
    for question, one in zip(QUESTIONS, found, strict=True):
        ids = tokenizer(f"<|begin|><|user|>{question}<|end|><|assistant|>", add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            shares = model(input_ids=torch.tensor([ids])).logits[0].double().softmax(-1).tolist()
        assert one["probabilities"] == pytest.approx(dict(zip(["7", "No", "Yes"], shares, strict=True)), abs=1e-5)
        assert one["label"] == max(one["probabilities"], key=one["probabilities"].__getitem__)


def test_what_cannot_be_read_is_told(ranker: Student, labeller: Student, tmp_path: Path) -> None:
    with pytest.raises(StudentError, match="gives score: it is no classifier"):
        ranker.classifier()
    with pytest.raises(StudentError, match="gives classes: it is no scorer"):
        labeller.scorer()
    with pytest.raises(StudentError, match="gives no text but score"):
        ranker.local()
    with pytest.raises(StudentError, match=r"has 6\d\d tokens; the context of the model is 512"):
        labeller.classifier().invoke("zebra " * 100)
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]
    with pytest.raises(StudentError, match="no messages of text"):
        labeller.classifier().invoke(picture)
    called = [{"role": "assistant", "content": "", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}]}]  # fmt: skip
    with pytest.raises(StudentError, match="cannot be read: template-loses-tool-calls"):
        ranker.scorer().invoke({"question": "q", "reply": called})
    moved = tmp_path / "base"
    shutil.copytree(WEIGHTS, moved)
    (moved / "config.json").write_text((moved / "config.json").read_text().replace("0.05", "0.06"))
    student = ranker.model_copy(update={"base": str(moved)})
    with pytest.raises(StudentError, match="is another"):
        student.scorer()
    broken = shutil.copytree(ranker.folder, tmp_path / "s" / "v1")
    (broken / "adapter_config.json").write_text("{}")
    with pytest.raises(StudentError, match="cannot be loaded"):
        read_student(broken).scorer()
